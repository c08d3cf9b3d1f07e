"""The source tables as rules see them: the record, the entries of a list, the rows of a grouped record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import PART, POSITION, ROW, Batch
from bridge.mapping.columns import NONE, Coded, Places, coded, combine, empty
from bridge.mapping.model import ABSENT, LINES, PRESENT, Condition, Group, Spec
from bridge.mapping.names import Name, find_name
from bridge.mapping.rules import WHITE
from bridge.shape import Field, Shape, Type


@dataclass(frozen=True, slots=True)
class Many:
    """Several values a row: the values one after the other, and for each the place of the row it belongs to."""

    owner: Places
    values: Coded
    entries: Places
    """Place of the list's entry each value comes from; of a list inside one field, the place of the value."""


@dataclass
class View:
    """Rows of one table, each column read and encoded once.

    Args:
        table: the rows.
        owner: for entries, the place of their record in ``record``.
        record: the view of the records; None if this is it.
        event: the record's event date, for code lists that hold for a time.
    """

    table: pa.Table
    shape: Shape
    spec: Spec
    each: str
    owner: Places | None = None
    record: View | None = None
    event: Coded | None = None
    lists: dict[str, View] = field(default_factory=dict)
    rows: View | None = None
    """Of a grouped record: its rows, from which its header values come."""
    conflicts: dict[str, Places] = field(default_factory=dict)
    """Of a grouped record: by header field, the records whose rows differ in it."""
    _read: dict[str, Coded] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def name(self, name: str) -> Name:
        """What a name means here; the checker has proven that it means something."""
        found = find_name(self.shape, self.spec, self.each, name)
        if found is None:
            raise KeyError(f"no source field {name}")
        return found

    def text(self, name: str) -> Coded:
        """One value a row."""
        meant = self.name(name)
        if meant.outer and self.record is not None and self.owner is not None:
            return self.record.text(name).take(self.owner)
        return self._column(_field(meant, name).name)

    def _column(self, column: str) -> Coded:
        if column not in self._read:
            if self.rows is not None:
                self._read[column] = self._header(self.rows, column)
            elif column in self.table.column_names:
                self._read[column] = coded(self.table.column(column))
            else:
                self._read[column] = empty(len(self))
        return self._read[column]

    def _header(self, rows: View, column: str) -> Coded:
        """The first value that a record's rows give; records whose rows give two are noted as conflicts."""
        given = rows._column(column)
        there = np.flatnonzero(given.present)
        owner = rows.owner if rows.owner is not None else np.arange(len(rows))
        owners = owner[there]
        # np.unique names the first occurrence, and rows stand in input order.
        having, first = np.unique(owners, return_index=True)
        codes = np.full(len(self), NONE, dtype=np.int64)
        codes[having] = given.codes[there][first]
        different = owners[given.codes[there] != codes[owners]]
        if len(different):
            self.conflicts[column] = np.unique(different)
        return Coded(given.texts, codes)

    @property
    def part(self) -> list[Coded]:
        """The column that tells rows of several inputs apart, if there are several."""
        return [self._column(PART)] if PART in self.table.column_names else []

    def many(self, name: str) -> Many:
        """Several values a row: a list's field seen from the record, or a field that is a list."""
        meant = self.name(name)
        field = _field(meant, name)
        if not meant.list or self.record is not None:
            return self._flat(field.name)
        child = self.lists.get(meant.list)
        if child is None or child.owner is None:
            return Many(np.zeros(0, dtype=np.int64), empty(0), np.zeros(0, dtype=np.int64))
        if field.type is Type.LIST:
            inner = child._flat(field.name)
            return Many(child.owner[inner.owner], inner.values, inner.owner)
        return Many(child.owner, child._column(field.name), np.arange(len(child)))

    def _flat(self, column: str) -> Many:
        """The values of a list column one after the other."""
        if column not in self.table.column_names or pa.types.is_null(self.table.schema.field(column).type):
            return Many(np.zeros(0, dtype=np.int64), empty(0), np.zeros(0, dtype=np.int64))
        whole = self.table.column(column).combine_chunks()
        owner = pc.list_parent_indices(whole).to_numpy(zero_copy_only=False).astype(np.int64)
        values = coded(pc.list_flatten(whole))
        return Many(owner, values, np.arange(len(values)))

    def matches(self, condition: Condition) -> npt.NDArray[np.bool_]:
        """Rows for which a condition holds; of several values one is enough."""
        meant = self.name(condition.field)
        if meant.outer and self.record is not None and self.owner is not None:
            return self.record.matches(condition)[self.owner]
        if meant.field is None:
            child = self.lists.get(meant.list)
            there = np.zeros(len(self), dtype=np.bool_)
            if child is not None and child.owner is not None:
                there[child.owner] = True
            return there if condition.values == (PRESENT,) else ~there
        if not meant.many:
            return holds(self.text(condition.field), condition.values)
        several = self.many(condition.field)
        wanted = (PRESENT,) if condition.values == (ABSENT,) else condition.values
        found = np.zeros(len(self), dtype=np.bool_)
        found[several.owner[holds(several.values, wanted)]] = True
        return ~found if condition.values == (ABSENT,) else found

    def all_match(self, conditions: Sequence[Condition]) -> npt.NDArray[np.bool_]:
        """Rows for which every condition holds."""
        mask = np.ones(len(self), dtype=np.bool_)
        for condition in conditions:
            mask &= self.matches(condition)
        return mask


def _field(meant: Name, name: str) -> Field:
    if meant.field is None:
        raise KeyError(f"{name} is a list, not a field")
    return meant.field


def holds(column: Coded, values: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Rows whose text is one of the values, without outer white space."""
    if values == (PRESENT,):
        return column.present
    if values == (ABSENT,):
        return ~column.present
    wanted = pc.is_in(pc.utf8_trim(column.texts, WHITE), value_set=pa.array(values, pa.string()))
    hit = np.r_[wanted.to_numpy(zero_copy_only=False).astype(np.bool_), False]
    found: npt.NDArray[np.bool_] = hit[column.codes]
    return found


@dataclass(frozen=True, slots=True)
class Scoped:
    """The records of a batch as rules see them, and the rows that are none of their kind.

    Args:
        counts: source rows in each record.
        outside: places of rows out of scope in the root table, with the rule that leaves them out.
        keyless: records of a grouped mapping whose rows have no key.
    """

    record: View
    counts: Places
    outside: Sequence[tuple[Places, str]]
    keyless: Places


def see(batch: Batch, shape: Shape, spec: Spec) -> Scoped:
    """Records, lists and rows of a batch, after scope and grouping."""
    whole = _with_lists(batch.root, batch, shape, spec)
    keep = np.ones(len(whole), dtype=np.bool_)
    outside: list[tuple[Places, str]] = []
    for condition in spec.scope:
        good = whole.matches(condition)
        outside.append((np.flatnonzero(keep & ~good), f"scope.{condition.field}"))
        keep &= good
    none = np.zeros(0, dtype=np.int64)
    table = batch.root if keep.all() else batch.root.filter(pa.array(keep))
    if spec.group is not None:
        record, counts, keyless = _grouped(table, shape, spec, spec.group)
        return Scoped(record, counts, outside, keyless)
    record = whole if keep.all() else _with_lists(table, batch, shape, spec)
    return Scoped(record, np.ones(len(record), dtype=np.int64), outside, none)


def _with_lists(table: pa.Table, batch: Batch, shape: Shape, spec: Spec) -> View:
    """The view of these records, each list with the entries that belong to one of them."""
    record = View(table, shape, spec, "")
    numbers = table.column(ROW).combine_chunks()
    for path in shape.lists:
        entries = batch.tables.get(path)
        if entries is None:
            continue
        owner = pc.index_in(entries.column(ROW).combine_chunks(), value_set=numbers)
        if owner.null_count:
            entries = entries.filter(owner.is_valid())
            owner = owner.drop_null()
        places = owner.to_numpy(zero_copy_only=False).astype(np.int64)
        record.lists[path] = View(entries, shape, spec, path, places, record)
    return record


def _grouped(table: pa.Table, shape: Shape, spec: Spec, group: Group) -> tuple[View, Places, Places]:
    """Rows with the same key as one record, in order of their first row; a row without a key stands alone."""
    rows = View(table, shape, spec, LINES)
    keys = [rows._column(key) for key in group.key]
    missing = ~np.logical_and.reduce([key.present for key in keys])
    _, number = combine([*keys, *rows.part])
    if missing.any():
        number = np.where(missing, np.arange(len(rows)) + len(rows), number)
    _, first, number = np.unique(number, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    owner = rank[number]
    own = [name for name in (ROW, POSITION, PART) if name in table.column_names]
    record = View(table.take(pa.array(first[order])).select(own), shape, spec, "", rows=rows)
    rows.owner, rows.record = owner, record
    record.lists[LINES] = rows
    return record, np.bincount(owner, minlength=len(record)).astype(np.int64), np.unique(owner[missing])


def twins(record: View) -> Places:
    """Grouped records two of whose rows are the same in every column."""
    rows = record.lists[LINES]
    owner = rows.owner if rows.owner is not None else np.arange(len(rows))
    given = [rows._column(one.name) for one in record.shape.table() if one.type is not Type.LIST]
    _, number = combine([*given, *rows.part])
    _, first, counts = np.unique(np.stack([owner, number], axis=1), axis=0, return_index=True, return_counts=True)
    return np.unique(owner[first[counts > 1]])


def positions(table: pa.Table) -> list[int]:
    """Positions of a root table's rows, -1 where there is none."""
    if POSITION not in table.column_names:
        return [-1] * table.num_rows
    return [-1 if value is None else value for value in table.column(POSITION).to_pylist()]
