"""The second scanner of a workbook: its sheets' own XML, apart from the reader that gives the values."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final
from xml.parsers import expat

from lxml import etree

from bridge.errors import Refused
from connectors.files.common import MIB

RESAVE: Final = "Have the supplier open and save it in a spreadsheet program as .xlsx without a password"
SIGNS: Final = (b't="e"', b"t='e'", b"<f", b":f>", b":f ")
"""Without any of these bytes a sheet has neither an error value nor a formula."""


class Doctype(Exception):
    """A part of the workbook has a document type declaration."""


@dataclass(slots=True)
class Seen:
    """Filled rows below the header; and rows with a cell that cannot be trusted: which, and why."""

    filled: int = 0
    doubtful: dict[int, tuple[str, Refused]] = field(default_factory=dict)


def worksheets(book: zipfile.ZipFile) -> dict[str, str]:
    """Names of the worksheets in workbook order, with the part that holds each."""
    relations = _tree(book, "xl/_rels/workbook.xml.rels").iter("{*}Relationship")
    targets = {str(node.get("Id")): str(node.get("Target")) for node in relations}
    found = {}
    for node in _tree(book, "xl/workbook.xml").iter("{*}sheet"):
        key = next((str(value) for name, value in node.items() if str(name).endswith("}id")), "")
        target = targets.get(key, "")
        part = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
        if part.startswith("xl/worksheets/"):
            found[str(node.get("name"))] = part
    return found


def _tree(book: zipfile.ZipFile, part: str) -> etree._Element:
    content = book.read(part)
    if b"<!DOCTYPE" in content:
        raise Doctype
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def scan(book: zipfile.ZipFile, part: str, header_row: int) -> Seen:
    """Go over a sheet's XML with expat."""
    sheet = _Sheet(_empty_strings(book), header_row)
    _parse(book, part, sheet.start, sheet.end, sheet.text)
    return sheet.seen


def doubtful_rows(book: zipfile.ZipFile, part: str, header_row: int) -> dict[int, tuple[str, Refused]]:
    """The doubtful rows alone, without a scan where the bytes rule them out."""
    tail = b""
    with book.open(part) as stream:
        while block := stream.read(MIB):
            if any(sign in tail + block for sign in SIGNS):
                return scan(book, part, header_row).doubtful
            tail = block[-8:]
    return {}


def _parse(
    book: zipfile.ZipFile,
    part: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
) -> None:
    def doctype(*_: object) -> None:
        raise Doctype

    def first(name: str, _: dict[str, str]) -> None:
        """The root element tells whether the writer chose a prefix; if not, names are taken as they are."""
        prefix = name.rpartition(":")[0]
        if prefix:
            parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
            parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
        else:
            parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = text

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = first
    parser.StartDoctypeDeclHandler = doctype
    with book.open(part) as stream:
        parser.ParseFile(stream)


class _Strings:
    """Which of the shared strings are empty; phonetic hints do not count."""

    def __init__(self) -> None:
        self.empty: set[str] = set()
        self.number, self.filled, self.text_depth, self.hint_depth = -1, False, 0, 0

    def start(self, name: str, _: dict[str, str]) -> None:
        if name == "si":
            self.number, self.filled = self.number + 1, False
        elif name == "t":
            self.text_depth += 1
        elif name == "rPh":
            self.hint_depth += 1

    def end(self, name: str) -> None:
        if name == "si" and not self.filled:
            self.empty.add(str(self.number))
        elif name == "t":
            self.text_depth -= 1
        elif name == "rPh":
            self.hint_depth -= 1

    def text(self, _: str) -> None:
        if self.text_depth and not self.hint_depth:
            self.filled = True


def _empty_strings(book: zipfile.ZipFile) -> set[str]:
    part = "xl/sharedStrings.xml"
    if part not in book.namelist():
        return set()
    strings = _Strings()
    _parse(book, part, strings.start, strings.end, strings.text)
    return strings.empty


class _Sheet:
    """Counts filled rows, and notes error values and formulas whose value is not stored."""

    def __init__(self, empty: set[str], header_row: int) -> None:
        self.seen = Seen()
        self.empty, self.header_row = empty, header_row
        self.row, self.filled = 0, False
        self.cell, self.kind, self.value, self.formula, self.inside = "", "", "", False, False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self.cell, self.kind = attributes.get("r", ""), attributes.get("t", "n")
            self.value, self.formula = "", False
        elif name in ("v", "t"):
            self.inside = True
        elif name == "f":
            self.formula = True
        elif name == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.filled = False

    def text(self, text: str) -> None:
        if self.inside:
            self.value += text

    def end(self, name: str) -> None:
        if name == "c":
            self.close_cell()
        elif name in ("v", "t"):
            self.inside = False
        elif name == "row" and self.row > self.header_row:
            self.seen.filled += self.filled or self.row in self.seen.doubtful

    def close_cell(self) -> None:
        if self.kind == "e":
            self.doubt(
                Refused("CELL_ERROR", "", "the cell holds an error value. Have the supplier correct or clear it")
            )
        elif self.formula and not self.value and self.kind != "str":
            self.doubt(Refused("FORMULA", "", f"the cell holds a formula whose value is not stored. {RESAVE}"))
        elif self.value and not (self.kind == "s" and self.value in self.empty):
            self.filled = True

    def doubt(self, why: Refused) -> None:
        self.seen.doubtful.setdefault(self.row, (self.cell, why))
