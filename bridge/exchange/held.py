"""Held records: which, why, and whether a later run took them in again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

_LIST = """
SELECT h.id, h.run_id, h.name, h.partner IS NOT NULL AS at_partner, i.name AS input, i.sha256, h.ordinal, h.position,
       h.bridge_id, h.version, coalesce(h.origin_record_id, r.origin_record_id) AS origin_record_id,
       h.code, h.field, h.rule, h.reason, h.state, h.redrive_of, h.at
FROM exchange.held h
LEFT JOIN exchange.input i ON i.id = h.input_id
LEFT JOIN exchange.record r ON r.bridge_id = h.bridge_id
WHERE (CAST(:source AS text) IS NULL OR (h.name = :source AND h.partner IS NULL))
  AND (CAST(:partner AS text) IS NULL OR h.partner = :partner)
  AND (CAST(:run AS bigint) IS NULL OR h.run_id = :run)
  AND (CAST(:code AS text) IS NULL OR h.code = :code)
  AND (CAST(:state AS text) IS NULL OR h.state = :state)
ORDER BY h.id LIMIT :limit
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
) -> list[HeldProblem]:
    """Problems that match every filter given, oldest first."""
    asked = {"source": source, "partner": partner, "run": run, "code": code, "state": state, "limit": limit}
    return [HeldProblem(*row) for row in connection.execute(sa.text(_LIST), asked)]
