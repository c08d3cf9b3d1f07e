"""A shape from the columns of a sheet: a table that describes them, or the bare header of a workbook."""

from __future__ import annotations

import csv
from pathlib import Path

from bridge.errors import Misconfigured
from bridge.shape import Field, Shape, Type, shape_of
from bridge.shapes.notes import Notes

_COLUMNS = ("column", "title", "type", "required", "class", "sensitivity", "codes", "max_length", "example", "cite")


def columns_shape(path: Path, name: str) -> Shape:
    """The columns that a CSV file describes, one a line, under the headings column, title, type, required (yes),
    class, sensitivity, codes, max_length, example, cite; only ``column`` must be there.

    Raises:
        Misconfigured: an unknown heading, a column without a name, or one named twice.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        unknown = [heading for heading in reader.fieldnames or () if heading not in _COLUMNS]
        if unknown or "column" not in (reader.fieldnames or ()):
            raise Misconfigured(
                "BAD_SCHEMA",
                f"{name}:1",
                f"headings are not understood: {', '.join(unknown) or 'no column'}",
                f"Use {', '.join(_COLUMNS)}",
            )
        fields = [_column(row, f"{name}:{reader.line_num}") for row in reader]
    return shape_of(name, _once(fields, name))


def _column(row: dict[str, str], where: str) -> Field:
    said = {key: row[key] for key in ("class", "sensitivity", "codes", "type", "cite") if row.get(key)}
    notes = Notes().read(said, where)
    if not row["column"]:
        raise Misconfigured("BAD_SCHEMA", where, "a column without a name", "Name it as the sheet's header does")
    return Field(
        list="",
        name=row["column"],
        type=notes.type or Type.TEXT,
        required=row.get("required") == "yes",
        cls=notes.cls,
        sensitivity=notes.sensitivity,
        code_list=notes.code_list,
        max_length=int(row["max_length"]) if row.get("max_length") else None,
        title=row.get("title") or "",
        example=row.get("example") or "",
        cite=notes.cite,
    )


def header_shape(path: Path, name: str) -> Shape:
    """The columns that the first row of a workbook's first sheet names: texts, and free text as long as nobody
    has said what they are about.

    Raises:
        Misconfigured: no row, or a column named twice.
    """
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(nrows=1)
    if not rows:
        raise Misconfigured(
            "BAD_SCHEMA", name, "the first sheet is empty", "Name a workbook whose first row is a header"
        )
    return shape_of(
        name, _once([Field("", " ".join(str(cell).split())) for cell in rows[0] if str(cell).strip()], name)
    )


def _once(fields: list[Field], name: str) -> list[Field]:
    seen: set[str] = set()
    for field in fields:
        if field.name in seen:
            raise Misconfigured("BAD_SCHEMA", name, f"two columns are named {field.name}", "Rename one of them")
        seen.add(field.name)
    return fields
