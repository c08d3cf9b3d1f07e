"""The chain of seals: any later change to what a sealed run wrote is found by whoever keeps a head.

Each sealed run appends one seal: a manifest of the run, its inputs, its books
and digests of every row it wrote, and a head, the hash of the head before and
this manifest. The digests commit to content hashes, not to contents, so a
record can be erased and the chain still holds. A head is 32 bytes: it goes out
with each run's books, beyond the reach of whoever could rewrite the database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bridge.exchange.runs import Run
from bridge.ledger import Books

ORIGIN: Final = bytes(32)
"""What stands before the first seal."""
_BLOCK: Final = 10_000
"""Rows hashed in one go; the digest of a table is the hash of its blocks' hashes."""
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('seal', 0))"
_DIGEST: Final = """
SELECT sha256(coalesce(string_agg(block, ''::bytea ORDER BY n), ''::bytea)) FROM (
    SELECT n, sha256(convert_to(string_agg(entry::text, '' ORDER BY place), 'UTF8')) AS block
    FROM (SELECT entry, place, (place - 1) / :block AS n
          FROM (SELECT entry, row_number() OVER (ORDER BY {order}) AS place FROM ({rows}) rows) placed) entries
    GROUP BY n) blocks
"""
_ROWS: Final = {
    "intake": (
        "input_id, ordinal",
        "SELECT input_id, ordinal, ROW(input_id, ordinal, position, rows, bridge_id, disposition, code) AS entry"
        " FROM exchange.intake WHERE run_id = :run",
    ),
    "versions": (
        "bridge_id, version",
        "SELECT bridge_id, version, ROW(bridge_id, version, source_version, revision, content_hash,"
        " cancelled, record_status, input_id, ordinal) AS entry FROM exchange.record_version WHERE run_id = :run",
    ),
    "deliveries": (
        "bridge_id, version",
        "SELECT bridge_id, version, ROW(partner, bridge_id, version, revision, disposition, effect, code, holds,"
        " released_hash, idempotency_key, receipt) AS entry FROM exchange.delivery WHERE run_id = :run",
    ),
}
_INPUTS: Final = """
SELECT name, sha256, size, counted, rows_read FROM exchange.input WHERE run_id = :run ORDER BY name
"""
_CONTENTS: Final = """
SELECT v.bridge_id, v.version FROM exchange.record_version v
LEFT JOIN exchange_nominal.payload_nominal n USING (bridge_id, version)
WHERE v.run_id = :run AND v.payload <> '' AND v.content_hash
      <> sha256(convert_to(v.payload, 'UTF8') || '\\x00'::bytea || coalesce(convert_to(n.payload, 'UTF8'), ''::bytea))
ORDER BY 1, 2 LIMIT 1
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
    manifest = _text(_manifest(connection, run.id, books.as_dict()))
    connection.execute(sa.text(_LOCK))
    last = connection.execute(
        sa.text("SELECT number, head FROM exchange.seal ORDER BY number DESC LIMIT 1")
    ).one_or_none()
    number, previous = (last.number + 1, last.head) if last else (1, ORIGIN)
    head = _head(previous, manifest)
    connection.execute(
        sa.text("INSERT INTO exchange.seal (number, run_id, previous, manifest, head) VALUES (:n, :run, :p, :m, :h)"),
        {"n": number, "run": run.id, "p": previous, "m": manifest, "h": head},
    )
    return Seal(number, run.id, head)


def seal_of(connection: sa.Connection, run_id: int) -> Seal | None:
    """The run's seal; None if it is not sealed."""
    asked = sa.text("SELECT number, run_id, head FROM exchange.seal WHERE run_id = :run")
    found = connection.execute(asked, {"run": run_id}).one_or_none()
    return None if found is None else Seal(*found)


def verify(connection: sa.Connection, kept: Seal | None, contents: bool) -> Iterator[Flaw]:
    """Every seal that does not hold, oldest first; wants a REPEATABLE READ transaction.

    Args:
        kept: a seal known from elsewhere, which must still stand in the chain.
        contents: also hash every document anew.
    """
    previous, expected = ORIGIN, 1
    for row in connection.execute(sa.text("SELECT * FROM exchange.seal ORDER BY number")).all():
        what = _wrong(connection, row, previous, expected, contents)
        if kept is not None and kept.number == row.number and kept.head != row.head:
            what = "the head is not the one that was kept elsewhere"
        if what:
            yield Flaw(row.number, row.run_id, what)
        previous, expected = row.head, row.number + 1
    if kept is not None and kept.number >= expected:
        yield Flaw(kept.number, kept.run_id, "the seal that was kept elsewhere is gone")
    for run_id in connection.scalars(sa.text(_UNSEALED)):
        yield Flaw(expected, run_id, "the run counts as sealed and has no seal")


_UNSEALED: Final = """
SELECT c.id FROM exchange.run c WHERE c.state = 'sealed'
  AND NOT EXISTS (SELECT FROM exchange.seal s WHERE s.run_id = c.id) ORDER BY 1
"""


def _wrong(connection: sa.Connection, row: Any, previous: bytes, expected: int, contents: bool) -> str:
    if row.number != expected:
        return f"seal {expected} is missing"
    if row.previous != previous:
        return "it does not follow from the seal before"
    if row.head != _head(row.previous, row.manifest):
        return "its manifest is not the one that was sealed"
    written = json.loads(row.manifest)
    now = json.loads(_text(_manifest(connection, row.run_id, written["books"])))
    changed = [name for name in written if written[name] != now.get(name)]
    if changed:
        return f"what the run wrote was changed: {', '.join(changed)}"
    if contents:
        other = connection.execute(sa.text(_CONTENTS), {"run": row.run_id}).one_or_none()
        if other:
            return f"the document of {other[0]} version {other[1]} is not the one that was accepted"
    return ""


def _manifest(connection: sa.Connection, run_id: int, books: dict[str, Any]) -> dict[str, Any]:
    """What a seal commits to, computed from the tables."""
    here = {"run": run_id, "block": _BLOCK}
    asked = "SELECT kind, name, since, until, mapping, fingerprint, revision FROM exchange.run WHERE id = :run"
    run = connection.execute(sa.text(asked), here).one()
    out: dict[str, Any] = {
        "run": [run_id, run.kind, run.name, *(m.isoformat() if m else None for m in (run.since, run.until))],
        "mapping": [run.mapping, run.fingerprint, run.revision],
        "inputs": [list(row) for row in connection.execute(sa.text(_INPUTS), here)],
        "books": books,
    }
    for name, (order, rows) in _ROWS.items():
        out[name] = connection.execute(sa.text(_DIGEST.format(order=order, rows=rows)), here).scalar_one().hex()
    return out


def _head(previous: bytes, manifest: str) -> bytes:
    return hashlib.sha256(previous + manifest.encode()).digest()


def _text(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
