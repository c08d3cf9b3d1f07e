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
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bridge import merkle
from bridge.checkpoint import Checkpoint, seal_key, sign
from bridge.exchange.database import driver
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
    "contributions": "ROW(bridge_id, version, first, first_version, added, why)::text",
}
"""Each part's entries as text; sessions have UTC and ISO dates, so the text is the same everywhere."""
OTHERS: Final = {"collect": {"deliveries", "authorised", "contributions"}, "share": {"intake", "versions", "decisions"}}
"""Parts that a run of this kind never writes: an entry there under its number is somebody else's work."""
PLACE: Final = {
    "intake": ("exchange.intake", "input_id, ordinal"),
    "versions": ("exchange.record_version", "bridge_id, version"),
    "deliveries": ("exchange.delivery", "bridge_id, version"),
    "decisions": ("exchange.decision", "id"),
    "authorisations": ("exchange.authorisation", "id"),
    "authorised": ("exchange.authorised", "bridge_id, version"),
    "contributions": ("exchange.contribution", "bridge_id"),
}
"""Table and order of each part."""
_LEAVES: Final = """
SELECT coalesce(string_agg(leaf, ''::bytea ORDER BY {order}), ''::bytea)
FROM (SELECT {order}, sha256('\\x00'::bytea || convert_to({entry}, 'UTF8')) AS leaf
      FROM {table} WHERE run_id = %(run)s) leaves
"""
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


@dataclass(frozen=True, slots=True)
class Seal:
    """One link of the chain: its number and head, both to be kept elsewhere."""

    number: int
    run_id: int
    head: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.head.hex()}"


def append(connection: sa.Connection, run: Run, books: Books) -> Seal:
    """Seal the run, as the last thing in its transaction: from here to the commit no other run can seal.

    Wants READ COMMITTED: the last seal must be the one that stands once the lock is had.
    """
    key = seal_key()
    others = OTHERS.get(run.kind, set())
    roots: dict[str, list[Any]] = {}
    for part in ENTRY:
        # One part after the other: a million leaf hashes are 32 MB, and sending them needs as much again.
        leaves = b"" if part in others else leaves_of(connection, run.id, part)
        roots[part] = tree_of(leaves)
        if leaves:
            connection.execute(sa.text(_SEGMENT), {"run": run.id, "part": part, "leaves": leaves})
    manifest = text(manifest_of(connection, run.id, books.as_dict(), roots))
    connection.execute(sa.text(_LOCK))
    last = connection.execute(
        sa.text("SELECT number, head FROM exchange.seal ORDER BY number DESC LIMIT 1")
    ).one_or_none()
    number, previous = (last.number + 1, last.head) if last else (1, ORIGIN)
    head = head_of(previous, manifest)
    signed = sign(number, head, key)
    values = {"n": number, "run": run.id, "p": previous, "m": manifest, "h": head}
    connection.execute(sa.text(_SEAL), {**values, "signer": signed.signer, "signature": signed.signature})
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


def head_of(previous: bytes, manifest: str) -> bytes:
    """What a seal's successor and its signature commit to."""
    return hashlib.sha256(previous + digest(manifest)).digest()


def digest(manifest: str) -> bytes:
    """SHA-256 of a manifest: with it the chain can be followed past a seal whose manifest is not shown."""
    return hashlib.sha256(manifest.encode()).digest()


def text(manifest: dict[str, Any]) -> str:
    """A manifest's one form."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def leaves_of(connection: sa.Connection, run_id: int, part: str) -> bytes:
    table, order = PLACE[part]
    asked = _LEAVES.format(entry=ENTRY[part], order=order, table=table)
    with driver(connection).cursor(binary=True) as cursor:  # as text they would be twice as long
        found = cursor.execute(asked.encode(), {"run": run_id}).fetchone()
    return bytes(found[0]) if found else b""


def tree_of(leaves: bytes) -> list[Any]:
    return [len(leaves) // merkle.SIZE, merkle.root_of(leaves).hex()]


def manifest_of(
    connection: sa.Connection, run_id: int, books: dict[str, Any], roots: dict[str, list[Any]]
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
        **roots,
    }
