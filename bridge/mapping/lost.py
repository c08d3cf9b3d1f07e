"""What a rule loses on the way: judged from its words, the schemas and the code lists, before any record is seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from bridge.mapping.codes import CodeList, read_codes, read_lookup
from bridge.mapping.conform import conform
from bridge.mapping.dates import PRECISION, START
from bridge.mapping.letters import never_holds
from bridge.mapping.model import PRESENT, Literal, Rule
from bridge.mapping.model import Mapping as Map
from bridge.mapping.names import Name, find_name
from bridge.mapping.plan import Plan
from bridge.mapping.rules import Refused
from bridge.shape import Field, Type

_LIFTED: Final = frozenset({Type.TEXT, Type.CODE, Type.DATE})
"""Types whose texts the target keeps letter by letter."""
_TIMES: Final = ("%H", "%M", "%S", "%f", "%z")


def losses(
    mapping: Map, each: str, rule: Rule, plan: Plan, known: Mapping[str, Name], beside: Sequence[Rule]
) -> Iterator[str]:
    """Every reason why what a rule has made cannot be turned back; nothing if it can."""
    fields = [name for name in rule.inputs if isinstance(name, str)]
    match rule.combine:
        case "hash":
            yield "a hash cannot be turned back"
        case "first_of" if len(fields) > 1:
            yield f"which of {', '.join(fields)} the value came from is not told"
        case "concat":
            yield _parts_lost(rule, known)
    yield from _format_losses(rule, beside)
    yield from _list_losses(mapping, each, rule, plan, known, beside)
    own = {*fields, rule.unit}
    other = next((one for one in rule.when if one.field not in own or one.values != (PRESENT,)), None)
    if other is not None and fields:
        yield f"it is left out unless {other.says}"
    if plan.function is not None:
        yield plan.function.one_way


def _format_losses(rule: Rule, beside: Sequence[Rule]) -> Iterator[str]:
    """What is lost of a number, a date, or several values."""
    if rule.take in ("first", "last"):
        yield f"only the {rule.take} of several values is kept"
    if rule.number is not None and rule.number.round is not None:
        yield f"digits after the first {rule.number.round} are rounded away"
    if rule.date == (START,) and not pair(rule, beside, PRECISION):
        yield "the first day does not tell how exact the date was"
    if rule.date == (PRECISION,) and not pair(rule, beside, START):
        yield "how exact a date is does not tell the date"
    if any(mark in pattern for pattern in rule.date for mark in _TIMES):
        yield "the time of the day is left out"


def _list_losses(
    mapping: Map, each: str, rule: Rule, plan: Plan, known: Mapping[str, Name], beside: Sequence[Rule]
) -> Iterator[str]:
    """What is lost by join, codes and lookup."""
    fields = [name for name in rule.inputs if isinstance(name, str)]
    if rule.join is not None:
        meant = known[fields[0]].field if fields else None
        if meant is None or not never_holds(meant, rule.join):
            yield f"a value of {fields[0]} may itself hold {rule.join!r}, so they cannot be told apart"
    if rule.codes and not rule.unit:
        codes = read_codes(mapping.content, rule.codes)
        if codes is not None:
            meant = known[fields[0]].field if len(fields) == 1 else None
            yield _codes_lost(codes, meant, plan.field.required or _held_by_quantity(mapping, each, rule, beside))
    if rule.lookup:
        table = read_lookup(mapping.content, rule.lookup)
        values = list(table.values.values()) if table is not None else []
        if len(set(values)) < len(values):
            yield f"several rows of {rule.lookup} hold the same value"


def _parts_lost(rule: Rule, known: Mapping[str, Name]) -> str:
    """Why the parts of a concat cannot be told apart; "" if they can."""
    parts = rule.inputs
    if any(meant.many for meant in known.values()) and rule.take != "only":
        return "which entry each part came from is not told"
    places = [at for at, part in enumerate(parts) if isinstance(part, str)]
    for before, after in pairwise(places):
        left, right = known[str(parts[before])].field, known[str(parts[after])].field
        mark = "".join(part.text for part in parts[before:after] if isinstance(part, Literal))
        if left is None or right is None or not mark:
            return f"where {parts[before]} ends and {parts[after]} begins is not told"
        if not never_holds(left, mark):
            return f"{parts[before]} may itself hold {mark!r}, so it cannot be told from {parts[after]}"
        if not (left.required and right.required) and not _unlike(left, right):
            return f"if one of {parts[before]} and {parts[after]} is missing, the other may be either"
    return ""


def _unlike(left: Field, right: Field) -> bool:
    """Whether no text of one field could be one of the other."""
    for one, other in ((left, right), (right, left)):
        if one.codes and other.type not in (Type.TEXT, Type.LIST):
            return all(isinstance(conform(other)(code), Refused) for code in one.codes)
    return False


def _held_by_quantity(mapping: Map, each: str, rule: Rule, beside: Sequence[Rule]) -> bool:
    """Whether a record without a counterpart of its unit is held on account of the quantity, and so not lost."""
    for one in beside:
        if one.unit and (one.unit,) == rule.inputs and one.codes == rule.codes and not one.when and not one.blank:
            meant = find_name(mapping.source_shape, mapping.spec, each, str(one.inputs[0]))
            if meant is not None and meant.field is not None and meant.field.required:
                return True
    return False


def _codes_lost(codes: CodeList, read: Field | None, held: bool) -> str:
    """What a code list does not tell any more of a code; "" if every code comes back, if perhaps by another name.

    Args:
        held: whether a record with a code that has no counterpart is held.
    """
    possible = set(read.codes) if read is not None and read.codes else set(codes.rows)
    sources: dict[str, list[tuple[str, str]]] = {}
    for source in codes.rows:
        for row in codes.rows[source]:
            if source not in possible:
                continue
            if row.target is None:
                if not held:
                    return f"{source} has no counterpart in {codes.file}"
                continue
            sources.setdefault(row.target, []).append((source, row.relation))
    for target, some in sources.items():
        names = {source for source, _ in some}
        several = [source for source, relation in some if relation in ("broader", "narrower")]
        exact = {source for source, relation in some if relation == "exact"}
        if len(names) > 1 and (several or len(exact) > 1):
            told = several[0] if several else max(exact)
            return f"{told} becomes {target} in {codes.file}, as others do"
    return ""


def pair(rule: Rule, beside: Sequence[Rule], kind: str) -> Rule | None:
    """The rule beside this one that tells the other half of the same date."""
    return next((one for one in beside if one.date == (kind,) and one.inputs == rule.inputs and not one.when), None)


def letter_by_letter(mapping: Map, rule: Rule, plan: Plan, known: Mapping[str, Name]) -> bool:
    """Whether what comes back is the very text that was read."""
    if rule.combine in ("const", "index"):
        return True
    if len(known) != 1 or rule.combine not in ("from", "first_of") or plan.function is not None:
        return False
    steps = (rule.text, rule.number, rule.date, rule.datetime, rule.lookup, rule.blank, rule.default, rule.split)
    meant = next(iter(known.values()))
    if any(step not in ((), None, "") for step in steps) or meant.field is None or meant.many:
        return False
    if rule.codes:
        codes = read_codes(mapping.content, rule.codes)
        targets = [row.target for source in meant.field.codes for row in (codes.rows.get(source, ()) if codes else ())]
        return bool(meant.field.codes) and len(set(targets)) == len(targets)
    return plan.field.type in _LIFTED and meant.field.type in _LIFTED
