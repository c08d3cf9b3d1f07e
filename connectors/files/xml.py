"""XML files: records cut from proven bytes in windows, ordinary ones by arrays, the others one by one."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from bridge.batch import Batch
from bridge.connector import Input
from bridge.errors import Misconfigured, Problem, Stop
from bridge.shape import Shape
from connectors.files.common import MIB, Proof, number_option, text_option
from connectors.files.xmlplan import plan
from connectors.files.xmlprove import declared, prove_xml, sniff
from connectors.files.xmlwindow import Around, Window, empty

WINDOW: Final = 2 * MIB
"""Bytes taken up at a time: their arrays stay in the processor's cache."""
CHUNK: Final = 8 * MIB
MAX_RECORD: Final = 8 * MIB


class Xml:
    """One XML document; a record is each element at a path, its position the byte at which it begins.

    Names are local names. Elements without a namespace or in the record's own are the schema's; others, and any element
    or attribute that the schema does not name, are problems of their record, as are an element that stands twice where
    one is allowed and text between elements. Empty, missing and nil are null.

    Args:
        options: ``record`` the path from the root, such as /CEN/Seizure (needed); ``namespace`` of the record, if it
            must be that one; ``chunk_bytes`` of input for one batch (8 MiB); ``max_record_bytes`` (8 MiB).
        shape: slashed names are elements inside the record, ``@name`` attributes, ``.`` an entry's own text.
    """

    suffix = ".xml"

    def __init__(self, options: Mapping[str, Any], shape: Shape) -> None:
        record = text_option(options, "record", "")
        self._record = tuple(part for part in record.split("/") if part)
        if not self._record:
            raise Misconfigured(
                "BAD_OPTION", "option record", "which element is the record is not said", "Set record: /Root/Record"
            )
        self._namespace = text_option(options, "namespace", "")
        self._chunk = number_option(options, "chunk_bytes", CHUNK)
        self._window = min(WINDOW, self._chunk)
        self._max = number_option(options, "max_record_bytes", MAX_RECORD)
        self._shape = shape
        self._root = plan(shape)

    def prove(self, path: Path, name: str) -> Proof:
        return prove_xml(path, name, self._record, self._namespace)

    def read(self, source_input: Input) -> Iterator[Batch]:
        out = _Batches(source_input, self._shape)
        for window in self._windows(source_input.path):
            out.add(window)
            if out.size >= self._chunk:
                yield out.batch()
        if out.size or not out.row:
            yield out.batch()

    def _windows(self, path: Path) -> Iterator[Window]:
        encoding = declared(path, sniff(path))
        decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
        around = Around(self._record)
        data, base = b"", 0
        with path.open("rb") as file:
            while block := file.read(self._window):
                text = block if decoder is None else decoder.decode(block).encode()
                if base == 0 and not data and text.startswith(codecs.BOM_UTF8):
                    text, base = text[3:], 2 if encoding.startswith("utf-16") else 3
                window = Window(data + text, base, encoding)
                window.read(around, self._root, self._max)
                yield window
                data, base = window.rest()
        if data.strip() or around.open_elements:
            raise Stop(
                "CHANGED",
                str(path),
                "the archived file is not the one that was proven",
                "Compare the file with its hash",
            )


class _Batches:
    """Windows gathered to batches; row numbers run on."""

    def __init__(self, source: Input, shape: Shape) -> None:
        self.source, self.shape = source, shape
        self.row = 0
        self._clear()

    def _clear(self) -> None:
        self.size = 0
        self._tables: dict[str, list[pa.Table]] = {path: [] for path in self.shape.tables}
        self._problems: list[Problem] = []

    def add(self, window: Window) -> None:
        self.size += window.used
        self._problems += window.problems(self.row)
        for path, parts in self._tables.items():
            parts.append(window.table(self.shape, path, self.row))
        self.row += window.records

    def batch(self) -> Batch:
        tables = {
            path: pa.concat_tables(parts).combine_chunks() if parts else empty(self.shape, path)
            for path, parts in self._tables.items()
        }
        done = Batch(tables, self.source.name, self.source.sha256, tuple(self._problems))
        self._clear()
        return done
