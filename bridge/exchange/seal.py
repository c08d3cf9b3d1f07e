"""The seal of a collected window: its equations checked in the very transaction that makes it visible."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from bridge.exchange.runs import Run, end
from bridge.ledger import Books, Equation, Intake, SourceBooks

_HOLD_INPUTS: Final = """
WITH whole AS (
    INSERT INTO exchange.intake (run_id, input_id, ordinal, rows, disposition, code)
    SELECT run_id, id, -1, 0, 'held', problem_code FROM exchange.input
    WHERE run_id = :run AND problem_code IS NOT NULL AND same_as IS NULL
    ON CONFLICT DO NOTHING
    RETURNING input_id
)
INSERT INTO exchange.held (run_id, name, input_id, ordinal, code, field, rule, reason)
SELECT :run, :source, i.id, -1, i.problem_code, '', coalesce(i.problem_rule, ''), coalesce(i.problem, '')
FROM exchange.input i JOIN whole w ON w.input_id = i.id
"""
_INPUTS: Final = """
SELECT i.id, i.name, i.counted, i.rows_read, i.problem_code IS NOT NULL AS whole,
       coalesce(sum(t.rows), 0)::bigint AS accounted, coalesce(max(t.rows), 1) AS most
FROM exchange.input i LEFT JOIN exchange.intake t ON t.run_id = i.run_id AND t.input_id = i.id
WHERE i.run_id = :run AND i.same_as IS NULL
GROUP BY i.id ORDER BY i.id
"""
_COUNTS: Final = """
SELECT disposition, code, sum(rows)::bigint AS rows, count(*) AS records
FROM exchange.intake WHERE run_id = :run GROUP BY 1, 2 ORDER BY 1, 2
"""
_FIRST_MISSING: Final = """
SELECT min(n) FROM generate_series(0, CAST(:read AS bigint) - 1) n
WHERE NOT EXISTS (SELECT FROM exchange.intake t WHERE t.run_id = :run AND t.input_id = :input AND t.ordinal = n)
"""
_LAST: Final = "SELECT max(ordinal) FROM exchange.intake WHERE run_id = :run AND input_id = :input"
_WINDOW: Final = """
INSERT INTO exchange.sealed_window (source, since, until, run_id, rows_read)
VALUES (:source, :since, :until, :run, :read)
ON CONFLICT (source, since, until)
DO UPDATE SET run_id = excluded.run_id, rows_read = excluded.rows_read, sealed_at = clock_timestamp()
"""
_REDRIVEN: Final = """
UPDATE exchange.held h SET state = 'redriven', redriven_by = :run
WHERE h.state = 'open' AND h.name = :source AND h.run_id <> :run AND h.partner IS NULL AND (
    EXISTS (SELECT FROM exchange.input old JOIN exchange.input now
                 -- The same bytes, or a window that was asked for once more, whose answer stands under its name.
                 ON now.sha256 = old.sha256 OR (now.name = old.name AND now.arrival = old.arrival)
            WHERE old.id = h.input_id AND now.run_id = :run)
    OR h.bridge_id IN (SELECT bridge_id FROM exchange.intake WHERE run_id = :run AND bridge_id IS NOT NULL))
"""
_REDRIVE_OF: Final = """
WITH pairs AS (
    SELECT h.id, old.id AS former
    FROM exchange.held h JOIN exchange.input now ON now.id = h.input_id
    JOIN exchange.input was ON was.sha256 = now.sha256
    JOIN exchange.held old ON old.input_id = was.id AND old.ordinal = h.ordinal
                          AND old.field = h.field AND old.rule = h.rule
    WHERE h.run_id = :run AND h.redrive_of IS NULL AND old.redriven_by = :run
    UNION ALL
    SELECT h.id, old.id
    FROM exchange.held h
    JOIN exchange.held old ON old.bridge_id = h.bridge_id AND old.field = h.field AND old.rule = h.rule
    WHERE h.run_id = :run AND h.redrive_of IS NULL AND old.redriven_by = :run
)
UPDATE exchange.held h SET redrive_of = found.former
FROM (SELECT id, max(former) AS former FROM pairs GROUP BY 1) found WHERE h.id = found.id
"""


def seal_window(connection: sa.Connection, run: Run) -> Books:
    """Count the run's window from its tables and, if it balances, seal it; the caller's transaction commits it."""
    window = run.window
    if window is None:
        raise ValueError("a collect run has a window")
    here: dict[str, Any] = {"run": run.id, "source": run.name}
    connection.execute(sa.text("SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on"))
    connection.execute(sa.text(_HOLD_INPUTS), here)
    inputs = connection.execute(sa.text(_INPUTS), here).all()
    found = connection.execute(sa.text(_COUNTS), here).all()
    versions = connection.scalar(sa.text("SELECT count(*) FROM exchange.record_version WHERE run_id = :run"), here) or 0
    counts, reasons = tally(found)
    accepted = sum(row.records for row in found if row.disposition == Intake.ACCEPTED)
    read = sum(row.rows_read or 0 for row in inputs)
    equations = (
        _counted(run.name, inputs),
        Equation("E2", f"{run.name} rows", read, sum(counts.values()), counts, tuple(_gaps(connection, run, inputs))),
        Equation("E2", f"{run.name} versions written", versions, accepted, {Intake.ACCEPTED: accepted}),
    )
    source = SourceBooks(run.name, 1, 1, len(inputs), read, counts, reasons, refused=sum(row.whole for row in inputs))
    books = Books((source,), (), equations, window.since, window.until)
    if books.balanced:
        span = {"since": window.since, "until": window.until, "read": read}
        connection.execute(sa.text(_WINDOW), here | span)
        if connection.execute(sa.text(_REDRIVEN), here).rowcount:
            # What this transaction has written has no statistics: left alone, the planner takes it for a few rows and
            # looks at each of many for each of many.
            connection.execute(sa.text("SET LOCAL enable_nestloop = off"))
            connection.execute(sa.text(_REDRIVE_OF), here)
            connection.execute(sa.text("SET LOCAL enable_nestloop = on"))
        end(connection, run, "sealed", books)
    return books


def tally(found: Any) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Rows by disposition, and by disposition and code, from rows (disposition, code, rows)."""
    counts: dict[str, int] = {}
    reasons: dict[str, dict[str, int]] = {}
    for row in found:
        counts[row.disposition] = counts.get(row.disposition, 0) + row.rows
        if row.code is not None:
            reasons.setdefault(row.disposition, {})[row.code] = row.rows
    return counts, reasons


def _counted(source: str, inputs: Any) -> Equation:
    """E1: each input that could be counted apart from reading was read to that number."""
    known = [row for row in inputs if row.counted is not None and not row.whole]
    wrong = [row for row in known if row.counted != row.rows_read]
    broken = [f"{row.name}: counted {row.counted}, read {row.rows_read or 0}" for row in wrong]
    unread = [row for row in inputs if row.rows_read is None and row.counted is None and not row.whole]
    broken += [f"{row.name}: never read" for row in unread]
    left, right = sum(row.counted for row in known), sum(row.rows_read or 0 for row in known)
    return Equation("E1", f"{source} inputs", left, right, {"read": right}, tuple(broken[:5]))


def _gaps(connection: sa.Connection, run: Run, inputs: Any) -> list[str]:
    """E2: for each input that does not add up, its numbers and the first record that nobody accounted for."""
    out = []
    for row in inputs:
        read = row.rows_read or 0
        if read == row.accounted:
            continue
        place = {"run": run.id, "input": row.id, "read": read}
        first = None
        if row.most == 1:
            # With one row per record the numbers run on, so the first that is missing can be named.
            first = connection.scalar(sa.text(_FIRST_MISSING), place)
            if first is None:
                first = connection.scalar(sa.text(_LAST), place)
        at = f", first at record {first}" if first is not None else ""
        out.append(f"{row.name}: read {read}, accounted for {row.accounted}{at}")
        if len(out) == 5:
            break
    return out
