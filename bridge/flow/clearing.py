"""Exoneration, and whether partners have acknowledged in time what they must take from us."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bridge.content import SHARE, Content
from bridge.errors import Misconfigured
from bridge.exchange import Decision, Exchange, Owed
from bridge.exchange.decisions import NOBODY
from bridge.mapping import load_on

HOURS: Final = 24
"""Within so many hours a partner acknowledges what it must take, where deliver.acknowledge_hours says nothing else."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """What a partner has not acknowledged within its hours, and since when it should have."""

    owed: Owed
    deadline: datetime


def exonerate(
    exchange: Exchange, record: uuid.UUID, person: int | None, nobody: bool, by: str, reason: str, ground: str
) -> tuple[int, list[str]]:
    """Take an exonerated person out of a record, or the record back, wherever it is; Reg. (EC) No 515/97, Art. 45(4).

    It holds of the version that is the current one. Of a later version no person leaves before somebody has said of it,
    too, which of its persons that is, or that it is ``nobody``.

    Args:
        person: place in the record's list of persons, from 0; None with ``nobody`` False for the record as a whole.

    Returns:
        The decision's number, and the partners that have the record.

    Raises:
        Misconfigured: NO_SUCH_RECORD, NO_SUCH_PERSON or NO_REASON.
    """
    now = exchange.record(record)
    about = NOBODY if nobody else "" if person is None else str(person)
    if person is not None:
        count = exchange.persons_in(record)
        if not 0 <= person < count:
            what = f"the record has {count} persons, and this is not the place of one"
            raise Misconfigured("NO_SUCH_PERSON", str(record), what, "Count them from 0, as bridge explain does")
    made = Decision(
        "exonerate", by, reason, bridge_id=record, version=now.version, content_hash=bytes(now.content_hash),
        about=about, ground=ground,
    )  # fmt: skip
    return exchange.decide([made])[0], exchange.holders_of(record)


def overdue(exchange: Exchange, content: Content, now: datetime, partner: str | None = None) -> list[Overdue]:
    """What partners have not acknowledged within the hours that their mapping declares, the oldest first."""
    hours: dict[str, timedelta] = {}
    found = []
    for one in exchange.owed(partner):
        if one.partner not in hours:
            hours[one.partner] = timedelta(hours=_hours(content, one.partner))
        deadline = one.since + hours[one.partner]
        if deadline < now:
            found.append(Overdue(one, deadline))
    return found


def _hours(content: Content, partner: str) -> int:
    if partner not in content.partners():
        return HOURS
    return int((load_on(content, partner, SHARE).deliver or {}).get("acknowledge_hours", HOURS))
