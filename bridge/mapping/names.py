"""Which source field a name in a mapping means, where it stands."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.batch import ROOT
from bridge.mapping.model import HERE, LINES, OUTER, Spec
from bridge.shape import Field, Shape, Type


@dataclass(frozen=True, slots=True)
class Name:
    """A source field as seen from where its name stands.

    Args:
        field: None if the name is a list's, which a condition may ask to be present.
        list: the list that has the field, or is it; ROOT for the record (and for rows of a grouped one).
        outer: whether the record's field is meant from inside ``each``.
        many: whether it gives several values there: a field of type list, or a field of a list seen from the record.
    """

    field: Field | None
    list: str
    outer: bool
    many: bool


def over(each: str) -> str:
    """The source table that a block goes over: ROOT for the record itself and for rows."""
    return ROOT if each in (HERE, LINES) else each


def find_name(shape: Shape, spec: Spec, each: str, name: str) -> Name | None:
    """What ``name`` means inside ``each`` ("" for the record's own rules); None if there is no such field."""
    inside = each not in ("", HERE)
    if inside and not name.startswith(OUTER):
        table = over(each)
        found = shape.at(table, name)
        return None if found is None else Name(found, table, False, found.type is Type.LIST)
    # `^` is also understood where the record is already the place, so that a rule can be moved without a change.
    bare = name.removeprefix(OUTER)
    if bare in shape.lists:
        return Name(None, bare, inside, True)
    field = shape.find(bare)
    if field is None or (field.list and spec.group is not None):
        return None
    return Name(field, field.list, inside, bool(field.list) or field.type is Type.LIST)


def names_near(shape: Shape, each: str, name: str) -> list[str]:
    """Names that could have been meant, as they would be written there."""
    if each in ("", HERE) or name.startswith(OUTER):
        return [field.path for field in shape] + list(shape.lists)
    return [field.name for field in shape.table(over(each))] + [f"{OUTER}{field.name}" for field in shape.table(ROOT)]
