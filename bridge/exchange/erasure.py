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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import sqlalchemy as sa

from bridge.connector import Input, Window
from bridge.errors import Misconfigured
from bridge.exchange.layouts import CANDIDATES

SOURCE: Final = "erasure"
END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC)
_DOCUMENT: Final = "{}"
_SCRUB: Final = """
WITH gone AS (DELETE FROM exchange_nominal.payload_nominal WHERE bridge_id = :id)
UPDATE exchange.record_version SET payload = '' WHERE bridge_id = :id AND record_status IS DISTINCT FROM 'ERASED'
"""


def request(bridge_id: uuid.UUID, by: str, reason: str) -> Input:
    """The request as an input.

    Raises:
        ValueError: no name or no reason.
    """
    if not by.strip() or not reason.strip():
        raise ValueError("a record is erased by a named person, for a reason")
    text = json.dumps([str(bridge_id), by, reason]).encode()
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
    asked = sa.text("SELECT origin_system, origin_record_id FROM exchange.record WHERE bridge_id = :id")
    found = connection.execute(asked, {"id": bridge_id}).one_or_none()
    if found is None:
        what = "the exchange has no such record"
        raise Misconfigured(
            "NO_SUCH_RECORD", str(bridge_id), what, "Look the record up by its origin system and number"
        )
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


def scrub(connection: sa.Connection, bridge_id: uuid.UUID) -> None:
    """Empty every document of the record."""
    connection.execute(sa.text(_SCRUB), {"id": bridge_id})
