"""The same load transaction through SQLAlchemy alone, for any database it speaks to.

The promises are those of the PostgreSQL path: one order per key wins, proof and
effect commit together, a tombstone stays. They rest on a read of the inbox rows
under lock (``FOR UPDATE``; SQLite has one writer at a time) instead of on what an
upsert returns. A key that two loaders bring for the first time at once fails for
the later one with TryLater, and its retry finds the row. It writes row by row:
some thousand records a second, a tenth of the PostgreSQL path. Tested on SQLite,
and its writing of rows on PostgreSQL; other dialects are not proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy import exc

from bridge.batch import Batch
from bridge.errors import Misconfigured, Stop, TryLater
from bridge.shape import Shape, Type
from connectors.sql.orders import OUTCOME, Fence, given, rows_of
from connectors.sql.reach import safely
from connectors.sql.tables import Layout, Table
from connectors.sql.values import to_bind

_SOME: Final = 500
"""Keys in one IN list; some databases take a thousand parameters at most."""
_KEY_LENGTH: Final = 255
_NOTE_LENGTH: Final = 1000


def inbox(root: str) -> sa.Table:
    """The inbox of a root table: bridge_inbox_cis_case for cis.case. Moments are UTC text of fixed width, so that
    they sort and never lose a digit."""
    return sa.Table(
        f"bridge_inbox_{root.replace('.', '_')}",
        sa.MetaData(),
        sa.Column("key", sa.String(_KEY_LENGTH), primary_key=True),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.Column("recalled", sa.Boolean, nullable=False),
        sa.Column("source_version", sa.String(27), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(32)),
        sa.Column("idempotency_key", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("delivered_at", sa.String(27), nullable=False),
    )


def epochs() -> sa.Table:
    """The highest epoch seen of each loader."""
    return sa.Table(
        "bridge_inbox_epoch",
        sa.MetaData(),
        sa.Column("loader", sa.String(_KEY_LENGTH), primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
    )


def checkpoints() -> sa.Table:
    """The signed head of the chain of seals that came with each epoch which delivered."""
    return sa.Table(
        "bridge_inbox_checkpoint",
        sa.MetaData(),
        sa.Column("loader", sa.String(_KEY_LENGTH), primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("note", sa.String(_NOTE_LENGTH), nullable=False),
        sa.Column("delivered_at", sa.String(27), nullable=False),
    )


def prepare(engine: sa.Engine, root: str) -> None:
    """Create the inbox where it is missing."""
    with safely(root), engine.begin() as connection:
        for table in (epochs(), checkpoints(), inbox(root)):
            table.create(connection, checkfirst=True)


def load(engine: sa.Engine, layout: Layout, shape: Shape, batch: Batch, orders: pa.Table, fence: Fence) -> pa.Table:
    """Carry out orders, one per key and sorted by key, in one transaction; gives OUTCOME. All of it or nothing."""
    store = inbox(layout.root.full)
    with safely(layout.root.full), engine.begin() as connection:
        _fence(connection, fence)
        told = orders.to_pylist()
        held = {row.key: row for row in _held(connection, store, [order["key"] for order in told])}
        effects = [_effect(order, held.get(order["key"])) for order in told]
        there = _there(
            connection, layout.root, [o["key"] for o, e in zip(told, effects, strict=True) if e == "unchanged"]
        )
        same = {o["key"] for o, e in zip(told, effects, strict=True) if e == "unchanged"}
        lost = {o["key"] for o in told if o["key"] in same and not o["withdraw"] and not o["recall"]} - there
        now = _stamp(datetime.now(UTC))
        fresh, risen = [], []
        for order in told:
            known = held.get(order["key"])
            row = {
                "key": order["key"],
                "withdrawn": order["withdraw"],
                "recalled": order["recall"],
                "source_version": _stamp(order["source_version"]),
                "revision": order["revision"],
                "content_hash": order["content_hash"],
                "previous_hash": known.content_hash if known is not None and not _away(known) else None,
                "idempotency_key": order["idempotency_key"],
                "delivered_at": now,
            }
            if known is None:
                fresh.append(row)
            elif _version(order) > _known(known):
                risen.append({**row, "its_key": row["key"]})
        _write(connection, store, fresh, risen)
        # The partner's row is gone though the inbox has it: put it back.
        effects = ["insert" if o["key"] in lost else e for o, e in zip(told, effects, strict=True)]
        write(connection, layout, shape, batch, orders, effects)
    proofs = [
        held[o["key"]].idempotency_key
        if o["key"] in held and _known(held[o["key"]]) >= _version(o)
        else o["idempotency_key"]
        for o in told
    ]
    return pa.table([orders.column("key"), effects, proofs], schema=OUTCOME)


def _fence(connection: sa.Connection, fence: Fence) -> None:
    if fence.epoch is None:
        return
    table = epochs()
    mine = table.c.loader == fence.loader
    seen = connection.execute(sa.select(table.c.epoch).where(mine).with_for_update()).scalar()
    if seen is None:
        connection.execute(table.insert().values(loader=fence.loader, epoch=fence.epoch))
    elif seen < fence.epoch:
        connection.execute(table.update().where(mine).values(epoch=fence.epoch))
    elif seen > fence.epoch:
        what = f"epoch {fence.epoch} of loader {fence.loader} is past; a later attempt has taken over"
        fix = "Let the later attempt finish; if the exchange was restored from a backup: bridge reconcile"
        raise Stop("STALE_EPOCH", table.name, what, fix)
    if fence.checkpoint and seen != fence.epoch:
        stamp = _stamp(datetime.now(UTC))
        row = {"loader": fence.loader, "epoch": fence.epoch, "note": fence.checkpoint, "delivered_at": stamp}
        connection.execute(checkpoints().insert().values(row))


def _held(connection: sa.Connection, store: sa.Table, keys: Sequence[str]) -> Iterator[Any]:
    for some in chunks(keys):
        yield from connection.execute(sa.select(store).where(store.c.key.in_(some)).with_for_update())


def _there(connection: sa.Connection, root: Table, keys: Sequence[str]) -> set[str]:
    kind, convert = to_bind(root.columns[root.key], Type.TEXT, connection.dialect.name)
    clause = root.clause((root.key, kind))
    found: set[str] = set()
    for some in chunks(keys):
        mine = clause.c[root.key].in_([convert(key) for key in some])
        found |= {str(key) for key in connection.execute(sa.select(clause.c[root.key]).where(mine)).scalars()}
    return found


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def _version(order: dict[str, Any]) -> tuple[Any, ...]:
    moment = _stamp(order["source_version"])
    return (order["withdraw"], moment, order["revision"], order["content_hash"], order["recall"])


def _known(row: Any) -> tuple[Any, ...]:
    return (row.withdrawn, row.source_version, row.revision, row.content_hash, row.recalled)


def _away(row: Any) -> bool:
    return bool(row.withdrawn or row.recalled)


def _effect(order: dict[str, Any], held: Any) -> str:
    if held is not None and _version(order) <= _known(held):
        return "unchanged" if _version(order) == _known(held) else "superseded"
    nothing = held is None or _away(held)
    if order["withdraw"] or order["recall"]:
        return "unchanged" if nothing else "withdraw"
    if nothing:
        return "insert"
    return "unchanged" if held.content_hash == order["content_hash"] else "update"


def _write(
    connection: sa.Connection, store: sa.Table, fresh: list[dict[str, Any]], risen: list[dict[str, Any]]
) -> None:
    if fresh:
        try:
            connection.execute(store.insert(), fresh)
        except exc.IntegrityError as clash:
            clash.args, clash.params = ("IntegrityError",), None
            what = "another loader brought the same keys at the same moment"
            raise TryLater("INBOX_MOVED", store.name, what, "Try again; nothing was changed") from None
    if risen:
        sets: dict[str, Any] = {name: sa.bindparam(name) for name in risen[0] if name not in ("key", "its_key")}
        connection.execute(store.update().where(store.c.key == sa.bindparam("its_key")).values(sets), risen)


def write(
    connection: sa.Connection, layout: Layout, shape: Shape, batch: Batch, orders: pa.Table, effects: Sequence[str]
) -> None:
    """Make the partner's own rows those of the winners, row by row."""
    effect = pa.array(effects, pa.string())

    def of(*wanted: str) -> pa.Table:
        return orders.filter(pc.is_in(effect, value_set=pa.array(wanted)))

    gone = of("update", "withdraw").column("key").to_pylist()
    for table in reversed(layout.children):
        _delete(connection, table, gone)
    _delete(connection, layout.root, of("withdraw").column("key").to_pylist())
    _change(connection, layout.root, shape, rows_of(batch, layout.root, of("update")))
    _insert(connection, layout.root, shape, rows_of(batch, layout.root, of("insert")))
    for table in layout.children:
        _insert(connection, table, shape, rows_of(batch, table, of("insert", "update")))


def _delete(connection: sa.Connection, table: Table, keys: Sequence[str]) -> None:
    kind, convert = to_bind(table.columns[table.key], Type.TEXT, connection.dialect.name)
    clause = table.clause((table.key, kind))
    for some in chunks(keys):
        connection.execute(sa.delete(clause).where(clause.c[table.key].in_([convert(key) for key in some])))


def _insert(connection: sa.Connection, table: Table, shape: Shape, rows: pa.Table) -> None:
    if len(rows):
        clause, values = _bound(connection, table, shape, given(rows, table))
        connection.execute(sa.insert(clause), values)


def _change(connection: sa.Connection, table: Table, shape: Shape, rows: pa.Table) -> None:
    if not len(rows):
        return
    clause, values = _bound(connection, table, shape, given(rows, table))
    key = clause.c[table.key]
    sets: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in values[0] if name != table.key}
    absent = []
    for row in values:
        bound = {f"new_{name}": value for name, value in row.items()}
        exists = sa.select(sa.literal(1)).where(key == sa.bindparam(f"new_{table.key}"))
        if connection.execute(sa.select(key).where(exists.exists()), bound).first() is None:
            absent.append(row)
        elif sets:
            connection.execute(sa.update(clause).where(key == sa.bindparam(f"new_{table.key}")).values(sets), bound)
    if absent:
        connection.execute(sa.insert(clause), absent)


def _bound(
    connection: sa.Connection, table: Table, shape: Shape, rows: pa.Table
) -> tuple[sa.TableClause, list[dict[str, Any]]]:
    """The table with its bind types, and the rows as what its driver takes."""
    declared = {f.name: f.type for f in shape.table(table.list)}
    types, columns = [], {}
    for name in rows.column_names:
        if name not in table.columns:
            raise Misconfigured(
                "COLUMN_MISSING", table.full, f"the live table has no column {name}", "Run bridge check"
            )
        live = table.columns[name]
        kind, convert = to_bind(live, declared.get(name), connection.dialect.name)
        types.append((name, kind))
        columns[name] = _converted(rows.column(name).to_pylist(), convert, table, name, live.length)
    return table.clause(*types), [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _converted(values: Iterable[Any], convert: Any, table: Table, name: str, length: int | None) -> list[Any]:
    found: list[Any] = []
    wrong = 0
    for value in values:
        try:
            made = None if value is None else convert(value)
        except (ValueError, ArithmeticError, KeyError):
            wrong += 1
            continue
        # SQLite and a lax MySQL would take what is too long, or cut it.
        wrong += isinstance(made, str) and ("\0" in made or (length is not None and len(made) > length))
        found.append(made)
    if wrong:
        what = f"{wrong} values of column {name} do not fit its type"
        fix = "Mend the mapping or the column, or hold those records before they are delivered"
        raise Misconfigured("COLUMN_TYPE", table.full, what, fix)
    return found


def chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """The keys in lists short enough for one statement."""
    return (keys[start : start + _SOME] for start in range(0, len(keys), _SOME))


def _all_of(table: sa.Table) -> Any:
    ours = sa.select(table.c.key, table.c.content_hash).where(~table.c.withdrawn, ~table.c.recalled)
    return ours.order_by(table.c.key)


def keys(engine: sa.Engine, layout: Layout) -> Iterator[tuple[str, bytes, bool]]:
    """Key, content hash and whether the root row is there, of each delivered record not taken back, by key."""
    name = layout.root.key
    clause = layout.root.clause((name, layout.root.columns[name].sql))
    with safely(layout.root.full), engine.connect() as connection:
        there = {str(key) for key in connection.execute(sa.select(clause.c[name])).scalars()}
        for row in connection.execute(_all_of(inbox(layout.root.full))):
            yield row.key, row.content_hash, row.key in there


def past(engine: sa.Engine, layout: Layout, loader: str) -> int | None:
    """The highest epoch of this loader that has delivered."""
    table = epochs()
    with safely(layout.root.full), engine.connect() as connection:
        return connection.execute(sa.select(table.c.epoch).where(table.c.loader == loader)).scalar()


def count(engine: sa.Engine, layout: Layout) -> int:
    """Root rows whose key the inbox has and that were not taken back."""
    return sum(there for _, _, there in keys(engine, layout))
