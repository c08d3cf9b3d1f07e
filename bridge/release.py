"""What may this partner see? The last step before a record is mapped for a partner, and it fails closed.

A field leaves only if the partner's policy gives a legal ground for its class,
if its sensitivity is within the partner's cap, and, for what is personal, if the
conditions of the policy hold for that very entry. What may not leave is taken out
of the batch, so that no mapping can reach it. Values go; the batch keeps its shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.errors import Misconfigured
from bridge.onward import Authorisation, covered, with_conditions
from bridge.policy import Decided, findings, may_leave, reads_nominal
from bridge.shape import Sensitivity, Shape, Type
from bridge.texts import FOUND, nulled, scan_texts

if TYPE_CHECKING:
    from bridge.mapping.model import Condition, Release

__all__ = ["WITHHELD", "Released", "findings", "may_leave", "reads_nominal", "release"]

WITHHELD: Final = pa.schema([pa.field(ROW, pa.int64(), False), pa.field("rule", pa.string(), False)])
NO_POLICY: Final = "NO_POLICY"
"""Rule by which every record is withheld from a partner whose mapping has no release policy."""
PERSONS: Final = "persons"
"""The list of the common schema that a person can be taken out of."""
SEEN_BY: Final = "seen_by"
"""The field of the common schema that names systems which already have the seizure."""
NOTHING_DECIDED: Final[Mapping[int, Decided]] = MappingProxyType({})
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
            them and change the text at its source, or two may release it; nothing of them leaves before that.
        texts: FOUND: the records and fields in which the scan kept back a text.
        authorised: by row, the authorisation without which a rule would have withheld the record.
    """

    batch: Batch
    withheld: pa.Table
    kept_back: Mapping[str, int]
    texts: pa.Table
    authorised: Mapping[int, int]


def release(
    policy: Release | None,
    shape: Shape,
    batch: Batch,
    decided: Mapping[int, Decided] = NOTHING_DECIDED,
    authorisations: Sequence[Authorisation] = (),
) -> Released:
    """The part of a common batch that a partner may see; without a policy, nothing.

    In order: records that a ``withhold`` rule names are taken out; then persons for whom the conditions of
    ``nominal`` do not hold; then every field whose class has no ground or whose sensitivity is above the cap;
    then free text that is not listed in ``scan``, and each text in which the scan finds personal data. A
    special category of data (Reg. (EC) No 515/97, Art. 25(5)) leaves under no policy.

    Args:
        decided: what was decided about single records, by row. It only ever takes away, but for texts that have the
            form of personal data and that two people have let go.
        authorisations: what suppliers have authorised for this partner; their conditions go with the records.

    Raises:
        Misconfigured: a condition names a field that the shape lacks.
    """
    if policy is None:
        rules = pa.repeat(pa.scalar(NO_POLICY), len(batch))
        nobody = batch.only(pa.array([], pa.int64()))
        return Released(nobody, pa.table([batch.rows(), rules], schema=WITHHELD), {}, FOUND.empty_table(), {})
    if any(one.seen_by for one in decided.values()):
        batch = _seen(batch, decided)
    withheld, under = _withheld(policy, shape, batch, decided, authorisations)
    if len(under):
        batch = with_conditions(batch, under, authorisations)
    full = batch.without(withheld.column(ROW).combine_chunks()) if withheld.num_rows else batch
    kept_back: dict[str, int] = {}
    gated = _gate(policy, shape, _without_persons(full, decided) if decided else full, kept_back)
    tables = {name: _visible(policy, shape, name, table) for name, table in gated.items()}
    impersonal = [row for row, one in decided.items() if one.impersonal]
    if impersonal:
        tables = {name: _impersonal(shape, name, table, impersonal) for name, table in tables.items()}
    texts = [field for path in policy.scan if (field := shape.find(path)) and may_leave(policy, field)]
    cleared = {(row, path) for row, one in decided.items() for path in one.cleared}
    found = scan_texts(texts, tables, full, shape, kept_back, cleared)
    return Released(replace(full, tables=tables), withheld, kept_back, found, under)


def _seen(batch: Batch, decided: Mapping[int, Decided]) -> Batch:
    """The batch with the systems that have a seizure by reports of their own among those that have seen it."""
    place = batch.root.schema.get_field_index(SEEN_BY)
    if place < 0:
        return batch
    rows = zip(batch.rows().to_pylist(), batch.root.column(place).to_pylist(), strict=True)
    seen = [sorted({*(known or ()), *(decided[row].seen_by if row in decided else ())}) or None for row, known in rows]
    root = batch.root.set_column(place, SEEN_BY, pa.array(seen, pa.list_(pa.string())))
    return replace(batch, tables={**batch.tables, ROOT: root})


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


def _without_persons(batch: Batch, decided: Mapping[int, Decided]) -> Batch:
    """The batch without persons who were exonerated, and without any where it is not known who they are."""
    table = batch.tables.get(PERSONS)
    if table is None:
        return batch
    keep = [
        (one := decided.get(row)) is None or (one.persons is not None and place not in one.persons)
        for row, place in zip(table.column(ROW).to_pylist(), table.column(INDEX).to_pylist(), strict=True)
    ]
    return replace(batch, tables={**batch.tables, PERSONS: _renumbered(table.filter(pa.array(keep, pa.bool_())))})


def _impersonal(shape: Shape, name: str, table: pa.Table, rows: list[int]) -> pa.Table:
    """The table with nothing but NON_NOMINAL values of these records; entries that are somebody's go whole."""
    personal = [field for field in shape.table(name) if field.sensitivity is not Sensitivity.NON_NOMINAL]
    keep = pc.invert(pc.is_in(table.column(ROW).combine_chunks(), value_set=pa.array(rows, pa.int64())))
    if name != ROOT and any(field.sensitivity in _GATED for field in personal):
        return _renumbered(table.filter(keep))
    for field in personal:
        table = nulled(table, field, keep, {})
    return table


def _withheld(
    policy: Release,
    shape: Shape,
    batch: Batch,
    decided: Mapping[int, Decided],
    authorisations: Sequence[Authorisation],
) -> tuple[pa.Table, dict[int, int]]:
    """Records kept back with the rule (WITHHELD), and by row what others leave under that a rule would have kept."""
    rules = pl.Series([None] * len(batch), dtype=pl.String)
    under: pl.Series | None = None
    lifted = pl.Series([False] * len(batch), dtype=pl.Boolean)
    for rule in policy.withhold:
        hit = _all(rule.when, shape, batch)
        if rule.but:
            hit &= ~_all(rule.but, shape, batch)
        if rule.unless and authorisations and hit.any():
            under = covered(batch, authorisations) if under is None else under
            lifted |= hit & under.is_not_null()
            hit &= under.is_null()
        rules = pl.select(pl.coalesce(rules, pl.when(hit).then(pl.lit(rule.code)))).to_series()
    if decided:
        said = [one.withheld or None if (one := decided.get(row)) else None for row in batch.rows().to_pylist()]
        rules = pl.select(pl.coalesce(pl.Series(said, dtype=pl.String), rules)).to_series()
    found = pl.DataFrame({ROW: pl.Series(batch.rows()), "rule": rules}).filter(pl.col("rule").is_not_null())
    withheld = found.to_arrow().cast(WITHHELD)
    if under is None:
        return withheld, {}
    leaves = lifted & rules.is_null()
    rows = pl.Series(batch.rows()).filter(leaves)
    return withheld, dict(zip(rows.to_list(), under.filter(leaves).to_list(), strict=True))


def _all(conditions: Sequence[Condition], shape: Shape, batch: Batch) -> pl.Series:
    """For each record, whether it meets all of these conditions."""
    met = pl.Series([True] * len(batch), dtype=pl.Boolean)
    for condition in conditions:
        met &= _records(condition, shape, batch)
    return met


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
                tables[name] = nulled(tables[name], field, mask, kept_back)
        elif count := len(holds) - int(holds.sum()):
            kept_back[name] = count
            tables[name] = _renumbered(table.filter(mask))
    return tables


def _renumbered(entries: pa.Table) -> pa.Table:
    frame = pl.DataFrame({ROW: pl.Series(entries.column(ROW))})
    place = frame.select(pl.int_range(pl.len(), dtype=pl.Int64).over(ROW)).to_series()
    return entries.set_column(entries.schema.get_field_index(INDEX), INDEX, place.to_arrow())
