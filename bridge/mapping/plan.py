"""From a rule to the scalar function that makes one value of its field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.content import Content
from bridge.mapping.codes import CodeList, code_step, lookup_step, read_codes, read_lookup
from bridge.mapping.conform import conform
from bridge.mapping.dates import PRECISION, START, date_precision, date_start, date_step, datetime_step
from bridge.mapping.functions import Function, read_function
from bridge.mapping.model import Mapping, Rule
from bridge.mapping.names import find_name
from bridge.mapping.rules import VALUE, Refused, Step, number_step, scale_number, split_text, text_step
from bridge.shape import Field, Sensitivity, Type


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule ready to run.

    Args:
        make: from the text that the rule begins with, and the event's day or None, to the value as the target keeps
            it: text, int, bool, or for a field of type list a list of texts.
        quantity: instead of ``make`` for a rule with a unit: from the number's text and the unit's.
        same_unit: for a rule with a unit: whether quantities in this unit stay as they are.
        keep: from a text to the value as the target keeps it, without the rule's steps.
        dated: whether ``make`` looks at the event's day.
        plain: whether ``make`` changes nothing and only length and NUL can be refused.
        none_possible: whether a code may have no counterpart.
        function: the Python function that the rule uses; None if it uses none.
        open: whether refused texts may be shown, as no field they come from is personal.
    """

    rule: Rule
    field: Field
    make: Callable[[str, str | None], Any]
    quantity: Callable[[str | None, str | None, str | None], Any] | None
    same_unit: Callable[[str], bool] | None
    keep: Callable[[str], Any]
    dated: bool
    plain: bool
    none_possible: bool
    open: bool
    function: Function | None = None


def mapping_plans(mapping: Mapping) -> dict[int, Plan]:
    """The plans of a mapping's rules, by the rule's id(); made once, with the code lists as they then are."""
    if not mapping.plans:
        made: dict[int, Plan] = {}
        for list_, each, rule in mapping.spec.rules_of():
            field = mapping.target_field(list_, rule.target)
            if field is not None:
                made[id(rule)] = plan(rule, field, mapping.content, shown(mapping, each, rule))
        # At once, so that another thread never sees a part of them.
        mapping.plans.update(made)
    return mapping.plans


def shown(mapping: Mapping, each: str, rule: Rule) -> bool:
    """Whether nothing that a rule reads can be personal, so that its values may stand in a reason."""
    shape = mapping.source_shape
    if rule.inputs == ("*",):
        return all(field.sensitivity is Sensitivity.NON_NOMINAL for field in shape)
    read = [find_name(shape, mapping.spec, each, name) for name in rule.inputs_read]
    return all(
        name is not None and (name.field is None or name.field.sensitivity is Sensitivity.NON_NOMINAL) for name in read
    )


def plan(rule: Rule, field: Field, content: Content, open_: bool) -> Plan:
    """The functions of one rule; the checker has found nothing wrong with it."""
    function = read_function(content, rule.use) if rule.use else None
    steps = _first_steps(rule)
    if function is not None:
        steps.append(function.step)
    codes = read_codes(content, rule.codes) if rule.codes else None
    coded = code_step(codes) if codes is not None and not rule.unit else None
    table = read_lookup(content, rule.lookup) if rule.lookup else None
    last = [lookup_step(table)] if table is not None else []
    keep = conform(field)
    # Joined values are judged whole, not one by one.
    judge: Callable[[str], Any] = (lambda text: text) if rule.join is not None else keep

    def one(text: str, day: str | None) -> Any:
        value = follow(text, steps)
        if coded is not None and isinstance(value, str):
            value = coded(value, day)
        if isinstance(value, str):
            value = follow(value, last)
        return judge(value) if isinstance(value, str) else value

    make = one if rule.split is None else _each_part(rule.split, one)
    if rule.split is not None and rule.take:
        make = _one_part(rule, make)
    free = field.type is Type.TEXT and not field.codes and not field.pattern
    return Plan(
        rule=rule,
        field=field,
        make=make,
        quantity=_quantity(rule, codes, keep) if codes is not None and rule.unit else None,
        same_unit=_same_unit(codes) if codes is not None and rule.unit else None,
        keep=keep,
        dated=codes is not None and codes.dated,
        plain=free and not steps and coded is None and not last and rule.split is None and rule.join is None,
        none_possible=coded is not None
        and codes is not None
        and any(row.target is None for rows in codes.rows.values() for row in rows),
        open=open_,
        function=function,
    )


def follow(text: str, steps: Sequence[Step]) -> str | Refused | None:
    """The text after all steps, or what the step gave that ended them: a refusal, or nothing."""
    value: str | Refused | None = text
    for step in steps:
        value = step(text)
        if not isinstance(value, str):
            return value
        text = value
    return value


def _first_steps(rule: Rule) -> list[Step]:
    """Everything before codes and lookup."""
    steps: list[Step] = [text_step(kind) for kind in rule.text]
    if rule.number is not None:
        steps.append(number_step(rule.number))
    if rule.date == (START,):
        steps.append(date_start)
    elif rule.date == (PRECISION,):
        steps.append(date_precision)
    elif rule.date:
        steps.append(date_step(rule.date, rule.pivot))
    if rule.datetime:
        steps.append(datetime_step(rule.datetime, rule.zone, rule.pivot, rule.unclear))
    return steps


def _one_part(rule: Rule, each: Callable[[str, str | None], Any]) -> Callable[[str, str | None], Any]:
    """Of the parts that have a value the first, the last or the only one."""
    several = Refused(
        "SEVERAL", "take:only", f"{rule.inputs[0]} gives several values, of which only one fits; say take: first"
    )

    def make(text: str, day: str | None) -> Any:
        made = each(text, day)
        if not made or isinstance(made, Refused):
            return made or None
        return several if rule.take == "only" and len(made) > 1 else made[-1 if rule.take == "last" else 0]

    return make


def _each_part(separator: str, one: Callable[[str, str | None], Any]) -> Callable[[str, str | None], Any]:
    def make(text: str, day: str | None) -> Any:
        made: list[Any] = []
        for part in split_text(text, separator):
            value = one(part, day)
            if isinstance(value, Refused):
                return value
            if value is not None:
                made.append(value)
        return made or None

    return make


def _same_unit(codes: CodeList) -> Callable[[str], bool]:
    def same(unit: str) -> bool:
        row = codes.row(unit, None)
        return not isinstance(row, Refused) and row.target is not None and row.factor is None

    return same


def _quantity(
    rule: Rule, codes: CodeList, keep: Callable[[str], Any]
) -> Callable[[str | None, str | None, str | None], Any]:
    steps = _first_steps(rule)
    digits = rule.number.round if rule.number else None
    lacking = Refused(
        "NO_UNIT", f"codes:{codes.name}", f"the quantity {VALUE} has no unit in {rule.unit}; fill it at the source"
    )
    homeless = Refused(
        "NO_COUNTERPART",
        f"codes:{codes.name}",
        f"{VALUE}: {codes.file} says that this unit has no counterpart; "
        "give it one, leave the quantity out with when: on both rules, or such records with scope:",
    )

    def make(quantity: str | None, unit: str | None, day: str | None) -> Any:
        if quantity is None:
            return None
        value = follow(quantity, steps)
        if isinstance(value, Refused):
            return replace(value, text=quantity)
        if value is None or unit is None:
            return value if value is None else replace(lacking, text=quantity)
        row = codes.row(unit, day)
        if isinstance(row, Refused):
            return replace(row, text=unit)
        if row.target is None:
            return replace(homeless, text=unit)
        scaled = scale_number(value, row.factor, digits) if row.factor is not None else value
        return scaled if isinstance(scaled, Refused) else keep(scaled)

    return make
