"""Proof that an entry stands as it was sealed, for somebody who has neither the exchange nor this program."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any, Final

import sqlalchemy as sa

from bridge import merkle
from bridge.checkpoint import Checkpoint
from bridge.errors import Misconfigured, Stop
from bridge.exchange import chain, stamped

FORMAT: Final = "enforcement-bridge proof 1"
_ENTRIES: Final = """
SELECT run_id, place, entry FROM (
    SELECT run_id, bridge_id, {entry} AS entry, row_number() OVER (PARTITION BY run_id ORDER BY {order}) - 1 AS place
    FROM {table} WHERE run_id IN (SELECT run_id FROM {table} WHERE bridge_id = :id)) placed
WHERE bridge_id = :id ORDER BY run_id, place
"""
_SEAL: Final = "SELECT number, previous, manifest, head, signer, signature FROM exchange.seal WHERE run_id = :run"
_LATER: Final = "SELECT manifest FROM exchange.seal WHERE number > :number ORDER BY number"
_LEAVES: Final = "SELECT leaves FROM exchange.segment WHERE run_id = :run AND part = :part"


def prove(connection: sa.Connection, bridge_id: uuid.UUID) -> dict[str, Any]:
    """Every sealed entry of the record with its path, every seal concerned, the first time stamp that covers each, and
    what leads to the newest checkpoint."""
    entries: list[dict[str, Any]] = []
    seals: dict[int, dict[str, Any]] = {}
    for part, (table, order) in chain.PLACE.items():
        asked = sa.text(_ENTRIES.format(entry=chain.ENTRY[part], order=order, table=table))
        for run_id, place, entry in connection.execute(asked, {"id": bridge_id}):
            row = connection.execute(sa.text(_SEAL), {"run": run_id}).one_or_none()
            if row is None:
                continue  # under way
            seals.setdefault(row.number, _seal(connection, row))
            leaves = _leaves(connection, run_id, part, place)
            entries.append(
                {
                    "seal": row.number,
                    "part": part,
                    "entry": entry,
                    "place": place,
                    "size": len(leaves),
                    "path": [one.hex() for one in merkle.path(leaves, place)],
                }
            )
    if not entries:
        what = "nothing of this record was sealed"
        fix = "Look the record up by its origin system and number"
        raise Misconfigured("NO_SUCH_RECORD", str(bridge_id), what, fix)
    newest = chain.checkpoint(connection)
    stamps = dict(filter(None, [stamped.covering(connection, number) for number in seals]))
    return {
        "format": FORMAT,
        "record": str(bridge_id),
        "entries": sorted(entries, key=lambda one: (one["seal"], one["part"], one["place"])),
        "seals": [seals[number] for number in sorted(seals)],
        "newest": str(newest),
        "stamps": [
            {"number": number, "answer": base64.b64encode(answer).decode()} for number, answer in sorted(stamps.items())
        ],
    }


def _leaves(connection: sa.Connection, run_id: int, part: str, place: int) -> list[bytes]:
    kept = connection.scalar(sa.text(_LEAVES), {"run": run_id, "part": part}) or b""
    if len(kept) % merkle.SIZE or place >= len(kept) // merkle.SIZE:
        what = "the leaf hashes kept for its seal are not those of the run's entries: somebody changed one or the other"
        raise Stop("BROKEN_SEAL", f"run {run_id}, {part}", what, "Run bridge verify, which names what was changed")
    return merkle.split(kept)


def _seal(connection: sa.Connection, row: Any) -> dict[str, Any]:
    later = connection.scalars(sa.text(_LATER), {"number": row.number}).all()
    return {
        "number": row.number,
        "previous": row.previous.hex(),
        "manifest": row.manifest,
        "checkpoint": str(Checkpoint(row.number, row.head, row.signer, row.signature)),
        "later": [chain.digest(manifest).hex() for manifest in later],
    }


def entries_of(proof: dict[str, Any]) -> str:
    """The proof as the text of its file."""
    return json.dumps(proof, indent=1, ensure_ascii=False) + "\n"
