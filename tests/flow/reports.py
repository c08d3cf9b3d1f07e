"""Common records taken into an exchange as if a source of the name had sent them, for tests of what follows."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from bridge import document, settings
from bridge.batch import POSITION, ROOT, ROW
from bridge.connector import Window
from bridge.content import Content
from bridge.exchange import Decision, Exchange
from bridge.exchange.decisions import DIFFERENT, SAME
from bridge.flow import envelope
from bridge.flow.correcting import COMMON
from bridge.shapes import read_shape
from tests.exchange.samples import file
from tests.quality.records import batch

SHAPE = read_shape(Content.find(), COMMON)
FIRST = datetime(2026, 2, 1, tzinfo=UTC)
_numbers = itertools.count()
Said = dict[str, Any]


def said(system: str, name: str, hour: int = 0, **other: Any) -> Said:
    """A record of one system as a common document's fields and lists; ``hour`` orders its versions."""
    return {
        "origin_system": system,
        "origin_record_id": name,
        "record_status": "NEW",
        "updated_at": f"2026-01-31T{hour:02}:00:00Z",
        "seizure_date": "2026-01-30",
        "seizure_country": "DE",
        "supplier_country": {"CEN": "DE", "NCEN": "FR", "LEMIS": "US"}.get(system),
        "supplier_service": "customs",
        **other,
    }


def take(source: str, *records: Said) -> None:
    """One window with these records, as the source's collect run would accept them."""
    lists = [{name: value for name, value in one.items() if name in SHAPE.lists} for one in records]
    roots = [{name: value for name, value in one.items() if name not in SHAPE.lists} for one in records]
    made = batch(SHAPE, [{ROOT: [root], **more} for root, more in zip(roots, lists, strict=True)])
    documents = document.encode(made, SHAPE)
    number = next(_numbers)
    window = Window(FIRST + timedelta(hours=number), FIRST + timedelta(hours=number + 1))
    rows = pa.table({ROW: made.rows(), "rows": pa.array([1] * len(made), pa.int32())})
    positions = pa.table({ROW: made.rows(), POSITION: pa.array([0] * len(made), pa.int64())})
    with Exchange(settings.exchange_url()) as exchange:
        run = exchange.begin_collect(source, window, f"{source} -> common", "f1", f"{source} {number}")
        one = file(f"{source}-{number}", len(records), window)
        exchange.register(run, one)
        exchange.note_read(run, one.sha256, len(records))
        with exchange.intake(run) as intake:
            intake.accept(envelope.candidates(made, documents, rows, positions, one))
            intake.seal()


def decide(*words: tuple[str, str, bool]) -> None:
    """A person's words on pairs of records, named SYSTEM:ID in the order in which they came: are they the same?"""
    made = [
        Decision(SAME if same else DIFFERENT, "A. Officer", "one file at both", key(second), about=str(key(first)))
        for first, second, same in words
    ]
    with Exchange(settings.exchange_url()) as exchange:
        exchange.decide(made)


def key(name: str) -> uuid.UUID:
    """The bridge id of SYSTEM:ID."""
    system, _, record = name.partition(":")
    return envelope.bridge_id(system, record)
