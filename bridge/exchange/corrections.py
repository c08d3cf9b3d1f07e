"""What suppliers are asked to correct: a later report of a seizure says otherwise, or another supplier would amend.

Only the supplier of a record amends it; others notify it, and it checks (Reg. (EC) No 515/97, Art. 32). So a request
changes nothing. It is answered by a person, and settled when the reports no longer differ or one of them is gone.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from bridge.errors import Misconfigured, Problem
from bridge.exchange import decisions
from bridge.exchange.decisions import HANDOVER, Decision
from bridge.exchange.layouts import HOLDS

_HELD: Final = """
LEFT JOIN LATERAL (
    SELECT max(h.id) AS id FROM exchange.held h
    WHERE c.kind = 'foreign' AND h.bridge_id = c.bridge_id AND h.code = 'FOREIGN_AMENDMENT' AND h.state = 'open') h
    ON true
"""
_STANDS: Final = "c.stands AND (c.kind <> 'foreign' OR h.id IS NOT NULL)"
_ASK: Final = """
INSERT INTO exchange.correction (kind, bridge_id, version, later, later_version, path, said, supplier, asked_by)
SELECT * FROM unnest(CAST(:kind AS text[]), CAST(:bridge_id AS uuid[]), CAST(:version AS int[]),
                     CAST(:later AS uuid[]), CAST(:later_version AS int[]), CAST(:path AS text[]),
                     CAST(:said AS bytea[]), CAST(:supplier AS text[]), CAST(:asked_by AS text[]))
ON CONFLICT ON CONSTRAINT correction_bridge_id_later_kind_path_said_key DO UPDATE
SET stands = true, version = excluded.version, later_version = excluded.later_version
RETURNING id
"""
_SETTLE: Final = """
UPDATE exchange.correction SET stands = false
WHERE stands AND kind <> 'foreign' AND id <> ALL(:asked)
  AND (bridge_id = ANY(CAST(:ids AS uuid[])) OR later = ANY(CAST(:ids AS uuid[])))
"""
_AMEND: Final = """
INSERT INTO exchange.correction (kind, bridge_id, version, later, later_version, path, said, supplier, asked_by)
SELECT 'foreign', r.bridge_id, r.version, r.bridge_id, r.version, '', a.said, r.supplier, a.asked_by
FROM unnest(CAST(:ids AS uuid[]), CAST(:said AS bytea[]), CAST(:asked_by AS text[])) a(bridge_id, said, asked_by)
JOIN exchange.record r ON r.bridge_id = a.bridge_id
ON CONFLICT DO NOTHING
"""
_FULL: Final = """
SELECT c.id, c.kind, c.path, c.at, c.bridge_id, c.version, c.later, c.later_version, c.supplier, c.asked_by,
       a.origin_system || ':' || a.origin_record_id AS record, b.origin_system || ':' || b.origin_record_id AS other,
       h.id AS problem, {stands} AS stands,
       CASE WHEN NOT ({stands}) THEN 'settled' WHEN d.kind = 'amend' THEN 'to be amended'
            WHEN d.kind = 'keep' THEN 'kept' WHEN d.kind = 'handover' THEN 'handed over' ELSE 'open' END AS state,
       d.decided_by AS answered_by, d.reason AS answer, d.at AS answered_at, w.decided_by AS said_by, w.reason AS why,
       v.content_hash
FROM exchange.correction c
JOIN exchange.record a ON a.bridge_id = c.bridge_id
JOIN exchange.record b ON b.bridge_id = c.later
JOIN exchange.record_version v ON v.bridge_id = c.bridge_id AND v.version = c.version
{held}
LEFT JOIN exchange.decision d ON d.id = c.answer
LEFT JOIN LATERAL (
    SELECT x.decided_by, x.reason FROM exchange.decision x
    WHERE c.kind <> 'foreign' AND x.kind = 'same' AND (x.bridge_id = c.later OR x.about = CAST(c.later AS text))
    ORDER BY x.about = CAST(c.bridge_id AS text) OR x.bridge_id = c.bridge_id DESC, x.id DESC LIMIT 1) w ON true
"""
_STATE: Final = _FULL.format(held=_HELD, stands=_STANDS)
_OPEN: Final = f"{_STANDS} AND c.answer IS NULL"
_HAND_OVER: Final = "UPDATE exchange.record SET supplier = :supplier WHERE bridge_id = :id"
_ANSWER: Final = "UPDATE exchange.correction SET answer = :answer WHERE id = :number"


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that a record's supplier is asked about.

    Args:
        kind: differs, or unmatched: an entry of the later report that may or may not be one of the record's.
        said: what both reports say there; only its hash is kept.
        supplier: who supplied the record; ``asked_by``: who supplied the other report.
    """

    kind: str
    bridge_id: uuid.UUID
    version: int
    later: uuid.UUID
    later_version: int
    path: str
    said: Any
    supplier: str
    asked_by: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of what both reports say there."""
        return hashlib.sha256(json.dumps(self.said, sort_keys=True).encode()).digest()


def ask(connection: sa.Connection, asked: Sequence[Asked], concerned: Collection[uuid.UUID]) -> None:
    """Put down what was found in the cases of these records; what was asked of them before and is not is settled."""
    columns: dict[str, list[Any]] = {
        name: [getattr(one, name) for one in asked]
        for name in ("kind", "bridge_id", "version", "later", "later_version", "path", "supplier", "asked_by")
    }
    columns["said"] = [one.digest for one in asked]
    numbers = connection.scalars(sa.text(_ASK), columns).all() if asked else []
    connection.execute(sa.text(_SETTLE), {"asked": list(numbers), "ids": list(concerned)})


def listed(connection: sa.Connection, *, every: bool, limit: int) -> list[sa.Row[Any]]:
    """Requests that wait for an answer, the oldest first; with ``every`` also those answered or settled."""
    where = "true" if every else _OPEN
    return list(connection.execute(sa.text(f"{_STATE} WHERE {where} ORDER BY c.id LIMIT :limit"), {"limit": limit}))


def waiting(connection: sa.Connection) -> int:
    """How many requests wait for an answer."""
    asked = f"SELECT count(*) FROM exchange.correction c {_HELD} WHERE {_OPEN}"  # noqa: S608
    return int(connection.scalar(sa.text(asked)) or 0)


def one(connection: sa.Connection, number: int) -> sa.Row[Any]:
    """The request of this number.

    Raises:
        Misconfigured: NO_SUCH_REQUEST.
    """
    found = connection.execute(sa.text(f"{_STATE} WHERE c.id = :number"), {"number": number}).one_or_none()
    if found is None:
        what = "there is no such request"
        raise Misconfigured("NO_SUCH_REQUEST", f"request {number}", what, "bridge requests list names them")
    return found


def refused(candidates: pa.Table, owners: Sequence[str]) -> pa.Table:
    """HOLDS of candidates that another country supplies than those which first supplied the records."""
    rows = []
    for row, owner in zip(candidates.drop_columns(["payload", "nominal"]).to_pylist(), owners, strict=True):
        supplier = row["supplier"]
        found = Problem(
            row["ordinal"],
            row["position"],
            "FOREIGN_AMENDMENT",
            "supplier_country",
            "supplier",
            f"{owner} supplied the record and alone amends it, and {supplier} supplies this version; "
            f"have {owner} correct it, or hand it over: bridge requests list",
        )
        said = {"code": found.code, "field": found.field, "rule": found.rule, "reason": found.reason}
        rows.append({name: row[name] for name in HOLDS.names if name in row} | said)
    return pa.Table.from_pylist(rows, HOLDS)


def ask_owners(connection: sa.Connection, candidates: pa.Table) -> None:
    """Ask those who supply the records first about versions that others supply."""
    asked = {
        "ids": [uuid.UUID(bytes=one) for one in candidates.column("bridge_id").to_pylist()],
        "said": candidates.column("content_hash").to_pylist(),
        "asked_by": candidates.column("supplier").to_pylist(),
    }
    connection.execute(sa.text(_AMEND), asked)


def answer(connection: sa.Connection, number: int, kind: str, by: str, reason: str) -> sa.Row[Any]:
    """Put down what the supplier answers, and seal that; gives the request as it was.

    Nothing changes by it, but that a record is amended by another supplier from now on if it is handed over.

    Args:
        kind: AMEND, KEEP or HANDOVER.

    Raises:
        Misconfigured: NO_SUCH_REQUEST, REQUEST_SETTLED, NOT_FOREIGN, SAME_PERSON or NO_REASON.
    """
    found = one(connection, number)
    where = f"request {number}"
    if not found.stands:
        what = "the reports no longer differ there, or one of them stands no longer"
        raise Misconfigured("REQUEST_SETTLED", where, what, "Nothing is left to be answered: bridge requests list")
    if kind == HANDOVER and found.kind != "foreign":
        what = "a record is handed over only to a supplier who would amend it"
        raise Misconfigured("NOT_FOREIGN", where, what, "Answer with --amend or --keep")
    if decisions.same_person(by, found.said_by or ""):
        what = "nobody answers for the supplier who said that the two reports are of one seizure"
        raise Misconfigured("SAME_PERSON", where, what, "Have another person ask the supplier and answer")
    made = Decision(
        kind,
        by,
        reason,
        bridge_id=found.bridge_id,
        version=found.version,
        content_hash=bytes(found.content_hash),
        about=f"{found.path or 'supplier_country'} ({found.other})",
    )
    (decision,) = decisions.make(connection, [made])
    connection.execute(sa.text(_ANSWER), {"answer": decision, "number": number})
    if kind == HANDOVER:
        connection.execute(sa.text(_HAND_OVER), {"id": found.bridge_id, "supplier": found.asked_by})
    return found
