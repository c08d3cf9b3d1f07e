"""Comma-separated files: RFC 4180 with a declared delimiter and encoding."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bridge.batch import ROOT, Batch
from bridge.connector import Input
from bridge.errors import Misconfigured, Refused
from bridge.shape import Shape
from connectors.files.common import MIB, Proof, drift_option, text_option, whole
from connectors.files.encoding import refuse_bytes
from connectors.files.table import Rows, columns_note, refuse_header

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
        self._drift = drift_option(options)
        self._wanted = tuple(f.name for f in shape.table(ROOT))

    def prove(self, path: Path, name: str) -> Proof:
        return refuse_bytes(path, name, self._encoding) or self._count(path, name)

    def _count(self, path: Path, name: str) -> Proof:
        with path.open(encoding=self._codec, newline="") as file:
            rows = csv.reader(file, delimiter=self._delimiter, strict=True)
            try:
                header = _header(rows)
            except csv.Error:
                what = "the header's quotes do not match"
                return whole("QUOTES", name, 1, "line 1", what, "Have the supplier quote by RFC 4180")
            wrong = refuse_header(header, self._shape, self._drift)
            if wrong:
                proof = self._delimiter_problem(header, path, name) or whole("HEADER", name, 1, "line 1", *wrong)
                return replace(proof, notes=columns_note(header, self._shape))
            counted = 0
            while True:
                begin = rows.line_num + 1
                try:
                    row = next(rows)
                except StopIteration:
                    return Proof(counted, None, self._notes(header))
                except csv.Error as bad:
                    if "unexpected end of data" in str(bad):
                        what = "a quote is opened and never closed before the file ends"
                        fix = "Have the supplier send the file again, or close the quote"
                        return whole("TRUNCATED", name, begin, f"line {begin}", what, fix)
                    counted += 1
                else:
                    counted += bool(row)

    def _notes(self, header: list[str]) -> dict[str, str]:
        return {"encoding": self._encoding, "delimiter": self._delimiter, **columns_note(header, self._shape)}

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
            out = Rows(source_input, _header(rows), self._wanted)
            while True:
                begin = rows.line_num + 1
                try:
                    row = next(rows)
                except StopIteration:
                    break
                except csv.Error as bad:
                    out.refuse(begin, "csv:quotes", _lines(begin, rows.line_num), _refusal(str(bad)))
                else:
                    if len(row) == len(out.header):
                        out.add(row, begin)
                    elif row:
                        why = self._ragged(len(row), len(out.header))
                        out.refuse(begin, "csv:columns", _lines(begin, rows.line_num), why)
                if out.full:
                    yield out.batch()
            yield from out.flush()

    def _ragged(self, values: int, columns: int) -> Refused:
        fix = (
            f"Have the supplier quote values that hold a {_spoken(self._delimiter)}"
            if values > columns
            else "Have the supplier send the whole line: it is cut off, or a value without quotes holds a line break"
        )
        return Refused("RAGGED", "", f"{values} values for {columns} columns. {fix}")


def _header(rows: Iterator[list[str]]) -> list[str]:
    header = next(rows)
    # The codecs that name a byte order leave its mark in the text.
    return [header[0].removeprefix("\ufeff"), *header[1:]] if header else header


def _lines(begin: int, end: int) -> str:
    return f"line {begin}" if end <= begin else f"lines {begin} to {end}"


def _refusal(said: str) -> Refused:
    """Why the csv module refuses a row."""
    if "field larger" in said:
        what = f"a value longer than {csv.field_size_limit()} characters"
        return Refused("TOO_LARGE", "", f"{what}. Have the supplier shorten it, or close the quote that it begins with")
    fix = "Have the supplier double the quotes inside values (RFC 4180)"
    return Refused("QUOTES", "", f"a closing quote is followed by text. {fix}")


def _spoken(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, repr(delimiter))
