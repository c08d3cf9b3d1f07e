"""Spreadsheets: one sheet of an Office Open XML workbook."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook

from bridge.batch import ROOT, Batch
from bridge.connector import Input
from bridge.errors import Refused, Stop
from bridge.shape import Shape
from connectors.files.common import MIB, Proof, drift_option, number_option, text_option, whole
from connectors.files.table import Rows, columns_note, refuse_header
from connectors.files.xlsxscan import RESAVE, Doctype, doubtful_rows, scan, worksheets

UNNAMED: Final = Refused(
    "RAGGED", "", "a value stands in a column without a name. Have the supplier name the column or clear it"
)
UNUSABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
    OverflowError,
)
"""What zipfile and the numbers of rows raise for what is no workbook."""
MAX_UNPACKED: Final = 512 * MIB


class Xlsx:
    """One sheet with one header row; a record is a row with a filled cell, its position the sheet's row number.

    White space in a column's name counts as one space. Cells become text: dates in ISO 8601, whole numbers without a
    point, other numbers as the shortest text of the stored number, TRUE as ``true``. A formula counts as the value
    stored with it. A row with an error value, or a formula whose value is not stored, is a problem: nobody can tell
    what was meant.

    Args:
        options: ``sheet`` (the first); ``header_row`` counted from 1 (1); ``max_unpacked_bytes`` (512 MiB).
        shape: fields of the record are the column names, in any order.
    """

    suffix = ".xlsx"

    def __init__(self, options: Mapping[str, Any], shape: Shape) -> None:
        self._sheet = text_option(options, "sheet", "")
        self._header_row = number_option(options, "header_row", 1)
        self._max = number_option(options, "max_unpacked_bytes", MAX_UNPACKED)
        self._shape = shape
        self._drift = drift_option(options)
        self._wanted = tuple(f.name for f in shape.table(ROOT))

    def prove(self, path: Path, name: str) -> Proof:
        try:
            return self._prove(path, name)
        except (expat.ExpatError, etree.XMLSyntaxError, CalamineError) as bad:
            what = f"a part of the workbook cannot be read ({type(bad).__name__})"
            return whole("NOT_XLSX", name, -1, "", what, RESAVE)
        except UNUSABLE as bad:
            return whole(
                "NOT_XLSX", name, 0, "byte 0", f"not a workbook in .xlsx format ({type(bad).__name__})", RESAVE
            )
        except Doctype:
            return whole("DOCTYPE", name, -1, "", "a part of the workbook has a document type declaration", RESAVE)

    def _prove(self, path: Path, name: str) -> Proof:
        with zipfile.ZipFile(path) as book:
            unpacked = sum(part.file_size for part in book.infolist())
            if unpacked > self._max:
                what = f"{unpacked} bytes when unpacked, more than max_unpacked_bytes allows ({self._max})"
                return whole(
                    "TOO_LARGE", name, -1, "", what, "Have the supplier send less, or raise max_unpacked_bytes"
                )
            sheets = worksheets(book)
            sheet = self._sheet or next(iter(sheets), "")
            if sheet not in sheets:
                what = f"there is no sheet {sheet!r}; it has {', '.join(sheets)}"
                return whole("NO_SHEET", name, -1, "", what, "Correct sheet, or have the supplier name it so")
            filled = scan(book, sheets[sheet], self._header_row).filled
        header = self._header(_rows(path, sheet))
        wrong = refuse_header(header, self._shape, self._drift)
        if not header:
            wrong = "the header row is empty", "Set header_row to the row with the column names"
        if wrong:
            proof = whole("HEADER", name, self._header_row, f"sheet {sheet}, row {self._header_row}", *wrong)
            return replace(proof, notes=columns_note(header, self._shape))
        return Proof(filled, None, {"sheet": sheet, **columns_note(header, self._shape)})

    def _header(self, rows: Iterator[list[str]]) -> list[str]:
        found = next((row for at, row in enumerate(rows, 1) if at == self._header_row), [])
        header = [" ".join(name.split()) for name in found]  # people break long names over two lines of the cell
        while header and not header[-1]:
            header.pop()
        return header

    def read(self, source_input: Input) -> Iterator[Batch]:
        with zipfile.ZipFile(source_input.path) as book:
            sheets = worksheets(book)
            sheet = self._sheet or next(iter(sheets))
            doubtful = doubtful_rows(book, sheets[sheet], self._header_row)
        rows = _rows(source_input.path, sheet)
        header: list[str] = []
        out = Rows(source_input, header, self._wanted)
        for at, row in enumerate(rows, 1):
            if at == self._header_row:
                header.extend(self._header(iter([[]] * (at - 1) + [row])))
            if at <= self._header_row or not (any(row) or at in doubtful):
                continue
            if at in doubtful:
                cell, why = doubtful[at]
                out.refuse(at, "xlsx:cell", f"row {at}, cell {cell}", why)
            elif any(row[len(header) :]):
                out.refuse(at, "xlsx:columns", f"row {at}", UNNAMED)
            else:
                out.add((row + [""] * len(header))[: len(header)], at)
            if out.full:
                yield out.batch()
        yield from out.flush()


def _rows(path: Path, sheet: str) -> Iterator[list[str]]:
    """Rows of a sheet from its first, cells from column A, as texts."""
    found = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet)
    left = [""] * (found.start[1] if found.start else 0)
    for row in found.iter_rows():
        yield left + [text_of(cell) for cell in row]


def text_of(cell: object) -> str:
    """The canonical text of a cell's value."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float | int):
        text = format(Decimal(repr(cell)), "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text == "-0" else text
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    raise Stop("CELL", type(cell).__name__, "a cell has a kind that is not known", "Report it with the workbook")
