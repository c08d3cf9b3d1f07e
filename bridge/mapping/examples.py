"""The examples of a mapping, run: at once its tests, its documentation and its gate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import PART, RESERVED, ROOT, ROW, Batch
from bridge.errors import Misconfigured
from bridge.mapping.apply import Mapped, forward
from bridge.mapping.findings import FailedExample, Finding
from bridge.mapping.golden import differences, read_record, record_of
from bridge.mapping.model import Example, Mapping
from bridge.mapping.samples import read_sample
from bridge.shape import Field, Shape, Type

_TOLD = 8
"""Differences that one example tells at most."""
_STEP = re.compile(r"[./]([0-9]+)[./]")
_QUANTITY = re.compile(r"(\S+) (\S+)")


def example_findings(mapping: Mapping) -> Iterator[Finding]:
    """One finding for each expectation that is not met; the mapping has no other error."""
    for example, wrong in run_examples(mapping):
        for what in wrong:
            yield FailedExample(mapping.where, example.line, example.name, {"what": what})


def run_examples(mapping: Mapping) -> list[tuple[Example, list[str]]]:
    """Each example with what went otherwise than it says, one sentence each."""
    samples: dict[str, Batch] = {}
    failed: dict[int, str] = {}
    batches: dict[int, Batch] = {}
    for number, example in enumerate(mapping.spec.examples):
        try:
            batches[number] = given(mapping, example, samples)
        except Misconfigured as bad:
            failed[number] = f"{bad.where}: {bad.what}"
        except KeyError as unknown:
            failed[number] = str(unknown.args[0])
    withheld, mapped = _made(mapping, batches)
    return [
        (
            example,
            [failed[number]]
            if number in failed
            else _wrong(mapping, mapped[number], example, withheld.get(number, "")),
        )
        for number, example in enumerate(mapping.spec.examples)
    ]


def made_of(mapping: Mapping, example: Example) -> Batch | None:
    """What comes of an example's records; None if there is none or one has a problem.

    Raises:
        Misconfigured, KeyError: as given().
    """
    _, mapped = _forward(mapping, given(mapping, example))
    return mapped.batch if len(mapped.batch) and not mapped.problems else None


def _made(mapping: Mapping, batches: dict[int, Batch]) -> tuple[dict[int, str], dict[int, Mapped]]:
    """By which rule each batch's first record is withheld, and what becomes of each batch.

    All go at once, each as an input of its own.
    """
    if not batches:
        return {}, {}
    starts: dict[int, int] = {}
    parts: dict[str, list[pa.Table]] = {}
    total = 0
    for number, batch in batches.items():
        starts[number] = total
        for name, table in batch.tables.items():
            moved = table.set_column(0, ROW, pc.add(table.column(ROW), total))
            if name == ROOT:
                moved = moved.append_column(PART, pa.repeat(pa.scalar(number, pa.int64()), len(batch)))
            parts.setdefault(name, []).append(moved)
        total += len(batch)
    tables = {name: pa.concat_tables(some, promote_options="permissive") for name, some in parts.items()}
    rules, whole = _forward(mapping, Batch(tables, "examples", ""))
    found: dict[int, Mapped] = {}
    for number, start in starts.items():
        rows = range(start, start + len(batches[number]))
        numbers = pa.array(rows, pa.int64())
        outside = whole.out_of_scope.filter(pc.is_in(whole.out_of_scope.column(ROW), value_set=numbers))
        problems = [problem for problem in whole.problems if problem.row in rows]
        found[number] = Mapped(whole.batch.only(numbers), problems, outside, whole.rows, {})
    return {number: rules.get(start, "") for number, start in starts.items()}, found


def _forward(mapping: Mapping, batch: Batch) -> tuple[dict[int, str], Mapped]:
    """What the mapping makes of what the partner may see, and by which rule each other record is withheld."""
    if mapping.release is None:
        return {}, forward(mapping, batch)
    from bridge.release import release  # loads a library that a mapping alone does not need

    released = release(mapping.release, mapping.source_shape, batch)
    rules = dict(zip(*(released.withheld.column(name).to_pylist() for name in (ROW, "rule")), strict=True))
    return rules, forward(mapping, released.batch)


def _wrong(mapping: Mapping, mapped: Mapped, example: Example, withheld: str) -> list[str]:
    """What an example says otherwise."""
    shape = mapping.target_shape
    wrong: list[str] = []
    if withheld or example.withheld:
        said = f"withheld by {withheld}" if withheld else "not withheld"
        return [] if withheld == example.withheld else [said]
    if example.out_of_scope and example.out_of_scope not in mapped.out_of_scope.column("rule").to_pylist():
        wrong.append(f"{example.out_of_scope} leaves no row out of scope")
    if example.held:
        wrong += _held(mapped, *example.held)
    elif not example.out_of_scope:
        wrong += [f"held: {problem.code} at {problem.field}: {problem.reason}" for problem in mapped.problems]
    return wrong or [*_then(shape, mapped, example), *_whole(mapping, mapped, example)]


def _whole(mapping: Mapping, mapped: Mapped, example: Example) -> list[str]:
    """Where the first record is not the one in the example's file."""
    if not example.whole:
        return []
    path = mapping.content.seek(f"mappings/{mapping.system}/samples/{example.whole}")
    if path is None:
        return [f"there is no samples/{example.whole}: bridge check --fix writes it as the record is now"]
    if not len(mapped.batch):
        return ["there is no record"]
    try:
        expected = read_record(path)
    except ValueError as bad:
        return [f"samples/{example.whole} cannot be read: {bad}"]
    first = mapped.batch.root.column(ROW)[0].as_py()
    return list(differences(expected, record_of(mapped.batch, first)))[:_TOLD]


def given(mapping: Mapping, example: Example, samples: dict[str, Batch] | None = None) -> Batch:
    """The example's sample with its changes; samples read before are taken from ``samples``.

    Raises:
        Misconfigured: no such sample, or one that cannot be read.
        KeyError: a change names no field, or an entry that the sample lacks.
    """
    known = samples if samples is not None else {}
    if example.given not in known:
        path = mapping.content.path(f"mappings/{mapping.system}/samples/{example.given}")
        delimiter = mapping.collect_option("delimiter") or ","
        read = read_sample(path, mapping.source_shape, mapping.source.get("record"), delimiter)
        known[example.given] = replace(read, tables={name: _texts(table) for name, table in read.tables.items()})
    batch = known[example.given]
    if not len(batch):
        raise Misconfigured("BAD_SAMPLE", example.given, "it has no record", "Add one, or correct record:")
    tables = dict(batch.tables)
    for name, value in example.set.items():
        field, place = find_field(mapping.source_shape, name)
        tables[field.list] = _set(tables[field.list], field, place, value)
    return replace(batch, tables=tables)


def _texts(table: pa.Table) -> pa.Table:
    """The table with its integers and booleans as text, so that changed and unchanged samples can be put together."""
    for place, column in enumerate(table.schema):
        if column.name not in RESERVED and not pa.types.is_list(column.type) and column.type != pa.string():
            table = table.set_column(place, column.name, table.column(column.name).cast(pa.string()))
    return table


def find_field(shape: Shape, name: str) -> tuple[Field, int | None]:
    """The field that a path means, and the entry if it names one: ``goods.0.hs_code``, ``Goods/Item.0.HS``.

    Raises:
        KeyError: no such field.
    """
    found = shape.find(name)
    if found is not None:
        return found, None
    for path in shape.lists:
        step = _STEP.match(name, len(path)) if name.startswith(path) else None
        if step is not None:
            inner = next((field for field in shape.table(path) if field.name == name[step.end() :]), None)
            if inner is not None:
                return inner, int(step[1])
    raise KeyError(f"there is no field {name} in {shape.name}")


def _set(table: pa.Table, field: Field, place: int | None, value: str) -> pa.Table:
    """The table with a value in one entry, or in all if none is named; an empty value is absent."""
    column = table.column(field.name)
    values = column.to_pylist()
    places = range(len(values)) if place is None else [place]
    if not places or places[-1] >= len(values):
        raise KeyError(f"the sample has no entry {place or 0} of {field.list}")
    for at in places:
        values[at] = None if value == "" else [value] if field.type is Type.LIST else value
    return table.set_column(table.column_names.index(field.name), field.name, pa.array(values, column.type))


def _held(mapped: Mapped, code: str, field: str) -> list[str]:
    if any(problem.code == code and (not field or problem.field == field) for problem in mapped.problems):
        return []
    met = ", ".join(f"{problem.code} at {problem.field}" for problem in mapped.problems) or "nothing"
    return [f"{code}{f' at {field}' if field else ''} does not hold it, but {met}"]


def _then(shape: Shape, mapped: Mapped, example: Example) -> list[str]:
    """Expected values of the first record that differ."""
    wrong: list[str] = []
    if not example.then:
        return wrong
    if not len(mapped.batch):
        return ["there is no record"]
    first = mapped.batch.root.column(ROW)[0].as_py()
    for name, expected in example.then.items():
        try:
            field, place = find_field(shape, name)
        except KeyError as unknown:
            wrong.append(str(unknown.args[0]))
            continue
        entry = _entry(mapped.batch.tables[field.list], first, place or 0)
        if entry is None:
            wrong.append(f"{name} is in no entry")
            continue
        got = _text(entry[field.name])
        unit = _unit(shape, field) if field.type is Type.DECIMAL and _QUANTITY.fullmatch(expected) else None
        if unit is not None:
            got = f"{got} {_text(entry[unit])}"
        if got != expected:
            wrong.append(f"{name} is {got or 'absent'}, not {expected or 'absent'}")
    return wrong


def _entry(table: pa.Table, row: int, place: int) -> dict[str, object] | None:
    rows = [entry for entry in table.to_pylist() if entry[ROW] == row]
    return rows[place] if place < len(rows) else None


def _unit(shape: Shape, field: Field) -> str | None:
    """The field with a quantity's unit: its name with unit for quantity."""
    name = field.name.replace("quantity", "unit")
    return next((other.name for other in shape.table(field.list) if other.name == name and other is not field), None)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
