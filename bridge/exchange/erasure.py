"""Erasing a record: a tombstone that outranks every version, past or still to come.

An erasure is an intake like any other, from a source of that name: it has a
run, an input (the request), books and a seal. Its version is cancelled and
dated at the end of time, so that whatever the source sends later is superseded
and never stored, and shares withdraw the record wherever it is held. Hashes
stay; the documents go.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from bridge.connector import Input, Window
from bridge.errors import Misconfigured
from bridge.exchange import decisions, kept
from bridge.exchange.decisions import Decision
from bridge.exchange.layouts import CANDIDATES
from bridge.exchange.runs import Run

SOURCE: Final = "erasure"
END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC)
_DOCUMENT: Final = "{}"
_RECORD: Final = """
SELECT bridge_id, origin_system, origin_record_id, version, cancelled, content_hash FROM exchange.record
WHERE bridge_id = :id
"""
_HOLDERS: Final = """
SELECT partner FROM (
    SELECT DISTINCT ON (partner) partner, holds FROM exchange.delivery WHERE bridge_id = :id AND holds IS NOT NULL
    ORDER BY partner, version DESC, run_id DESC) latest
WHERE holds ORDER BY 1
"""
_SCRUB: Final = """
WITH gone AS (DELETE FROM exchange_nominal.payload_nominal WHERE bridge_id = :id),
     plain AS (UPDATE exchange.outbox SET body = '' WHERE bridge_id = :id AND body IS NOT NULL),
     unsent AS (UPDATE exchange_nominal.message m SET body = '' FROM exchange.outbox o
                WHERE o.number = m.number AND o.bridge_id = :id),
     alike AS (DELETE FROM exchange.likeness WHERE bridge_id = :id)
UPDATE exchange.record_version SET payload = '' WHERE bridge_id = :id AND record_status IS DISTINCT FROM 'ERASED'
"""


def request(bridge_id: uuid.UUID, by: str, reason: str, ground: str) -> Input:
    """The request as an input.

    Raises:
        Misconfigured: NO_REASON.
    """
    if not by.strip() or not reason.strip():
        what = "a record is erased by a named person, for a reason"
        raise Misconfigured("NO_REASON", str(bridge_id), what, "Give both")
    text = json.dumps([str(bridge_id), by, reason, ground]).encode()
    name = f"{bridge_id} by {by}: {reason}"
    return Input(name, hashlib.sha256(text).hexdigest(), len(text), datetime.now(UTC), Path(), 1)


def window(connection: sa.Connection) -> Window:
    """From the last erasure until now."""
    last = "SELECT coalesce(max(until), clock_timestamp() - interval '1 second'), clock_timestamp()"
    row = connection.execute(sa.text(f"{last} FROM exchange.sealed_window WHERE source = :source"), {"source": SOURCE})
    since, until = row.one()
    return Window(since, max(until, since + timedelta(microseconds=1)))


def tombstone(connection: sa.Connection, bridge_id: uuid.UUID, sha256: str) -> pa.Table:
    """The version that ends the record (CANDIDATES).

    Raises:
        Misconfigured: the exchange has no such record.
    """
    found = record(connection, bridge_id)
    row = dict.fromkeys(CANDIDATES.names) | {
        "input_sha256": sha256,
        "ordinal": 0,
        "rows": 1,
        "bridge_id": bridge_id.bytes,
        "origin_system": found.origin_system,
        "origin_record_id": found.origin_record_id,
        "source_version": END_OF_TIME,
        "record_status": "ERASED",
        "payload": _DOCUMENT,
        "content_hash": hashlib.sha256(f"{_DOCUMENT}\0".encode()).digest(),
    }
    return pa.Table.from_pylist([row], CANDIDATES)


def record(connection: sa.Connection, bridge_id: uuid.UUID) -> Any:
    """The record's row.

    Raises:
        Misconfigured: NO_SUCH_RECORD.
    """
    found = connection.execute(sa.text(_RECORD), {"id": bridge_id}).one_or_none()
    if found is None:
        what = "the exchange has no such record"
        raise Misconfigured(
            "NO_SUCH_RECORD", str(bridge_id), what, "Look the record up by its origin system and number"
        )
    return found


def holders_of(connection: sa.Connection, bridge_id: uuid.UUID) -> list[str]:
    """Partners that have the record by the books."""
    return list(connection.scalars(sa.text(_HOLDERS), {"id": bridge_id}))


def scrub(connection: sa.Connection, run: Run, made: Decision, hashes: Sequence[str]) -> None:
    """Empty every document of the record, write down who had it erased, and let the bytes that it came in go."""
    connection.execute(sa.text(_SCRUB), {"id": made.bridge_id})
    decisions.write(connection, run, [made])
    if made.bridge_id is not None:
        kept.cut_short(connection, made.bridge_id, hashes)
