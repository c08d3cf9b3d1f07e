"""The chain of seals: any later change to what a sealed run wrote is found by whoever keeps a checkpoint.

Each sealed run appends one seal: a manifest of the run, its inputs, its books and
the Merkle roots (RFC 6962) of every row it wrote, and a head, the hash of the head
before and of this manifest's hash, signed. The leaves commit to content hashes, not to
contents, so a record can be erased and the chain still holds. The leaf hashes are
kept beside, so that an entry that was changed can be named and an entry that stands
can be proven alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bridge import merkle
from bridge.checkpoint import Checkpoint, seal_key, sign
from bridge.encrypted import Opener, owner
from bridge.errors import Stop
from bridge.exchange.runs import Run
from bridge.ledger import Books

ORIGIN: Final = bytes(32)
"""What stands before the first seal."""
FORMAT: Final = 2
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('seal', 0))"
ENTRY: Final = {
    "intake": "ROW(input_id, ordinal, position, rows, bridge_id, disposition, code)::text",
    "versions": (
        "ROW(bridge_id, version, source_version, revision, content_hash, cancelled, record_status, input_id,"
        " ordinal)::text"
    ),
    "deliveries": (
        "ROW(partner, bridge_id, version, revision, disposition, effect, code, holds, released_hash, idempotency_key,"
        " receipt)::text"
    ),
    "decisions": (
        "ROW(id, kind, bridge_id, partner, version, content_hash, about, decision_id, held_id,"
        " encode(sha256(convert_to(concat_ws(E'\\x1f', decided_by, reason, ground), 'UTF8')), 'hex'), until, at)::text"
    ),
    "authorisations": (
        "ROW(id, partner, revokes, supplier, commodity_groups, operation, bridge_id, valid_from, valid_until, at,"
        " encode(sha256(convert_to(concat_ws(E'\\x1f', conditions, granted_by, entered_by, reason), 'UTF8')), 'hex'))"
        "::text"
    ),
    "authorised": "ROW(bridge_id, version, authorisation)::text",
}
"""Each part's entries as text; sessions have UTC and ISO dates, so the text is the same everywhere."""
OTHERS: Final = {"collect": {"deliveries", "authorised"}, "share": {"intake", "versions", "decisions"}}
"""Parts that a run of this kind never writes: an entry there under its number is somebody else's work."""
PLACE: Final = {
    "intake": ("exchange.intake", "input_id, ordinal"),
    "versions": ("exchange.record_version", "bridge_id, version"),
    "deliveries": ("exchange.delivery", "bridge_id, version"),
    "decisions": ("exchange.decision", "id"),
    "authorisations": ("exchange.authorisation", "id"),
    "authorised": ("exchange.authorised", "bridge_id, version"),
}
"""Table and order of each part."""
_LEAVES: Final = """
SELECT coalesce(string_agg(leaf, ''::bytea ORDER BY {order}), ''::bytea)
FROM (SELECT {order}, sha256('\\x00'::bytea || convert_to({entry}, 'UTF8')) AS leaf
      FROM {table} WHERE run_id = :run) leaves
"""
_NAMED: Final = "SELECT {order} FROM {table} WHERE run_id = :run ORDER BY {order} OFFSET :place LIMIT 1"
# A manifest goes out with proofs, and an input's name may name a person: an erasure's says who asked for it.
_INPUTS: Final = """
SELECT encode(sha256(convert_to(name, 'UTF8')), 'hex'), sha256, size, counted, rows_read FROM exchange.input
WHERE run_id = :run ORDER BY name
"""
_SEAL: Final = """
INSERT INTO exchange.seal (number, run_id, previous, manifest, head, signer, signature)
VALUES (:n, :run, :p, :m, :h, :signer, :signature)
"""
_SEGMENT: Final = "INSERT INTO exchange.segment (run_id, part, leaves) VALUES (:run, :part, :leaves)"
_CONTENTS: Final = """
SELECT v.bridge_id, v.version FROM exchange.record_version v
WHERE v.run_id = :run AND v.payload <> '' AND v.content_hash <> sha256(convert_to(v.payload, 'UTF8') || '\\x00'::bytea)
  AND NOT EXISTS (SELECT FROM exchange_nominal.payload_nominal n
                  WHERE n.bridge_id = v.bridge_id AND n.version = v.version)
ORDER BY 1, 2 LIMIT 1
"""
_NOMINAL: Final = """
SELECT v.bridge_id, v.version, v.content_hash, v.payload, n.payload AS sealed, n.key_id
FROM exchange.record_version v JOIN exchange_nominal.payload_nominal n USING (bridge_id, version)
WHERE v.run_id = :run AND v.payload <> '' ORDER BY 1, 2
"""
_PAGE: Final = 5_000
_UNSEALED: Final = """
SELECT c.id FROM exchange.run c WHERE c.state = 'sealed'
  AND NOT EXISTS (SELECT FROM exchange.seal s WHERE s.run_id = c.id) ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Seal:
    """One link of the chain: its number and head, both to be kept elsewhere."""

    number: int
    run_id: int
    head: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.head.hex()}"


@dataclass(frozen=True, slots=True)
class Flaw:
    """Where the chain does not hold.

    Args:
        number: the first seal that is wrong.
        what: one sentence, free of values.
    """

    number: int
    run_id: int
    what: str


def append(connection: sa.Connection, run: Run, books: Books) -> Seal:
    """Seal the run, as the last thing in its transaction: from here to the commit no other run can seal.

    Wants READ COMMITTED: the last seal must be the one that stands once the lock is had.
    """
    key = seal_key()
    others = OTHERS.get(run.kind, set())
    leaves = {part: b"" if part in others else _leaves(connection, run.id, part) for part in ENTRY}
    manifest = text(_manifest(connection, run.id, books.as_dict(), leaves))
    connection.execute(sa.text(_LOCK))
    last = connection.execute(
        sa.text("SELECT number, head FROM exchange.seal ORDER BY number DESC LIMIT 1")
    ).one_or_none()
    number, previous = (last.number + 1, last.head) if last else (1, ORIGIN)
    head = head_of(previous, manifest)
    signed = sign(number, head, key)
    values = {"n": number, "run": run.id, "p": previous, "m": manifest, "h": head}
    connection.execute(sa.text(_SEAL), {**values, "signer": signed.signer, "signature": signed.signature})
    segments = [{"run": run.id, "part": part, "leaves": found} for part, found in leaves.items() if found]
    if segments:
        connection.execute(sa.text(_SEGMENT), segments)
    return Seal(number, run.id, head)


def seal_of(connection: sa.Connection, run_id: int) -> Seal | None:
    """The run's seal; None if it is not sealed."""
    asked = sa.text("SELECT number, run_id, head FROM exchange.seal WHERE run_id = :run")
    found = connection.execute(asked, {"run": run_id}).one_or_none()
    return None if found is None else Seal(*found)


def checkpoint(connection: sa.Connection, run_id: int | None = None) -> Checkpoint | None:
    """The signed head of a run, or the newest; None if nothing is sealed."""
    asked = sa.text(
        "SELECT number, head, signer, signature FROM exchange.seal"
        " WHERE CAST(:run AS bigint) IS NULL OR run_id = :run ORDER BY number DESC LIMIT 1"
    )
    found = connection.execute(asked, {"run": run_id}).one_or_none()
    return None if found is None else Checkpoint(*found)


def verify(connection: sa.Connection, kept: Checkpoint | None, signer: bytes | None, contents: bool) -> Iterator[Flaw]:
    """Every seal that does not hold, oldest first; wants a REPEATABLE READ transaction, and changes nothing.

    Args:
        kept: a checkpoint from elsewhere, whose head must still stand in the chain.
        signer: the public key that all seals must be signed with; None trusts the keys in the chain.
        contents: also hash every document anew.
    """
    previous, expected = ORIGIN, 1
    for row in connection.execute(sa.text("SELECT * FROM exchange.seal ORDER BY number")).all():
        what = _unlinked(row, previous, expected) or _unsigned(row, signer) or _changed(connection, row, contents)
        if kept is not None and kept.number == row.number and kept.head != row.head:
            what = "the head is not the one of the checkpoint"
        if what:
            yield Flaw(row.number, row.run_id, what)
        previous, expected = row.head, row.number + 1
    if kept is not None and kept.number >= expected:
        yield Flaw(kept.number, 0, "the seal of the checkpoint is gone")
    for run_id in connection.scalars(sa.text(_UNSEALED)):
        yield Flaw(expected, run_id, "the run counts as sealed and has no seal")


def head_of(previous: bytes, manifest: str) -> bytes:
    """What a seal's successor and its signature commit to."""
    return hashlib.sha256(previous + digest(manifest)).digest()


def digest(manifest: str) -> bytes:
    """SHA-256 of a manifest: with it the chain can be followed past a seal whose manifest is not shown."""
    return hashlib.sha256(manifest.encode()).digest()


def text(manifest: dict[str, Any]) -> str:
    """A manifest's one form."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _unlinked(row: Any, previous: bytes, expected: int) -> str:
    if row.number != expected:
        return f"seal {expected} is missing"
    if row.previous != previous:
        return "it does not follow from the seal before"
    if row.head != head_of(row.previous, row.manifest):
        return "its manifest is not the one that was sealed"
    return ""


def _unsigned(row: Any, signer: bytes | None) -> str:
    if signer is not None and row.signer != signer:
        return "another key than the one given has signed it"
    return "" if Checkpoint(row.number, row.head, row.signer, row.signature).holds else "its signature is not its own"


def _changed(connection: sa.Connection, row: Any, contents: bool) -> str:
    """What of all that the seal commits to is otherwise now; the first entry concerned."""
    written = json.loads(row.manifest)
    if written.get("format") != FORMAT:
        return f"its manifest is not of format {FORMAT}"
    run = connection.scalar(sa.text("SELECT state FROM exchange.run WHERE id = :run"), {"run": row.run_id})
    if run != "sealed":
        return "the run that it sealed is gone, or no longer counts as sealed"
    leaves = {part: _leaves(connection, row.run_id, part) for part in ENTRY}
    now = json.loads(text(_manifest(connection, row.run_id, written["books"], leaves)))
    # A seal of before there was a part says nothing of it, and its run wrote nothing of it.
    before = dict.fromkeys(ENTRY, _root(b"")) | written
    changed = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
    for part in ENTRY:
        asked = sa.text("SELECT leaves FROM exchange.segment WHERE run_id = :run AND part = :part")
        kept = connection.scalar(asked, {"run": row.run_id, "part": part}) or b""
        if part in changed:
            first = _first(connection, row, part, kept, leaves)
            return f"what the run wrote was changed: {', '.join(changed)}; {first}"
        if kept != leaves[part]:
            return f"the leaf hashes kept for its {part} were changed; what they stand for was not"
    if changed:
        return f"what the run wrote was changed: {', '.join(changed)}"
    other = _other(connection, row.run_id) if contents else None
    return f"the document of {other[0]} version {other[1]} is not the one that was accepted" if other else ""


def _other(connection: sa.Connection, run_id: int) -> Any:
    """Record and version of the first document that the run accepted otherwise; None if all are as they were."""
    plain = connection.execute(sa.text(_CONTENTS), {"run": run_id}).one_or_none()
    if plain is not None:
        return plain
    opener = Opener()
    paged = {"yield_per": _PAGE}  # of this statement: options of the connection would hold of all that follow
    with connection.execute(sa.text(_NOMINAL), {"run": run_id}, execution_options=paged) as streamed:
        for row in streamed:
            try:
                nominal = opener.text(row.key_id, bytes(row.sealed), owner(row.bridge_id.bytes, row.version))
            except Stop:
                return row
            if hashlib.sha256(f"{row.payload}\0{nominal}".encode()).digest() != bytes(row.content_hash):
                return row
    return None


def _first(connection: sa.Connection, row: Any, part: str, kept: bytes, leaves: dict[str, bytes]) -> str:
    """The first entry of a part that is not as it was sealed."""
    if len(kept) % merkle.SIZE or _root(kept) != json.loads(row.manifest).get(part, _root(b"")):
        return "which entry it was cannot be told, for the leaf hashes kept beside were changed too"
    before, after = merkle.split(kept), merkle.split(leaves[part])
    place = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
    if place is None:
        place = min(len(before), len(after))
    table, order = PLACE[part]
    asked = sa.text(_NAMED.format(table=table, order=order))
    found = connection.execute(asked, {"run": row.run_id, "place": place}).one_or_none()
    at = f"now {', '.join(map(str, found))} there" if found else "nothing is there now"
    return f"first at entry {place + 1} of {len(before)}, {at}"


def _leaves(connection: sa.Connection, run_id: int, part: str) -> bytes:
    table, order = PLACE[part]
    asked = _LEAVES.format(entry=ENTRY[part], order=order, table=table)
    return bytes(connection.execute(sa.text(asked), {"run": run_id}).scalar_one())


def _root(leaves: bytes) -> list[Any]:
    found = merkle.split(leaves)
    return [len(found), merkle.root(found).hex()]


def _manifest(
    connection: sa.Connection, run_id: int, books: dict[str, Any], leaves: dict[str, bytes]
) -> dict[str, Any]:
    """What a seal commits to, computed from the tables."""
    here = {"run": run_id}
    asked = (
        "SELECT kind, name, since, until, mapping, fingerprint, revision, approved FROM exchange.run WHERE id = :run"
    )
    run = connection.execute(sa.text(asked), here).one()
    return {
        "format": FORMAT,
        "run": [run_id, run.kind, run.name, *(m.isoformat() if m else None for m in (run.since, run.until))],
        "mapping": [run.mapping, run.fingerprint, run.revision],
        **({"approved": digest(text(run.approved)).hex()} if run.approved else {}),
        "inputs": [list(row) for row in connection.execute(sa.text(_INPUTS), here)],
        "books": books,
        **{part: _root(found) for part, found in leaves.items()},
    }
