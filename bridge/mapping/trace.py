"""Where each value of a mapped record comes from: the rule, the source fields with their values, the row of the code
list. Slow and plain, for a few records that a person looks at."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bridge.batch import INDEX, ROOT, ROW, Batch
from bridge.content import Content
from bridge.errors import MASKED
from bridge.mapping.codes import code_path
from bridge.mapping.model import HERE, LINES, Rule
from bridge.mapping.model import Mapping as Model
from bridge.mapping.names import find_name
from bridge.mapping.rules import WHITE, split_text, text_step
from bridge.mapping.views import View, see
from bridge.shape import Class, Field, Sensitivity

_HIDDEN: Final = frozenset({Class.PERSON, Class.BUSINESS, Class.FREE_TEXT, Class.SPECIAL})


@dataclass(frozen=True, slots=True)
class Read:
    """One source field that a value was made of.

    Args:
        path: with the entry's place, counted from 0.
        value: as received, masked by the field's class; None if it had none.
        codes: rows of the rule's code list that this value met.
    """

    path: str
    value: str | None
    codes: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """How one value came to be.

    Args:
        path: of the target field, entries counted from 0 as in problems.
        value: masked by class; None if there is none or the record is held.
        reads: what the rule read; empty for constants.
    """

    path: str
    field: Field
    value: str | None
    rule: Rule
    reads: tuple[Read, ...]


def hidden(field: Field) -> bool:
    """Whether a person must not see this field's values without a purpose: by its class or its sensitivity."""
    return field.cls in _HIDDEN or field.sensitivity is not Sensitivity.NON_NOMINAL


def masked(field: Field, value: Any) -> str | None:
    """A value as it may be shown; lists joined."""
    if value is None or value == []:
        return None
    if hidden(field):
        return MASKED
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def trace(mapping: Model, batch: Batch, mapped: Batch) -> dict[int, list[Way]]:
    """By record number the way of every value that is there or was read, in the target's order.

    Args:
        batch: of the source, and ``mapped`` what forward() made of it; held records have no values there.
    """
    scoped = see(batch, mapping.source_shape, mapping.spec)
    record = scoped.record
    numbers = record.table.column(ROW).to_pylist()
    made = _values(mapped)
    found: dict[int, list[Way]] = {number: [] for number in numbers}
    for field in mapping.target_shape.table():
        rule = next((one for one in mapping.spec.rules if one.target == field.name), None)
        if rule is not None:
            for place, number in enumerate(numbers):
                value = made.get((ROOT, number, 0), {}).get(field.name)
                way = Way(
                    field.path, field, masked(field, value), rule, tuple(_reads(mapping, rule, record, "", place))
                )
                if way.value is not None or any(read.value is not None for read in way.reads):
                    found[number].append(way)
    for path in mapping.target_shape.lists:
        for number, index, view, place, rules, each in _entries(mapping, record, numbers, path):
            for rule in rules:
                target = mapping.target_field(path, rule.target)
                if target is None:
                    continue
                value = made.get((path, number, index), {}).get(rule.target)
                at = f"{path}.{index}.{rule.target}"
                way = Way(at, target, masked(target, value), rule, tuple(_reads(mapping, rule, view, each, place)))
                if way.value is not None or any(read.value is not None for read in way.reads):
                    found[number].append(way)
    return found


def _values(mapped: Batch) -> dict[tuple[str, int, int], dict[str, Any]]:
    """Rows of all tables by list, record and place."""
    return {
        (name, row[ROW], row.get(INDEX, 0) if name else 0): row
        for name, table in mapped.tables.items()
        for row in table.to_pylist()
    }


def _entries(
    mapping: Model, record: View, numbers: list[int], path: str
) -> Iterator[tuple[int, int, View, int, tuple[Rule, ...], str]]:
    """For each entry of a target list: its record, its place, and where in the source it comes from; in the order in
    which forward() makes them."""
    parts = []
    for block in mapping.spec.blocks:
        view = record if block.each == HERE else record.lists.get(block.each)
        if block.list == path and view is not None:
            places = np.flatnonzero(view.all_match(block.when))
            owner = places if view.owner is None else view.owner[places]
            parts += [(int(o), int(p), view, block) for o, p in zip(owner, places, strict=True)]
    parts.sort(key=lambda part: part[0])
    index: dict[int, int] = {}
    for record_at, entry, view, block in parts:
        at = index.get(record_at, 0)
        index[record_at] = at + 1
        yield numbers[record_at], at, view, entry, block.rules, block.each


def _reads(mapping: Model, rule: Rule, view: View, each: str, place: int) -> Iterator[Read]:
    for name in rule.inputs_read:
        meant = find_name(mapping.source_shape, mapping.spec, each, name)
        if meant is None or meant.field is None:
            continue
        bare = name.removeprefix("^")
        if meant.many:
            here = view.record if meant.outer and view.record is not None else view
            at = int(view.owner[place]) if meant.outer and view.owner is not None else place
            several = here.many(name)
            texts: list[str] = [
                one for one in several.values.only(several.owner == at).array().to_pylist() if one is not None
            ]
            value: Any = texts
        else:
            value = view.text(name).take(np.array([place])).array()[0].as_py()
            texts = [value] if value is not None else []
        codes = (
            tuple(row for text in texts for row in _rows(mapping.content, rule, text))
            if name != rule.unit or rule.codes
            else ()
        )
        yield Read(_place(view, each, bare, place, meant.outer), masked(meant.field, value), codes)


def _place(view: View, each: str, name: str, place: int, outer: bool) -> str:
    if each in ("", HERE) or outer or view.owner is None:
        return name
    first = (
        int(np.searchsorted(view.owner, view.owner[place]))
        if each != LINES
        else int(np.flatnonzero(view.owner == view.owner[place])[0])
    )
    return f"{each}.{place - first}.{name}"


def _rows(content: Content, rule: Rule, text: str) -> list[Mapping[str, str]]:
    """The rows of the rule's code list for a text, as they stand in the file."""
    path = content.seek(code_path(rule.codes)) if rule.codes else None
    if path is None:
        return []
    for kind in rule.text:
        changed = text_step(kind)(text)
        text = changed if isinstance(changed, str) else ""
    wanted = {part.strip(WHITE) for part in (split_text(text, rule.split) if rule.split else [text])}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.DictReader(file) if row["source"].strip(WHITE) in wanted]
