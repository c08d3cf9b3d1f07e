"""The live tables of one kind of record: a root table with a unique key, and child tables that refer to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope

from bridge.batch import ROOT
from bridge.errors import Misconfigured
from bridge.shape import Field, Shape, Type, shape_of
from connectors.sql.reach import safely

_Place: TypeAlias = tuple[str | None, str]
"""Schema and name of a table."""


@dataclass(frozen=True, slots=True)
class Live:
    """One column as the database has it.

    Args:
        type: what of the common types it holds; None for a type the bridge cannot read or write.
        filled: the database gives a value when none is sent.
    """

    name: str
    type: Type | None
    sql: sa.types.TypeEngine[Any]
    nullable: bool
    filled: bool
    length: int | None = None
    scale: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One live table.

    Args:
        list: its list path in the shape, "" for the root.
        key: the root's key column, or the child's column that refers to it.
        order: columns that order the entries of one record.
        needs: names of the child tables that must be filled before this one.
    """

    list: str
    schema: str | None
    name: str
    key: str
    columns: Mapping[str, Live]
    order: tuple[str, ...] = ()
    needs: frozenset[str] = field(default_factory=frozenset)

    @property
    def full(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def clause(self, *types: tuple[str, Any]) -> sa.TableClause:
        """The table for SQLAlchemy Core with the named columns, each with the type to bind and read it by."""
        return sa.table(self.name, *(sa.column(name, kind) for name, kind in types), schema=self.schema)


@dataclass(frozen=True, slots=True)
class Layout:
    """Root and children; ``children`` stand so that each comes after those it needs."""

    root: Table
    children: tuple[Table, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        return (self.root, *self.children)


def reflect(engine: sa.Engine, shape: Shape, root: str, key: str) -> Layout:
    """The layout of the live database for this shape.

    Raises:
        Misconfigured: a table or column of the shape is missing, the key is not unique, or a child table has no
            column that refers to the key.
    """
    schema, _, name = root.rpartition(".")
    places = {ROOT: (schema or None, name)}
    for path in shape.lists:
        of, _, called = path.rpartition(".")
        places[path] = (of or schema or None, called)
    with safely(root), engine.connect() as connection:
        inspector = sa.inspect(connection)
        seen = _see(inspector, places.values())
        top = _table(seen, ROOT, places[ROOT], key)
        if key not in top.columns:
            raise _missing(root, f"there is no column {key}")
        if not _unique(inspector, seen, top):
            what = f"{key} is not unique, so one record could be there twice"
            raise Misconfigured("KEY_NOT_UNIQUE", root, what, f"Ask for a unique constraint on {root} ({key})")
        children = [_related(seen, _table(seen, path, places[path], ""), top) for path in shape.lists]
    for table in (top, *children):
        absent = [f.name for f in shape.table(table.list) if f.name not in table.columns]
        if absent:
            raise _missing(table.full, f"the live table has no column {', '.join(absent)}")
    return Layout(top, _ordered(children))


def columns(layout: Layout, shape: Shape) -> dict[str, str]:
    """Every column that the live tables have, by path, with its type, "" for one that the bridge cannot read.

    Those that only hold the tables together are left out.
    """
    return {
        f"{table.list}.{name}" if table.list else name: str(live.type or "")
        for table in layout.tables
        for name, live in table.columns.items()
        if name not in (table.key, *table.order) or shape.at(table.list, name) is not None
    }


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the catalogue says of the tables, by schema and name."""

    columns: Mapping[_Place, Sequence[Any]]
    primary: Mapping[_Place, Any]
    foreign: Mapping[_Place, Sequence[Any]]

    def key(self, place: _Place) -> list[str]:
        """Columns of the primary key, none if there is no such key."""
        return list((self.primary.get(place) or {}).get("constrained_columns", []))


def _see(live: sa.Inspector, places: Iterable[_Place]) -> _Seen:
    """All tables of a schema at once: asked one by one, twenty tables take a hundred questions."""
    named: dict[str | None, list[str]] = {}
    for schema, name in places:
        named.setdefault(schema, []).append(name)
    columns: dict[_Place, Sequence[Any]] = {}
    primary: dict[_Place, Any] = {}
    foreign: dict[_Place, Sequence[Any]] = {}
    for schema, names in named.items():
        asked: dict[str, Any] = {"filter_names": names, "kind": ObjectKind.ANY, "scope": ObjectScope.ANY}
        columns |= live.get_multi_columns(schema, **asked)
        primary |= live.get_multi_pk_constraint(schema, **asked)
        foreign |= live.get_multi_foreign_keys(schema, **asked)
    return _Seen(columns, primary, foreign)


def _table(seen: _Seen, path: str, place: _Place, key: str) -> Table:
    schema, name = place
    if place not in seen.columns:
        raise _missing(f"{schema}.{name}" if schema else name, "the live database has no such table")
    return Table(path, schema, name, key, {str(c["name"]): _live(c) for c in seen.columns[place]})


def _live(found: Any) -> Live:
    kind = found["type"]
    if isinstance(kind, postgresql.DOMAIN):
        kind = kind.data_type
    filled = found.get("default") is not None or bool(found.get("identity") or found.get("computed"))
    filled = filled or found.get("autoincrement") is True
    length = getattr(kind, "length", None) if isinstance(kind, sa.String) else None
    scale = kind.scale if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float) else None
    return Live(str(found["name"]), _type(kind), kind, bool(found["nullable"]), filled, length, scale)


def _type(kind: sa.types.TypeEngine[Any]) -> Type | None:
    known: tuple[tuple[Any, Type], ...] = (
        (sa.Boolean, Type.BOOLEAN),
        (sa.Integer, Type.INTEGER),
        (sa.Numeric, Type.DECIMAL),
        (sa.Float, Type.DECIMAL),
        (sa.DateTime, Type.DATETIME),
        (sa.Date, Type.DATE),
        (sa.ARRAY, Type.LIST),
        ((sa.String, sa.Uuid, sa.JSON, sa.Enum, sa.LargeBinary), Type.TEXT),
    )
    return next((ours for theirs, ours in known if isinstance(kind, theirs)), None)


def _unique(live: sa.Inspector, seen: _Seen, table: Table) -> bool:
    alone = [table.key]
    if seen.key((table.schema, table.name)) == alone:
        return True
    if any(one["column_names"] == alone for one in live.get_unique_constraints(table.name, schema=table.schema)):
        return True
    indexes = live.get_indexes(table.name, schema=table.schema)
    return any(
        one["unique"] and one["column_names"] == alone and not one.get("dialect_options", {}).get("postgresql_where")
        for one in indexes
    )


def _related(seen: _Seen, child: Table, root: Table) -> Table:
    """The child with the column that refers to the root, the columns that order it, and the tables it needs."""
    key, needs = "", set()
    for one in seen.foreign.get((child.schema, child.name), ()):
        refers = (one["referred_schema"] or root.schema, one["referred_table"])
        if refers == (root.schema, root.name) and one["referred_columns"] == [root.key]:
            key = one["constrained_columns"][0]
        elif refers != (root.schema, root.name):
            needs.add(one["referred_table"])
    if not key and root.key in child.columns:
        key = root.key
    if not key:
        raise _missing(child.full, f"no column refers to {root.full} ({root.key})")
    rest = tuple(name for name in seen.key((child.schema, child.name)) if name != key)
    return replace(child, key=key, order=rest or tuple(sorted(set(child.columns) - {key})), needs=frozenset(needs))


def _ordered(children: list[Table]) -> tuple[Table, ...]:
    """Children after the children they refer to; in the shape's order otherwise."""
    names = {child.name for child in children}
    done: list[Table] = []
    waiting = list(children)
    while waiting:
        placed = {child.name for child in done}
        free = [c for c in waiting if not (c.needs & names) - placed - {c.name}]
        done += free or waiting
        waiting = [c for c in waiting if c not in done]
    return tuple(done)


def narrower(layout: Layout, shape: Shape) -> None:
    """Refuses a live database that cannot hold all that the shape allows.

    Raises:
        Misconfigured: names every column that is of another type, shorter or less exact than declared, or that must
            be given and is not in the shape.
    """
    faults: list[str] = []
    for table in layout.tables:
        declared = {f.name: f for f in shape.table(table.list)}
        for f in declared.values():
            fault = _narrow(f, table.columns[f.name])
            if fault:
                faults.append(f"{table.full}.{f.name} {fault}")
        faults += [
            f"{table.full}.{live.name} must be given and is not in the schema file"
            for live in table.columns.values()
            if live.name not in declared and live.name != table.key and not live.nullable and not live.filled
        ]
    if faults:
        fix = "Bring the schema file in line with the partner's tables, then run bridge check"
        raise Misconfigured("SCHEMA_DRIFT", layout.root.full, "; ".join(faults), fix)


_TEXTS = (Type.TEXT, Type.CODE)


def _narrow(f: Field, live: Live) -> str:
    if live.type is None:
        return "has a type that cannot be written"
    if live.type is Type.TEXT:
        if live.length is not None and (f.max_length is None or f.max_length > live.length) and f.type in _TEXTS:
            return f"holds {live.length} characters and the schema file says {f.max_length or 'any number'}"
        return ""
    if f.type is not live.type and not (f.type is Type.INTEGER and live.type is Type.DECIMAL):
        return f"is {live.type} and the schema file says {f.type}"
    if f.type is Type.DECIMAL and live.scale is not None and (f.scale is None or f.scale > live.scale):
        told = "any number of" if f.scale is None else str(f.scale)
        return f"holds {live.scale} decimals and the schema file says {told}"
    return ""


def live_shape(layout: Layout, shape: Shape) -> Shape:
    """The shape as the live tables have it: what the file declares of meaning, types and lengths of the database."""
    fields = []
    for table in layout.tables:
        declared = {f.name: f for f in shape.table(table.list)}
        for live in table.columns.values():
            if live.name == table.key and table.list != ROOT:
                continue
            known = declared.get(live.name, Field(table.list, live.name))
            kind = known.type if live.type in (None, Type.TEXT) or live.type is known.type else live.type
            must = not live.nullable and not live.filled
            fields.append(replace(known, type=kind, required=must, max_length=live.length, scale=live.scale))
    return shape_of(layout.root.full, fields, shape.lists)


def _missing(where: str, what: str) -> Misconfigured:
    return Misconfigured("COLUMN_MISSING", where, what, "Compare the schema file with the live database")
