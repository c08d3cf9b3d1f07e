"""SqlSource: records of a database by when they were last modified."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from bridge.batch import Batch
from bridge.connector import Input, Offer, Window
from bridge.errors import Misconfigured
from bridge.lagging import lag_of, name_of, require_over, window_of
from bridge.shape import Shape, Type
from connectors.sql import bundle, extract
from connectors.sql.reach import reach, required
from connectors.sql.tables import Layout, columns, live_shape, reflect


class SqlSource:
    """Reads a root table and the tables that refer to it, in windows of a modified-at column.

    A window can be taken once its end lies ``lag`` in the past: a row's time is that of the statement that wrote it,
    and the row is seen only after its transaction has committed, so ``lag`` has to exceed the longest transaction
    that writes there, and how far the clocks differ. Only then do two windows side by side miss nothing.

    What no modified-at column can show is a deleted row: a source that deletes needs its own table of deletions, or a
    status. A row without a modified-at time is never read either. A changed row of a child table is seen if the
    system then also touches the root row's time.

    Options: record (root table, schema.table), key (its unique column), modified_at (a timestamp column; one without
    time zone is taken to be UTC), lag (such as 5 minutes, the default), statement_timeout (PostgreSQL; 10min).
    Only the columns that the shape declares are ever asked for.
    """

    def __init__(self, connection: str, options: Mapping[str, Any], shape: Shape) -> None:
        self._engine = reach(connection)
        self._root = required(options, "record", "root")
        self._key = required(options, "key")
        self._modified = required(options, "modified_at")
        self._lag = lag_of(str(options.get("lag", "5 minutes")))
        self._timeout = str(options.get("statement_timeout", "10min"))
        self._shape = shape

    def fields(self) -> Shape:
        """The shape with the types, lengths and obligations of the live tables."""
        return live_shape(self._layout, self._shape)

    def offers(self, window: Window) -> list[Offer]:
        """One offer: the rows modified in the window. Raises TryLater while its end is younger than the lag."""
        self._require_over(window)
        return [Offer(name_of(window), window.since)]

    def fetch(self, offer: Offer, archive: Path) -> Input:
        """Archive the rows of the offer's window as one file, all from one snapshot, with an independent count of
        its records. The same rows give the same file; see connectors.sql.bundle."""
        window = window_of(offer.name)
        self._require_over(window)
        ask = extract.Ask(self._layout, self._shape, self._modified, window, self._timeout)
        with bundle.writing(archive) as writer:
            counted = extract.extract(self._engine, ask, writer)
            about = {
                "root": self._root,
                "since": f"{window.since:%Y-%m-%dT%H:%M:%S.%fZ}",
                "until": f"{window.until:%Y-%m-%dT%H:%M:%S.%fZ}",
            }
            sha256, size, path = writer.close(about)
        notes = {"columns": json.dumps(columns(self._layout, self._shape), sort_keys=True)}
        return Input(offer.name, sha256, size, offer.arrival, path, counted, notes=notes)

    def read(self, source_input: Input) -> Iterator[Batch]:
        """The archived records by modified-at and key, as canonical text, in batches of some 16 MB."""
        return bundle.read(source_input.path, source_input.name, source_input.sha256)

    def _require_over(self, window: Window) -> None:
        require_over(window, self._lag, self._root, "transactions that write into the window may still be open")

    @cached_property
    def _layout(self) -> Layout:
        layout = reflect(self._engine, self._shape, self._root, self._key)
        live = layout.root.columns.get(self._modified)
        if live is None or live.type is not Type.DATETIME:
            what = f"{self._modified} is no timestamp column"
            raise Misconfigured(
                "BAD_OPTION", f"{self._root} modified_at", what, "Name the column that says when a row last changed"
            )
        return layout
