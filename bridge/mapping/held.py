"""Values that a round trip cannot bring home, since a mapping on the way holds the record that has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.batch import ROW, Batch
from bridge.mapping.apply import Mapped
from bridge.mapping.model import Mapping as Map
from bridge.mapping.names import find_name
from bridge.mapping.travel import Trip
from bridge.shape import Shape


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """A field of the common schema, some values of which a mapping holds.

    Args:
        path: the field in the common schema.
        code: of the problem.
        field: of the mapping's target at which it is held.
    """

    path: str
    file: str
    code: str
    field: str

    def __str__(self) -> str:
        return f"{self.path}: held on the way by {self.file}: {self.code} at {self.field}"


def held_values(trip: Trip, first: Batch, made: Sequence[tuple[Map, Mapped]], paths: Sequence[str]) -> list[Held]:
    """Every problem that records had on the way, told of the fields whose values never came home for it; of all that
    it may be due to, if each of their values came home in another record."""
    shape, last = trip.there.target_shape, made[-1][1].batch
    home = set(last.root.column(ROW).to_pylist())
    stuck = {path: _stuck(first, shape, path, home) for path in paths}
    found: dict[tuple[str, str, str], set[str]] = {}
    for mapping, mapped in made:
        for problem in mapped.problems:
            at = ".".join(part for part in problem.field.split(".") if not part.isdigit())
            blamed = set(_blamed(mapping, at, common=mapping is trip.home or mapping is trip.there))
            found.setdefault((mapping.where, problem.code, at), set()).update(blamed & stuck.keys())
    told = {Held(path, *at) for at, blamed in found.items() for path in {one for one in blamed if stuck[one]} or blamed}
    return sorted(told)


def _stuck(first: Batch, shape: Shape, path: str, home: set[int]) -> bool:
    """Whether a field has a value that only records have which did not come home."""
    field = shape.find(path)
    if field is None:
        return False
    table = first.tables[field.list]
    away: set[Any] = set()
    back: set[Any] = set()
    for row, value in zip(table.column(ROW).to_pylist(), table.column(field.name).to_pylist(), strict=True):
        if value is not None:
            (back if row in home else away).update(value if isinstance(value, list) else [value])
    return bool(away - back)


def _blamed(mapping: Map, at: str, *, common: bool) -> Iterator[str]:
    """Common fields that a problem at a field of the mapping's target may be due to.

    Args:
        common: whether the mapping's target is the common schema; else its source is.
    """
    inputs = [(each, rule) for list_, each, rule in mapping.spec.rules_of() if _path(list_, rule.target) == at]
    if not common:
        for each, rule in inputs:
            for name in rule.inputs_read:
                meant = find_name(mapping.source_shape, mapping.spec, each, name)
                if meant is not None and meant.field is not None:
                    yield meant.field.path
        return
    read = {(each, name) for each, rule in inputs for name in rule.inputs_read}
    for list_, each, rule in mapping.spec.rules_of():
        field = mapping.target_field(list_, rule.target)
        if field is not None and any((each, name) in read for name in rule.inputs_read):
            yield field.path


def _path(list_: str, target: str) -> str:
    return f"{list_}.{target}" if list_ else target
