"""SqlTarget: records into a partner's database, each with its proof, exactly once in effect."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import Any, Final

import psycopg
import pyarrow as pa

from bridge.batch import INDEX, ROW, Batch
from bridge.connector import RECEIPTS
from bridge.errors import Problem
from bridge.pgcopy import Column, misfits
from bridge.shape import Shape
from connectors.sql import inbox, pg, portable, readback
from connectors.sql.orders import Fence, receipts, sort
from connectors.sql.reach import reach, required, safely, wanted
from connectors.sql.tables import Layout, live_shape, narrower, reflect

_PARTNER: Final = "partner"
_NONE: Final = "none"


class SqlTarget:
    """Delivers into a root table with a unique key and child tables that refer to it.

    With ``inbox: partner`` (the default) a table in the partner's schema ``bridge_inbox`` holds the version that
    stands for each key, and proof and effect commit in one transaction: repeats, order and duplicates of versions
    change nothing, a withdrawn key never comes back, and a recalled one with its next higher version. ``inbox: none``
    creates nothing and promises less: see
    connectors.sql.readback. PostgreSQL 15 and later is loaded by binary COPY, every other database through
    SQLAlchemy row by row.

    Options: root (schema.table), key (its column), inbox (partner | none), loader (who is fenced; the root if not
    given), epoch (integer; deliveries of a lower one are refused with Stop), checkpoint (text that is kept once beside
    each epoch that delivers), lock_timeout, statement_timeout, idle_timeout (PostgreSQL durations such as 30s).

    Columns of a root row that the batch does not have are the partner's own and survive; rows of child tables are
    written anew whenever their record changes. A column that is null in every row of a batch and that the database
    fills by itself is not sent.
    """

    def __init__(self, connection: str, options: Mapping[str, Any], shape: Shape) -> None:
        self._engine = reach(connection)
        self._root = required(options, "root", "record")
        self._key = required(options, "key")
        self._inbox = wanted(options, "inbox", (_PARTNER, _NONE), _PARTNER)
        self._shape = shape
        self._fast = self._engine.dialect.name == "postgresql" and self._inbox == _PARTNER
        self._timeouts = {
            "lock_timeout": str(options.get("lock_timeout", pg.TIMEOUTS["lock_timeout"])),
            "statement_timeout": str(options.get("statement_timeout", pg.TIMEOUTS["statement_timeout"])),
            "idle_in_transaction_session_timeout": str(
                options.get("idle_timeout", pg.TIMEOUTS["idle_in_transaction_session_timeout"])
            ),
        }
        self.loader = str(options.get("loader", self._root))
        self.epoch: int | None = int(options["epoch"]) if options.get("epoch") is not None else None
        self._attempt = time.time_ns()
        self._checkpoint = str(options.get("checkpoint", ""))
        self._preparing = Lock()

    @property
    def lanes(self) -> int:
        """Two where each has a transaction of its own: one batch is sent while the database stores another."""
        return 2 if self._fast else 1

    def fields(self) -> Shape:
        """The shape with the types, lengths and obligations of the live tables."""
        return live_shape(self._layout, self._shape)

    def deliver(self, batch: Batch, orders: pa.Table) -> pa.Table:
        """Carry out orders (ORDERS) in one transaction and say for each what happened (RECEIPTS).

        An order that the batch or the inbox tops with a higher version is ``superseded``; an equal one, or a newer
        one with the content that already stands there, is ``unchanged``, unless the partner's row has gone: then it
        is put back, an ``insert``. The receipt is the inbox's name and the idempotency key that stands there for the
        order's key now.

        Raises:
            Misconfigured: the live tables do not fit the shape, or the database refuses; names table, column and
                constraint, never a value.
            TryLater: the database is away or a lock was not had in time.
            Stop: the epoch is past.
        """
        ordered = sort(orders)
        fence = Fence(self.loader, self.epoch, self._attempt, self._checkpoint)
        if not len(ordered.first):
            return RECEIPTS.empty_table()
        if self._fast:
            with self._session() as session:
                outcome = pg.load(session, self._ready, self._columns, batch, ordered.first, fence, self._timeouts)
        elif self._inbox == _PARTNER:
            outcome = portable.load(self._engine, self._ready, self._shape, batch, ordered.first, fence)
        else:
            outcome = readback.load(self._engine, self._ready, self._shape, batch, ordered.first)
        return receipts(ordered, outcome, self._name)

    def count(self) -> int | None:
        """Root rows that the inbox has and that were not taken back; None without an inbox: nothing tells ours then."""
        if self._fast:
            with self._session() as session:
                return inbox.count(session, self._ready)
        return portable.count(self._engine, self._ready) if self._inbox == _PARTNER else None

    def keys(self) -> Iterator[tuple[str, bytes, bool]] | None:
        """Key, content hash and whether the root row is there, of each record the inbox has and that was not taken
        back, by key; None without an inbox. For the nightly comparison with the ledger."""
        if self._inbox == _NONE:
            return None
        return self._keys() if self._fast else portable.keys(self._engine, self._ready)

    def past(self) -> int | None:
        """The highest epoch of this loader that has delivered; None if none has, or without an inbox."""
        if self._inbox == _NONE:
            return None
        if self._fast:
            with self._session() as session:
                return inbox.past(session, self.loader) if inbox.there(session, self._root) else None
        return portable.past(self._engine, self._ready, self.loader)

    def unfit(self, batch: Batch) -> list[Problem]:
        """Values that a column cannot hold exactly, one problem each, so that their records are held and the rest
        goes. PostgreSQL with an inbox only; elsewhere deliver() refuses the whole batch."""
        if not self._fast:
            return []
        found: list[Problem] = []
        for table in self._layout.tables:
            rows = batch.tables.get(table.list)
            types = self._columns[table.list]
            for name in rows.column_names if rows is not None else []:
                if name in types:
                    found += _problems(rows, table.list, types[name])
        return found

    @contextmanager
    def _session(self) -> Iterator[psycopg.Connection[Any]]:
        with safely(self._root):
            raw = self._engine.raw_connection()
        session = raw.driver_connection
        assert isinstance(session, psycopg.Connection)  # noqa: S101 - reach() chose the driver
        try:
            yield session
        finally:
            if session.closed:
                raw.invalidate()  # closing it would try to roll back first, and log that this failed
            else:
                raw.close()

    def _keys(self) -> Iterator[tuple[str, bytes, bool]]:
        with self._session() as session:
            if inbox.there(session, self._root):
                yield from inbox.keys(session, self._layout)

    @property
    def _name(self) -> str:
        if self._fast:
            return f"{inbox.SCHEMA}.{inbox.inbox_name(self._root)}"
        return portable.inbox(self._root).name if self._inbox == _PARTNER else self._root

    @cached_property
    def _layout(self) -> Layout:
        return reflect(self._engine, self._shape, self._root, self._key)

    @property
    def _ready(self) -> Layout:
        """The layout, once it is known to hold what the shape allows and the inbox is there."""
        with self._preparing:  # two who make the inbox at once would meet in the database
            return self._prepared

    @cached_property
    def _prepared(self) -> Layout:
        narrower(self._layout, self._shape)
        if self._fast:
            with self._session() as session:
                inbox.prepare(session, self._root, self._timeouts)
        elif self._inbox == _PARTNER:
            portable.prepare(self._engine, self._root)
        return self._layout

    @cached_property
    def _columns(self) -> dict[str, dict[str, Column]]:
        with self._session() as session:
            return pg.live_columns(session, self._layout)


def _problems(rows: pa.Table, path: str, column: Column) -> list[Problem]:
    values = rows.column(column.name)
    places = misfits(values, column)
    if not len(places):
        return []
    code = {"date": "BAD_DATE", "timestamptz": "BAD_DATE", "timestamp": "BAD_DATE", "numeric": "BAD_NUMBER"}
    kind = code.get(column.type, "TOO_LONG" if column.length is not None else "BAD_VALUE")
    bad = rows.select([name for name in (ROW, INDEX) if name in rows.column_names]).take(places).to_pylist()
    return [
        Problem(
            entry[ROW],
            -1,
            kind,
            ".".join([path, str(entry[INDEX]), column.name]) if path else column.name,
            f"column:{column.type}",
            f"the partner's column {column.name} ({column.type}) cannot hold this value exactly; mend the mapping",
        )
        for entry in bad
    ]
