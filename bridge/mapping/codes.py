"""Code lists and look-ups: CSV files that say what a source's code is called at the target, why, and who says so."""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Final

from bridge.content import Content
from bridge.mapping.faults import Fault
from bridge.mapping.rules import VALUE, WHITE, Refused, plain_number

COLUMNS: Final = ("source", "target", "relation", "why", "reviewed_by", "reviewed_on", "valid_from", "valid_to")
RELATIONS: Final = ("exact", "alias", "renamed", "broader", "narrower", "none")
UNIT: Final = "unit:"
"""Relation of a unit to the one it is converted into: unit:<factor>."""
_FIRST = "0001-01-01"
_LAST = "9999-12-31"


@dataclass(frozen=True, slots=True)
class Code:
    """One row: what ``source`` is called at the target from ``valid_from`` to ``valid_to``, both days included.

    Args:
        target: None if the code is known to have no counterpart.
        factor: what a quantity in this unit is multiplied by; None if the row says none.
    """

    source: str
    target: str | None
    factor: Decimal | None
    valid_from: str
    valid_to: str
    relation: str = "exact"
    line: int = 1


@dataclass(frozen=True, slots=True)
class CodeList:
    """A code list as it stands in its file.

    Args:
        rows: by source code, in the order of their dates.
        dated: whether any row holds for a time only, so that the record's event date decides.
        faults: what is wrong with the file, with its lines.
    """

    name: str
    file: str
    rows: Mapping[str, tuple[Code, ...]]
    dated: bool
    faults: tuple[Fault, ...] = ()

    @property
    def targets(self) -> dict[str, str]:
        """Each target code and a source code that leads to it."""
        return {row.target: row.source for rows in self.rows.values() for row in rows if row.target is not None}

    def row(self, source: str, day: str | None) -> Code | Refused:
        """The row that holds for a code on the day of the event, which may be known to the month or year only."""
        rows = self.rows.get(source.strip(WHITE))
        rule = f"codes:{self.name}"
        if rows is None:
            return Refused(
                "UNKNOWN_CODE", rule, f"{VALUE} is not in {self.file}; add a row for it, or correct it at the source"
            )
        if len(rows) == 1 and rows[0].valid_from == _FIRST and rows[0].valid_to == _LAST:
            return rows[0]
        if day is None:
            return Refused(
                "UNKNOWN_CODE",
                rule,
                f"rows for {VALUE} in {self.file} hold for a time only, and the record's event has no date; fill it",
            )
        first, last = _span(day)
        at = [next((row for row in rows if row.valid_from <= end <= row.valid_to), None) for end in (first, last)]
        if at[0] is None or at[0] is not at[1]:
            return Refused(
                "UNKNOWN_CODE", rule, f"no one row for {VALUE} in {self.file} holds on all of {day}; add or extend one"
            )
        return at[0]


def _span(day: str) -> tuple[str, str]:
    """The first and the last day that an ISO date of any precision may mean."""
    if len(day) == len("2025"):
        return f"{day}-01-01", f"{day}-12-31"
    if len(day) == len("2025-03"):
        return f"{day}-01", f"{day}-{monthrange(int(day[:4]), int(day[5:]))[1]:02}"
    return day, day


def code_step(codes: CodeList) -> Callable[[str, str | None], str | Refused | None]:
    """``codes``: what the code is called at the target on the day of the event; None if it has no counterpart."""

    def step(text: str, day: str | None) -> str | Refused | None:
        row = codes.row(text, day)
        return row if isinstance(row, Refused) else row.target

    return step


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table by its column ``source``, for one of its other columns.

    Args:
        values: by source, "" where the cell is empty.
    """

    name: str
    file: str
    column: str
    values: Mapping[str, str]
    faults: tuple[Fault, ...] = ()


def lookup_step(table: Lookup) -> Callable[[str], str | Refused | None]:
    """``lookup: <list>.<column>``: the cell; None if it is empty."""
    rule = f"lookup:{table.name}.{table.column}"
    refused = Refused(
        "UNKNOWN_CODE", rule, f"{VALUE} is not in {table.file}; add a row for it, or correct it at the source"
    )

    def step(text: str) -> str | Refused | None:
        found = table.values.get(text.strip(WHITE))
        return refused if found is None else found or None

    return step


def read_codes(content: Content, name: str) -> CodeList | None:
    """The code list ``mappings/codes/<name>.csv``; None if there is no such file."""
    path = content.seek(code_path(name))
    return None if path is None else _codes(path, path.stat().st_mtime_ns, name)


def read_lookup(content: Content, said: str) -> Lookup | None:
    """The look-up that ``<list>.<column>`` names; None if there is no such file."""
    name, _, column = said.partition(".")
    path = content.seek(code_path(name))
    return None if path is None else _lookup(path, path.stat().st_mtime_ns, name, column)


def code_path(name: str) -> str:
    """Where a code list stands below a content root."""
    return f"mappings/codes/{name}.csv"


def _table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]], list[Fault]]:
    """Headings, rows with their lines, and faults of a CSV file."""
    faults: list[Fault] = []
    try:
        reader = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True)
        headings = next(reader, [])
        rows: list[tuple[int, dict[str, str]]] = []
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(headings):
                faults.append(
                    Fault(
                        "M022",
                        reader.line_num,
                        "",
                        f"{len(cells)} cells under {len(headings)} headings",
                        "Quote cells that hold a comma",
                    )
                )
                continue
            rows.append((reader.line_num, dict(zip(headings, cells, strict=True))))
    except (csv.Error, UnicodeDecodeError) as bad:
        return [], [], [Fault("M022", 1, "", f"not CSV in UTF-8: {bad}", "Save it as comma-separated UTF-8")]
    return headings, rows, faults


@lru_cache(maxsize=256)
def _codes(path: Path, _changed: int, name: str) -> CodeList:
    headings, table, faults = _table(path)
    file = f"codes/{name}.csv"
    if headings and tuple(headings) != COLUMNS:
        faults.append(Fault("M022", 1, "", f"its headings are {','.join(headings)}", f"Write {','.join(COLUMNS)}"))
        return CodeList(name, file, {}, False, tuple(faults))
    rows: dict[str, list[Code]] = {}
    for line, cells in table:
        wrong = _wrong(cells)
        if wrong is not None:
            faults.append(Fault("M022", line, cells["source"], *wrong))
            continue
        code = Code(
            cells["source"].strip(WHITE),
            None if cells["relation"] == "none" else cells["target"],
            Decimal(cells["relation"].removeprefix(UNIT)) if cells["relation"].startswith(UNIT) else None,
            cells["valid_from"] or _FIRST,
            cells["valid_to"] or _LAST,
            cells["relation"],
            line,
        )
        others = rows.setdefault(code.source, [])
        if any(code.valid_from <= other.valid_to and other.valid_from <= code.valid_to for other in others):
            faults.append(
                Fault(
                    "M022",
                    line,
                    code.source,
                    f"{code.source} has another row for the same time",
                    "Keep one, or date them apart",
                )
            )
            continue
        others.append(code)
    ordered = {source: tuple(sorted(codes, key=lambda code: code.valid_from)) for source, codes in rows.items()}
    dated = any(code.valid_from != _FIRST or code.valid_to != _LAST for codes in rows.values() for code in codes)
    return CodeList(name, file, ordered, dated, tuple(faults))


def _wrong(cells: Mapping[str, str]) -> tuple[str, str] | None:
    """What is wrong with a row, and what to do; None if nothing is."""
    relation, since, until = cells["relation"], cells["valid_from"], cells["valid_to"]
    factor = plain_number(relation.removeprefix(UNIT)) if relation.startswith(UNIT) else "1"
    tests = (
        (
            not cells["source"].strip(WHITE),
            "the source code is empty",
            "Name it; an empty field is absent and needs no row",
        ),
        (
            not relation and not cells["target"],
            "nobody has said what it means",
            f"Write its target and one of {', '.join(RELATIONS)}, unit:<factor>; none, without a target, says that it "
            "has no counterpart",
        ),
        (
            not relation.startswith(UNIT) and relation not in RELATIONS,
            f"{relation or 'nothing'} is no relation",
            f"Write one of {', '.join(RELATIONS)}, unit:<factor>",
        ),
        (
            factor is None or factor == "0" or factor.startswith("-"),
            f"{relation} names no factor",
            "Write a plain number above zero after unit:",
        ),
        (
            (relation == "none") != (cells["target"] == ""),
            "a row has a target if and only if its relation is not none",
            "Fill or empty the target",
        ),
        (
            relation in ("none", "broader", "narrower") and not cells["why"],
            f"a row with relation {relation} says why",
            "Give the reason in one sentence",
        ),
        (
            not cells["reviewed_by"] or not _is_day(cells["reviewed_on"]),
            "nobody has reviewed the row on a day",
            "Look at it; then bridge confirm SYSTEM codes --by NAME, or fill reviewed_by and reviewed_on (2026-01-31)",
        ),
        (bool(since) and not _is_day(since), f"{since} is no day", "Write valid_from as 2026-01-31, or leave it empty"),
        (bool(until) and not _is_day(until), f"{until} is no day", "Write valid_to as 2026-01-31, or leave it empty"),
        (bool(since) and bool(until) and since > until, "it ends before it begins", "Correct valid_from or valid_to"),
    )
    return next(((what, fix) for wrong, what, fix in tests if wrong), None)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _lookup(path: Path, _changed: int, name: str, column: str) -> Lookup:
    headings, table, faults = _table(path)
    file = f"codes/{name}.csv"
    if "source" not in headings or column not in headings or column == "source":
        known = ", ".join(heading for heading in headings if heading != "source")
        faults.append(Fault("M022", 1, "", f"it has no column {column} beside source", f"Name one of {known}"))
        return Lookup(name, file, column, {}, tuple(faults))
    values: dict[str, str] = {}
    for line, cells in table:
        if cells["source"] in values:
            faults.append(Fault("M022", line, cells["source"], f"{cells['source']} has two rows", "Keep one"))
        values[cells["source"]] = cells[column]
    return Lookup(name, file, column, values, tuple(faults))
