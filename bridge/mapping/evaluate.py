"""One rule over one view: a column of values as the target keeps them, and what was refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bridge.mapping.columns import (
    Coded,
    coded,
    combine,
    concat_columns,
    each_combination,
    first_present,
    running_count,
)
from bridge.mapping.dates import fiscal_month
from bridge.mapping.made import Made, Mask, make_values, taken, with_default
from bridge.mapping.model import LINES, Literal, Rule
from bridge.mapping.plan import Plan
from bridge.mapping.rules import Refused, hash_texts
from bridge.mapping.several import several, several_name
from bridge.mapping.views import View, holds
from bridge.shape import Type


def evaluate(plan: Plan, view: View) -> Made:
    """The field's values, row by row of the view."""
    rule = plan.rule
    if rule.combine == "const":
        made = _constant(plan, len(view))
        return made if not rule.when else _chosen(plan, made, view.all_match(rule.when))
    if rule.combine in ("from", "concat"):
        name = several_name(rule, view)
        if name is not None:
            if not (name.outer and view.record is not None and view.owner is not None):
                return with_default(plan, several(plan, view), None)
            made = taken(several(plan, view.record), view.owner)
            return with_default(plan, made, None)
    mask = view.all_match(rule.when) if rule.when else None
    start, refused = _start(rule, view)
    if rule.blank:
        start = start.only(~holds(start, rule.blank))
    if mask is not None:
        start = start.only(mask)
        refused = [one for one in refused if mask[one[0]]]
    made = make_values(plan, start, view.event, view.text(rule.unit) if rule.unit else None)
    made.refused.extend(refused)
    return with_default(plan, made, mask)


def _constant(plan: Plan, rows: int) -> Made:
    texts = [part.text for part in plan.rule.inputs if isinstance(part, Literal)]
    kept = [plan.keep(text) for text in texts]
    value = kept if plan.field.type is Type.LIST else kept[0]
    # repeat() cannot make an empty column of lists.
    values = pa.repeat(pa.scalar(value, plan.field.arrow), rows) if rows else pa.array([], plan.field.arrow)
    return Made(values, [])


def _chosen(plan: Plan, made: Made, mask: Mask) -> Made:
    return with_default(
        plan, Made(pc.if_else(pa.array(mask), made.values, pa.scalar(None, plan.field.arrow)), []), None
    )


def _start(rule: Rule, view: View) -> tuple[Coded, list[tuple[int, Refused, str]]]:
    """The texts that a rule's steps begin with."""
    match rule.combine:
        case "from":
            return view.text(str(rule.inputs[0])), []
        case "first_of":
            return first_present([_part(part, view) for part in rule.inputs]), []
        case "concat":
            literal = [isinstance(part, Literal) for part in rule.inputs]
            return coded(concat_columns([_part(part, view) for part in rule.inputs], literal)), []
        case "hash":
            columns = [view.text(name) for name in hashed_fields(rule, view)]
            if rule.occurrence:
                _, number = combine([*columns, *view.part])
                columns.append(coded(pa.array(running_count(number))))
                result = each_combination(columns, lambda *parts: hash_texts(parts[:-1], int(parts[-1])), pa.string())
            else:
                result = each_combination(columns, lambda *parts: hash_texts(parts, None), pa.string())
        case _:
            if rule.fiscal is None:
                raise ValueError(f"a rule cannot begin with {rule.combine}")
            starts = rule.fiscal.starts
            columns = [view.text(rule.fiscal.year), view.text(rule.fiscal.month)]
            result = each_combination(columns, lambda year, month: fiscal_month(year, month, starts), pa.string())
    return coded(result.values), list(result.refused)


def hashed_fields(rule: Rule, view: View) -> list[str]:
    """The fields that a hash is over; ``*`` is every field of the row."""
    if rule.inputs == ("*",):
        table = "" if view.each == LINES else view.each
        return [field.name for field in view.shape.table(table) if field.type is not Type.LIST]
    return [str(name) for name in rule.inputs]


def _part(part: str | Literal, view: View) -> Coded:
    if isinstance(part, Literal):
        return Coded(pa.array([part.text], pa.string()), np.zeros(len(view), dtype=np.int64))
    return view.text(part)
