"""Double entry: which fields of both schemas a mapping uses, and which it says why it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bridge.mapping.model import Mapping
from bridge.mapping.names import find_name


@dataclass(frozen=True, slots=True)
class Summary:
    """How many fields of both schemas are accounted for, and how."""

    source_mapped: int
    source_ignored: int
    source_total: int
    target_mapped: int
    target_absent: int
    target_total: int

    def __str__(self) -> str:
        return (
            f"source {self.source_mapped} mapped + {self.source_ignored} ignored of {self.source_total}; "
            f"target {self.target_mapped} mapped + {self.target_absent} absent of {self.target_total}"
        )


def summary(mapping: Mapping) -> Summary:
    """The two sums of a mapping's double entry."""
    ignore, absent = Names(mapping.spec.ignore), Names(mapping.spec.absent)
    ignored = {field.path for field in mapping.source_shape if field.path in ignore}
    read = source_read(mapping).keys() | (release_read(mapping) - ignored)
    filled = set(target_filled(mapping))
    source = [field.path for field in mapping.source_shape]
    target = [field.path for field in mapping.target_shape if field.path not in mapping.assigned]
    return Summary(
        sum(path in read for path in source),
        sum(path not in read and path in ignored for path in source),
        len(source),
        sum(path in filled for path in target),
        sum(path not in filled and path in absent for path in target),
        len(target),
    )


class Names:
    """The names of ignore: or absent:, asked for fields: each means itself, everything below ``List/*`` or ``list.*``,
    or with ``*.name`` that field of every list."""

    def __init__(self, patterns: Iterable[str]) -> None:
        said = list(patterns)
        self._below = tuple(one[:-1] for one in said if one.endswith(("/*", ".*")))
        self._everywhere = tuple(one[1:] for one in said if one.startswith(("*.", "*/")))
        self._own = frozenset(said)

    def __contains__(self, path: str) -> bool:
        return path in self._own or path.startswith(self._below) or path.endswith(self._everywhere)


def _read_at(mapping: Mapping) -> Iterator[tuple[str, str, int]]:
    """Every name read: where it stands (its ``each``), the name, the line."""
    spec = mapping.spec
    for _, each, rule in spec.rules_of():
        for name in rule.fields:
            if name != "*":
                yield each, name, rule.line
    for block in spec.blocks:
        for condition in block.when:
            yield block.each, condition.field, condition.line
    for condition in spec.scope:
        yield "", condition.field, condition.line
    if spec.group is not None:
        for key in spec.group.key:
            yield "", key, spec.group.line
    if spec.codes_on:
        yield "", spec.codes_on, 1


def source_read(mapping: Mapping) -> dict[str, int]:
    """Source fields that are read by name, with the first line that does.

    A hash over ``*`` reads none by name.
    """
    found: dict[str, int] = {}
    for each, name, line in _read_at(mapping):
        meant = find_name(mapping.source_shape, mapping.spec, each, name)
        if meant is not None and meant.field is not None:
            found.setdefault(meant.field.path, line)
    return found


def release_read(mapping: Mapping) -> set[str]:
    """Source fields that decide whether a record leaves: accounted for by that, whether also ignored or not."""
    if mapping.release is None:
        return set()
    rules = [*mapping.release.withhold, *([mapping.release.nominal] if mapping.release.nominal else [])]
    return {condition.field for rule in rules for condition in rule.looks_at}


def target_filled(mapping: Mapping) -> dict[str, int]:
    """Target fields that a rule fills, with the first line that does."""
    found: dict[str, int] = {}
    for list_, _, rule in mapping.spec.rules_of():
        field = mapping.target_field(list_, rule.target)
        if field is not None:
            found.setdefault(field.path, rule.line)
    return found
