"""A mapping applied to a batch, column by column: the records it makes, and every reason why another was not made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.errors import MASKED, Problem
from bridge.mapping.columns import Coded, Places, coded, each_distinct, running_count
from bridge.mapping.dates import ISO, date_step
from bridge.mapping.evaluate import evaluate
from bridge.mapping.made import Made, taken
from bridge.mapping.model import HERE, LINES, Block, Mapping, Rule
from bridge.mapping.plan import mapping_plans
from bridge.mapping.rules import VALUE, Refused
from bridge.mapping.views import Scoped, View, positions, see, twins
from bridge.shape import Field

OUT_OF_SCOPE = pa.schema(
    [pa.field(ROW, pa.int64(), False), pa.field(POSITION, pa.int64()), pa.field("rule", pa.string(), False)]
)
ROWS = pa.schema([pa.field(ROW, pa.int64(), False), pa.field("rows", pa.int32(), False)])
EVENT = "seizure_date"
"""The field whose date chooses among code rows that hold for a time, unless ``codes_on`` names another."""
_SHOWN = 60
_TWINS = "two of its rows are the same in every column: entered twice? Correct it at the source, or say twins: keep"
_DIFFER = "correct them at the source, say conflict: first, or read it with each: lines, if the lines may differ"


@dataclass(frozen=True, slots=True)
class Mapped:
    """What became of a batch. Every source row is in one record of ``rows`` or in ``out_of_scope``.

    Args:
        batch: the records without any problem, shaped as the target, in input order, with no problems of its own.
        problems: every problem of the batch, those met while reading it first, then by record.
        out_of_scope: ``_row``, ``_pos`` and ``rule`` of source rows that are no records of this kind.
        rows: for each record, sound or not, its ``_row`` and how many source rows it is made of.
        filtered: list entries that a ``when`` left out, and codes that have no counterpart, by what left them out.
    """

    batch: Batch
    problems: list[Problem]
    out_of_scope: pa.Table
    rows: pa.Table
    filtered: dict[str, int]


def forward(mapping: Mapping, batch: Batch) -> Mapped:
    """The batch's records as the target has them; a record with a problem in any field or entry is left out.

    Every problem of a record is reported. Paths of problems count list entries from 0 in the target's list. A value
    stands in a reason only if every source field that it comes from is NON_NOMINAL.

    Args:
        mapping: one without error findings.
        batch: of the mapping's source shape; of a ``grouped`` mapping, the whole input.
    """
    scoped = see(batch, mapping.source_shape, mapping.spec)
    run = _Run(mapping, scoped)
    tables = {ROOT: run.root()}
    owners: dict[str, Places] = {}
    for path, required in mapping.target_shape.lists.items():
        tables[path], owners[path] = run.entries(path, required)
    run.grouping()
    bad = run.bad
    if batch.problems:
        read = pa.array([problem.row for problem in batch.problems], pa.int64())
        bad |= pc.is_in(scoped.record.table.column(ROW).combine_chunks(), value_set=read).to_numpy(zero_copy_only=False)
    if bad.any():
        for name, table in tables.items():
            tables[name] = table.filter(pa.array(~(bad if name == ROOT else bad[owners[name]])))
    run.found.sort(key=lambda one: one[0])
    return Mapped(
        batch=Batch(tables, batch.where, batch.sha256),
        problems=[*batch.problems, *(problem for _, problem in run.found)],
        out_of_scope=_outside(batch.root, scoped),
        rows=pa.table([scoped.record.table.column(ROW), pa.array(scoped.counts, pa.int32())], schema=ROWS),
        filtered=dict(run.filtered),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """The entries that one block makes: for each, its record, its place in the source view, and its source line if the
    entries are rows."""

    block: Block
    view: View
    owner: Places
    places: Places
    lines: Sequence[int] | None


@dataclass(frozen=True, slots=True)
class _At:
    """Where problems of a column belong: for each of its rows the record, the target field's path, and the source line
    if it is another than the record's."""

    owner: Places
    path: Callable[[int], str]
    lines: Sequence[int] | None = None


def _fixed(path: str, _: int) -> str:
    return path


class _Run:
    """One application of a mapping to one batch."""

    def __init__(self, mapping: Mapping, scoped: Scoped) -> None:
        self.mapping = mapping
        self.scoped = scoped
        self.plans = mapping_plans(mapping)
        self.record = scoped.record
        self.numbers = self.record.table.column(ROW).to_pylist()
        self.positions = positions(self.record.table)
        self.filtered: Counter[str] = Counter()
        self.found: list[tuple[int, Problem]] = []
        self.bad = np.zeros(len(self.record), dtype=np.bool_)

    # --- the record's own fields ---------------------------------------------------------------------------------

    def root(self) -> pa.Table:
        """The target's root table, and the event's date for all that follows."""
        table = self.record.table
        rules = {rule.target: rule for rule in self.mapping.spec.rules}
        fields = {field.name: field for field in self.mapping.target_shape.table()}
        here = np.arange(len(self.record))
        self.record.event = self.event(rules, fields)
        for child in self.record.lists.values():
            if self.record.event is not None and child.owner is not None:
                child.event = self.record.event.take(child.owner)
        columns: dict[str, pa.Array | pa.ChunkedArray] = {
            ROW: table.column(ROW),
            POSITION: table.column(POSITION) if POSITION in table.column_names else pa.nulls(len(here), pa.int64()),
        }
        for name, field in fields.items():
            rule = rules.get(name)
            made = self.made(rule, field, self.record)
            columns[name] = made.values
            self.judge(made, field, rule, _At(here, partial(_fixed, name)))
        return pa.table(columns)

    def event(self, rules: dict[str, Rule], fields: dict[str, Field]) -> Coded | None:
        """The day of each record's event, if any code list needs it."""
        if not any(one.dated for one in self.plans.values()):
            return None
        if EVENT in rules and not self.mapping.spec.codes_on:
            return coded(self.made(rules[EVENT], fields[EVENT], self.record).values)
        # What is no date is no day: rows that hold for a time then refuse the code.
        given = self.record.text(self.mapping.spec.codes_on or EVENT)
        return coded(each_distinct(given, date_step((ISO,)), pa.string()).values)

    def made(self, rule: Rule | None, field: Field, view: View) -> Made:
        if rule is None:
            return Made(pa.nulls(len(view), field.arrow), [])
        return evaluate(self.plans[id(rule)], view)

    # --- lists ---------------------------------------------------------------------------------------------------

    def entries(self, path: str, required: bool) -> tuple[pa.Table, Places]:
        """The target's table of one list, and for each entry the place of its record."""
        made = (part for block in self.mapping.spec.blocks if block.list == path for part in self.part(block))
        parts = [part for part in made if len(part.places)]  # to make the fields of no entry takes as long as of some
        owner = np.concatenate([part.owner for part in parts]) if parts else np.zeros(0, dtype=np.int64)
        # Entries of a record stand in the order of the blocks, then of the source.
        order = np.argsort(owner, kind="stable")
        index = np.empty(len(owner), dtype=np.int64)
        index[order] = running_count(owner[order])
        columns: dict[str, pa.Array] = {
            ROW: self.record.table.column(ROW).take(pa.array(owner[order])).combine_chunks(),
            INDEX: pa.array(index[order]),
        }
        filled = {rule.target for part in parts for rule in part.block.rules}
        for field in self.mapping.target_shape.table(path):
            if field.name not in filled and not field.required:
                columns[field.name] = pa.nulls(len(owner), field.arrow)
                continue
            arrays: list[pa.Array] = []
            start = 0
            for part in parts:
                rule = next((one for one in part.block.rules if one.target == field.name), None)
                stop = start + len(part.owner)
                arrays.append(self.entry_field(part, rule, field, path, index[start:stop]))
                start = stop
            whole = pa.concat_arrays(arrays) if arrays else pa.array([], field.arrow)
            columns[field.name] = whole.take(pa.array(order))
        if required:
            lacking = np.flatnonzero(np.bincount(owner, minlength=len(self.record)) == 0)
            at = _At(np.arange(len(self.record)), partial(_fixed, path))
            reason = f"{path} needs an entry and the record has none; fill it at the source"
            for place in lacking.tolist():
                self.problem(at, place, "MISSING", "required", reason)
        return pa.table(columns), owner[order]

    def part(self, block: Block) -> list[_Part]:
        """The entries of a block; those that its condition leaves out are counted, each under the first that failed."""
        view = self.record if block.each == HERE else self.record.lists.get(block.each)
        if view is None:
            return []
        mask = np.ones(len(view), dtype=np.bool_)
        for condition in block.when:
            hit = view.matches(condition)
            dropped = int((mask & ~hit).sum())
            if dropped and view is not self.record:
                self.filtered[f"{block.list} when {condition.says}"] += dropped
            mask &= hit
        places = np.flatnonzero(mask)
        lines = positions(view.table.take(pa.array(places))) if block.each == LINES else None
        return [_Part(block, view, places if view.owner is None else view.owner[places], places, lines)]

    def entry_field(self, part: _Part, rule: Rule | None, field: Field, path: str, index: Places) -> pa.Array:
        """One field of one block's entries."""
        if rule is not None and rule.combine == "index":
            return pa.array(index + rule.start).cast(field.arrow)
        made = taken(self.made(rule, field, part.view), part.places)
        at = _At(part.owner, lambda place: f"{path}.{index[place]}.{field.name}", part.lines)
        self.judge(made, field, rule, at)
        return made.values

    # --- problems ------------------------------------------------------------------------------------------------

    def judge(self, made: Made, field: Field, rule: Rule | None, at: _At) -> None:
        """Report what was refused, and what the target requires but is not there."""
        for place, refused, text in made.refused:
            self.problem(at, place, refused.code, refused.rule, self.reason(rule, refused, text))
        if made.without is not None and rule is not None:
            count = int(made.without.sum())
            if count:
                self.filtered[f"{field.path} codes:{rule.codes} none"] += count
        if not field.required or not made.values.null_count:
            return
        lacking = made.values.is_null().to_numpy(zero_copy_only=False)
        lacking[[place for place, _, _ in made.refused]] = False
        read = ", ".join(rule.inputs_read) if rule is not None else ""
        why = f"{read} has no value" if read else "nothing fills it"
        missing = (
            f"{field.path} is required and {why}; fill it at the source, or say default: if one value is true of all "
            "such records"
        )
        for place in np.flatnonzero(lacking).tolist():
            if made.without is not None and rule is not None and made.without[place]:
                none = f"codes/{rule.codes}.csv says that this code has no counterpart, and {field.path} is required"
                fix = "give it one, or leave such records out of scope"
                self.problem(at, place, "NO_COUNTERPART", f"codes:{rule.codes}", f"{read}: {none}; {fix}")
            else:
                self.problem(at, place, "MISSING", "required", missing)

    def problem(self, at: _At, place: int, code: str, rule: str, reason: str) -> None:
        record = int(at.owner[place])
        self.bad[record] = True
        line = at.lines[place] if at.lines is not None else self.positions[record]
        self.found.append((record, Problem(self.numbers[record], line, code, at.path(place), rule, reason)))

    def reason(self, rule: Rule | None, refused: Refused, text: str) -> str:
        """The refusal's words, with the refused text where nothing personal can stand in it."""
        if rule is None:
            return refused.reason
        shown = f'"{text[:_SHOWN]}"' if self.plans[id(rule)].open else MASKED
        return f"{', '.join(rule.inputs_read)}: {refused.reason.replace(VALUE, shown)}"

    def grouping(self) -> None:
        """Report records whose rows have no key, or differ in a field that a record has once."""
        group = self.mapping.spec.group
        if group is None:
            return
        at = _At(np.arange(len(self.record)), lambda _: "")
        keyless = f"{', '.join(group.key)}: a row without it belongs to no record; fill it at the source"
        for place in self.scoped.keyless.tolist():
            self.problem(at, place, "MISSING", "group_by", keyless)
        for place in twins(self.record).tolist() if group.twins == "hold" else ():
            self.problem(at, place, "TWIN_ROWS", "group_by", _TWINS)
        if group.conflict != "hold":
            return
        for column, records in self.record.conflicts.items():
            reason = f"rows of one record differ in {column}; {_DIFFER}"
            for place in records.tolist():
                self.problem(replace(at, path=partial(_fixed, column)), place, "HEADER_CONFLICT", "group_by", reason)


def _outside(root: pa.Table, scoped: Scoped) -> pa.Table:
    """Source rows out of scope, in input order."""
    places = np.concatenate([places for places, _ in scoped.outside]) if scoped.outside else np.zeros(0, dtype=np.int64)
    rules = [rule for places, rule in scoped.outside for _ in range(len(places))]
    position = root.column(POSITION) if POSITION in root.column_names else pa.nulls(len(root), pa.int64())
    taken_rows = pa.array(places)
    table = pa.table(
        [root.column(ROW).take(taken_rows), position.take(taken_rows), pa.array(rules, pa.string())],
        schema=OUT_OF_SCOPE,
    )
    return table.sort_by(ROW) if len(places) else table
