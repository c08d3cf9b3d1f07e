"""What partners still have to take from us: corrections, withdrawals, erasures, what was decided about a record, and
messages that they have not answered for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

_OWED: Final = """
SELECT o.partner, r.bridge_id, r.origin_system, r.origin_record_id, o.what, o.since FROM (
    SELECT latest.partner, r.bridge_id, coalesce(c.finished_at, c.started_at) AS since,
           CASE WHEN v.record_status = 'ERASED' THEN 'erasure' WHEN r.cancelled THEN 'withdrawal'
                ELSE 'correction' END AS what
    FROM exchange.record r
    JOIN exchange.record_version v ON v.bridge_id = r.bridge_id AND v.version = r.version
    JOIN exchange.run c ON c.id = v.run_id
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (d.partner) d.partner, d.holds, d.version FROM exchange.delivery d
        WHERE d.bridge_id = r.bridge_id AND d.holds IS NOT NULL
        ORDER BY d.partner, d.version DESC, d.run_id DESC) latest
    WHERE r.version > 1 AND latest.holds AND latest.version < r.version
    UNION ALL
    SELECT latest.partner, x.bridge_id, x.at, CASE x.kind WHEN 'expire' THEN 'expiry' ELSE 'exoneration' END
    FROM exchange.decision x CROSS JOIN LATERAL (
        SELECT DISTINCT ON (d.partner) d.partner, d.holds, d.version FROM exchange.delivery d
        WHERE d.bridge_id = x.bridge_id AND d.holds IS NOT NULL
        ORDER BY d.partner, d.version DESC, d.run_id DESC) latest
    WHERE x.kind IN ('expire', 'exonerate') AND latest.holds AND (x.partner IS NULL OR x.partner = latest.partner)
      AND NOT EXISTS (
          SELECT FROM exchange.applied a JOIN exchange.delivery e
               ON e.bridge_id = x.bridge_id AND e.partner = a.partner AND e.run_id >= a.share_run_id
          WHERE a.decision_id = x.id AND a.partner = latest.partner
            AND e.disposition NOT IN ('pending', 'in_doubt', 'held'))
    UNION ALL
    SELECT x.partner, x.bridge_id, x.at, 'delivery' FROM exchange.outbox x WHERE x.sent AND x.effect = 'insert') o
JOIN exchange.record r ON r.bridge_id = o.bridge_id
WHERE CAST(:partner AS text) IS NULL OR o.partner = :partner
ORDER BY o.since, r.bridge_id
"""


@dataclass(frozen=True, slots=True)
class Owed:
    """Something that a partner has not acknowledged.

    Args:
        what: correction, withdrawal, erasure, expiry or exoneration of a record that it holds; delivery of one that it
            was sent.
        since: when it came to be due.
    """

    partner: str
    bridge_id: uuid.UUID
    origin_system: str
    origin_record_id: str
    what: str
    since: datetime


def owed(connection: sa.Connection, partner: str | None) -> list[Owed]:
    """All that partners have not acknowledged, the oldest first."""
    return [Owed(*row) for row in connection.execute(sa.text(_OWED), {"partner": partner})]
