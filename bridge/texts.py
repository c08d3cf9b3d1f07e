"""Free text on its way out: what the scan for personal data finds in it is taken out, text by text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from bridge import scan
from bridge.batch import ROW, Batch
from bridge.scan import Kind, Known
from bridge.shape import Field, Sensitivity, Shape, Type

FOUND: Final = pa.schema(
    [pa.field(ROW, pa.int64(), False), pa.field("field", pa.string(), False), pa.field("firm", pa.bool_(), False)]
)
"""Records in a field of which a text was kept back. ``firm``: it names the record's own persons, businesses or
vehicles, or tells a special category of data, so that nobody may let it go as it is."""
_PERSON_NAMES: Final = frozenset({"surname", "first_names", "maiden_name", "alias", "contact_person", "expert_name"})
_BUSINESS_NAMES: Final = frozenset(
    {"name", "trading_name", "vessel_name", "carrier", "manufacturer", "printed_names", "railway_company"}
)
_BIRTH_DATES: Final = frozenset({"birth_date"})
_IDENTIFIERS: Final = frozenset(
    {
        "address.street", "address.phone", "address.email", "identity_document.number", "registration_number",
        "licence_plate", "serial_number", "mrn", "number", "luggage.tag_number",
    }
)  # fmt: skip
"""Fields of the common schema that name somebody, wherever they stand; only those that are personal are looked for."""


def scan_texts(
    fields: Sequence[Field],
    tables: dict[str, pa.Table],
    full: Batch,
    shape: Shape,
    kept_back: dict[str, int],
    cleared: Collection[tuple[int, str]] = (),
) -> pa.Table:
    """Takes out of the tables each value in which the scan finds personal data, counts them by field, and tells the
    records and fields concerned (FOUND).

    Args:
        full: the records with all that may not leave, for it tells whose names to look for.
        cleared: record and field of texts that leave whatever personal data have their form; never firm ones.
    """
    parts = []
    for field in fields:
        table = tables.get(field.list)
        if table is not None and field.name in table.column_names:
            column = pl.Series(table.column(field.name))
            if column.null_count() < len(column):
                part = pl.DataFrame({"text": column, ROW: pl.Series(table.column(ROW))}).with_row_index("n")
                part = part.explode("text") if field.type is Type.LIST else part
                parts.append(part.drop_nulls("text").with_columns(field=pl.lit(field.path)))
    if not parts:
        return FOUND.empty_table()
    texts = pl.concat(parts)
    distinct = texts["text"].unique()
    suspects = pl.select(pl.any_horizontal(distinct.str.contains(form) for form in scan.SUSPECT)).to_series()
    kinds = {text: kinds for text in distinct.filter(suspects) if (kinds := scan.forms(text))}
    special = [text for text, kinds in kinds.items() if Kind.SPECIAL in kinds]
    known = _known(full, shape, texts[ROW].unique())
    owned = texts.filter(pl.col(ROW).is_in(list(known)))
    named = [bool(known[row].find(text)) for row, text in zip(owned[ROW], owned["text"], strict=True)]
    by_form = texts.filter(pl.col("text").is_in(list(kinds)))
    if cleared:
        let_go = [(row, field) in cleared for row, field in by_form.select(ROW, "field").iter_rows()]
        by_form = by_form.filter(~pl.Series(let_go, dtype=pl.Boolean))
    firm = pl.concat([texts.filter(pl.col("text").is_in(special)), owned.filter(pl.Series(named, dtype=pl.Boolean))])
    found = pl.concat([firm.with_columns(firm=pl.lit(True)), by_form.with_columns(firm=pl.lit(False))])
    for field in fields:
        places = found.filter(pl.col("field") == field.path)["n"].unique().cast(pl.Int64).to_arrow()
        if len(places):
            table = tables[field.list]
            keep = pc.invert(pc.is_in(pa.array(range(table.num_rows)), value_set=places))
            tables[field.list] = nulled(table, field, keep, kept_back)
    told = found.group_by(ROW, "field").agg(pl.col("firm").any()).sort(ROW, "field")
    return told.select(ROW, "field", "firm").to_arrow().cast(FOUND)


def nulled(table: pa.Table, field: Field, keep: pa.Array, kept_back: dict[str, int]) -> pa.Table:
    """The table without the field's values where they may not be kept; counts those that were there."""
    if field.name not in table.column_names:
        return table
    column = table.column(field.name)
    kept = pc.if_else(keep, column, pa.scalar(None, column.type))
    if gone := kept.null_count - column.null_count:
        kept_back[field.path] = kept_back.get(field.path, 0) + gone
    return table.set_column(table.schema.get_field_index(field.name), field.name, kept)


def _known(full: Batch, shape: Shape, rows: pl.Series) -> dict[int, Known]:
    """What each of these records says of persons, businesses and vehicles, for the records that say anything."""
    known: dict[int, Known] = {}
    wanted = rows.to_arrow()
    for name, table in full.tables.items():
        fields = [
            f
            for f in shape.table(name)
            if f.sensitivity is not Sensitivity.NON_NOMINAL
            and f.name in table.column_names
            and f.name in _PERSON_NAMES | _BUSINESS_NAMES | _BIRTH_DATES | _IDENTIFIERS
        ]
        filled = [f for f in fields if table.column(f.name).null_count < table.num_rows]
        if filled:
            part = table.select([ROW, *(f.name for f in filled)])
            for entry in part.filter(pc.is_in(part.column(ROW), value_set=wanted)).to_pylist():
                _learn(known.setdefault(entry.pop(ROW), Known()), entry)
    return known


def _learn(known: Known, entry: Mapping[str, Any]) -> None:
    names: list[str] = []
    for name, value in entry.items():
        for text in value if isinstance(value, list) else [value]:
            if text is None:
                continue
            if name in _PERSON_NAMES:
                names.append(text)
            elif name in _BUSINESS_NAMES:
                known.add_business(text)
            elif name in _BIRTH_DATES:
                known.add_birth_date(text)
            else:
                known.add_identifier(text)
    known.add_person(*names)
