"""The archived form of rows taken from a database: one file, the same bytes for the same rows.

A ZIP without compression of one CSV per table (UTF-8, header, NULL is nothing and
empty text is "") and tables.json, which says what each column is. Readable with
nothing but an unzipper in twenty years; not compressed, because a compressor's
bytes change with its version, and with them the hash of rows that did not.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from bridge import bundle
from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.bundle import Bundle
from bridge.errors import Misconfigured
from bridge.shape import Type
from connectors.sql.values import canonical

FORMAT: Final = 1
_CONTENTS: Final = "tables.json"
_BLOCK: Final = 16 << 20
_MOMENT: Final = r"^([0-9-]{10})[ T]([0-9:]{8})(?:(\.[0-9]*?)0*)?(?:\+00(?::00)?|Z)?$"
"""A moment as PostgreSQL prints it in UTC, or already canonical; anything else is left for the mapping to refuse."""


@dataclass(frozen=True, slots=True)
class Member:
    """One table of a bundle. ``kinds`` by column: text, moment, float or list; ``rows`` as many as were written."""

    list: str
    file: str
    kinds: Mapping[str, str]
    rows: int


@contextmanager
def writing(archive: Path) -> Iterator[Writer]:
    """A bundle under a temporary name in the archive folder; gone unless ``Writer.close`` kept it."""
    with bundle.writing(archive, ".sql-") as out:
        yield Writer(out)


class Writer:
    """Adds tables one after another, then names the file by its hash."""

    def __init__(self, out: Bundle) -> None:
        self._out = out
        self._members: list[Member] = []

    def member(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file of the bundle to write CSV into."""
        return self._out.member(name)

    def add(self, member: Member) -> None:
        """Note a table whose file was written."""
        self._members.append(member)

    def close(self, about: Mapping[str, Any]) -> tuple[str, int, Path]:
        """Finish and move to archive/<2 hex>/<sha256>; gives hash, size in bytes and path."""
        tables = [{"list": m.list, "file": m.file, "columns": dict(m.kinds), "rows": m.rows} for m in self._members]
        with self.member(_CONTENTS) as out:
            out.write(json.dumps({"format": FORMAT, **about, "tables": tables}, indent=1).encode())
        return self._out.keep()


def header(names: Sequence[str]) -> bytes:
    """The first line of a table's CSV."""
    return (",".join(_quoted(name) for name in names) + "\n").encode()


def line(values: Sequence[str | None]) -> str:
    """One row of CSV; None is nothing, empty text is quoted."""
    return ",".join("" if value is None else _quoted(value) for value in values) + "\n"


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def read(path: Path, where: str, sha256: str, block: int = _BLOCK) -> Iterator[Batch]:
    """The records in order, in batches of ``block`` bytes of root rows; memory does not grow with their number."""
    with zipfile.ZipFile(path) as bundle:
        contents = json.loads(bundle.read(_CONTENTS))
        if contents["format"] != FORMAT:
            what = f"the bundle is of format {contents['format']}"
            raise Misconfigured(
                "BAD_BUNDLE", where, what, f"Read it with the version that wrote it; this reads {FORMAT}"
            )
        members = [Member(t["list"], t["file"], t["columns"], t["rows"]) for t in contents["tables"]]
        root, children = members[0], members[1:]
        cursors = {child.list: _Entries(_tables(bundle, child, block)) for child in children}
        start = 0
        for table in _tables(bundle, root, block):
            rows = pa.array(np.arange(start, start + len(table), dtype=np.int64))
            start += len(table)
            found = table.add_column(0, POSITION, pa.nulls(len(table), pa.int64())).add_column(0, ROW, rows)
            entries = {name: cursor.until(start) for name, cursor in cursors.items()}
            yield Batch({ROOT: found, **entries}, where, sha256)


class _Entries:
    """Rows of a child table, handed out by record number."""

    def __init__(self, tables: Iterator[pa.Table]) -> None:
        self._tables = tables
        self._rest: pa.Table | None = next(tables, None)

    def until(self, row: int) -> pa.Table:
        """Entries of records below this number that were not handed out before, numbered within their record."""
        parts = []
        while self._rest is not None:
            numbers = self._rest.column(ROW).to_numpy()
            cut = int(np.searchsorted(numbers, row))
            parts.append(self._rest.slice(0, cut))
            if cut < len(numbers):
                self._rest = self._rest.slice(cut)
                break
            following = next(self._tables, None)
            if following is None:
                self._rest = self._rest.slice(cut)
                break
            self._rest = following
        found = pa.concat_tables(parts)
        return found.add_column(1, INDEX, _places(found.column(ROW).to_numpy()))


def _places(rows: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Array:
    """0, 1, 2 … anew for each record."""
    if not len(rows):
        return pa.array([], pa.int64())
    places = np.arange(len(rows))
    new = np.concatenate(([True], rows[1:] != rows[:-1]))
    return pa.array(places - np.maximum.accumulate(np.where(new, places, 0)), pa.int64())


def _tables(bundle: zipfile.ZipFile, member: Member, block: int) -> Iterator[pa.Table]:
    """The member's rows in blocks, in canonical text; at least one block, empty if there are no rows."""
    with bundle.open(member.file) as source:
        names = list(member.kinds)
        numbered = [ROW] if member.list != ROOT else []
        if not member.rows:
            types = {**dict.fromkeys(numbered, pa.int64()), **{n: _arrow(member.kinds[n]) for n in names}}
            yield pa.schema(list(types.items())).empty_table()
            return
        blocks = csv.open_csv(
            source,
            csv.ReadOptions(block_size=block, use_threads=False),
            csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types={**dict.fromkeys(names, pa.string()), **dict.fromkeys(numbered, pa.int64())},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        for batch in blocks:
            table = pa.table({name: batch.column(name) for name in (*numbered, *names)})
            for name, kind in member.kinds.items():
                if kind != "text":
                    table = table.set_column(table.column_names.index(name), name, _value(table.column(name), kind))
            yield table


def _arrow(kind: str) -> pa.DataType:
    return pa.list_(pa.string()) if kind == "list" else pa.string()


def _value(values: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    if kind == "list":
        lists = pl.Series(values).str.json_decode(pl.List(pl.String)).to_arrow()
        return pa.chunked_array([lists.cast(pa.list_(pa.string()))])
    if kind == "float":
        # Two programs give one float two texts; ours is Python's, the shortest.
        encoded = values.combine_chunks().dictionary_encode()
        texts = [canonical(float(text), Type.DECIMAL) for text in encoded.dictionary.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string()).take(encoded.indices)])
    plain = pc.replace_substring_regex(values, _MOMENT, r"\1T\2\3Z")
    return pc.replace_substring_regex(plain, r"\.Z$", "Z")
