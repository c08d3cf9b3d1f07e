"""Every hop of one record: where it came in, what became of it, where it went."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

_HOPS = """
SELECT coalesce(c.finished_at, c.started_at) AS at, 'intake' AS side, c.name, c.id AS run_id, v.version,
       t.disposition, t.code, i.name || ' record ' || t.ordinal AS place
FROM exchange.intake t
JOIN exchange.run c ON c.id = t.run_id
JOIN exchange.input i ON i.id = t.input_id
LEFT JOIN exchange.record_version v
       ON v.bridge_id = t.bridge_id AND v.run_id = t.run_id AND v.input_id = t.input_id AND v.ordinal = t.ordinal
WHERE t.bridge_id = :id
UNION ALL
SELECT d.at, 'delivery', d.partner, d.run_id, d.version, d.disposition, coalesce(d.effect, d.code), d.receipt
FROM exchange.delivery d, exchange.partner p
WHERE d.partner = p.partner AND d.bridge_id = :id
ORDER BY at, run_id
"""


@dataclass(frozen=True, slots=True)
class Hop:
    """One thing that happened to a record.

    Args:
        side: intake or delivery.
        name: the source or the partner.
        version: the version accepted or offered; None if intake made none.
        code: effect of a delivery, problem code of held, rule of withheld or out of scope, TIE, ECHO.
        place: the input and the record's number in it, or the receipt.
    """

    at: datetime
    side: str
    name: str
    run_id: int
    version: int | None
    disposition: str
    code: str | None
    place: str | None


def explain(connection: sa.Connection, bridge_id: uuid.UUID) -> list[Hop]:
    """The record's hops, oldest first; empty if the exchange never met it."""
    return [Hop(*row) for row in connection.execute(sa.text(_HOPS), {"id": bridge_id})]


def find(connection: sa.Connection, origin_system: str, origin_record_id: str) -> uuid.UUID | None:
    """The bridge_id of a record, from its identifier at the origin."""
    asked = "SELECT bridge_id FROM exchange.record WHERE origin_system = :system AND origin_record_id = :id"
    found: uuid.UUID | None = connection.scalar(sa.text(asked), {"system": origin_system, "id": origin_record_id})
    return found
