"""JSON lines: one JSON object a line, flat or nested by the shape."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from bridge.batch import Batch
from bridge.connector import Input
from bridge.errors import Refused
from bridge.jsonrecords import Records, parse
from bridge.shape import Shape
from connectors.files.common import MIB, Proof, number_option, whole
from connectors.files.encoding import refuse_bytes

BATCH_ROWS: Final = 20_000
MAX_RECORD: Final = 8 * MIB
BLANK: Final = b" \t\r\n" + codecs.BOM_UTF8


class JsonLines:
    """UTF-8 text with one object a line; a record's position is its line. Numbers keep the text they were written in.

    Args:
        options: ``max_record_bytes`` longest line that is read (8 MiB).
        shape: dotted names are objects inside the record, lists are arrays of objects, fields of type list are arrays
            of values.
    """

    suffix = ".jsonl"

    def __init__(self, options: Mapping[str, Any], shape: Shape) -> None:
        self._max = number_option(options, "max_record_bytes", MAX_RECORD)
        self._shape = shape

    def prove(self, path: Path, name: str) -> Proof:
        wrong = refuse_bytes(path, name, "utf-8")
        if wrong:
            return wrong
        counted, line, text = 0, 0, b""
        with path.open("rb") as file:
            for text in _lines(file, self._max):
                line += 1
                counted += bool(text.strip(BLANK))
        if not text.endswith(b"\n") and len(text) <= self._max and _unfinished(text):
            return whole(
                "TRUNCATED",
                name,
                line,
                f"line {line}",
                "the last line breaks off in the middle of an object",
                "Have the supplier send the file again",
            )
        return Proof(counted, None, {"encoding": "utf-8"})

    def read(self, source_input: Input) -> Iterator[Batch]:
        rows = Records(self._shape, source_input.name, source_input.sha256)
        row = line = 0
        with source_input.path.open("rb") as file:
            for text in _lines(file, self._max):
                line += 1
                if not text.strip(BLANK):
                    continue
                try:
                    rows.add(row, line, self._parse(text, line))
                except Refused as why:
                    rows.refuse(row, line, f"line {line}", why)
                row += 1
                if row % BATCH_ROWS == 0:
                    yield rows.batch()
        if row % BATCH_ROWS or row == 0:
            yield rows.batch()

    def _parse(self, text: bytes, line: int) -> Any:
        if len(text) > self._max:
            raise Refused(
                "TOO_LARGE",
                "",
                f"longer than max_record_bytes allows ({self._max}). Raise it, or have the record split",
            )
        try:
            return parse(text.decode("utf-8-sig" if line == 1 else "utf-8"))
        except json.JSONDecodeError as bad:
            raise Refused(
                "NOT_JSON", "", f"not JSON at column {bad.colno} ({bad.msg}). Have the supplier send the record again"
            ) from None
        except RecursionError:
            raise Refused(
                "TOO_DEEP", "", "nested too deeply to be a record. Have the supplier send the record as the schema says"
            ) from None


def _lines(file: BinaryIO, longest: int) -> Iterator[bytes]:
    """Lines with their ends; of a line that is too long only so much that it shows."""
    while text := file.readline(longest + 1):
        yield text
        while len(text) > longest and not text.endswith(b"\n"):
            text = file.readline(longest + 1)


def _unfinished(text: bytes) -> bool:
    try:
        json.loads(text.lstrip(codecs.BOM_UTF8))
    except (ValueError, RecursionError):
        return True
    return False
