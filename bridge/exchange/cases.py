"""One seizure, several reports: which of them stands (Reg. (EC) No 515/97, Art. 32).

People say which records are of one seizure, and whatever their words connect is one case. The report that came first
stands, until its supplier cancels it or it is erased; then the next one does, and nothing is lost. A share that finds
one report of a case changed offers all of them anew, for what leaves of one depends on the others.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

_ANY: Final = "SELECT EXISTS (SELECT FROM exchange.decision WHERE kind = 'same')"
_WORDS: Final = """
SELECT bridge_id, CAST(about AS uuid) AS about, kind FROM exchange.decision
WHERE kind IN ('same', 'different') ORDER BY id
"""
_REPORTS: Final = """
SELECT r.bridge_id, r.version, r.cancelled, r.origin_system, f.run_id AS came FROM exchange.record r
JOIN exchange.record_version f ON f.bridge_id = r.bridge_id AND f.version = 1
WHERE r.bridge_id = ANY(CAST(:ids AS uuid[])) ORDER BY came, r.bridge_id
"""
_DOCUMENTS: Final = """
SELECT r.bridge_id, r.version, r.content_hash, v.payload, NULL AS nominal,
       array_prepend(r.origin_system, coalesce(seen.partners, '{}')) AS seen_by
FROM exchange.record r
JOIN exchange.record_version v ON v.bridge_id = r.bridge_id AND v.version = r.version
CROSS JOIN LATERAL (
    SELECT array_agg(d.partner) AS partners
    FROM (SELECT DISTINCT ON (d.partner) d.partner, d.holds FROM exchange.delivery d
          WHERE d.bridge_id = r.bridge_id AND d.holds IS NOT NULL
          ORDER BY d.partner, d.version DESC, d.run_id DESC) d
    WHERE d.holds AND d.partner <> lower(r.origin_system)) seen
WHERE r.bridge_id = ANY(CAST(:ids AS uuid[])) AND NOT r.cancelled AND v.payload <> '' ORDER BY r.bridge_id
"""
_TOUCHED: Final = """
SELECT m.id FROM unnest(CAST(:members AS uuid[])) m(id) JOIN exchange.record r ON r.bridge_id = m.id
WHERE EXISTS (SELECT FROM exchange.record_version v WHERE v.bridge_id = m.id AND v.run_id = ANY(:covers))
   OR EXISTS (SELECT FROM exchange.decision d WHERE d.bridge_id = m.id AND d.id = ANY(:decisions))
   OR NOT r.cancelled AND :revision <> (
       SELECT d.revision FROM exchange.delivery d WHERE d.partner = :partner AND d.bridge_id = m.id
       ORDER BY d.version DESC, d.run_id DESC LIMIT 1)
"""
_NOTE: Final = """
INSERT INTO exchange.contribution (run_id, bridge_id, version, first, first_version, added, why)
VALUES (:run, :bridge_id, :version, :first, :first_version, :added, :why)
ON CONFLICT ON CONSTRAINT contribution_pkey DO UPDATE
SET version = excluded.version, first = excluded.first, first_version = excluded.first_version,
    added = excluded.added, why = excluded.why
"""
_OFFER: Final = (
    """
    CREATE TEMP TABLE beside ON COMMIT DROP AS
    SELECT r.bridge_id, r.version FROM exchange.record r
    WHERE r.bridge_id = ANY(CAST(:ids AS uuid[])) AND NOT r.cancelled
      AND EXISTS (SELECT FROM exchange.delivery e WHERE e.bridge_id = r.bridge_id AND e.partner = :partner)
    """,
    """
    INSERT INTO pg_temp.offer SELECT b.bridge_id, b.version, false, true FROM pg_temp.beside b
    WHERE NOT EXISTS (SELECT FROM pg_temp.offer o WHERE o.bridge_id = b.bridge_id AND o.version = b.version)
    """,
    """
    UPDATE pg_temp.offer o SET due = true FROM pg_temp.beside b
    WHERE o.bridge_id = b.bridge_id AND o.version = b.version
    """,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in its case.

    Args:
        stands: it is the first report that was not cancelled, or none is left.
        later: of the one that stands, the other reports that were not cancelled, in the order in which they came.
        seen_by: the systems that these come from, which have the seizure by reports of their own.
        met: the version of every other record that anybody ever said to be of one seizure with it, whatever was said
            since. So this only ever grows, as the order of what partners get needs it.
    """

    stands: bool
    later: tuple[uuid.UUID, ...]
    seen_by: tuple[str, ...]
    met: Mapping[uuid.UUID, int]


def places(connection: sa.Connection, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Place]:
    """The place of each of these records of which a person ever said that it is of one seizure with another."""
    words = _words(connection)
    if not words:
        return {}
    ever = connected(pair for pair, _ in words)
    wanted = [one for one in ids if one in ever]
    if not wanted:
        return {}
    now = connected(_standing(words))
    asked = {member for one in wanted for member in ever[one]}
    reports = {row.bridge_id: row for row in connection.execute(sa.text(_REPORTS), {"ids": list(asked)})}
    turn = {one: place for place, one in enumerate(reports)}
    found = {}
    for one in wanted:
        mine = sorted(now.get(one, {one}) & turn.keys(), key=turn.__getitem__)
        standing = [reports[member] for member in mine if not reports[member].cancelled]
        stands = not standing or standing[0].bridge_id == one
        others = standing[1:] if stands else []
        later = tuple(row.bridge_id for row in others)
        systems = tuple(sorted({row.origin_system for row in others}))
        met = {other: reports[other].version for other in ever[one] if other != one and other in reports}
        found[one] = Place(stands, later, systems, met)
    return found


def pairs(
    connection: sa.Connection, ids: Collection[uuid.UUID] = ()
) -> tuple[list[tuple[uuid.UUID, uuid.UUID]], set[uuid.UUID]]:
    """Each report that stands with each later one of its seizure, and all records concerned.

    Args:
        ids: only the cases of these records; all if empty.
    """
    ever = connected(pair for pair, _ in _words(connection))
    members = {member for one in ids or ever if one in ever for member in ever[one]}
    found = places(connection, members)
    return [(one, later) for one, place in found.items() for later in place.later], members


def reports(connection: sa.Connection, ids: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    """The plain half of the current version of these records but of cancelled ones, as current.documents() wants it."""
    found = connection.execute(sa.text(_DOCUMENTS), {"ids": list(ids)})
    return [dict(row._mapping) for row in found]


def note(connection: sa.Connection, run_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what a share took from later reports; said again, the last word counts."""
    connection.execute(sa.text(_NOTE), [{**row, "run": run_id} for row in rows])


def connected(pairs: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> dict[uuid.UUID, frozenset[uuid.UUID]]:
    """For each record of some pair, all that the pairs connect it with, itself included."""
    groups: dict[uuid.UUID, set[uuid.UUID]] = {}
    for one, other in pairs:
        mine, theirs = groups.get(one, {one}), groups.get(other, {other})
        if mine is not theirs:
            mine |= theirs
            groups.update(dict.fromkeys(mine, mine))
    frozen = {id(group): frozenset(group) for group in groups.values()}
    return {one: frozen[id(group)] for one, group in groups.items()}


def offer(connection: sa.Connection, here: Mapping[str, Any]) -> None:
    """Offer all reports of a case anew, to a partner that they were offered to before, where something of one changed:
    a version, a decision, or the mapping's revision with the authorisations in force.

    Args:
        here: partner, revision, covers and decisions of the share.
    """
    ever = connected(pair for pair, _ in _words(connection))
    if not ever:
        return
    touched = connection.scalars(sa.text(_TOUCHED), {**here, "members": list(ever)}).all()
    ids = {member for one in touched for member in ever[one]}
    for statement in _OFFER if ids else ():
        connection.execute(sa.text(statement), {"ids": list(ids), "partner": here["partner"]})


def _words(connection: sa.Connection) -> list[tuple[tuple[uuid.UUID, uuid.UUID], str]]:
    """Every word that was ever said on pairs of which at least one was once said to be the same, oldest first."""
    if not connection.scalar(sa.text(_ANY)):
        return []
    said = [((row.bridge_id, row.about), row.kind) for row in connection.execute(sa.text(_WORDS))]
    same = {pair for pair, kind in said if kind == "same"}
    return [(pair, kind) for pair, kind in said if pair in same]


def _standing(words: Iterable[tuple[tuple[uuid.UUID, uuid.UUID], str]]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Pairs of which the last word is that they are the same."""
    return [pair for pair, kind in dict(words).items() if kind == "same"]
