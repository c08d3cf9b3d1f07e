"""The inbox in a PostgreSQL partner's database: what it is made of, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
from psycopg import sql

from bridge.errors import Misconfigured
from bridge.pgcopy import Column, safe_errors
from connectors.sql.tables import Layout, Table

SCHEMA: Final = "bridge_inbox"
EPOCHS: Final = "epoch"
CHECKPOINTS: Final = "checkpoint"
DDL: Final = """
CREATE SCHEMA IF NOT EXISTS bridge_inbox;
COMMENT ON SCHEMA bridge_inbox IS 'What the bridge delivered: proof of each record, kept with it in one transaction';
CREATE TABLE IF NOT EXISTS bridge_inbox.epoch (
    loader text PRIMARY KEY,
    epoch  bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS bridge_inbox.checkpoint (
    loader       text,
    epoch        bigint,
    note         text NOT NULL,
    delivered_at timestamptz NOT NULL,
    PRIMARY KEY (loader, epoch)
);
COMMENT ON TABLE bridge_inbox.checkpoint IS
    'Signed head of the chain of seals of whoever delivers, one for each run that delivered; yours to keep';
CREATE TABLE IF NOT EXISTS {inbox} (
    key             text COLLATE "C" PRIMARY KEY,
    withdrawn       boolean NOT NULL,
    recalled        boolean NOT NULL,
    source_version  timestamptz NOT NULL,
    revision        integer NOT NULL,
    content_hash    bytea NOT NULL,
    previous_hash   bytea,
    idempotency_key bytea NOT NULL UNIQUE,
    delivered_at    timestamptz NOT NULL
);
"""
"""All that we create at a partner; an administration that lets no loader create runs this itself.
previous_hash: content that this version replaced; null if the partner held nothing of the key. A withdrawn row is a
tombstone and stays; a recalled one says that the record is away until a higher version comes."""


def inbox_name(root: str) -> str:
    """Name of the root table's inbox below bridge_inbox: cis.case has cis_case."""
    return root.replace(".", "_")


def inbox_sql(root: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, inbox_name(root))


def there(connection: psycopg.Connection[Any], root: str) -> bool:
    """Whether anything was ever delivered here: the inbox is made with the first delivery."""
    return _there(connection, inbox_name(root), EPOCHS)


def _there(connection: psycopg.Connection[Any], *tables: str) -> bool:
    with safe_errors(SCHEMA):
        names = [f'{SCHEMA}."{table}"' for table in tables]
        found = connection.execute(
            "SELECT count(to_regclass(name)) = count(*) FROM unnest(%s::text[]) name", [names]
        ).fetchone()
    return found is not None and bool(found[0])


def prepare(connection: psycopg.Connection[Any], root: str, timeouts: Mapping[str, str]) -> None:
    """Create the inbox where it is missing; a transaction of its own.

    Args:
        timeouts: settings of PostgreSQL, without which one that froze here would keep all others out for ever.
    """
    with safe_errors(SCHEMA):
        if _there(connection, inbox_name(root), EPOCHS, CHECKPOINTS):
            connection.rollback()
            return
        for name, value in timeouts.items():
            connection.execute("SELECT set_config(%s, %s, true)", [name, value])
        # Two loaders that create at once would collide in the catalogue, IF NOT EXISTS or not.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [SCHEMA])
        try:
            connection.execute(sql.SQL(DDL).format(inbox=inbox_sql(root)))
        except psycopg.errors.InsufficientPrivilege:
            connection.rollback()
            fix = "Have the partner run the DDL of the inbox (docs), or say inbox: none and accept the weaker promise"
            raise Misconfigured("NO_INBOX", SCHEMA, "the account may not create the inbox", fix) from None
        connection.commit()


def qualified(table: Table) -> sql.Identifier:
    """The table's name with its schema."""
    return sql.Identifier(table.schema or "public", table.name)


def compared_as(key: Column) -> sql.SQL:
    """The type to compare a key in: an index serves only the column's own."""
    return sql.SQL(key.type if key.type in ("uuid", "int2", "int4", "int8", "numeric", "bpchar") else "text")


def keys(connection: psycopg.Connection[Any], layout: Layout) -> Iterator[tuple[str, bytes, bool]]:
    """Key, content hash and whether the root row is there, of each delivered record not taken back, by key."""
    statement = sql.SQL(
        "SELECT i.key, i.content_hash, r.{1} IS NOT NULL FROM {0} i LEFT JOIN {2} r ON r.{1}::text = i.key"
        " WHERE NOT i.withdrawn AND NOT i.recalled ORDER BY i.key"
    ).format(inbox_sql(layout.root.full), sql.Identifier(layout.root.key), qualified(layout.root))
    with safe_errors(SCHEMA), connection.cursor("bridge_keys", binary=True) as cursor:
        cursor.itersize = 20_000
        yield from cursor.execute(statement)


def past(connection: psycopg.Connection[Any], loader: str) -> int | None:
    """The highest epoch of this loader that has delivered."""
    with safe_errors(SCHEMA):
        found = connection.execute("SELECT epoch FROM bridge_inbox.epoch WHERE loader = %s", [loader]).fetchone()
    return int(found[0]) if found else None


def count(connection: psycopg.Connection[Any], layout: Layout) -> int:
    """Root rows whose key the inbox has and that were not taken back."""
    statement = sql.SQL(
        "SELECT count(*) FROM {0} i JOIN {2} r ON r.{1}::text = i.key WHERE NOT i.withdrawn AND NOT i.recalled"
    )
    with safe_errors(SCHEMA):
        found = connection.execute(
            statement.format(inbox_sql(layout.root.full), sql.Identifier(layout.root.key), qualified(layout.root))
        ).fetchone()
    return int(found[0]) if found else 0
