"""Bytes as received: which inputs hold a record, and how long each is still wanted."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

_KNOWN: Final = """
SELECT DISTINCT i.sha256, i.name, c.name AS source
FROM exchange.intake t JOIN exchange.input i ON i.id = t.input_id JOIN exchange.run c ON c.id = i.run_id
WHERE t.bridge_id = :id AND c.name <> 'erasure'
"""
_MAYBE: Final = """
SELECT DISTINCT ON (i.sha256, c.name) i.sha256, i.name, c.name AS source, i.size, i.arrival,
       i.problem_code IS NOT NULL AS whole
FROM exchange.input i JOIN exchange.run c ON c.id = i.run_id
WHERE c.name <> 'erasure' AND (
    i.problem_code IS NOT NULL
    OR EXISTS (SELECT FROM exchange.intake t WHERE t.run_id = i.run_id AND t.input_id = i.id
                 AND (t.bridge_id IS NULL OR t.disposition = 'echo'))
    OR NOT EXISTS (SELECT FROM exchange.input j JOIN exchange.run s ON s.id = j.run_id
                   WHERE j.sha256 = i.sha256 AND s.state = 'sealed'))
ORDER BY i.sha256, c.name, i.id DESC
"""
_WANTED: Final = """
WITH again AS (
    SELECT DISTINCT i.sha256 FROM exchange.intake t JOIN exchange.input i ON i.id = t.input_id
    WHERE t.bridge_id IN (SELECT bridge_id FROM exchange.decision WHERE kind = 'erase'))
SELECT i.sha256, min(i.name) AS name, array_agg(DISTINCT c.name) AS sources,
       bool_or(c.state = 'running' AND c.started_at > clock_timestamp() - interval '2 days') AS busy,
       bool_or(c.state = 'sealed') AS taken, max(coalesce(c.finished_at, c.started_at)) AS last,
       bool_or(EXISTS (SELECT FROM exchange.held h WHERE h.input_id = i.id AND h.state = 'open')) AS held,
       i.sha256 IN (SELECT sha256 FROM again) OR i.sha256 IN (SELECT sha256 FROM exchange.cut_short) AS cut
FROM exchange.input i JOIN exchange.run c ON c.id = i.run_id
WHERE c.name <> 'erasure' GROUP BY i.sha256
"""
_CUT: Final = """
INSERT INTO exchange.cut_short (sha256, bridge_id) VALUES (:sha256, :id) ON CONFLICT DO NOTHING
"""
_LAPSE: Final = """
UPDATE exchange.held SET state = 'lapsed'
WHERE state = 'open' AND input_id IN (SELECT id FROM exchange.input WHERE sha256 = ANY(:gone))
"""
_LEFT: Final = """
SELECT DISTINCT c.name, c.since, c.until, c.run_key FROM exchange.input i JOIN exchange.run c ON c.id = i.run_id
WHERE i.sha256 = ANY(:hashes) AND c.since IS NOT NULL AND NOT EXISTS (
    SELECT FROM exchange.run r WHERE r.run_key = c.run_key AND r.state = 'running')
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An input's bytes, and why they may still be wanted.

    Args:
        busy: a run is reading them.
        taken: a run that is sealed has taken them in; before that they are all there is of their records.
        last: when the last run that had them ended.
        held: an open problem stands in them.
        cut: an erased record stands in them, or came in them again.
    """

    sha256: str
    name: str
    sources: tuple[str, ...]
    busy: bool
    taken: bool
    last: datetime
    held: bool
    cut: bool


def holding(connection: sa.Connection, bridge_id: uuid.UUID) -> list[sa.Row[Any]]:
    """Inputs (sha256, name, source) of which an entry says that the record stands in them."""
    return list(connection.execute(sa.text(_KNOWN), {"id": bridge_id}))


def doubtful(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Inputs (sha256, name, source, size, arrival, held as a whole) of which no entry can say: held as a whole or in
    part, never taken in, or records of ours come back."""
    return list(connection.execute(sa.text(_MAYBE)))


def wanted(connection: sa.Connection) -> list[Wanted]:
    """Every input by its hash."""
    rows = connection.execute(sa.text(_WANTED))
    return [Wanted(r.sha256, r.name, tuple(r.sources), r.busy, r.taken, r.last, r.held, r.cut) for r in rows]


def cut_short(connection: sa.Connection, bridge_id: uuid.UUID, hashes: Sequence[str]) -> None:
    """The bytes of these inputs may no longer be kept: an erased record stands in them."""
    if hashes:
        connection.execute(sa.text(_CUT), [{"sha256": one, "id": bridge_id} for one in sorted(set(hashes))])


def lapse(connection: sa.Connection, gone: Sequence[str]) -> int:
    """Problems in these inputs can no longer be redriven, for their bytes are gone; gives their number."""
    return connection.execute(sa.text(_LAPSE), {"gone": list(gone)}).rowcount


def left(connection: sa.Connection, hashes: Sequence[str]) -> list[sa.Row[Any]]:
    """Runs (name, since, until, run_key) that had these inputs and no longer run: their working files can go."""
    return list(connection.execute(sa.text(_LEFT), {"hashes": list(hashes)}))
