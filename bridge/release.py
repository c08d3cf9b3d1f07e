"""What may this partner see? The last step before a record is mapped for a partner, and it fails closed.

A field leaves only if the partner's policy gives a legal ground for its class,
if its sensitivity is within the partner's cap, and, for what is personal, if the
conditions of the policy hold for that very entry. What may not leave is taken out
of the batch, so that no mapping can reach it. Values go; the batch keeps its shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from bridge import scan
from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.errors import Misconfigured
from bridge.policy import findings, may_leave, reads_nominal
from bridge.scan import Known
from bridge.shape import Field, Sensitivity, Shape, Type

if TYPE_CHECKING:
    from bridge.mapping.model import Condition, Release

__all__ = ["WITHHELD", "Released", "findings", "may_leave", "reads_nominal", "release"]

WITHHELD: Final = pa.schema([pa.field(ROW, pa.int64(), False), pa.field("rule", pa.string(), False)])
NO_POLICY: Final = "NO_POLICY"
"""Rule by which every record is withheld from a partner whose mapping has no release policy."""
_PRESENT, _ABSENT = ("present",), ("absent",)
_GATED: Final = frozenset({Sensitivity.NOMINAL, Sensitivity.SPECIAL_CATEGORY})


@dataclass(frozen=True, slots=True)
class Released:
    """What may leave, and what was kept back.

    Args:
        batch: the records that may leave, with all columns and tables of the given batch; what may not leave is
            null, and lists of which nothing may leave are empty. Entries are numbered from 0 without gaps.
        withheld: WITHHELD: records kept back as a whole, each with the code of the first rule that says so.
        kept_back: how many values of a field (or entries of a list) were kept back because the scan found personal
            data in them or because the conditions for personal data were not met, by path. A person may look at
            them and change the text at its source; nothing of them leaves before that.
    """

    batch: Batch
    withheld: pa.Table
    kept_back: Mapping[str, int]


def release(policy: Release | None, shape: Shape, batch: Batch) -> Released:
    """The part of a common batch that a partner may see; without a policy, nothing.

    In order: records that a ``withhold`` rule names are taken out; then persons for whom the conditions of
    ``nominal`` do not hold; then every field whose class has no ground or whose sensitivity is above the cap;
    then free text that is not listed in ``scan``, and each text in which the scan finds personal data. A
    special category of data (Reg. (EC) No 515/97, Art. 25(5)) leaves under no policy.

    Raises:
        Misconfigured: a condition names a field that the shape lacks.
    """
    if policy is None:
        rules = pa.repeat(pa.scalar(NO_POLICY), len(batch))
        return Released(batch.only(pa.array([], pa.int64())), pa.table([batch.rows(), rules], schema=WITHHELD), {})
    withheld = _withheld(policy, shape, batch)
    full = batch.without(withheld.column(ROW).combine_chunks()) if withheld.num_rows else batch
    kept_back: dict[str, int] = {}
    gated = _gate(policy, shape, full, kept_back)
    tables = {name: _visible(policy, shape, name, table) for name, table in gated.items()}
    texts = [field for path in policy.scan if (field := shape.find(path)) and may_leave(policy, field)]
    _scan_texts(texts, tables, full, shape, kept_back)
    return Released(replace(full, tables=tables), withheld, kept_back)


def _visible(policy: Release, shape: Shape, name: str, table: pa.Table) -> pa.Table:
    """The table with the values of fields that may leave, nulls elsewhere; no rows if no field may."""
    free = {field.name for field in shape.table(name) if may_leave(policy, field)}
    if name != ROOT and not free:
        return table.slice(0, 0)
    keys = {ROW, POSITION} if name == ROOT else {ROW, INDEX}
    columns = {
        column: table.column(column) if column in free | keys else pa.nulls(table.num_rows, table.field(column).type)
        for column in table.column_names
    }
    return pa.table(columns)


def _withheld(policy: Release, shape: Shape, batch: Batch) -> pa.Table:
    rules = pl.Series([None] * len(batch), dtype=pl.String)
    for rule in policy.withhold:
        hit = pl.Series([True] * len(batch), dtype=pl.Boolean)
        for condition in rule.when:
            hit &= _records(condition, shape, batch)
        rules = pl.select(pl.coalesce(rules, pl.when(hit).then(pl.lit(rule.code)))).to_series()
    found = pl.DataFrame({ROW: pl.Series(batch.rows()), "rule": rules}).filter(pl.col("rule").is_not_null())
    return found.to_arrow().cast(WITHHELD)


def _records(condition: Condition, shape: Shape, batch: Batch, *, every: bool = False) -> pl.Series:
    """For each record, whether it meets the condition: in any entry, or if ``every`` in all of at least one."""
    name, holds = _entries(condition, shape, batch)
    if name == ROOT:
        return holds
    owners = pl.Series(batch.tables[name].column(ROW)) if name in batch.tables else pl.Series([], dtype=pl.Int64)
    rows = pl.Series(batch.rows())
    if condition.values == _ABSENT:
        without = ~rows.is_in(owners.filter(~holds).implode())
        return without & rows.is_in(owners.implode()) if every else without
    some = rows.is_in(owners.filter(holds).implode())
    return some & ~rows.is_in(owners.filter(~holds).implode()) if every else some


def _entries(condition: Condition, shape: Shape, batch: Batch) -> tuple[str, pl.Series]:
    """The table that the condition is about and, for each of its rows, whether it holds."""
    if condition.field in shape.lists:
        name = condition.field
        height = batch.tables[name].num_rows if name in batch.tables else 0
        return name, pl.Series([condition.values != _ABSENT] * height, dtype=pl.Boolean)
    field = shape.find(condition.field)
    if field is None:
        what = f"a release condition names {condition.field}, which {shape.name} lacks"
        raise Misconfigured("M043", f"release, line {condition.line}", what, "Correct the name in the release policy")
    table = batch.tables.get(field.list)
    if table is None or field.name not in table.column_names:
        height = 0 if table is None else table.num_rows
        return field.list, pl.Series([condition.values == _ABSENT] * height, dtype=pl.Boolean)
    column = pl.Series(table.column(field.name))
    if field.type is Type.LIST:
        column = column.list.drop_nulls()
        filled = (column.list.len() > 0).fill_null(False)
        if condition.values not in (_PRESENT, _ABSENT):
            wanted = column.list.eval(pl.element().is_in(list(condition.values))).list.any()
            return field.list, wanted.fill_null(False)
    else:
        filled = column.is_not_null()
        if condition.values not in (_PRESENT, _ABSENT):
            return field.list, column.cast(pl.String).is_in(list(condition.values)).fill_null(False)
    return field.list, filled if condition.values == _PRESENT else ~filled


def _gate(policy: Release, shape: Shape, batch: Batch, kept_back: dict[str, int]) -> dict[str, pa.Table]:
    """The tables without personal values for which the conditions of ``nominal`` do not hold.

    A list's entry with personal fields leaves whole or not at all. Conditions on its own fields are those
    of the entry; conditions on another list must hold in all entries there.
    """
    tables = dict(batch.tables)
    if policy.nominal is None:
        return tables
    for name, table in tables.items():
        personal = [f for f in shape.table(name) if f.sensitivity in _GATED]
        if not personal or not table.num_rows or not any(may_leave(policy, field) for field in personal):
            continue
        holds = pl.Series([True] * table.num_rows, dtype=pl.Boolean)
        owners = pl.Series(table.column(ROW))
        rows = pl.Series(batch.rows())
        for condition in policy.nominal.when:
            at, met = _entries(condition, shape, batch)
            if at == name and name != ROOT:
                holds &= met
            else:
                records = rows.filter(_records(condition, shape, batch, every=True))
                holds &= owners.is_in(records.implode())
        mask = holds.to_arrow()
        if name == ROOT:
            for field in personal:
                tables[name] = _nulled(tables[name], field, mask, kept_back)
        elif count := len(holds) - int(holds.sum()):
            kept_back[name] = count
            tables[name] = _renumbered(table.filter(mask))
    return tables


def _nulled(table: pa.Table, field: Field, keep: pa.Array, kept_back: dict[str, int]) -> pa.Table:
    """The table without the field's values where they may not be kept; counts those that were there."""
    if field.name not in table.column_names:
        return table
    column = table.column(field.name)
    kept = pc.if_else(keep, column, pa.scalar(None, column.type))
    if gone := kept.null_count - column.null_count:
        kept_back[field.path] = kept_back.get(field.path, 0) + gone
    return table.set_column(table.schema.get_field_index(field.name), field.name, kept)


def _renumbered(entries: pa.Table) -> pa.Table:
    frame = pl.DataFrame({ROW: pl.Series(entries.column(ROW))})
    place = frame.select(pl.int_range(pl.len(), dtype=pl.Int64).over(ROW)).to_series()
    return entries.set_column(entries.schema.get_field_index(INDEX), INDEX, place.to_arrow())


# --- free text -------------------------------------------------------------------------------------------------------

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


def _scan_texts(
    fields: Sequence[Field], tables: dict[str, pa.Table], full: Batch, shape: Shape, kept_back: dict[str, int]
) -> None:
    """Takes out of the tables each value in which the scan finds personal data, and counts them by field."""
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
        return
    texts = pl.concat(parts)
    distinct = texts["text"].unique()
    suspects = pl.select(pl.any_horizontal(distinct.str.contains(form) for form in scan.SUSPECT)).to_series()
    bad = [text for text in distinct.filter(suspects) if scan.forms(text)]
    known = _known(full, shape, texts[ROW].unique())
    owned = texts.filter(pl.col(ROW).is_in(list(known)))
    named = [bool(known[row].find(text)) for row, text in zip(owned[ROW], owned["text"], strict=True)]
    found = pl.concat([texts.filter(pl.col("text").is_in(bad)), owned.filter(pl.Series(named, dtype=pl.Boolean))])
    for field in fields:
        places = found.filter(pl.col("field") == field.path)["n"].unique().cast(pl.Int64).to_arrow()
        if len(places):
            table = tables[field.list]
            keep = pc.invert(pc.is_in(pa.array(range(table.num_rows)), value_set=places))
            tables[field.list] = _nulled(table, field, keep, kept_back)


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
