"""The switch by which a person stops all deliveries to a partner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bridge.exchange.outbound import partners


@dataclass(frozen=True, slots=True)
class Suspension:
    """Who suspended a partner, why and when."""

    partner: str
    by: str
    reason: str
    at: datetime


def switch(connection: sa.Connection, partner: str, by: str, reason: str, suspended: bool) -> None:
    """Suspend the partner or resume it, in the name of a person and for a reason.

    Raises:
        ValueError: no name or no reason.
    """
    if not by.strip() or not reason.strip():
        raise ValueError("a partner is suspended or resumed by a named person, for a reason")
    now = {"suspended": suspended, "changed_by": by, "reason": reason, "changed_at": sa.func.clock_timestamp()}
    connection.execute(
        insert(partners).values(partner=partner, **now).on_conflict_do_update(index_elements=["partner"], set_=now)
    )


def suspension(connection: sa.Connection, partner: str) -> Suspension | None:
    """The partner's suspension, or None if deliveries may go."""
    found = connection.execute(
        sa.select(partners.c.partner, partners.c.changed_by, partners.c.reason, partners.c.changed_at).where(
            partners.c.partner == partner, partners.c.suspended
        )
    ).one_or_none()
    return None if found is None else Suspension(*found)
