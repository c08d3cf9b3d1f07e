"""The books, counted anew from the tables each time: a check that trusted its own summary would be none."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bridge.connector import Window
from bridge.exchange.runs import Run
from bridge.exchange.seal import tally
from bridge.ledger import AWAITING, Books, Delivery, Equation, Intake, PartnerBooks, SourceBooks

_RUNS: Final = """
SELECT coalesce(array_agg(c.id), '{}') FROM exchange.run c
WHERE c.kind = 'collect' AND c.state = 'sealed'
  AND (CAST(:since AS timestamptz) IS NULL OR c.until > :since)
  AND (CAST(:until AS timestamptz) IS NULL OR c.since < :until)
"""
_SOURCES: Final = """
SELECT c.name, count(DISTINCT (c.since, c.until)) AS windows, count(*) AS runs, sum(i.inputs)::bigint AS inputs,
       sum(i.refused)::bigint AS refused,
       sum(i.read)::bigint AS read, sum(i.counted)::bigint AS counted, sum(i.countable)::bigint AS countable,
       coalesce(array_agg(i.wrong) FILTER (WHERE i.wrong IS NOT NULL), '{}') AS wrong
FROM exchange.run c CROSS JOIN LATERAL (
    SELECT count(*) AS inputs, count(i.problem_code) AS refused, coalesce(sum(i.rows_read), 0) AS read,
           coalesce(sum(i.counted), 0) AS counted,
           coalesce(sum(i.rows_read) FILTER (WHERE i.counted IS NOT NULL), 0) AS countable,
           min(i.name) FILTER (WHERE i.counted <> i.rows_read) AS wrong
    FROM exchange.input i WHERE i.run_id = c.id AND i.same_as IS NULL) i
WHERE c.id = ANY(:runs) AND (CAST(:source AS text) IS NULL OR c.name = :source)
GROUP BY c.name ORDER BY c.name
"""
_DISPOSITIONS: Final = """
SELECT t.disposition, t.code, sum(t.rows)::bigint AS rows, count(*) AS records
FROM exchange.intake t JOIN exchange.run c ON c.id = t.run_id
WHERE c.id = ANY(:runs) AND c.name = :source GROUP BY 1, 2 ORDER BY 1, 2
"""
_WRITTEN: Final = """
SELECT count(*) FROM exchange.record_version v JOIN exchange.run c ON c.id = v.run_id
WHERE c.id = ANY(:runs) AND c.name = :source
"""
_GAPS: Final = """
SELECT lower(g), upper(g) FROM (
    SELECT unnest(tstzmultirange(tstzrange(min(since), max(until)))
                  - range_agg(tstzrange(since, until))) AS g
    FROM exchange.sealed_window WHERE source = :source) gaps
"""
_PARTNERS: Final = (
    "SELECT partner FROM exchange.partner WHERE CAST(:partner AS text) IS NULL OR partner = :partner ORDER BY 1"
)
_ACCEPTED: Final = """
SELECT count(*) FROM exchange.intake WHERE run_id = ANY(:runs) AND disposition = 'accepted'
"""
_DELIVERED: Final = """
SELECT d.disposition, d.effect, d.code, count(*) AS rows
FROM exchange.record_version v LEFT JOIN LATERAL (
    SELECT d.disposition, d.effect, d.code FROM exchange.delivery d
    WHERE d.bridge_id = v.bridge_id AND d.partner = :partner AND d.version = v.version
    ORDER BY d.run_id DESC LIMIT 1) d ON true
WHERE v.run_id = ANY(:runs)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_PHANTOM: Final = """
SELECT d.bridge_id, d.version FROM exchange.delivery d
WHERE d.partner = :partner AND NOT EXISTS (
    SELECT FROM exchange.record_version v WHERE v.bridge_id = d.bridge_id AND v.version = d.version)
ORDER BY 1, 2 LIMIT 1
"""
_OF_RUN: Final = """
SELECT disposition, effect, code, count(*) AS rows FROM exchange.delivery WHERE run_id = :run GROUP BY 1, 2, 3
"""
_UNSETTLED: Final = """
SELECT s.bridge_id, s.version FROM exchange.selection s WHERE s.run_id = :run AND NOT EXISTS (
    SELECT FROM exchange.delivery d
    WHERE d.partner = :partner AND d.bridge_id = s.bridge_id AND d.version = s.version AND d.run_id = :run)
ORDER BY s.ordinal LIMIT 1
"""
_UNASKED: Final = """
SELECT d.bridge_id, d.version FROM exchange.delivery d
WHERE d.run_id = :run AND d.disposition <> 'superseded' AND NOT EXISTS (
    SELECT FROM exchange.selection s WHERE s.run_id = :run AND s.bridge_id = d.bridge_id AND s.version = d.version)
ORDER BY 1, 2 LIMIT 1
"""


def books(
    connection: sa.Connection, source: str | None, partner: str | None, since: datetime | None, until: datetime | None
) -> Books:
    """Books of one source, of one partner, or of all there are, over sealed windows that touch since <= t < until."""
    runs = _runs(connection, since, until)
    sources: list[SourceBooks] = []
    partners: list[PartnerBooks] = []
    equations: list[Equation] = []
    if source is not None or partner is None:
        for row in connection.execute(sa.text(_SOURCES), {"runs": runs, "source": source}).all():
            one, laws = _source(connection, row, runs)
            sources.append(one)
            equations += laws
    if partner is not None or source is None:
        for name in connection.scalars(sa.text(_PARTNERS), {"partner": partner}).all():
            other, law = partner_books(connection, name, runs)
            partners.append(other)
            equations += [law, phantom(connection, name)]
    return Books(tuple(sources), tuple(partners), tuple(equations), since, until)


def _runs(connection: sa.Connection, since: datetime | None, until: datetime | None) -> list[int]:
    """Sealed collect runs over windows that touch the range."""
    return list(connection.scalar(sa.text(_RUNS), {"since": since, "until": until}) or [])


def gaps(connection: sa.Connection, source: str) -> list[Window]:
    """Stretches between the source's first and last sealed window that none covers, oldest first."""
    found = connection.execute(sa.text(_GAPS), {"source": source}).all()
    return [Window(since, until) for since, until in found if since is not None]


def _source(connection: sa.Connection, row: Any, runs: list[int]) -> tuple[SourceBooks, list[Equation]]:
    here = {"runs": runs, "source": row.name}
    found = connection.execute(sa.text(_DISPOSITIONS), here).all()
    counts, reasons = tally(found)
    accepted = sum(r.records for r in found if r.disposition == Intake.ACCEPTED)
    written = connection.scalar(sa.text(_WRITTEN), here) or 0
    missing = gaps(connection, row.name)
    pairs = tuple((gap.since, gap.until) for gap in missing)
    one = SourceBooks(row.name, row.windows, row.runs, row.inputs, row.read, counts, reasons, pairs, row.refused)
    return one, [
        Equation("E0", f"{row.name} gaps", len(missing), 0, {}, tuple(map(str, missing[:5]))),
        Equation("E1", f"{row.name} inputs", row.counted, row.countable, {"read": row.countable}, tuple(row.wrong[:5])),
        Equation("E2", f"{row.name} rows", row.read, sum(counts.values()), counts),
        Equation("E2", f"{row.name} versions written", written, accepted, {Intake.ACCEPTED: accepted}),
    ]


def partner_books(connection: sa.Connection, partner: str, runs: list[int]) -> tuple[PartnerBooks, Equation]:
    """Where the versions that these collect runs accepted went at the partner, by their latest offer, and E3."""
    here = {"partner": partner, "runs": runs}
    accepted = connection.scalar(sa.text(_ACCEPTED), here) or 0
    counts, effects, reasons = _delivered(connection.execute(sa.text(_DELIVERED), here).all())
    law = Equation("E3", f"{partner} versions", accepted, sum(counts.values()), counts)
    return PartnerBooks(partner, accepted, counts, effects, reasons), law


def phantom(connection: sa.Connection, partner: str) -> Equation:
    """G3 from our side: nothing was delivered that nobody accepted."""
    found = connection.execute(sa.text(_PHANTOM), {"partner": partner}).one_or_none()
    broken = (f"{found[0]} version {found[1]} was offered and never accepted",) if found else ()
    return Equation("E3", f"{partner} phantoms", int(found is not None), 0, {}, broken)


def run_books(connection: sa.Connection, run: Run, selected: int, covers: list[int]) -> Books:
    """What a share settled of what it had selected, and that no version of the collect runs it covers is left.

    Every collect run is checked by the share that covers it and deliveries are only ever added, so the
    books over all time balance too; books() counts those anew.
    """
    here = {"run": run.id, "partner": run.name}
    counts, effects, reasons = _delivered(connection.execute(sa.text(_OF_RUN), here).all())
    settled = sum(counts.values())
    broken = []
    if settled != selected:
        for statement, what in ((_UNSETTLED, "never settled"), (_UNASKED, "settled and never selected")):
            found = connection.execute(sa.text(statement), here).one_or_none()
            if found:
                broken.append(f"{found[0]} version {found[1]} {what}")
    law = Equation("E3", f"{run.name} run {run.id}", selected, settled, counts, tuple(broken))
    other, covered = partner_books(connection, run.name, covers)
    offered = other.accepted - other.counts.get(AWAITING, 0)
    covered = Equation("E3", f"{run.name} collect runs covered", other.accepted, offered, covered.terms)
    span = (run.window.since, run.window.until) if run.window else (None, None)
    return Books((), (PartnerBooks(run.name, selected, counts, effects, reasons),), (law, covered), *span)


def _delivered(found: Any) -> tuple[dict[str, int], dict[str, int], dict[str, dict[str, int]]]:
    counts: dict[str, int] = {}
    effects: dict[str, int] = {}
    reasons: dict[str, dict[str, int]] = {}
    for row in found:
        disposition = row.disposition or AWAITING
        counts[disposition] = counts.get(disposition, 0) + row.rows
        if disposition == Delivery.DELIVERED:
            effects[row.effect] = effects.get(row.effect, 0) + row.rows
        elif row.code is not None:
            codes = reasons.setdefault(disposition, {})
            codes[row.code] = codes.get(row.code, 0) + row.rows
    return counts, effects, reasons
