"""The rows that a job wrote, kept as Arrow files, so that the same rows can be copied again by nothing but COPY."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pgpq
import psycopg
import pyarrow as pa
import pyarrow.csv
from psycopg import sql

from bridge.pgcopy import Column, cast_text, columns

SMALL: Final = (
    "run",
    "input",
    "mapping_revision",
    "sealed_window",
    "partner",
    "coverage",
    "seal",
    "segment",
    "nominal_read",
)
"""Tables of the exchange with a few rows per run or file: put in place before the measured copies."""
_KNOWN: Final = "alembic_version"
_NULL: Final = "\\N"
_BLOCK: Final = 8 << 20
_ROWS: Final = 65_536
_TEXTS: Final = {
    "timestamptz": "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    "bytea": "encode({0}, 'hex')",
    "numeric": "trim_scale({0})::text",
    "bool": "CASE {0} WHEN true THEN 'true' WHEN false THEN 'false' END",
}
"""Canonical text (bridge.pgtypes) of the types whose own text is another."""


def tables(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """All logged tables but the system's, each after those that it refers to."""
    found = connection.execute(
        "SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        " AND c.relname <> %s ORDER BY 2, 3",
        [_KNOWN],
    ).fetchall()
    refers = connection.execute("SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f'").fetchall()
    left = {oid: (schema, name) for oid, schema, name in found}
    ordered: list[tuple[str, str]] = []
    while left:
        free = [oid for oid in left if not any(a == oid and b in left and b != oid for a, b in refers)]
        ordered += [left.pop(oid) for oid in free]
    return ordered


def empty(connection: psycopg.Connection[Any]) -> None:
    """Remove every row, without the triggers: some of the exchange's tables refuse to be emptied."""
    every = sql.SQL(", ").join(sql.Identifier(*one) for one in tables(connection))
    connection.execute("SET session_replication_role = replica")
    connection.execute(sql.SQL("TRUNCATE {}").format(every))
    connection.execute("RESET session_replication_role")


def keep(connection: psycopg.Connection[Any], folder: Path) -> dict[str, int]:
    """Write every table's rows, in the order in which they lie there, to files in the folder; gives their numbers."""
    connection.execute("SET synchronize_seqscans = off")
    counts: dict[str, int] = {}
    for place, (schema, name) in enumerate(tables(connection)):
        path = folder / f"{place:02}.{schema}.{name}.csv"
        live = {key: one for key, one in columns(connection, schema, name).items() if not one.generated}
        if name in SMALL:
            _dump(connection, sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(schema, name)), path)
            continue
        chosen = sql.SQL(", ").join(
            sql.SQL(_TEXTS.get(one.type, "{0}::text")).format(sql.Identifier(key)) for key, one in live.items()
        )
        question = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT csv, NULL '\\N', FORCE_QUOTE *)")
        _dump(connection, question.format(chosen, sql.Identifier(schema, name)), path)
        if path.stat().st_size:
            counts[f"{schema}.{name}"] = _typed(path, live)
        path.unlink()
    return counts


def _dump(connection: psycopg.Connection[Any], question: sql.Composed, path: Path) -> None:
    with path.open("wb") as out, connection.cursor() as cursor, cursor.copy(question) as copy:
        for block in copy:
            out.write(block)


def _typed(path: Path, live: dict[str, Column]) -> int:
    """The CSV as an Arrow file whose columns have the types that COPY takes."""
    whole = pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(column_names=list(live), block_size=_BLOCK),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(live, pa.string()),
            null_values=[_NULL],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ).read_all()
    typed = pa.table({key: cast_text(whole.column(key), one) for key, one in live.items()})
    with (
        pa.OSFile(str(path.with_suffix(".arrow")), "wb") as sink,
        pa.ipc.new_file(sink, typed.schema) as writer,
    ):
        writer.write_table(typed, max_chunksize=_ROWS)
    return int(typed.num_rows)


def put_small(connection: psycopg.Connection[Any], folder: Path) -> None:
    """Fill the tables of SMALL, to which others refer."""
    for path in sorted(folder.glob("*.csv")):
        _, schema, name = path.stem.split(".")
        with connection.cursor() as cursor:
            statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(schema, name))
            with cursor.copy(statement) as copy:
                copy.write(path.read_bytes())
    connection.commit()


def put_back(connection: psycopg.Connection[Any], folder: Path) -> int:
    """Copy the kept rows into the empty tables by binary COPY and nothing else, a transaction each; their number."""
    count = 0
    for path in sorted(folder.glob("*.arrow")):
        _, schema, name = path.stem.split(".")
        with pa.memory_map(str(path)) as source, connection.cursor() as cursor:
            file = pa.ipc.open_file(source)
            encoder = pgpq.ArrowToPostgresBinaryEncoder(file.schema)
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
                sql.Identifier(schema, name), sql.SQL(", ").join(map(sql.Identifier, file.schema.names))
            )
            with cursor.copy(statement) as copy:
                copy.write(encoder.write_header())
                for place in range(file.num_record_batches):
                    copy.write(encoder.write_batch(file.get_batch(place)))
                copy.write(encoder.finish())
            count += cursor.rowcount
        connection.commit()
    return count


def nested(connection: psycopg.Connection[Any], schema: str, root: str, key: str, path: Path) -> None:
    """Write each row of the root table as a line of JSON, with the rows of each child table in it as a list."""
    children = [name for home, name in tables(connection) if home == schema and name != root]
    lists = sql.SQL(" || ").join(
        sql.SQL("jsonb_build_object({}, (SELECT jsonb_agg(to_jsonb(x)) FROM {} x WHERE x.{} = r.{}))").format(
            sql.Literal(name), sql.Identifier(schema, name), sql.Identifier(key), sql.Identifier(key)
        )
        for name in children
    )
    # As CSV with a quote and a mark that JSON text never holds, for COPY's own form would escape its backslashes.
    question = sql.SQL(
        "COPY (SELECT jsonb_strip_nulls(to_jsonb(r) || {}) FROM {} r)"
        " TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
    )
    _dump(connection, question.format(lists, sql.Identifier(schema, root)), path)
