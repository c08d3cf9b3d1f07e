"""Whether the conditions of blocks and rules leave anything out, for every combination of values that counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from bridge.mapping.model import ABSENT, HERE, PRESENT, Block, Condition, Mapping, Rule
from bridge.mapping.names import Name, find_name

_OTHER = "\0other"
"""A value that no condition names."""
_NONE = None
_LIMIT = 20_000
"""Combinations looked at; beyond, nothing is proven."""


def entries_dropped(mapping: Mapping, each: str) -> str:
    """Why some entries of a source list are taken by no block at all; "" if every one is taken."""
    found = _first(mapping, each, _ways(mapping, each), (), lambda taken: taken == 0)
    return f"nothing takes an entry with {found}" if found else ""


def entries_parted(mapping: Mapping, each: str) -> str:
    """Why some entries of a source list become several, which nothing puts together again; "" if none do."""
    # Blocks that take every entry are put together again, the first entry of one with the first of the other.
    ways = _ways(mapping, each)
    some = [way for way in ways if way]
    found = _first(mapping, each, [*some, ()] if len(some) < len(ways) else some, (), lambda taken: taken > 1)
    return f"an entry with {found} becomes several" if found else ""


def _ways(mapping: Mapping, each: str) -> list[Sequence[Condition]]:
    return [one.when for one in mapping.spec.blocks if one.each == each]


def rule_covered(mapping: Mapping, block: Block, rule: Rule) -> str:
    """Why a field that a rule reads is sometimes read by no block of the record; "" if one always does."""
    if not block.when or not rule.inputs_read:
        return ""
    fields = set(rule.inputs_read)
    ways: list[Sequence[Condition]] = [one.when for one in mapping.spec.rules if fields <= set(one.inputs_read)]
    here = [other for other in mapping.spec.blocks if other.each == HERE]
    ways += [other.when for other in here if any(fields <= set(one.inputs_read) for one in other.rules)]
    found = _first(mapping, HERE, ways, tuple(fields), lambda taken: taken == 0)
    return f"nothing reads it of what has {found}" if found else ""


def _first(
    mapping: Mapping,
    each: str,
    ways: Sequence[Sequence[Condition]],
    there: tuple[str, ...],
    wrong: Callable[[int], bool],
) -> str:
    """The first combination of values for which the number of open ways is wrong, in words; "" if there is none.

    Args:
        there: fields that have a value, as otherwise nothing could be left out.
    """
    names = list(dict.fromkeys(condition.field for way in ways for condition in way))
    domains = [_values(mapping, each, name, ways, name in there) for name in names]
    size = 1
    for domain in domains:
        size *= len(domain)
    if size > _LIMIT:
        return f"any of too many combinations of {', '.join(names)}"
    for values in product(*domains):
        said = dict(zip(names, values, strict=True))
        if wrong(sum(all(_holds(condition, said[condition.field]) for condition in way) for way in ways)):
            shown = [f"{name} {'absent' if value is None else value}" for name, value in said.items()]
            return " and ".join(shown).replace(_OTHER, "any value") or "anything"
    return ""


def _values(
    mapping: Mapping, each: str, name: str, ways: Sequence[Sequence[Condition]], there: bool
) -> list[str | None]:
    """Values of a field that conditions may tell apart: those they name, one that none names, and none."""
    meant = find_name(mapping.source_shape, mapping.spec, each, name)
    named = {
        value
        for way in ways
        for condition in way
        if condition.field == name and condition.values not in ((PRESENT,), (ABSENT,))
        for value in condition.values
    }
    codes = set(meant.field.codes) if meant is not None and meant.field is not None else set()
    found: list[str | None] = [*sorted(named & codes if codes else named)]
    if not codes or codes - named:
        found.append(next(iter(sorted(codes - named)), _OTHER))
    if not there and not _always(meant):
        found.append(_NONE)
    return found


def _always(meant: Name | None) -> bool:
    return meant is not None and meant.field is not None and meant.field.required and not meant.many


def _holds(condition: Condition, value: str | None) -> bool:
    if condition.values == (PRESENT,):
        return value is not None
    if condition.values == (ABSENT,):
        return value is None
    return value in condition.values
