"""What the pages and the run's note ask the exchange: runs, inputs, windows and records, and no document.

No query here reads ``payload`` or the schema of nominal parts, so what a page shows cannot hold more than
codes, identifiers, counts and reasons in which personal values are masked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bridge.ledger import Books

_RUN: Final = """
SELECT id, kind, name, run_key, attempt, since, until, mapping, revision, fingerprint, state, started_at, finished_at,
       note, books, judgement, approved
FROM exchange.run
"""
_INPUTS: Final = """
SELECT i.name, i.sha256, i.size, i.arrival, i.counted, i.rows_read, i.problem_code, i.problem, same.name AS same_as,
       i.notes ->> 'mapping' AS mapping, i.notes ->> 'drift' AS drift, i.notes ->> 'patch' AS patch,
       (SELECT array_agg(DISTINCT coalesce(h.position, h.ordinal) ORDER BY coalesce(h.position, h.ordinal))
        FROM (SELECT position, ordinal FROM exchange.held
              WHERE run_id = i.run_id AND input_id = i.id AND ordinal >= 0 ORDER BY ordinal LIMIT 20) h) AS held_at
FROM exchange.input i LEFT JOIN exchange.input same ON same.id = i.same_as
WHERE i.run_id = :run ORDER BY i.arrival, i.name
"""
_WINDOWS: Final = """
SELECT w.since, w.until, w.sealed_at, w.rows_read, r.run_key
FROM exchange.sealed_window w JOIN exchange.run r ON r.id = w.run_id
WHERE w.source = :source ORDER BY w.until DESC, w.since DESC LIMIT :limit
"""
_HELD: Final = """
SELECT h.name, h.partner IS NOT NULL AS at_partner, h.code, count(*) AS problems,
       count(DISTINCT coalesce(h.bridge_id::text, h.input_id || '/' || h.ordinal)) AS records
FROM exchange.held h WHERE h.state = 'open' GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 3
"""
_SUSPENDED: Final = """
SELECT partner, changed_by AS by, reason, changed_at AS at FROM exchange.partner WHERE suspended ORDER BY partner
"""
_OPEN: Final = """
SELECT d.partner, d.disposition, count(*) AS versions, min(first.at) AS oldest
FROM exchange.delivery d CROSS JOIN LATERAL (
    -- Each run writes anew that it has no answer; what counts is since when there is none.
    SELECT min(e.at) AS at FROM exchange.delivery e
    WHERE e.bridge_id = d.bridge_id AND e.partner = d.partner AND e.version = d.version
      AND e.disposition IN ('pending', 'in_doubt') AND NOT EXISTS (
        SELECT FROM exchange.delivery ended
        WHERE ended.bridge_id = e.bridge_id AND ended.partner = e.partner AND ended.version = e.version
          AND ended.run_id > e.run_id AND ended.disposition NOT IN ('pending', 'in_doubt'))) first
WHERE d.disposition IN ('pending', 'in_doubt') AND NOT EXISTS (
    SELECT FROM exchange.delivery later
    WHERE later.bridge_id = d.bridge_id AND later.partner = d.partner AND later.version = d.version
      AND later.run_id > d.run_id)
GROUP BY 1, 2 ORDER BY 1, 2
"""
_LATEST: Final = "SELECT source, max(until) AS until FROM exchange.sealed_window GROUP BY source ORDER BY source"
_LIMITS: Final = "SELECT set_config('statement_timeout', :timeout, true)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a run, as the exchange keeps it.

    Args:
        note: why it failed.
        books: its counts, once it ended.
        judgement: what quality found of its window, without values, and who let it pass.
        approved: who let it pass the partner's limits, when, and with what figures.
    """

    id: int
    kind: str
    name: str
    run_key: str
    attempt: int
    since: datetime | None
    until: datetime | None
    mapping: str
    revision: int
    fingerprint: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    note: str | None
    books: Books | None
    judgement: list[dict[str, Any]] | None
    approved: dict[str, Any] | None


def attempts(connection: sa.Connection, run_key: str) -> list[Attempt]:
    """Every attempt under a run key, the last one first."""
    asked = sa.text(f"{_RUN} WHERE run_key = :key ORDER BY attempt DESC")
    return [_attempt(row) for row in connection.execute(asked, {"key": run_key})]


def troubled(connection: sa.Connection, limit: int = 10) -> list[Attempt]:
    """The newest runs that failed and that no later attempt has made good."""
    asked = sa.text(
        f"{_RUN} r WHERE state = 'failed' AND NOT EXISTS (SELECT FROM exchange.run later "
        "WHERE later.run_key = r.run_key AND later.attempt > r.attempt) ORDER BY started_at DESC LIMIT :limit"
    )
    return [_attempt(row) for row in connection.execute(asked, {"limit": limit})]


def inputs(connection: sa.Connection, run_id: int) -> list[sa.Row[Any]]:
    """A run's inputs with their hashes, and where the first held records of each stand."""
    return list(connection.execute(sa.text(_INPUTS), {"run": run_id}))


def windows(connection: sa.Connection, source: str, limit: int = 10) -> list[sa.Row[Any]]:
    """A source's newest sealed windows."""
    return list(connection.execute(sa.text(_WINDOWS), {"source": source, "limit": limit}))


def latest(connection: sa.Connection) -> dict[str, datetime]:
    """By source, up to which moment windows are sealed."""
    return {row.source: row.until for row in connection.execute(sa.text(_LATEST))}


def held_by_code(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Open problems by source or partner and code."""
    return list(connection.execute(sa.text(_HELD)))


def suspended(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Partners to which nothing is delivered, with who said so and why."""
    return list(connection.execute(sa.text(_SUSPENDED)))


def undecided(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Deliveries that a later run must end, by partner, with the moment of the oldest."""
    return list(connection.execute(sa.text(_OPEN)))


def limit(connection: sa.Connection, milliseconds: int) -> None:
    """Let no statement of this transaction take longer."""
    connection.execute(sa.text(_LIMITS), {"timeout": str(milliseconds)})


def _attempt(row: sa.Row[Any]) -> Attempt:
    values = row._asdict()
    return Attempt(**{**values, "books": Books.from_dict(values["books"]) if values["books"] else None})
