"""Invented records and windows, and the two ways through the exchange in a few lines."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from bridge.connector import Input, Window
from bridge.exchange import CANDIDATES, DISPOSITIONS, HOLDS, OUT_OF_SCOPE, Exchange, Run
from bridge.ledger import Books

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SPACE = uuid.UUID("b1d6e000-0000-5000-8000-000000000000")
CANARY = "Zzyzx Canaryperson"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one record as a source gives it."""

    id: str
    hour: int = 0
    content: str = "a"
    status: str = "NEW"
    system: str = "CEN"
    nominal: str | None = None

    @property
    def bridge_id(self) -> uuid.UUID:
        """The record's name in the exchange."""
        return uuid.uuid5(SPACE, f"{self.system}\0{self.id}")

    @property
    def hash(self) -> bytes:
        """Hash of its document."""
        document = f'{{"content":"{self.content}"}}\0{self.nominal or ""}'
        return hashlib.sha256(document.encode()).digest()


def day(number: int) -> Window:
    """The window of one day, counted from 1 January 2026."""
    since = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    return Window(since, since + timedelta(days=1))


def file(name: str, counted: int | None, at: Window | None = None) -> Input:
    """An input of this name; its hash is the name's."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    arrival = (at or day(0)).since + timedelta(hours=1)
    return Input(name, sha256, 1000, arrival, Path(sha256), counted)


def candidates(versions: Sequence[Version], sha256: str, first: int = 0) -> pa.Table:
    """The versions as CANDIDATES, numbered on from ``first``."""
    return pa.Table.from_pylist(
        [
            {
                "input_sha256": sha256,
                "ordinal": first + n,
                "position": 100 * (first + n),
                "rows": 1,
                "bridge_id": v.bridge_id.bytes,
                "origin_system": v.system,
                "origin_record_id": v.id,
                "source_version": NOON + timedelta(hours=v.hour),
                "record_status": v.status,
                "seizure_date": "2026-02-28",
                "seizure_country": "DE",
                "commodity_group": "TOB",
                "operation_code": None,
                "payload": f'{{"content":"{v.content}"}}',
                "nominal": v.nominal,
                "content_hash": v.hash,
            }
            for n, v in enumerate(versions)
        ],
        CANDIDATES,
    )


def holds(sha256: str, problems: Iterable[tuple[int, str, str]]) -> pa.Table:
    """Problems as (record number, code, field)."""
    rows = [
        {
            "input_sha256": sha256, "ordinal": n, "position": 100 * n, "rows": 1, "code": code, "field": field,
            "rule": "codes:country", "reason": "the code is not in the list; add it", "origin_record_id": None,
            "bridge_id": None,
        }
        for n, code, field in problems
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, HOLDS)


def out_of_scope(sha256: str, ordinals: Iterable[int]) -> pa.Table:
    """Rows left out by one rule."""
    rows = [
        {"input_sha256": sha256, "ordinal": n, "position": None, "rows": 1, "rule": "scope.disposition"}
        for n in ordinals
    ]
    return pa.Table.from_pylist(rows, OUT_OF_SCOPE)


def collect(
    exchange: Exchange,
    versions: Sequence[Version],
    number: int = 0,
    *,
    source: str = "cen",
    fingerprint: str = "f1",
    run_key: str = "",
    batch: int = 3,
) -> Books:
    """Take one window with one input in, a few records at a time."""
    window = day(number)
    key = run_key or f"{source} {window} {uuid.uuid4()}"
    run = exchange.begin_collect(source, window, f"{source} -> common", fingerprint, key)
    one = replace(file(f"{source}-{number}.xml", len(versions), window))
    exchange.register(run, one)
    exchange.note_read(run, one.sha256, len(versions))
    with exchange.intake(run) as intake:
        for start in range(0, len(versions), batch):
            intake.accept(candidates(versions[start : start + batch], one.sha256, start))
        return intake.seal()


def take_in(exchange: Exchange, run: Run, *accepted: pa.Table, held: pa.Table | None = None, seal: bool = True) -> None:
    """One intake of the run: batches of candidates, then holds, then the seal."""
    with exchange.intake(run) as intake:
        for table in accepted:
            intake.accept(table)
        if held is not None:
            intake.hold(held)
        if seal:
            intake.seal()


def delivered(row: dict[str, Any]) -> dict[str, Any]:
    """The disposition of a partner that takes everything: insert, update, withdraw or unchanged."""
    withdraw = row["cancelled"]
    effect: str | None
    if row["prior_holds"] and row["prior_hash"] == row["content_hash"] and not withdraw:
        disposition, effect = "unchanged", None
    else:
        disposition, effect = "delivered", "withdraw" if withdraw else "update" if row["prior_holds"] else "insert"
    return {
        "bridge_id": row["bridge_id"], "version": row["version"], "disposition": disposition, "effect": effect,
        "code": None, "withdraw": withdraw, "released_hash": row["content_hash"],
        "idempotency_key": row["content_hash"], "receipt": "inbox",
    }  # fmt: skip


def withheld(row: dict[str, Any]) -> dict[str, Any]:
    """The disposition of a record that a rule keeps back."""
    return {
        "bridge_id": row["bridge_id"], "version": row["version"], "disposition": "withheld", "effect": None,
        "code": "NOT_TOBACCO", "withdraw": False, "released_hash": None, "idempotency_key": None, "receipt": None,
    }  # fmt: skip


def dispositions(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows as DISPOSITIONS."""
    return pa.Table.from_pylist(list(rows), DISPOSITIONS)


def share(
    exchange: Exchange,
    partner: str = "cis",
    *,
    fingerprint: str = "g1",
    window: Window | None = None,
    redeliver: bool = False,
    nominal: bool = False,
    decide: Callable[[dict[str, Any]], dict[str, Any]] = delivered,
) -> tuple[Books, list[dict[str, Any]]]:
    """Share all that is due with a partner; gives the books and what was offered."""
    run = begin_share(exchange, partner, fingerprint=fingerprint, window=window, redeliver=redeliver)
    exchange.select(run)
    offered: list[dict[str, Any]] = []
    for table in exchange.candidates(run, nominal=nominal, size=2):
        rows = table.to_pylist()
        offered += rows
        exchange.settle(run, dispositions(map(decide, rows)))
    return exchange.finish(run), offered


def begin_share(
    exchange: Exchange,
    partner: str = "cis",
    *,
    fingerprint: str = "g1",
    window: Window | None = None,
    redeliver: bool = False,
) -> Run:
    """A share run under a new key."""
    return exchange.begin_share(
        partner, f"common -> {partner}", fingerprint, f"share {uuid.uuid4()}", window, redeliver
    )


def empty(query: Callable[..., object]) -> None:
    """An exchange as on its first day. What may only be added to is emptied, too: its triggers are off meanwhile."""
    tables = ", ".join(f"exchange.{name}" for name in ("run", "record", "record_version", "intake", "delivery"))
    query(f"SET session_replication_role = replica; TRUNCATE {tables} CASCADE; SET session_replication_role = origin")
