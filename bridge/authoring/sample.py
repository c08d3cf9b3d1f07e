"""The shape of a system that nobody has described yet: read from a sample, a schema or a table, with its values."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as given
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from bridge.authoring import evidence
from bridge.authoring.encodings import decoded
from bridge.errors import Misconfigured
from bridge.shape import Field, Shape

KINDS: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xml", ".json", ".jsonl", ".ndjson")
MOST_ROWS: Final = 20_000
"""Records of a sample that are looked at."""
_SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass
class Column:
    """One field of the system, with the values that were seen.

    Args:
        rows: records (or entries of its list) that were looked at, with or without a value.
        cells: of a sheet, what stands in each row, "" if nothing does; empty for other samples.
    """

    field: Field
    values: list[str] = given(default_factory=list)
    rows: int = 0
    cells: list[str] = given(default_factory=list)

    @property
    def path(self) -> str:
        """The field's path."""
        return self.field.path

    @cached_property
    def distinct(self) -> Counter[str]:
        """Each value with how often it was seen."""
        return Counter(self.values)

    @cached_property
    def dates(self) -> evidence.Dates | None:
        """How its dates are written, if it has any."""
        return evidence.dates(self.values)

    @cached_property
    def births(self) -> str:
        """What shows that its dates are of births; "" if nothing does."""
        return evidence.births(self.values, self.dates, datetime.now(UTC).date())

    @cached_property
    def numbers(self) -> evidence.Numbers | None:
        """How its numbers are written, if it has any."""
        return evidence.numbers(self.values)


@dataclass(slots=True)
class Sample:
    """What is known of a system before anybody has said what it means.

    Args:
        kind: csv, xlsx, xml, jsonl or sql.
        columns: in the system's own order.
        lists: paths of its lists.
        record: where the record stands, for XML and SQL.
        options: how its connector reads it.
        said: how that was found out, one sentence each.
        questions: what only a person can answer.
        schema: the schema's own text where one was given or read from a table; "" if it has to be written.
        suffix: of that schema's file.
    """

    kind: str
    columns: list[Column]
    lists: tuple[str, ...] = ()
    record: str = ""
    options: dict[str, Any] = given(default_factory=dict)
    said: list[str] = given(default_factory=list)
    questions: list[str] = given(default_factory=list)
    schema: str = ""
    suffix: str = ".json"


def read_sample(path: Path, record: str = "") -> Sample:
    """The columns and values of a sample file.

    Args:
        record: path of the record's element, for XML.

    Raises:
        Misconfigured: no such file, another kind of file, or one without records.
    """
    if not path.is_file():
        raise Misconfigured("NO_SAMPLE", str(path), "there is no such file", "Name a file that the system has sent")
    match path.suffix.lower():
        case ".csv" | ".tsv" | ".txt":
            found = _csv(path)
        case ".xlsx":
            found = _xlsx(path)
        case ".xml":
            from bridge.authoring.xmlsample import xml_sample

            found = xml_sample(path, record)
        case ".json" | ".jsonl" | ".ndjson":
            from bridge.authoring.jsonsample import json_sample

            found = json_sample(path)
        case other:
            raise Misconfigured(
                "BAD_SAMPLE", path.name, f"no shape can be read from {other or 'a file without suffix'}",
                f"Give one of {', '.join(KINDS)}",
            )  # fmt: skip
    if not found.columns or not any(column.rows for column in found.columns):
        raise Misconfigured("BAD_SAMPLE", path.name, "it has no record", "Give a sample with some tens of records")
    return found


def of_shape(shape: Shape, kind: str, text: str, suffix: str, record: str = "") -> Sample:
    """A system that has a schema: its fields, and as values the codes that the schema lists."""
    columns = [Column(one, list(one.codes), 0) for one in shape]
    return Sample(kind, columns, tuple(shape.lists), record, schema=text, suffix=suffix)


# --- sheets -----------------------------------------------------------------------------------------------------------


def _csv(path: Path) -> Sample:
    data = path.read_bytes()
    text, encoding, said, question = decoded(data)
    delimiter, rows, shown = _separated(text, path.name)
    header = [name.strip() for name in rows[0]]
    _sound_header(header, rows[1:], path.name)
    ragged = sum(len(row) != len(header) for row in rows[1:])
    found = _table(header, rows[1:])
    found.kind = "csv"
    found.said = [said, shown]
    found.questions += [f"encoding: {question}"] if question else []
    if ragged:
        lines = "1 line has" if ragged == 1 else f"{ragged} lines have"
        found.said.append(f"{lines} another number of values than the header and will be held")
    found.options = {"format": "csv", "pattern": f"*{path.suffix.lower()}"}
    if delimiter != ",":
        found.options["delimiter"] = "tab" if delimiter == "\t" else delimiter
    if encoding != "utf-8":
        found.options["encoding"] = encoding
    return found


def _separated(text: str, name: str) -> tuple[str, list[list[str]], str]:
    """The delimiter under which most lines have as many values as the header, and the rows."""
    best: tuple[tuple[float, int], str, list[list[str]]] | None = None
    for delimiter in _SEPARATORS:
        try:
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
        except csv.Error:
            continue
        rows = rows[: MOST_ROWS + 1]
        if len(rows) > 1 and len(rows[0]) > 1:
            even = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
            if best is None or (even, len(rows[0])) > best[0]:
                best = (even, len(rows[0])), delimiter, rows
    if best is None:
        what = "no comma, semicolon, tab or bar separates its lines into columns"
        raise Misconfigured("BAD_SAMPLE", name, what, "Give a file with a header line and at least one record")
    (even, width), delimiter, rows = best
    said = f"delimiter {_SEPARATORS[delimiter]}: {round(even * len(rows))} of {len(rows)} lines have {width} values"
    return delimiter, rows, said


def _xlsx(path: Path) -> Sample:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(str(path))
    sheet = book.sheet_names[0]
    rows = [[_cell(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python(nrows=MOST_ROWS + 20)]
    widths = [sum(bool(cell) for cell in row) for row in rows[:20]]
    at = next((place for place, width in enumerate(widths) if width >= 0.8 * max(widths)), 0) if widths else 0
    header = [" ".join(cell.split()) for cell in rows[at]] if rows else []
    while header and not header[-1]:
        header.pop()
    body = [row[: len(header)] for row in rows[at + 1 :] if any(row)]
    _sound_header(header, body, path.name)
    found = _table(header, body)
    found.kind = "xlsx"
    found.options = {"format": "xlsx", "pattern": "*.xlsx"}
    found.said = [
        f"sheet {sheet!r}, the first of {len(book.sheet_names)}",
        f"header in row {at + 1}, the first full one",
    ]
    if at:
        found.options["header_row"] = str(at + 1)
    if len(book.sheet_names) > 1:
        found.options["sheet"] = sheet
    return found


def _cell(cell: Any) -> str:
    """A cell's text as the files connector gives it."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def _sound_header(header: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> None:
    from bridge.authoring.header import refuse_record

    refuse_record(header, rows, name)
    # Places and not the names themselves: what is no header is a record.
    twice = [str(place) for place, one in enumerate(header, 1) if header.count(one) > 1]
    if not all(header) or twice:
        same = f"columns {', '.join(twice)} of the header do not each have a name of their own"
        what = same if all(header) else "a column of the header has no name"
        raise Misconfigured("BAD_SAMPLE", name, what, "Have the supplier name every column once")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Sample:
    sound = [row for row in rows if len(row) == len(header)]
    columns = []
    for place, name in enumerate(header):
        cells = [row[place].strip() for row in sound]
        values = [cell for cell in cells if cell]
        field = Field("", name, required=bool(sound) and len(values) == len(sound))
        columns.append(Column(field, values, len(sound), cells))
    return Sample("", columns)
