"""Comma-separated files: RFC 4180 with a declared delimiter and encoding."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bridge.batch import ROOT, Batch
from bridge.connector import Input
from bridge.errors import Misconfigured
from bridge.shape import Shape
from connectors.files.common import MIB, Proof, text_option, whole
from connectors.files.encoding import refuse_bytes
from connectors.files.table import Rows, refuse_header

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


class Csv:
    """Delimited text with one header line; a record is a row, its position the line on which it begins.

    Args:
        options: ``delimiter`` one character, or ``tab`` (``,``); ``encoding`` a Python codec name (``utf-8``; a byte
            order mark is passed over).
        shape: fields of the record are the column names, in any order.
    """

    suffix = ".csv"

    def __init__(self, options: Mapping[str, Any], shape: Shape) -> None:
        delimiter = text_option(options, "delimiter", ",")
        self._delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
        if len(self._delimiter) != 1 or self._delimiter in '"\r\n':
            raise Misconfigured(
                "BAD_OPTION", "option delimiter", f"{delimiter!r} is no single character", "Write one character, or tab"
            )
        encoding = text_option(options, "encoding", "utf-8")
        try:
            self._encoding = codecs.lookup(encoding).name
        except LookupError:
            raise Misconfigured(
                "BAD_OPTION", "option encoding", f"there is no encoding {encoding!r}", "Write utf-8, cp1252 or the like"
            ) from None
        self._shape = shape

    def prove(self, path: Path, name: str) -> Proof:
        return refuse_bytes(path, name, self._encoding) or self._count(path, name)

    def _count(self, path: Path, name: str) -> Proof:
        with path.open(encoding=self._codec, newline="") as file:
            rows = csv.reader(file, delimiter=self._delimiter, strict=True)
            try:
                header = next(rows)
            except csv.Error:
                return whole(
                    "QUOTES",
                    name,
                    1,
                    "line 1",
                    "the header's quotes do not match",
                    "Have the supplier quote by RFC 4180",
                )
            wrong = refuse_header(header, self._shape)
            if wrong:
                return self._delimiter_problem(header, path, name) or whole("HEADER", name, 1, "line 1", *wrong)
            counted = 0
            while True:
                begin = rows.line_num + 1
                try:
                    row = next(rows)
                except StopIteration:
                    return Proof(counted, None, {"encoding": self._encoding, "delimiter": self._delimiter})
                except csv.Error as bad:
                    if "unexpected end of data" in str(bad):
                        return whole(
                            "TRUNCATED",
                            name,
                            begin,
                            f"line {begin}",
                            "a quote is opened and never closed before the file ends",
                            "Have the supplier send the file again, or close the quote",
                        )
                    counted += 1
                    continue
                counted += bool(row)

    def _delimiter_problem(self, header: list[str], path: Path, name: str) -> Proof | None:
        expected = {f.name for f in self._shape.table(ROOT)}
        with path.open(encoding=self._codec, newline="") as file:
            line = file.readline(MIB)
        matches = {}
        for other in DELIMITERS:
            try:
                matches[other] = len(expected & set(next(csv.reader([line], delimiter=other))))
            except (csv.Error, StopIteration):
                continue
        best = max(matches, key=lambda other: matches[other])
        if matches[best] <= len(expected & set(header)):
            return None
        return whole(
            "DELIMITER",
            name,
            1,
            "line 1",
            f"the header is not separated by {_spoken(self._delimiter)}; {_spoken(best)} gives {matches[best]} of "
            f"{len(expected)} expected columns",
            f"Set delimiter to {_spoken(best)}, or have the supplier use {_spoken(self._delimiter)}",
        )

    @property
    def _codec(self) -> str:
        return "utf-8-sig" if self._encoding == "utf-8" else self._encoding

    def read(self, source_input: Input) -> Iterator[Batch]:
        with source_input.path.open(encoding=self._codec, newline="") as file:
            rows = csv.reader(file, delimiter=self._delimiter, strict=True)
            header = next(rows)
            out = Rows(source_input, header)
            while True:
                begin = rows.line_num + 1
                try:
                    row = next(rows)
                except StopIteration:
                    break
                except csv.Error:
                    out.refuse(
                        begin,
                        "QUOTES",
                        "csv:quotes",
                        f"line {begin}: a closing quote is followed by text. Have the supplier double the quotes "
                        "inside values (RFC 4180)",
                    )
                else:
                    if len(row) == len(header):
                        out.add(row, begin)
                    elif row:
                        out.refuse(
                            begin,
                            "RAGGED",
                            "csv:columns",
                            f"line {begin}: {len(row)} values for {len(header)} columns. Have the supplier quote "
                            f"values that hold a {_spoken(self._delimiter)}",
                        )
                if out.full:
                    yield out.batch()
            yield from out.flush()


def _spoken(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, repr(delimiter))
