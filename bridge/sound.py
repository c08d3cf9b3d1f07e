"""Which records are surely sound, told from their columns: a value that stands in a thousand records is looked at once.

The JSON Schema decides on whole documents. But one that says of each value only what it must be, and of each object
only what must be in it, accepts a document just if it accepts each value where it stands; so a record all of whose
values are accepted needs no document read. A schema that says more than that is left to documents alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import RESERVED, ROOT, ROW, Batch
from bridge.shape import Shape, Type

Node = Mapping[str, Any]

_OF_VALUES: Final = frozenset(
    {
        "type", "enum", "const", "pattern", "format", "minLength", "maxLength", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum",
    }
)  # fmt: skip
_OF_OBJECTS: Final = frozenset({"type", "properties", "required", "additionalProperties"})
_OF_LISTS: Final = frozenset({"type", "items"})
_SAYS_NOTHING: Final = frozenset({"$schema", "$id", "$comment", "title", "description", "examples", "default"})


@dataclass(frozen=True, slots=True)
class Columns:
    """A schema as what each column's values must be.

    Args:
        valid: by list and column, whether a list of values is accepted throughout.
        required: by list, columns that every entry must have.
    """

    valid: Mapping[tuple[str, str], Callable[[Any], bool]]
    required: Mapping[str, Sequence[str]]

    def suspects(self, batch: Batch) -> set[int]:
        """Numbers of the records that are not surely accepted."""
        found: set[int] = set()
        for name, table in batch.tables.items():
            for key in self.required.get(name, ()):
                lacking = pc.is_null(table.column(key)) if key in table.column_names else pa.repeat(True, len(table))
                found.update(table.column(ROW).filter(lacking).to_pylist())
            for key in table.column_names:
                column = table.column(key)
                if key in RESERVED or column.null_count == len(column):
                    continue
                check = self.valid.get((name, key))
                found.update(_rows(table, key, check) if check else table.column(ROW).to_pylist())
        return found


def columns_of(schema: Node, shape: Shape) -> Columns | None:
    """What the schema says of each column of the shape; None if it says more than columns can tell."""
    valid: dict[tuple[str, str], Callable[[Any], bool]] = {}
    required: dict[str, Sequence[str]] = {}
    try:
        for list_, name, node in _leaves(schema, ROOT, "", required):
            values = {"$schema": schema.get("$schema", ""), "type": "array", "items": node}
            valid[list_, name] = jsonschema_rs.validator_for(values, validate_formats=True).is_valid
    except _SaysMore:
        return None
    lists = {(field.list, field.name) for field in shape if field.type is Type.LIST}
    return Columns({at: _inside(check) if at in lists else check for at, check in valid.items()}, required)


class _SaysMore(Exception):
    """The schema says something that no single column can tell."""


def _inside(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The check of single texts for a column of lists of them."""

    def inside(lists: Sequence[Sequence[str | None]]) -> bool:
        return check([text for texts in lists for text in texts if text is not None])

    return inside


def _leaves(node: Node, list_: str, prefix: str, required: dict[str, Sequence[str]]) -> Iterator[tuple[str, str, Node]]:
    """Every value of an object: its list, its column, and what it must be."""
    _only(node, _OF_OBJECTS)
    if node.get("required"):
        if prefix:
            raise _SaysMore
        required[list_] = node["required"]
    for key, child in node["properties"].items():
        must = key in node.get("required", ())
        items = child.get("items", {})
        if must and ("properties" in child or "properties" in items):
            raise _SaysMore
        if "properties" in child:
            yield from _leaves(child, list_, f"{prefix}{key}.", required)
        elif "properties" in items:
            _only(child, _OF_LISTS)
            if list_ or prefix:
                raise _SaysMore
            yield from _leaves(items, key, "", required)
        elif child.get("type") == "array":
            _only(child, _OF_LISTS)
            _only(items, _OF_VALUES)
            if must:
                raise _SaysMore
            yield list_, prefix + key, items
        else:
            _only(child, _OF_VALUES)
            yield list_, prefix + key, child


def _only(node: Node, known: frozenset[str]) -> None:
    if any(key not in known | _SAYS_NOTHING and not key.startswith("x-") for key in node):
        raise _SaysMore


def _rows(table: pa.Table, key: str, check: Callable[[Any], bool]) -> Sequence[int]:
    """Records with a value that the check refuses; it is asked once for all distinct ones, and singly if it must be."""
    column = table.column(key)
    if pa.types.is_list(column.type):
        # Lists have no quick way to their distinct ones, and few records have any.
        wrong = [bool(texts) and not check([texts]) for texts in column.to_pylist()]
        return [row for row, bad in zip(table.column(ROW).to_pylist(), wrong, strict=True) if bad]
    distinct = pc.unique(column).drop_null()
    values = distinct.to_pylist()
    if check(values):
        return []
    refused = distinct.filter(pa.array([not check([value]) for value in values], pa.bool_()))
    rows: list[int] = table.column(ROW).filter(pc.is_in(column, value_set=refused)).to_pylist()
    return rows
