"""The inverse of one rule: from a value of the target to the texts it was made of, and whether anything is lost.

Every text that an inverse proposes is put through the rule itself before it is believed, so what is given back always
makes the same value again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from itertools import combinations
from typing import Any, Final

from bridge.mapping.codes import CodeList, read_codes, read_lookup
from bridge.mapping.conform import conform
from bridge.mapping.dates import ISO, PRECISION, START
from bridge.mapping.lost import letter_by_letter, losses, pair
from bridge.mapping.model import Literal, Rule
from bridge.mapping.model import Mapping as Map
from bridge.mapping.names import Name, find_name
from bridge.mapping.plan import Plan
from bridge.mapping.rules import Refused, concat_text
from bridge.mapping.written import date_texts, fiscal_texts, moment_texts, number_texts
from bridge.shape import Field, Type


class Way(IntEnum):
    """How a rule goes back."""

    EXACT = 0
    """``back(forward(x)) == x``."""
    NORMAL = 1
    """The same thing comes back, perhaps written otherwise: ``forward(back(forward(x))) == forward(x)``."""
    LOSSY = 2
    """Something that was there does not come back; the rule says ``one_way``."""


Given = Mapping[str, "str | list[str]"]
"""Texts by the name that the rule reads them by."""
Texts = Callable[[Any, Mapping[str, Any], "str | None"], "Given | None"]
"""From a value, the entry it stands in and the event's day, to what was read; None if no text makes this value."""


@dataclass(frozen=True, slots=True)
class Inverse:
    """The inverse of one rule.

    Args:
        why: what is lost; "" if nothing is.
        texts: best effort where the way is LOSSY.
    """

    plan: Plan
    way: Way
    why: str
    texts: Texts


def inverse(mapping: Map, each: str, rule: Rule, plan: Plan, beside: Sequence[Rule]) -> Inverse:
    """The inverse of a rule whose mapping has no faults.

    Args:
        beside: all rules of the same record or block, since two may give back together what neither could alone.
    """
    names = {name: find_name(mapping.source_shape, mapping.spec, each, name) for name in rule.inputs_read}
    known = {name: one for name, one in names.items() if one is not None}
    lost = [why for why in losses(mapping, each, rule, plan, known, beside) if why]
    way = Way.LOSSY if lost else Way.EXACT if letter_by_letter(mapping, rule, plan, known) else Way.NORMAL
    return Inverse(plan, way, lost[0] if lost else "", _texts(mapping, rule, plan, known, beside))


# --- the way back ----------------------------------------------------------------------------------------------------


def _texts(mapping: Map, rule: Rule, plan: Plan, known: Mapping[str, Name], beside: Sequence[Rule]) -> Texts:
    fields = [name for name in rule.inputs if isinstance(name, str) and name != "*"]
    if rule.combine in ("const", "index", "hash") or (not fields and rule.fiscal is None):
        return partial(_nothing, rule, plan)
    if rule.fiscal is not None:
        return partial(_fiscal, rule, known)
    if rule.unit:
        return partial(_quantity, mapping, rule, plan, beside)
    if rule.date in ((START,), (PRECISION,)):
        other = pair(rule, beside, PRECISION if rule.date == (START,) else START)
        return partial(_halves, rule, other)
    if any(meant.many for meant in known.values()) and not (rule.combine == "concat" and rule.take == "only"):
        return partial(_each, mapping, rule, plan, known) if rule.combine == "from" else partial(_nothing, rule, plan)
    return partial(_one, mapping, rule, plan, known)


def _nothing(rule: Rule, plan: Plan, value: Any, _entry: Mapping[str, Any], _day: str | None) -> Given | None:
    """What a rule gives back that reads nothing, or nothing that can be told: a constant must be what it says."""
    if rule.combine != "const" or rule.when:
        return {}
    kept = [plan.keep(part.text) for part in rule.inputs if isinstance(part, Literal)]
    return {} if value == (kept if plan.field.type is Type.LIST else kept[0]) else None


def _fiscal(
    rule: Rule, known: Mapping[str, Name], value: Any, _entry: Mapping[str, Any], _day: str | None
) -> Given | None:
    if rule.fiscal is None:
        return None
    month = known[rule.fiscal.month].field
    for year, name in fiscal_texts(str(value), rule.fiscal.starts):
        if month is None or _may_be(month, name):
            return {rule.fiscal.year: year, rule.fiscal.month: name}
    return None


def _quantity(
    mapping: Map, rule: Rule, plan: Plan, beside: Sequence[Rule], value: Any, entry: Mapping[str, Any], day: str | None
) -> Given | None:
    """The quantity in the unit that stands beside it, by the code that leads to that unit without a factor."""
    codes = read_codes(mapping.content, rule.codes)
    if codes is None or plan.quantity is None:
        return None
    names = [one.target for one in beside if one.codes == rule.codes and one.inputs == (rule.unit,) and not one.unit]
    units = [entry.get(name) for name in names]
    for source, row in _by_relation(codes):
        if row.factor is not None or row.target is None or (units and row.target != units[0]):
            continue
        for text in number_texts(str(value), rule.number):
            if plan.quantity(text, source, day) == value:
                return {str(rule.inputs[0]): text, rule.unit: source}
    return None


def _halves(rule: Rule, other: Rule | None, value: Any, entry: Mapping[str, Any], _day: str | None) -> Given | None:
    """A date from its first day and its precision, of which one is the value and the other stands beside it."""
    start, exact = (value, "D") if rule.date == (START,) else (None, value)
    if other is not None:
        start, exact = (value, entry.get(other.target)) if rule.date == (START,) else (entry.get(other.target), value)
    if start is None or exact is None:
        return None
    cut = str(start)[: {"D": 10, "M": 7, "Y": 4}.get(str(exact), 0)]
    return {str(rule.inputs[0]): cut} if (cut and f"{cut}-01-01"[:10] == start) or cut == start else None


def _one(
    mapping: Map,
    rule: Rule,
    plan: Plan,
    known: Mapping[str, Name],
    value: Any,
    _entry: Mapping[str, Any],
    day: str | None,
) -> Given | None:
    """The text that the rule made this value of; of several fields, what each of them said."""
    for text in _before(mapping, rule, plan, value, day):
        if plan.make(text, day) != value:
            continue
        if rule.combine == "concat":
            split = _unglue(rule, text, known)
            if split is not None:
                return split
            continue
        name = next(name for name in rule.inputs if isinstance(name, str))
        meant = known[name].field
        if meant is None or _may_be(meant, text) or rule.combine == "first_of":
            return {name: text}
    return None


def _each(
    mapping: Map,
    rule: Rule,
    plan: Plan,
    _known: Mapping[str, Name],
    value: Any,
    _entry: Mapping[str, Any],
    day: str | None,
) -> Given | None:
    """The several texts that the rule made this value of."""
    name = str(rule.inputs[0])
    if isinstance(value, list):
        values = value
    elif rule.join:
        values = str(value).split(rule.join)
    else:
        values = [value]
    found: list[str] = []
    for one in values:
        texts = _before(mapping, rule, plan, one, day)
        wanted = [one] if plan.field.type is Type.LIST and rule.split is not None else one
        text = next((text for text in texts if rule.join is not None or plan.make(text, day) == wanted), None)
        if text is None:
            return None
        found.append(text)
    if rule.split is not None:
        return {name: [rule.split.join(found)]}
    return {name: found}


def _before(mapping: Map, rule: Rule, plan: Plan, value: Any, day: str | None) -> Iterator[str]:
    """Texts that the steps of the rule may have begun with, the likeliest first; the caller tries them."""
    if isinstance(value, list):
        if rule.split is None:
            return
        parts = [next(_steps_back(mapping, rule, plan, str(one), day), None) for one in value]
        if all(part is not None for part in parts):
            yield rule.split.join(str(part) for part in parts)
        return
    yield from _steps_back(mapping, rule, plan, _written(value), day)


def _written(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _steps_back(mapping: Map, rule: Rule, plan: Plan, text: str, _day: str | None) -> Iterator[str]:
    texts: list[str] = [text]
    if rule.lookup:
        table = read_lookup(mapping.content, rule.lookup)
        texts = [source for one in texts for source, cell in (table.values.items() if table else ()) if cell == one]
    if rule.codes:
        codes = read_codes(mapping.content, rule.codes)
        rows = _by_relation(codes) if codes is not None else []
        texts = [source for one in texts for source, row in rows if row.target == one]
    if plan.function is not None:
        undo = plan.function.undo
        texts = [made for one in texts if isinstance(made := undo(one), str)]
    elif rule.datetime:
        texts = [made for one in texts for made in moment_texts(one, rule)]
    elif rule.date:
        texts = [made for one in texts for made in ([one] if rule.date == (ISO,) else date_texts(one, rule))]
    elif rule.number is not None:
        texts = [made for one in texts for made in number_texts(one, rule.number)]
    yield from texts


_ORDER: Final = ("exact", "renamed", "alias", "narrower", "broader")


def _by_relation(codes: CodeList) -> list[tuple[str, Any]]:
    """Rows with a target, those that say the same thing first."""
    rows = [(source, row) for source, some in codes.rows.items() for row in some if row.target is not None]
    return sorted(rows, key=lambda one: _ORDER.index(one[1].relation) if one[1].relation in _ORDER else len(_ORDER))


def _unglue(rule: Rule, text: str, known: Mapping[str, Name]) -> Given | None:
    """The parts of a concat that make this text, trying the most parts first."""
    literal = [isinstance(part, Literal) for part in rule.inputs]
    fields = [at for at, fixed in enumerate(literal) if not fixed]
    for missing in range(len(fields)):
        for there in combinations(fields, len(fields) - missing):
            for values in _cuts(rule, text, there):
                parts = [
                    part.text if isinstance(part, Literal) else values.get(at) for at, part in enumerate(rule.inputs)
                ]
                given = {str(rule.inputs[at]): part for at, part in values.items()}
                fits = all(_may_be(known[name].field, part) for name, part in given.items())
                if fits and concat_text(parts, literal) == text:
                    return given
    return None


def _cuts(rule: Rule, text: str, there: tuple[int, ...]) -> Iterator[dict[int, str]]:
    """Ways to cut the text into the fields that are there, at the literals that then stand between them."""
    literal = [isinstance(part, Literal) for part in rule.inputs]
    shown = [
        part.text if isinstance(part, Literal) else ("\0" if at in there else None)
        for at, part in enumerate(rule.inputs)
    ]
    frame = (concat_text(shown, literal) or "").split("\0")
    if not text.startswith(frame[0]) or not text.endswith(frame[-1]):
        return
    inner = text[len(frame[0]) : len(text) - len(frame[-1])]
    marks = frame[1:-1]
    if any(mark == "" for mark in marks):
        return
    values: list[str] = []
    for mark in marks:
        before, found, inner = inner.partition(mark)
        if not found:
            return
        values.append(before)
    values.append(inner)
    if all(values):
        yield dict(zip(there, values, strict=True))


def _may_be(field: Field | None, text: str) -> bool:
    """Whether the schema of the source lets a field hold this text."""
    if field is None:
        return True
    if field.codes and text not in field.codes:
        return False
    return field.type in (Type.TEXT, Type.LIST) or not isinstance(conform(field)(text), Refused)
