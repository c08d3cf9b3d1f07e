"""What fields a schema has: one Field type, whatever the schema was written in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

import pyarrow as pa

from bridge.batch import ROOT


class Type(StrEnum):
    """Types a field may have. All but integer, boolean and list travel as canonical text."""

    TEXT = "text"
    CODE = "code"
    DATE = "date"
    """ISO 8601 calendar date with precision told by its length: 2025, 2025-03 or 2025-03-09."""
    DATETIME = "datetime"
    """RFC 3339 in UTC with a Z, microseconds at most: 2025-03-09T12:00:00Z."""
    DECIMAL = "decimal"
    """Plain decimal text, no exponent, no plus, no trailing zeros after the point: 12.5, 0, -3."""
    INTEGER = "integer"
    BOOLEAN = "boolean"
    LIST = "list"
    """A list of texts or codes inside one field, such as risk indicators."""


class Sensitivity(StrEnum):
    """How personal a field is: the cap a partner has. Order of the members is from harmless to forbidden."""

    NON_NOMINAL = "NON_NOMINAL"
    OFFICIAL_CONTACT = "OFFICIAL_CONTACT"
    QUASI_NOMINAL = "QUASI_NOMINAL"
    FREE_TEXT = "FREE_TEXT"
    NOMINAL = "NOMINAL"
    SPECIAL_CATEGORY = "SPECIAL_CATEGORY"


class Class(StrEnum):
    """What a field is about, hence which legal ground it needs."""

    ADMIN = "admin"
    EVENT = "event"
    GOODS = "goods"
    CONVEYANCE = "conveyance"
    ROUTE = "route"
    FREE_TEXT = "free_text"
    BUSINESS = "business"
    PERSON = "person"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a schema.

    Args:
        list: path of the list whose entries have this field; "" for the record itself.
        name: path below the record or the entry: dotted in JSON (address.city), slashed in XML
            (Place/Name, @ref for an attribute), the column's name in SQL and spreadsheets.
        codes: values the schema itself allows, empty if it names none.
        code_list: name of the code list in words, such as iso_3166_country; "" if none.
        max_length: in characters; None if unbounded.
        scale: digits after the point that the field can store; None if unbounded.
        cite: where the field is defined, such as "Reg. (EU) 2016/346, Annex, 9".
    """

    list: str
    name: str
    type: Type = Type.TEXT
    required: bool = False
    cls: Class = Class.FREE_TEXT
    sensitivity: Sensitivity = Sensitivity.FREE_TEXT
    max_length: int | None = None
    scale: int | None = None
    pattern: str = ""
    codes: tuple[str, ...] = ()
    code_list: str = ""
    title: str = ""
    description: str = ""
    example: str = ""
    cite: str = ""

    @property
    def path(self) -> str:
        """The list's path and the name, joined as people write them."""
        if not self.list:
            return self.name
        return f"{self.list}{'/' if '/' in self.list or self.list[:1].isupper() else '.'}{self.name}"

    @property
    def arrow(self) -> pa.DataType:
        """Arrow type of this field's column in a mapped batch."""
        if self.type is Type.INTEGER:
            return pa.int64()
        if self.type is Type.BOOLEAN:
            return pa.bool_()
        if self.type is Type.LIST:
            return pa.list_(pa.string())
        return pa.string()


@dataclass(frozen=True)
class Shape:
    """The fields of one schema, in the schema's own order.

    Args:
        name: how the schema is called in messages, such as common/seizure.json.
        lists: paths of the lists, each with whether at least one entry is required.
    """

    name: str
    fields: tuple[Field, ...]
    lists: Mapping[str, bool] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def table(self, list_path: str = ROOT) -> tuple[Field, ...]:
        """Fields of the record ("") or of one list's entries."""
        return self._tables.get(list_path, ())

    def find(self, path: str) -> Field | None:
        """The field with this path, or None."""
        return self._paths.get(path)

    def at(self, list_path: str, name: str) -> Field | None:
        """The field of this name in the record ("") or in one list's entries, or None."""
        return self._names.get((list_path, name))

    @cached_property
    def digest(self) -> bytes:
        """sha256 over all that a schema says of the fields."""
        return sha256(repr((self.fields, sorted(self.lists.items()))).encode()).digest()

    @cached_property
    def _tables(self) -> dict[str, tuple[Field, ...]]:
        found: dict[str, list[Field]] = {}
        for f in self.fields:
            found.setdefault(f.list, []).append(f)
        return {path: tuple(some) for path, some in found.items()}

    @cached_property
    def _paths(self) -> dict[str, Field]:
        # Of two fields with one path the first counts, so they are written down from the last.
        return {f.path: f for f in reversed(self.fields)}

    @cached_property
    def _names(self) -> dict[tuple[str, str], Field]:
        return {(f.list, f.name): f for f in reversed(self.fields)}

    @property
    def tables(self) -> tuple[str, ...]:
        """ROOT and the list paths, in schema order."""
        return (ROOT, *self.lists)


def shape_of(name: str, fields: Iterable[Field], lists: Mapping[str, bool] | None = None) -> Shape:
    """A shape from fields; lists not named are taken as optional."""
    kept = tuple(fields)
    known = dict(lists or {})
    for f in kept:
        if f.list:
            known.setdefault(f.list, False)
    return Shape(name, kept, known)
