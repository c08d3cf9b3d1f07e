"""Decisions about single records, by people or by the calendar: sealed as they are made, and only ever added to.

A decision is a run of its own kind with one entry, so that the chain of seals covers it. What may leave of a record
to a partner follows from all decisions about it; a share offers each record concerned anew, once.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from bridge.errors import Misconfigured
from bridge.exchange import cases
from bridge.exchange.cases import Place
from bridge.exchange.chain import append
from bridge.exchange.decidedtables import decision as table
from bridge.exchange.revisions import Used
from bridge.exchange.runs import Run, begin, end
from bridge.ledger import Books
from bridge.policy import Decided

DECIDE: Final = "decide"
PROPOSE, APPROVE, REDRIVE, ERASE = "propose", "approve", "redrive", "erase"
EXTEND, EXPIRE, EXONERATE = "extend", "expire", "exonerate"
SAME, DIFFERENT = "same", "different"
AMEND, KEEP, HANDOVER = "amend", "keep", "handover"
DUPLICATE: Final = "DUPLICATE"
"""Rule of a record that a person found to be a second report of another's seizure."""
EXPIRED: Final = "EXPIRED"
"""Rule of a record whose time at the partner has run out."""
EXONERATED: Final = "EXONERATED"
"""Rule of a record whose subject was exonerated."""
WHOLE, PERSONAL = "all", "personal"
NOBODY: Final = "none"
"""Of an exonerated record's later version: none of its persons is the one."""
_STANDING: Final = """
SELECT bridge_id, kind, version, content_hash, about FROM exchange.decision
WHERE bridge_id = ANY(CAST(:ids AS uuid[])) AND (partner IS NULL OR partner = :partner)
  AND kind IN ('approve', 'extend', 'expire', 'exonerate', 'same', 'different') ORDER BY id
"""
_CURRENT: Final = """
SELECT bridge_id, version, content_hash FROM exchange.record WHERE bridge_id = ANY(CAST(:ids AS uuid[]))
"""
_ANY: Final = "SELECT EXISTS (SELECT FROM exchange.decision WHERE partner IS NULL OR partner = :partner)"
_OF: Final = "SELECT * FROM exchange.decision WHERE bridge_id = :id ORDER BY id"
_PERSONS: Final = """
SELECT jsonb_array_length(CAST(nullif(v.payload, '') AS jsonb) -> 'persons') FROM exchange.record r
JOIN exchange.record_version v ON v.bridge_id = r.bridge_id AND v.version = r.version WHERE r.bridge_id = :id
"""
_WAITING: Final = """
SELECT p.* FROM exchange.decision p JOIN exchange.record r USING (bridge_id)
WHERE p.kind = 'propose' AND p.version = r.version AND p.content_hash = r.content_hash
  AND NOT EXISTS (SELECT FROM exchange.decision a WHERE a.decision_id = p.id AND a.kind = 'approve')
ORDER BY p.id
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision to be made; the names are those of the table.

    Args:
        decided_by: who, as a person writes it; of Airflow the signed-in user.
        reason: why; no personal data.
    """

    kind: str
    decided_by: str
    reason: str
    bridge_id: uuid.UUID | None = None
    partner: str | None = None
    version: int | None = None
    content_hash: bytes | None = None
    about: str = ""
    decision_id: int | None = None
    held_id: int | None = None
    ground: str = ""
    until: datetime | None = None


def make(connection: sa.Connection, made: Sequence[Decision]) -> list[int]:
    """Write the decisions and seal them, as the last thing in the transaction; gives their numbers.

    Raises:
        Misconfigured: NO_REASON, a decision without a name or a reason.
    """
    run = begin(connection, DECIDE, made[0].kind, None, Used(DECIDE, DECIDE, {}), f"{DECIDE} {uuid.uuid4()}")
    numbers = write(connection, run, made)
    books = Books()
    end(connection, run, "sealed", books)
    append(connection, run, books)
    return numbers


def write(connection: sa.Connection, run: Run, made: Sequence[Decision]) -> list[int]:
    """Write decisions under a run that will be sealed in this transaction."""
    for one in made:
        if not _words(one.decided_by) or not _words(one.reason):  # a dash is nobody
            what = "a decision about a record is made by a named person, for a reason"
            raise Misconfigured("NO_REASON", f"{one.kind} {one.bridge_id or ''}".strip(), what, "Give both")
    rows = [asdict(one) | {"run_id": run.id} for one in made]
    written = connection.execute(table.insert().returning(table.c.id, sort_by_parameter_order=True), rows)
    return [row.id for row in written]


def same_person(one: str, other: str) -> bool:
    """Whether two names are written by one person: case, order, accents and punctuation aside."""
    return _words(one) == _words(other)


def _words(name: str) -> frozenset[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return frozenset("".join(c if c.isalnum() else " " for c in plain).split())


def standing(connection: sa.Connection, partner: str, chosen: pa.Table) -> dict[int, Decided]:
    """What was decided about the versions of a table (SELECTED), by row; none for those nobody decided about."""
    if not _anything(connection, partner):
        return {}
    keys = (uuid.UUID(bytes=one) for one in chosen.column("bridge_id").to_pylist())
    versions, hashes = (chosen.column(name).to_pylist() for name in ("version", "content_hash"))
    return _standing(connection, partner, list(zip(keys, versions, hashes, strict=True)))


def of_page(connection: sa.Connection, partner: str, page: Sequence[Mapping[str, Any]]) -> dict[int, Decided]:
    """The same for the current versions of records, by place in the page; each row has a ``bridge_id``."""
    found = {
        row.bridge_id: row for row in connection.execute(sa.text(_CURRENT), {"ids": [r["bridge_id"] for r in page]})
    }
    rows = [found[row["bridge_id"]] for row in page]
    return _standing(connection, partner, [(row.bridge_id, row.version, bytes(row.content_hash)) for row in rows])


def of_documents(
    connection: sa.Connection, partner: str, documents: Sequence[tuple[uuid.UUID, bytes]]
) -> dict[int, Decided]:
    """The same for documents (bridge id, content hash) as they would stand if they were taken in now, by place."""
    asked = {"ids": [key for key, _ in documents]}
    found = {row.bridge_id: row for row in connection.execute(sa.text(_CURRENT), asked)}
    versions = []
    for key, content in documents:
        now = found.get(key)
        same = now is not None and bytes(now.content_hash) == content
        versions.append((key, (now.version if now is not None else 0) + (not same), content))
    return _standing(connection, partner, versions)


def _standing(
    connection: sa.Connection, partner: str, versions: Sequence[tuple[uuid.UUID, int, bytes]]
) -> dict[int, Decided]:
    rows, places = _said(connection, partner, [key for key, _, _ in versions])
    return {
        number: decided(rows.get(key, []), version, content, steps=_steps(rows, places, key), place=places.get(key))
        for number, (key, version, content) in enumerate(versions)
        if key in rows or key in places
    }


def of_reports(
    connection: sa.Connection, partner: str, ids: Collection[uuid.UUID]
) -> tuple[list[dict[str, Any]], dict[int, Decided]]:
    """The plain half of these records but of cancelled ones, and by place what was decided about each, but that it is
    of one seizure with others."""
    reports = cases.reports(connection, ids)
    rows, _ = _said(connection, partner, [row["bridge_id"] for row in reports])
    return reports, {
        number: decided(rows[row["bridge_id"]], row["version"], bytes(row["content_hash"]))
        for number, row in enumerate(reports)
        if row["bridge_id"] in rows
    }


def steps(connection: sa.Connection, partner: str, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many steps newer each record is for the partner than its version says; none that is not."""
    rows, places = _said(connection, partner, ids)
    return {key: _steps(rows, places, key) for key in ids if key in rows or key in places}


def _said(
    connection: sa.Connection, partner: str, ids: Sequence[uuid.UUID]
) -> tuple[dict[uuid.UUID, list[Any]], dict[uuid.UUID, Place]]:
    """Decisions about the records, and about all others of their cases, and the place of each in its case."""
    if not _anything(connection, partner):
        return {}, {}
    places = cases.places(connection, ids)
    asked = {"ids": list({*ids, *(other for place in places.values() for other in place.met)}), "partner": partner}
    found: dict[uuid.UUID, list[Any]] = {}
    for row in connection.execute(sa.text(_STANDING), asked):
        found.setdefault(row.bridge_id, []).append(row)
    return found, places


def _anything(connection: sa.Connection, partner: str) -> bool:
    """Whether anything at all was decided about records that this partner may get."""
    return bool(connection.scalar(sa.text(_ANY), {"partner": partner}))


def _steps(rows: Mapping[uuid.UUID, Sequence[Any]], places: Mapping[uuid.UUID, Place], key: uuid.UUID) -> int:
    met = places[key].met if key in places else {}
    return sum(len(rows.get(one, ())) for one in (key, *met)) + sum(met.values())


def decided(
    rows: Sequence[Any], version: int, content: bytes, *, steps: int | None = None, place: Place | None = None
) -> Decided:
    """What all decisions about a record, oldest first, come to for one version of it.

    What is bound to another version does not count: a text released there is kept back here, and of a record of
    which one person was exonerated no person leaves before somebody has looked at this version, too.

    Args:
        steps: how many steps newer the record is than its version says; as many as there are decisions if None.
        place: its place among the reports of one seizure.
    """
    mine = [row for row in rows if row.version == version and bytes(row.content_hash or b"") == content]
    expired = {row.about for row in rows if row.kind == EXPIRE}
    exonerated = [row.about for row in rows if row.kind == EXONERATE]
    named = [row.about for row in mine if row.kind == EXONERATE and row.about]
    twin = place is not None and not place.stands
    rule = EXPIRED if WHOLE in expired else EXONERATED if "" in exonerated else DUPLICATE if twin else ""
    persons: frozenset[int] | None = frozenset(int(about) for about in named if about != NOBODY)
    if exonerated and not named:
        persons = None
    return Decided(
        steps=len(rows) if steps is None else steps,
        withheld=rule,
        impersonal=PERSONAL in expired,
        persons=persons,
        cleared=frozenset(row.about for row in mine if row.kind == APPROVE),
        later=() if place is None else place.later,
        seen_by=() if place is None else place.seen_by,
    )


def persons_in(connection: sa.Connection, bridge_id: uuid.UUID) -> int:
    """How many persons the record's current version has; the plain half of a document has as many places."""
    return connection.scalar(sa.text(_PERSONS), {"id": bridge_id}) or 0


def of_record(connection: sa.Connection, bridge_id: uuid.UUID) -> list[sa.Row[Any]]:
    """All decisions about a record, oldest first."""
    return list(connection.execute(sa.text(_OF), {"id": bridge_id}))


def waiting(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Proposals to release a text that nobody has approved and whose record has not changed since."""
    return list(connection.execute(sa.text(_WAITING)))


__all__ = ["Decided", "Decision", "decided", "make", "of_record", "same_person", "standing", "waiting"]
