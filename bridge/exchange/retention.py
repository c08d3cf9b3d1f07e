"""How long partners keep what they got: when the time of each record is over, and what became of those that expired."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

_KEPT: Final = """
SELECT f.bridge_id, r.origin_system, r.origin_record_id, f.since,
       f.since + make_interval(years => :years) AS base,
       greatest(e.until, f.since + make_interval(years => :years)) AS until,
       f.since + make_interval(years => :years + :extend) AS last
FROM (SELECT d.bridge_id, min(d.at) AS since FROM exchange.delivery d
      WHERE d.partner = :partner AND d.holds
        AND (CAST(:record AS uuid) IS NULL OR d.bridge_id = :record)
      GROUP BY 1 HAVING min(d.at) + make_interval(years => :years) < :before) f
JOIN exchange.record r USING (bridge_id)
CROSS JOIN LATERAL (
    SELECT d.holds FROM exchange.delivery d
    WHERE d.bridge_id = f.bridge_id AND d.partner = :partner AND d.holds IS NOT NULL
    ORDER BY d.version DESC, d.run_id DESC LIMIT 1) latest
LEFT JOIN LATERAL (
    SELECT max(x.until) AS until FROM exchange.decision x
    WHERE x.bridge_id = f.bridge_id AND x.partner = :partner AND x.kind = 'extend') e ON true
WHERE latest.holds AND greatest(e.until, f.since + make_interval(years => :years)) < :before
  AND NOT EXISTS (SELECT FROM exchange.decision x WHERE x.bridge_id = f.bridge_id AND x.partner = :partner
                  AND x.kind = 'expire' AND x.about IN ('all', :about))
ORDER BY until, f.bridge_id
"""


@dataclass(frozen=True, slots=True)
class Term:
    """How long a partner may keep a record.

    Args:
        since: when the partner first had it, by the books.
        base: when its time is over, if nobody extends it.
        until: when its time is over now.
        last: beyond which nobody can extend it.
    """

    partner: str
    bridge_id: uuid.UUID
    origin_system: str
    origin_record_id: str
    since: datetime
    base: datetime
    until: datetime
    last: datetime


def terms(
    connection: sa.Connection,
    partner: str,
    years: int,
    extend: int,
    about: str,
    before: datetime,
    record: uuid.UUID | None = None,
) -> Iterator[Term]:
    """Records that the partner holds and whose time is over before the moment, the first to end first; none of which
    it was decided already that they, or what is ``about``, expired.

    Args:
        record: only this one.
    """
    asked = {"partner": partner, "years": years, "extend": extend, "about": about, "before": before, "record": record}
    for row in connection.execute(sa.text(_KEPT), asked):
        yield Term(partner, *row)
