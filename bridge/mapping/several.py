"""Rules that go along a list from outside it: all its values, one of them, or all in one text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bridge.mapping.columns import Coded, Places, coded, concat_columns, each_distinct
from bridge.mapping.made import Made, Mask, make_values
from bridge.mapping.model import Condition, Literal, Rule
from bridge.mapping.names import Name
from bridge.mapping.plan import Plan
from bridge.mapping.rules import Refused, split_text
from bridge.mapping.views import Many, View, holds
from bridge.shape import Type


def several(plan: Plan, view: View) -> Made:
    """Values from a list: all of them, one of them, or all in one text."""
    rule = plan.rule
    name = several_name(rule, view)
    many = _cut(_values(rule, view), rule.split)
    row_mask, value_mask = _masks(rule, view, name.list if name is not None else "")
    kept = many.values.present & row_mask[many.owner]
    if value_mask is not None:
        kept &= value_mask[many.entries]
    if rule.blank:
        kept &= ~holds(many.values, rule.blank)
    places = np.flatnonzero(kept)
    owner, values = many.owner[places], many.values.take(places)
    event = view.event.take(owner) if view.event is not None else None
    inner = make_values(_each_value(plan), values, event, None)
    refused = [(int(owner[row]), why, text) for row, why, text in inner.refused]
    without = None
    if inner.without is not None:
        without = np.zeros(len(view), dtype=np.bool_)
        without[owner[inner.without]] = True
    there = np.flatnonzero(inner.values.is_valid().to_numpy(zero_copy_only=False))
    owner, made = owner[there], inner.values.take(pa.array(there))
    # Entries of one record stand together and in order, however the table is sorted.
    order = np.argsort(owner, kind="stable")
    owner, made = owner[order], made.take(pa.array(order))
    sizes = np.bincount(owner, minlength=len(view)).astype(np.int64)
    if rule.take:
        return Made(*_one(plan, rule.take, made, sizes, refused), without)
    lists = pa.ListArray.from_arrays(_offsets(sizes), made, mask=pa.array(sizes == 0))
    if plan.field.type is Type.LIST:
        return Made(lists, refused, without)
    joined = each_distinct(coded(pc.binary_join(lists, rule.join or "")), plan.keep, plan.field.arrow)
    return Made(joined.values, [*refused, *joined.refused], without)


def _each_value(plan: Plan) -> Plan:
    """The plan for one value of several: what a list field or a joined text has is made one by one."""
    if plan.field.type is not Type.LIST and plan.rule.join is None:
        return plan
    make = plan.make
    if plan.rule.split is not None:
        # The parts have been cut before, so each gives a list of one.
        make = _only(plan.make)
    return replace(plan, make=make, field=replace(plan.field, type=Type.TEXT), plain=False)


def _only(make: Callable[[str, str | None], Any]) -> Callable[[str, str | None], Any]:
    def one(text: str, day: str | None) -> Any:
        found = make(text, day)
        return found[0] if isinstance(found, list) else found

    return one


def several_name(rule: Rule, view: View) -> Name | None:
    """The first of the rule's inputs that gives several values a row; None if none does."""
    names = (view.name(part) for part in rule.inputs if isinstance(part, str))
    return next((name for name in names if name.many), None)


def _values(rule: Rule, view: View) -> Many:
    """The several values a rule begins with; of ``concat`` the text that each of them makes with the other parts."""
    first = next(part for part in rule.inputs if isinstance(part, str) and view.name(part).many)
    many = view.many(first)
    if rule.combine != "concat":
        return many
    columns: list[Coded] = []
    for part in rule.inputs:
        if isinstance(part, Literal):
            columns.append(Coded(pa.array([part.text], pa.string()), np.zeros(len(many.values), dtype=np.int64)))
        elif part == first:
            columns.append(many.values)
        elif view.name(part).many:
            columns.append(view.many(part).values)  # another field of the same list's entries
        else:
            columns.append(view.text(part).take(many.owner))
    literal = [isinstance(part, Literal) for part in rule.inputs]
    return Many(many.owner, coded(concat_columns(columns, literal)), many.entries)


def _cut(many: Many, separator: str | None) -> Many:
    """Each value's parts as values of their own."""
    if separator is None:
        return many
    parts = [split_text(text, separator) for text in many.values.texts.to_pylist()]
    first = np.cumsum([0, *map(len, parts)])
    sizes = np.array([*map(len, parts), 0], dtype=np.int64)[many.values.codes]  # the last stands for no value
    place = np.repeat(np.arange(len(sizes)), sizes)
    within = np.arange(len(place)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    flat = coded(pa.array([part for some in parts for part in some], pa.string()))
    values = flat.take(first[many.values.codes[place]] + within)
    return Many(many.owner[place], values, many.entries[place])


def _offsets(sizes: Places) -> pa.Array:
    return pa.array(np.r_[0, np.cumsum(sizes)].astype(np.int32))


def _one(
    plan: Plan, take: str, made: pa.Array, sizes: Places, refused: list[tuple[int, Refused, str]]
) -> tuple[pa.Array, list[tuple[int, Refused, str]]]:
    ends = np.cumsum(sizes)
    place = np.where(sizes == 0, -1, ends - 1 if take == "last" else ends - sizes)
    values = made.take(pa.array(place, mask=place < 0))
    if take != "only":
        return values, refused
    several = Refused(
        "SEVERAL",
        "take:only",
        f"{plan.rule.inputs[0]} gives several values, of which only one fits; say take: first, or add a when:",
    )
    return values, [*refused, *((int(row), several, "") for row in np.flatnonzero(sizes > 1))]


def _masks(rule: Rule, view: View, path: str) -> tuple[Mask, Mask | None]:
    """Conditions about the list itself choose among its entries, all others among the rows."""
    rows: list[Condition] = []
    entries: Mask | None = None
    for condition in rule.when:
        meant = view.name(condition.field)
        child = view.lists.get(meant.list)
        if meant.list == path and path and meant.field is not None and child is not None:
            hit = child.matches(replace(condition, field=meant.field.name))
            entries = hit if entries is None else entries & hit
        else:
            rows.append(condition)
    return view.all_match(rows), entries
