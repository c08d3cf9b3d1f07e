"""Delivery where the partner lets us create nothing (``inbox: none``): write, and know by reading back.

Weaker, and to be said to whoever relies on it. What the partner holds is compared
with what is to be delivered, field by field, so a repeat changes nothing, and the
rows of one call commit together, so none is half there. But no version stands at
the partner: of two deliveries the later call wins, whichever record is newer; a
withdrawal or recall leaves no trace, so a late older version brings the record back; and
a record that someone else entered under our key is taken for ours. The exchange
must send each key's versions in order and remember what it withdrew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from bridge.batch import Batch
from bridge.shape import Shape, Type
from connectors.sql.orders import OUTCOME, given, rows_of
from connectors.sql.portable import chunks, write
from connectors.sql.reach import safely
from connectors.sql.tables import Layout, Table
from connectors.sql.values import canonical, to_bind

_Entries = dict[str, list[dict[str, Any]]]
_NOTHING: Final[list[dict[str, Any]]] = []


def load(engine: sa.Engine, layout: Layout, shape: Shape, batch: Batch, orders: pa.Table) -> pa.Table:
    """Carry out orders, one per key, in one transaction; gives OUTCOME. To take back what is not there is
    ``unchanged``."""
    keys = orders.column("key").to_pylist()
    away = pc.or_(orders.column("withdraw"), orders.column("recall"))
    kept = orders.filter(pc.invert(away))
    with safely(layout.root.full), engine.begin() as connection:
        there, same = set(keys), set(keys)
        for table in layout.tables:
            rows = given(rows_of(batch, table, kept), table)
            named = [f.name for f in shape.table(table.list) if f.name in rows.column_names]
            wanted = _wanted(rows, table.key, named)
            now = _stored(connection, table, shape, keys)
            if table is layout.root:
                there = set(now)
            same = {key for key in same if _equal(now.get(key, _NOTHING), wanted.get(key, _NOTHING), named)}
        effects = [_effect(back, key in there, key in same) for key, back in zip(keys, away.to_pylist(), strict=True)]
        write(connection, layout, shape, batch, orders, effects)
    return pa.table([orders.column("key"), effects, orders.column("idempotency_key")], schema=OUTCOME)


def _effect(back: bool, there: bool, same: bool) -> str:
    if back:
        return "withdraw" if there else "unchanged"
    if not there:
        return "insert"
    return "unchanged" if same else "update"


def _wanted(rows: pa.Table, key: str, named: list[str]) -> _Entries:
    found: _Entries = {}
    for row in rows.to_pylist():
        found.setdefault(str(row[key]), []).append({name: _text(row[name]) for name in named})
    return found


def _equal(now: list[dict[str, Any]], wanted: list[dict[str, Any]], named: list[str]) -> bool:
    """The same entries whatever their order: what order they have stands in a column of theirs, or nowhere."""
    return sorted(repr([entry[name] for name in named]) for entry in now) == sorted(
        repr([entry[name] for name in named]) for entry in wanted
    )


def _text(value: Any) -> Any:
    if value is None or isinstance(value, list):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _stored(
    connection: sa.Connection, table: Table, shape: Shape, keys: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """The shape's columns of the live rows of these keys, as canonical text, in the order of their entries."""
    declared = {f.name: f.type for f in shape.table(table.list)}
    names = dict.fromkeys([table.key, *declared, *table.order])
    clause = table.clause(*((name, table.columns[name].sql) for name in names))
    found: dict[str, list[dict[str, Any]]] = {}
    kind, convert = to_bind(table.columns[table.key], Type.TEXT, connection.dialect.name)
    for some in chunks(keys):
        query = sa.select(clause).where(sa.type_coerce(clause.c[table.key], kind).in_([convert(key) for key in some]))
        for row in connection.execute(query.order_by(*(clause.c[name] for name in table.order))).mappings():
            entry = {name: canonical(row[name], kind_of) for name, kind_of in declared.items()}
            found.setdefault(str(row[table.key]), []).append(entry)
    return found
