"""Held records: which, why, and whether a later run took them in again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bridge.errors import Misconfigured

_LIST = """
SELECT h.id, h.run_id, h.name, h.partner IS NOT NULL AS at_partner, i.name AS input, i.sha256, h.ordinal, h.position,
       h.bridge_id, h.version, coalesce(h.origin_record_id, r.origin_record_id) AS origin_record_id,
       h.code, h.field, h.rule, h.reason, h.state, h.redrive_of, h.at
FROM exchange.held h
LEFT JOIN exchange.input i ON i.id = h.input_id
LEFT JOIN exchange.record r ON r.bridge_id = h.bridge_id
WHERE (CAST(:source AS text) IS NULL OR (h.name = :source AND h.partner IS NULL)
       OR (CAST(:partner AS text) IS NOT NULL AND h.partner IS NOT NULL AND EXISTS (
           SELECT 1 FROM exchange.record_version v JOIN exchange.run c ON c.id = v.run_id
           WHERE v.bridge_id = h.bridge_id AND v.version = h.version AND c.name = :source)))
  AND (CAST(:partner AS text) IS NULL OR h.partner = :partner)
  AND (CAST(:run AS bigint) IS NULL OR h.run_id = :run)
  AND (CAST(:code AS text) IS NULL OR h.code = :code)
  AND (CAST(:state AS text) IS NULL OR h.state = :state)
  AND (CAST(:ids AS bigint[]) IS NULL OR h.id = ANY(:ids))
ORDER BY h.id LIMIT :limit
"""
_TRIED = """
WITH RECURSIVE earlier AS (
    SELECT id, redrive_of FROM exchange.held WHERE id = :id
    UNION SELECT h.id, h.redrive_of FROM exchange.held h JOIN earlier e ON h.id = e.redrive_of
), later AS (
    SELECT id FROM exchange.held WHERE id = :id
    UNION SELECT h.id FROM exchange.held h JOIN later l ON h.redrive_of = l.id
), every AS (SELECT id FROM earlier UNION SELECT id FROM later)
SELECT h.at, 'held by run ' || h.run_id || ' as problem ' || h.id AS what, '' AS who, h.code AS why
FROM exchange.held h WHERE h.id IN (SELECT id FROM every)
UNION ALL
SELECT coalesce(c.finished_at, c.started_at), 'taken in again by run ' || c.id, '', c.state
FROM exchange.held h JOIN exchange.run c ON c.id = h.redriven_by WHERE h.id IN (SELECT id FROM every)
UNION ALL
SELECT d.at, d.kind || ' (decision ' || d.id || ')', d.decided_by, d.reason
FROM exchange.decision d
WHERE d.held_id IN (SELECT id FROM every) OR d.decision_id IN (
    SELECT p.id FROM exchange.decision p WHERE p.held_id IN (SELECT id FROM every))
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class HeldProblem:
    """One problem of a held record.

    Args:
        name: the source or the partner where it was found; ``at_partner`` tells which.
        input: name of the input, with its hash, the record's number and its position there; None at a partner.
        bridge_id: the record, with its version at a partner; None if its identifier could not be read.
        redrive_of: the same problem as found by an earlier run.
    """

    id: int
    run_id: int
    name: str
    at_partner: bool
    input: str | None
    sha256: str | None
    ordinal: int | None
    position: int | None
    bridge_id: uuid.UUID | None
    version: int | None
    origin_record_id: str | None
    code: str
    field: str
    rule: str
    reason: str
    state: str
    redrive_of: int | None
    at: datetime


def held(
    connection: sa.Connection,
    source: str | None,
    partner: str | None,
    run: int | None,
    code: str | None,
    state: str | None,
    limit: int,
    ids: list[int] | None = None,
) -> list[HeldProblem]:
    """Problems that match every filter given, oldest first."""
    asked = {"source": source, "partner": partner, "run": run, "code": code, "state": state, "limit": limit, "ids": ids}
    return [HeldProblem(*row) for row in connection.execute(sa.text(_LIST), asked)]


def one(connection: sa.Connection, problem_id: int) -> HeldProblem:
    """The problem of this number, in whatever state.

    Raises:
        Misconfigured: NOT_HELD.
    """
    found = held(connection, None, None, None, None, None, 1, [problem_id])
    if not found:
        what = "there is no problem of this number"
        raise Misconfigured(
            "NOT_HELD", f"held {problem_id}", what, "bridge held lists those that are open, with their numbers"
        )
    return found[0]


def tried(connection: sa.Connection, problem_id: int) -> list[sa.Row[Any]]:
    """What was tried about a problem, oldest first: when, what, who, and why or with what result."""
    return list(connection.execute(sa.text(_TRIED), {"id": problem_id}))
