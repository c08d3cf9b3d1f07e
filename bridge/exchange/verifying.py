"""Verifying the chain of seals: which of them no longer hold, and what of it was changed. Changes nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from bridge import merkle
from bridge.checkpoint import Checkpoint
from bridge.exchange.chain import ENTRY, FORMAT, ORIGIN, PLACE, head_of, leaves_of, manifest_of, text, tree_of
from bridge.exchange.documents import Document

_NAMED: Final = "SELECT {order} FROM {table} WHERE run_id = :run ORDER BY {order} OFFSET :place LIMIT 1"
_UNSEALED: Final = """
SELECT c.id FROM exchange.run c WHERE c.state = 'sealed'
  AND NOT EXISTS (SELECT FROM exchange.seal s WHERE s.run_id = c.id) ORDER BY 1
"""
_MANY: Final = merkle.SIZE << 12
"""Bytes of leaf hashes from which on a tree is worth another thread."""


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


def verify(
    connection: sa.Connection,
    kept: Checkpoint | None,
    signer: bytes | None,
    altered: Callable[[], Mapping[int, Document]],
) -> list[Flaw]:
    """Every seal that does not hold, oldest first; wants a REPEATABLE READ transaction, and changes nothing.

    Args:
        kept: a checkpoint from elsewhere, whose head must still stand in the chain.
        signer: the public key that all seals must be signed with; None trusts the keys in the chain.
        altered: gives, by run, a document that is not the one accepted; asked for last, so that it can be found out
            meanwhile.
    """
    previous, expected = ORIGIN, 1
    seals: list[Flaw] = []
    # While the server hashes the entries of one part, the tree of the one before is hashed here.
    with ThreadPoolExecutor(1, "trees") as trees:
        for row in connection.execute(sa.text("SELECT * FROM exchange.seal ORDER BY number")).all():
            what = _unlinked(row, previous, expected) or _unsigned(row, signer) or _changed(connection, row, trees)
            if kept is not None and kept.number == row.number and kept.head != row.head:
                what = "the head is not the one of the checkpoint"
            seals.append(Flaw(row.number, row.run_id, what))
            previous, expected = row.head, row.number + 1
    others = altered()
    flaws = [replace(one, what=one.what or _document(others.get(one.run_id))) for one in seals]
    if kept is not None and kept.number >= expected:
        flaws.append(Flaw(kept.number, 0, "the seal of the checkpoint is gone"))
    unsealed = connection.scalars(sa.text(_UNSEALED))
    flaws += [Flaw(expected, run_id, "the run counts as sealed and has no seal") for run_id in unsealed]
    return [one for one in flaws if one.what]


def _document(other: Document | None) -> str:
    if other is None:
        return ""
    record = uuid.UUID(bytes=other.bridge_id)
    return f"the document of {record} version {other.version} is not the one that was accepted"


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


def _changed(connection: sa.Connection, row: Any, trees: Executor) -> str:
    """What of all that the seal commits to is otherwise now; the first entry concerned."""
    written = json.loads(row.manifest)
    if written.get("format") != FORMAT:
        return f"its manifest is not of format {FORMAT}"
    run = connection.scalar(sa.text("SELECT state FROM exchange.run WHERE id = :run"), {"run": row.run_id})
    if run != "sealed":
        return "the run that it sealed is gone, or no longer counts as sealed"
    # A seal of before there was a part says nothing of it, and its run wrote nothing of it.
    before = dict.fromkeys(ENTRY, tree_of(b"")) | written
    made: dict[str, tuple[bytes, Callable[[], list[Any]]]] = {}
    for part in ENTRY:
        hashes = leaves_of(connection, row.run_id, part)
        many = len(hashes) >= _MANY
        made[part] = hashes, trees.submit(tree_of, hashes).result if many else partial(tree_of, hashes)
    roots: dict[str, list[Any]] = {}
    first = altered = ""
    for part, (leaves, tree) in made.items():
        roots[part] = tree()
        if first or altered:
            continue
        asked = sa.text("SELECT leaves FROM exchange.segment WHERE run_id = :run AND part = :part")
        kept = connection.scalar(asked, {"run": row.run_id, "part": part}) or b""
        if before[part] != roots[part]:
            first = f"; {_first(connection, row, part, kept, leaves)}"
        elif kept != leaves:
            altered = f"the leaf hashes kept for its {part} were changed; what they stand for was not"
    now = json.loads(text(manifest_of(connection, row.run_id, written["books"], roots)))
    changed = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
    if altered:
        return altered
    if changed:
        return f"what the run wrote was changed: {', '.join(changed)}{first}"
    return ""


def _first(connection: sa.Connection, row: Any, part: str, kept: bytes, leaves: bytes) -> str:
    """The first entry of a part that is not as it was sealed."""
    if len(kept) % merkle.SIZE or tree_of(kept) != json.loads(row.manifest).get(part, tree_of(b"")):
        return "which entry it was cannot be told, for the leaf hashes kept beside were changed too"
    before, after = merkle.split(kept), merkle.split(leaves)
    place = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
    if place is None:
        place = min(len(before), len(after))
    table, order = PLACE[part]
    asked = sa.text(_NAMED.format(table=table, order=order))
    found = connection.execute(asked, {"run": row.run_id, "place": place}).one_or_none()
    at = f"now {', '.join(map(str, found))} there" if found else "nothing is there now"
    return f"first at entry {place + 1} of {len(before)}, {at}"
