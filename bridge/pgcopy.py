"""How Arrow columns get into PostgreSQL: by one binary COPY, with errors that carry no values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import pgpq
import psycopg
import pyarrow as pa
from pgpq import encoders
from pgpq import schema as pg_schema
from psycopg import sql

from bridge.errors import BridgeError, Misconfigured, TryLater
from bridge.pgtypes import Column, cast_text, misfits

__all__ = [
    "Column",
    "cast_text",
    "columns",
    "columns_of_each",
    "copy_table",
    "encode",
    "misfits",
    "reduced",
    "safe_errors",
    "send",
]

_AWAY: Final = ("08", "40", "53", "57", "58", "55P03", "25006", "25P03", "25P04")
"""SQLSTATE classes after which the same statements may succeed: connection, serialization and deadlock, resources,
shutdown and cancel, system error, lock not available, a standby or a timed-out session."""
_DENIED: Final = "42501"
_MAY_NOT: Final = r"permission denied for (table|view|schema|sequence|function|database) (\w+)"
"""What the server says of a right that the account lacks: the kind and the name of an object, no value."""
_BATCH_ROWS: Final = 65_536


def columns(connection: psycopg.Connection[Any], schema: str, table: str) -> dict[str, Column]:
    """Columns of the live table in their order; empty if there is no such table. ``pg_temp`` is a schema too."""
    return columns_of_each(connection, [(schema, table)])[0]


def columns_of_each(connection: psycopg.Connection[Any], tables: Sequence[tuple[str, str]]) -> list[dict[str, Column]]:
    """Columns of each of these live tables, by schema and name, as columns(); asked for at once."""
    schemas, names = ([table[part] for table in tables] for part in (0, 1))
    out: list[dict[str, Column]] = [{} for _ in tables]
    for place, *found in connection.execute(_COLUMNS, {"schemas": schemas, "tables": names}).fetchall():
        column = _column(found)
        out[place - 1][column.name] = column
    return out


_COLUMNS: Final = """
SELECT w.place, a.attname, coalesce(b.typname, t.typname), coalesce(b.typtype, t.typtype),
       NOT (a.attnotnull OR t.typnotnull), a.atthasdef OR a.attidentity <> '',
       a.attgenerated <> '' OR a.attidentity = 'a',
       CASE WHEN t.typbasetype <> 0 THEN t.typtypmod ELSE a.atttypmod END
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) WITH ORDINALITY AS w (schema, name, place)
JOIN pg_catalog.pg_attribute a ON a.attrelid = to_regclass(format('%%I.%%I', w.schema, w.name))
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY w.place, a.attnum
"""


def _column(found: Sequence[Any]) -> Column:
    name, kind, sort, nullable, filled, generated, modifier = found
    length = precision = scale = None
    if modifier >= 0 and kind in ("varchar", "bpchar"):
        length = modifier - 4
    elif modifier >= 0 and kind == "numeric":
        precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
    elif modifier >= 0 and kind in ("timestamp", "timestamptz"):
        precision = modifier
    return Column(name, "enum" if sort == "e" else kind, nullable, filled, generated, length, precision, scale)


class Encoded(NamedTuple):
    """Rows as the server takes them in."""

    where: str
    statement: sql.Composed
    chunks: Iterable[bytes]


def copy_table(
    connection: psycopg.Connection[Any],
    schema: str,
    table: str,
    rows: pa.Table,
    known: Mapping[str, Column] | None = None,
) -> int:
    """Add all rows to the PostgreSQL table by one binary COPY inside the caller's transaction; gives their number.

    Columns are matched by name and cast exactly to the live column's type; ``known`` saves asking for the types
    again. Raises Misconfigured for a column that is not there or a value that does not fit, and what
    ``safe_errors`` makes of the server's refusals.
    """
    with safe_errors(f"{schema}.{table}"):
        live = known if known is not None else columns(connection, schema, table)
    return send(connection, encode(schema, table, rows, live))


def encode(schema: str, table: str, rows: pa.Table, live: Mapping[str, Column]) -> Encoded:
    """The rows for a table with such columns; chunks are encoded as they are taken.

    Raises:
        Misconfigured: COLUMN_MISSING, or a value that does not fit.
    """
    where = f"{schema}.{table}"
    missing = [name for name in rows.column_names if name not in live or live[name].generated]
    if missing or not rows.column_names:
        what = f"columns that cannot be written: {', '.join(missing)}" if live else "there is no such table"
        raise Misconfigured("COLUMN_MISSING", where, what, "Compare the schema file with the live database")
    typed = pa.table({name: cast_text(rows.column(name), live[name], where) for name in rows.column_names})
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(schema, table), sql.SQL(", ").join(map(sql.Identifier, typed.column_names))
    )
    return Encoded(where, statement, _chunks(typed, live))


def _chunks(typed: pa.Table, live: Mapping[str, Column]) -> Iterator[bytes]:
    encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(
        typed.schema, {f.name: _encoder(f, live[f.name]) for f in typed.schema}
    )
    yield encoder.write_header()
    for batch in typed.to_batches(max_chunksize=_BATCH_ROWS):
        yield encoder.write_batch(batch)
    yield encoder.finish()


def send(connection: psycopg.Connection[Any], encoded: Encoded) -> int:
    """COPY what is encoded; gives the number of rows.

    Raises:
        BridgeError: what ``safe_errors`` makes of the server's refusals.
    """
    with safe_errors(encoded.where), connection.cursor() as cursor:
        with cursor.copy(encoded.statement) as copy:
            for chunk in encoded.chunks:
                copy.write(chunk)
        return cursor.rowcount


def _encoder(field: pa.Field, column: Column) -> Any:
    if column.type == "jsonb":
        return encoders.StringEncoderBuilder.new_with_output(field, pg_schema.Jsonb())
    return pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)


@contextmanager
def safe_errors(where: str) -> Iterator[None]:
    """Turns what PostgreSQL says into TryLater or Misconfigured with SQLSTATE, table and constraint only.

    PostgreSQL quotes whole rows in its messages. The original error is neither chained nor left with its text.
    """
    try:
        yield
    except psycopg.Error as error:
        raise reduced(error, where) from None


def reduced(error: psycopg.Error, where: str) -> BridgeError:
    """The error of ours for one of PostgreSQL's; wipes the text of the original, for it may still be looked at."""
    state = error.sqlstate or ""
    diagnosis = error.diag
    named = {"table": diagnosis.table_name, "column": diagnosis.column_name, "constraint": diagnosis.constraint_name}
    if not any(named.values()) and (place := re.match(r"COPY (\S+), line \d+, column (\w+)", diagnosis.context or "")):
        named = {"table": place[1], "column": place[2]}
    if state == _DENIED and (lacks := re.fullmatch(_MAY_NOT, diagnosis.message_primary or "")):
        named = {lacks[1]: lacks[2]}
    about = "".join(f", {kind} {name}" for kind, name in named.items() if name)
    # A connection that is refused has no SQLSTATE, only libpq's words: read them, never pass them on.
    denied = not state and re.search(r"authentication failed|pg_hba|does not exist", str(error))
    error.args = (state or "no connection",)
    if not denied and (state.startswith(_AWAY) or (not state and isinstance(error, psycopg.OperationalError))):
        what = f"the database cannot do it now ({state or 'no connection'}{about})"
        return TryLater("DATABASE_AWAY", where, what, "Nothing was changed; the same run can be tried again")
    what = "the database lets us not in" if denied else f"the database refuses (SQLSTATE {state}{about})"
    return Misconfigured("DATABASE_REFUSES", where, what, "Look up the SQLSTATE and mend the schema or the connection")
