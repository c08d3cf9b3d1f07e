"""The load transaction on PostgreSQL 15 or later: proof and effect in one commit, at the speed of COPY.

Order matters. The inbox row of a key is taken first, in key order, by an upsert
that only a higher version passes; what it returns are the winners, and whoever
holds a key's inbox row may touch the partner's rows of that key. Losers are read
afterwards: versions only ever rise, so a key seen at or above an order's version
stays there, and ``unchanged`` or ``superseded`` cannot become untrue.

Changed root rows are updated in place, so that columns which are the partner's
own survive and nothing that refers to the row is cascaded away; entries of lists
have no identity and are written anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from bridge.batch import Batch
from bridge.errors import Stop, TryLater
from bridge.pgcopy import Column, columns_of_each, copy_table, safe_errors
from connectors.sql.inbox import SCHEMA, compared_as, inbox_sql, qualified
from connectors.sql.orders import OUTCOME, VERSION, Fence, given, rows_of
from connectors.sql.tables import Layout, Table

_STAGED: Final = "bridge_orders"
_CHANGED: Final = "bridge_changed"
TIMEOUTS: Final = {"lock_timeout": "30s", "statement_timeout": "10min", "idle_in_transaction_session_timeout": "60s"}

_TAKE: Final = """
INSERT INTO {inbox} AS held
    (key, withdrawn, recalled, source_version, revision, content_hash, idempotency_key, delivered_at)
SELECT key, withdraw, recall, source_version, revision, content_hash, idempotency_key, clock_timestamp()
FROM pg_temp.bridge_orders o
WHERE NOT EXISTS (
    SELECT FROM {inbox} i
    WHERE i.key = o.key
      AND (i.withdrawn, i.source_version, i.revision, i.content_hash, i.recalled)
          >= (o.withdraw, o.source_version, o.revision, o.content_hash, o.recall))
ORDER BY key COLLATE "C"
ON CONFLICT (key) DO UPDATE SET
    withdrawn = excluded.withdrawn, recalled = excluded.recalled, source_version = excluded.source_version,
    revision = excluded.revision, content_hash = excluded.content_hash,
    previous_hash = CASE WHEN NOT held.withdrawn AND NOT held.recalled THEN held.content_hash END,
    idempotency_key = excluded.idempotency_key, delivered_at = excluded.delivered_at
WHERE (excluded.withdrawn, excluded.source_version, excluded.revision, excluded.content_hash, excluded.recalled)
    > (held.withdrawn, held.source_version, held.revision, held.content_hash, held.recalled)
RETURNING key, withdrawn OR recalled, previous_hash IS NULL, previous_hash IS NOT DISTINCT FROM content_hash,
    idempotency_key
"""

_LOST: Final = """
SELECT o.key, (i.withdrawn, i.source_version, i.revision, i.content_hash, i.recalled)
            = (o.withdraw, o.source_version, o.revision, o.content_hash, o.recall), i.idempotency_key
FROM pg_temp.bridge_orders o JOIN {inbox} i ON i.key = o.key
WHERE o.key = ANY(%s)
"""


def live_columns(connection: psycopg.Connection[Any], layout: Layout) -> dict[str, dict[str, Column]]:
    """Exact column types of every table of the layout, by list path."""
    with safe_errors(layout.root.full):
        named = [(t.schema or "public", t.name) for t in layout.tables]
        found = columns_of_each(connection, named)
        return {t.list: one for t, one in zip(layout.tables, found, strict=True)}


def load(
    connection: psycopg.Connection[Any],
    layout: Layout,
    types: Mapping[str, Mapping[str, Column]],
    batch: Batch,
    orders: pa.Table,
    fence: Fence,
    timeouts: Mapping[str, str],
) -> pa.Table:
    """Carry out orders, one per key and sorted by key, in one transaction; gives OUTCOME. All of it or nothing."""
    inbox = inbox_sql(layout.root.full)
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    with safe_errors(layout.root.full), connection.transaction():
        for name, value in timeouts.items():
            connection.execute("SELECT set_config(%s, %s, true)", [name, value])
        # A fresh table has no statistics: left alone, the planner reads all of the inbox for every batch.
        connection.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        _fence(connection, fence)
        won = _take(connection, inbox, orders)
        outcome = pa.concat_tables([won, _lost(connection, inbox, orders, won)])
        outcome = _restored(connection, inbox, layout.root, types[""][layout.root.key], outcome)
        _carry(connection, layout, types, batch, orders, outcome)
    return outcome


def _fence(connection: psycopg.Connection[Any], fence: Fence) -> None:
    """Hold the loader's epoch until commit, so that a lower one can begin nothing and a higher one takes over."""
    if fence.epoch is None:
        return
    _take_over(connection, fence)
    mine = [fence.loader, fence.epoch]
    found = connection.execute("SELECT FROM bridge_inbox.epoch WHERE loader = %s AND epoch = %s FOR SHARE", mine)
    if found.rowcount:
        return
    raised = connection.execute(
        "INSERT INTO bridge_inbox.epoch AS e VALUES (%s, %s) ON CONFLICT (loader)"
        " DO UPDATE SET epoch = excluded.epoch WHERE e.epoch <= excluded.epoch RETURNING epoch",
        mine,
    ).fetchone()
    if raised is not None and fence.checkpoint:
        kept = [fence.loader, fence.epoch, fence.checkpoint]
        connection.execute(
            "INSERT INTO bridge_inbox.checkpoint VALUES (%s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING", kept
        )
    if raised is None:
        what = f"epoch {fence.epoch} of loader {fence.loader} is past; a later attempt has taken over"
        fix = "Let the later attempt finish; if the exchange was restored from a backup: bridge reconcile"
        raise Stop("STALE_EPOCH", SCHEMA, what, fix)


def _take_over(connection: psycopg.Connection[Any], fence: Fence) -> None:
    """End this loader's sessions of lower epochs, and of earlier attempts at this one.

    The former would be refused, and the latter do no harm; but one whose process is frozen in the middle of a COPY
    holds its locks for ever, against its own next try too: no timeout of PostgreSQL ends a session that waits for its
    client's data, only terminating it does.
    """
    # A session's name is cut at 63 bytes, so the loader stands in it as a short hash.
    told = f"bridge {hashlib.sha256(fence.loader.encode()).hexdigest()[:16]} "
    connection.execute("SELECT set_config('application_name', %s, false)", [f"{told}{fence.epoch} {fence.attempt}"])
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = current_user AND starts_with(application_name, %s)"
        " AND (split_part(application_name, ' ', 3)::numeric,"
        " coalesce(nullif(split_part(application_name, ' ', 4), ''), '0')::numeric) < (%s, %s)"
        " AND pid <> pg_backend_pid()",
        [told, fence.epoch, fence.attempt],
    )


def _take(connection: psycopg.Connection[Any], inbox: sql.Identifier, orders: pa.Table) -> pa.Table:
    connection.execute(
        'CREATE TEMP TABLE bridge_orders (key text COLLATE "C", withdraw boolean, source_version timestamptz,'
        " revision integer, content_hash bytea, recall boolean, idempotency_key bytea) ON COMMIT DROP"
    )
    copy_table(connection, "pg_temp", _STAGED, orders.select(["key", *VERSION, "idempotency_key"]))
    connection.execute("ANALYZE pg_temp.bridge_orders")
    with connection.cursor(binary=True) as cursor:
        found = cursor.execute(sql.SQL(_TAKE).format(inbox=inbox)).fetchall()
    effects = [
        ("unchanged" if first else "withdraw") if away else "insert" if first else "unchanged" if same else "update"
        for _, away, first, same, _ in found
    ]
    return pa.table([pa.array([r[0] for r in found]), effects, pa.array([r[4] for r in found])], schema=OUTCOME)


def _lost(connection: psycopg.Connection[Any], inbox: sql.Identifier, orders: pa.Table, won: pa.Table) -> pa.Table:
    """Effects of the orders that were not the highest; read after the fact, which is sound: see the module."""
    keys = orders.column("key").filter(pc.invert(pc.is_in(orders.column("key"), value_set=won.column("key"))))
    if not len(keys):
        return OUTCOME.empty_table()
    with connection.cursor(binary=True) as cursor:
        found = cursor.execute(sql.SQL(_LOST).format(inbox=inbox), [keys.to_pylist()]).fetchall()
    if len(found) != len(keys):
        what = "rows of the inbox vanished while it was read"
        raise TryLater("INBOX_MOVED", SCHEMA, what, "Try again, and find out who deletes from the inbox")
    effects = ["unchanged" if same else "superseded" for _, same, _ in found]
    return pa.table([pa.array([r[0] for r in found]), effects, pa.array([r[2] for r in found])], schema=OUTCOME)


def _restored(
    connection: psycopg.Connection[Any], inbox: sql.Identifier, root: Table, key: Column, outcome: pa.Table
) -> pa.Table:
    """Turns ``unchanged`` into ``insert`` where the partner's row is gone though by the inbox it holds the record.

    The inbox row is locked first and the row looked for again after that, so that two who redeliver do not both
    put it back.
    """

    def gone(keys: pa.ChunkedArray) -> pa.ChunkedArray:
        # By array and not by join: the inbox orders keys by their bytes, and an index of another collation is no help.
        look = sql.SQL("SELECT {0}::text FROM {1} WHERE {0} = ANY(%s::text[]::{2}[])")
        statement = look.format(sql.Identifier(root.key), qualified(root), compared_as(key))
        with connection.cursor(binary=True) as cursor:
            found = cursor.execute(statement, [keys.to_pylist()]).fetchall() if len(keys) else []
        return keys.filter(pc.invert(pc.is_in(keys, value_set=pa.array([there for (there,) in found], pa.string()))))

    same = pc.equal(outcome.column("effect"), "unchanged")
    suspects = gone(outcome.column("key").filter(same))
    if not len(suspects):
        return outcome
    lock = sql.SQL(
        "SELECT key FROM {} WHERE key = ANY(%s) AND NOT withdrawn AND NOT recalled ORDER BY key FOR UPDATE"
    ).format(inbox)
    locked = pa.chunked_array([[held for (held,) in connection.execute(lock, [suspects.to_pylist()])]], pa.string())
    put_back = pc.and_(same, pc.is_in(outcome.column("key"), value_set=gone(locked).combine_chunks()))
    return outcome.set_column(1, "effect", pc.if_else(put_back, "insert", outcome.column("effect")))


def _carry(
    connection: psycopg.Connection[Any],
    layout: Layout,
    types: Mapping[str, Mapping[str, Column]],
    batch: Batch,
    orders: pa.Table,
    won: pa.Table,
) -> None:
    """Write the partner's own rows of the winners."""

    def with_effect(*effects: str) -> pa.Table:
        keys = won.filter(pc.is_in(won.column("effect"), value_set=pa.array(effects))).column("key")
        return orders.filter(pc.is_in(orders.column("key"), value_set=keys))

    for table in reversed(layout.children):
        _delete(connection, table, types, with_effect("update", "withdraw").column("key"))
    _delete(connection, layout.root, types, with_effect("withdraw").column("key"))
    changed = with_effect("update")
    if len(changed):
        _change(connection, layout.root, types[""], rows_of(batch, layout.root, changed))
    new = with_effect("insert")
    if len(new):
        _copy(connection, layout.root, types[""], rows_of(batch, layout.root, new))
    written = with_effect("insert", "update")
    for table in layout.children:
        _copy(connection, table, types[table.list], rows_of(batch, table, written))


def _copy(connection: psycopg.Connection[Any], table: Table, types: Mapping[str, Column], rows: pa.Table) -> None:
    if len(rows):
        copy_table(connection, table.schema or "public", table.name, given(rows, table), types)


def _delete(
    connection: psycopg.Connection[Any], table: Table, types: Mapping[str, Mapping[str, Column]], keys: pa.ChunkedArray
) -> None:
    if len(keys):
        own = compared_as(types[table.list][table.key])
        statement = sql.SQL("DELETE FROM {} WHERE {} = ANY(%s::text[]::{}[])")
        connection.execute(statement.format(qualified(table), sql.Identifier(table.key), own), [keys.to_pylist()])


def _change(connection: psycopg.Connection[Any], root: Table, types: Mapping[str, Column], rows: pa.Table) -> None:
    """Set the root rows to these; one that somebody removed is there again."""
    rows = given(rows, root)
    names = sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
    key, table = sql.Identifier(root.key), qualified(root)
    connection.execute(
        sql.SQL("CREATE TEMP TABLE bridge_changed ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            names, table
        )
    )
    copy_table(connection, "pg_temp", _CHANGED, rows, types)
    connection.execute("ANALYZE pg_temp.bridge_changed")
    others = [name for name in rows.column_names if name != root.key]
    sets = sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(sql.Identifier(name)) for name in others)
    if others:
        update = sql.SQL("UPDATE {0} r SET {1} FROM pg_temp.bridge_changed s WHERE r.{2} = s.{2}")
        if connection.execute(update.format(table, sets, key)).rowcount == len(rows):
            return
    connection.execute(
        sql.SQL(
            "INSERT INTO {0} ({1}) SELECT {1} FROM pg_temp.bridge_changed s"
            " WHERE NOT EXISTS (SELECT FROM {0} r WHERE r.{2} = s.{2})"
        ).format(table, names, key)
    )
