"""Rows of a window out of a database and into a bundle: by COPY from PostgreSQL, through SQLAlchemy from any other.

All tables are read in one read-only transaction that sees one snapshot, so a
record's entries are those of the record, and the count is of the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import sql

from bridge.batch import ROOT, ROW
from bridge.connector import Window
from bridge.shape import Shape, Type
from connectors.sql.bundle import Member, Writer, header, line
from connectors.sql.reach import safely
from connectors.sql.tables import Layout, Live, Table
from connectors.sql.values import canonical, moment

_PAGE: Final = 5_000
_SNAPSHOT: Final[Mapping[str, Mapping[str, str]]] = {
    "sqlite": {"sqlite_begin": "DEFERRED"},
    "postgresql": {"isolation_level": "REPEATABLE READ"},
    "mysql": {"isolation_level": "REPEATABLE READ"},
    "mariadb": {"isolation_level": "REPEATABLE READ"},
    "mssql": {"isolation_level": "SNAPSHOT"},
    "oracle": {"isolation_level": "SERIALIZABLE"},
}
"""How each database is told to show one snapshot; one that is not here gives what it gives."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What to read: the shape's columns of the rows whose ``modified`` lies in the window."""

    layout: Layout
    shape: Shape
    modified: str
    window: Window
    timeout: str

    def names(self, table: Table) -> list[str]:
        return [f.name for f in self.shape.table(table.list)]

    def member(self, table: Table, number: int, rows: int, postgres: bool) -> Member:
        """How the table stands in the bundle. A database without lists keeps one as JSON text."""
        kinds = {}
        for f in self.shape.table(table.list):
            live = table.columns[f.name]
            is_list = live.type is Type.LIST or (f.type is Type.LIST and not postgres)
            moment_or_text = "moment" if live.type is Type.DATETIME else "text"
            kinds[f.name] = "list" if is_list else "float" if isinstance(live.sql, sa.Float) else moment_or_text
        return Member(table.list, _file(table, number), kinds, rows)


def _file(table: Table, number: int) -> str:
    return f"{number:02}-{table.name}.csv"


def extract(engine: sa.Engine, ask: Ask, writer: Writer) -> int:
    """Write every table of the window into the bundle; gives the number of records, counted apart from reading."""
    if engine.dialect.name != "postgresql":
        return portably(engine, ask, writer)
    with safely(ask.layout.root.full):
        raw = engine.raw_connection()
        try:
            return _by_copy(raw.driver_connection, ask, writer)
        finally:
            raw.close()


def _by_copy(connection: Any, ask: Ask, writer: Writer) -> int:
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction(), connection.cursor() as cursor:
        for name, value in (
            ("TimeZone", "UTC"),
            ("DateStyle", "ISO, YMD"),
            ("IntervalStyle", "iso_8601"),
            ("client_encoding", "UTF8"),
            ("statement_timeout", ask.timeout),
        ):
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        root, modified = ask.layout.root, sql.Identifier(ask.modified)
        # Without a time zone the column is UTC by our reading, so the window's ends lose theirs.
        bare = not getattr(root.columns[ask.modified].sql, "timezone", False)
        ends = [end.replace(tzinfo=None) if bare else end for end in (ask.window.since, ask.window.until)]
        inside = sql.SQL("r.{0} >= {1} AND r.{0} < {2}").format(modified, *(sql.Literal(end) for end in ends))
        whole = sql.Identifier(root.schema or "public", root.name)
        counted = cursor.execute(sql.SQL("SELECT count(*) FROM {} r WHERE {}").format(whole, inside)).fetchone()
        order = sql.SQL("r.{}, r.{}").format(modified, sql.Identifier(root.key))
        for number, table in enumerate(ask.layout.tables):
            alias = "r" if table is root else "c"
            listed = [_expression(alias, table.columns[name]) for name in ask.names(table)]
            if table is root:
                query = sql.SQL("SELECT {} FROM {} r WHERE {} ORDER BY {}").format(
                    sql.SQL(", ").join(listed), whole, inside, order
                )
            else:
                query = _entries(table, root, listed, whole, inside, order)
            with writer.member(_file(table, number)) as out:
                rows = _copy_out(cursor, query, out)
            writer.add(ask.member(table, number, rows, postgres=True))
        return int(counted[0]) if counted else 0


def _entries(
    table: Table,
    root: Table,
    listed: list[sql.Composed],
    whole: sql.Identifier,
    inside: sql.Composed,
    order: sql.Composed,
) -> sql.Composed:
    return sql.SQL(
        "SELECT {row}, {listed} FROM (SELECT r.{key}, row_number() OVER (ORDER BY {order}) - 1 AS {row}"
        " FROM {whole} r WHERE {inside}) k JOIN {child} c ON c.{refers} = k.{key} ORDER BY {row}, {places}"
    ).format(
        row=sql.Identifier(ROW),
        listed=sql.SQL(", ").join(listed),
        key=sql.Identifier(root.key),
        order=order,
        whole=whole,
        inside=inside,
        child=sql.Identifier(table.schema or "public", table.name),
        refers=sql.Identifier(table.key),
        places=sql.SQL(", ").join(sql.Identifier("c", name) for name in table.order),
    )


def _expression(alias: str, live: Live) -> sql.Composed:
    """The column as canonical text, all but moments and floats, which the reader makes canonical."""
    forms = {
        Type.INTEGER: "{}",
        Type.DATETIME: "{}",
        Type.LIST: "to_json({}::text[])::text",
        Type.DECIMAL: "trim_scale({}::numeric)::text",
    }
    form = forms.get(live.type, "{}::text") if live.type else "{}::text"
    if isinstance(live.sql, sa.Float):
        form = "{}"
    if isinstance(live.sql, sa.LargeBinary):
        form = "encode({}, 'hex')"
    return sql.SQL(form + " AS {}").format(sql.Identifier(alias, live.name), sql.Identifier(live.name))


def _copy_out(cursor: psycopg.Cursor[Any], query: sql.Composed, out: IO[bytes]) -> int:
    with cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER, ENCODING 'UTF8')").format(query)) as copy:
        for block in copy:
            out.write(block)
    return cursor.rowcount


def portably(engine: sa.Engine, ask: Ask, writer: Writer) -> int:
    """The same bundle through SQLAlchemy, value by value: the definition that COPY agrees with, and a tenth as fast."""
    root = ask.layout.root
    with safely(root.full), engine.connect() as opened:
        connection = opened.execution_options(**_SNAPSHOT.get(engine.dialect.name, {}))
        sqlite = engine.dialect.name == "sqlite"
        top = _readable(root, sorted({root.key, ask.modified, *ask.names(root)}), engine.dialect.name)
        time = _time(top.c[ask.modified], sqlite)
        inside = sa.and_(time >= _end(ask, ask.window.since, sqlite), time < _end(ask, ask.window.until, sqlite))
        counted = connection.execute(sa.select(sa.func.count()).select_from(top).where(inside)).scalar_one()
        order = (time, top.c[root.key])
        numbered = sa.select(top.c[root.key].label("k"), (sa.func.row_number().over(order_by=order) - 1).label(ROW))
        picked = numbered.where(inside).subquery()
        for number, table in enumerate(ask.layout.tables):
            names = ask.names(table)
            if table is root:
                query = sa.select(*_listed(table, top, names)).where(inside).order_by(*order)
            else:
                clause = _readable(table, sorted({table.key, *table.order, *names}), engine.dialect.name)
                joined = picked.join(clause, clause.c[table.key] == picked.c.k)
                query = sa.select(picked.c[ROW], *_listed(table, clause, names)).select_from(joined)
                query = query.order_by(picked.c[ROW], *(clause.c[name] for name in table.order))
            with writer.member(_file(table, number)) as out:
                rows = _write_out(connection, query, ask, table, out)
            writer.add(ask.member(table, number, rows, postgres=engine.dialect.name == "postgresql"))
        return int(counted)


def _readable(table: Table, names: list[str], dialect: str) -> sa.TableClause:
    """The table with types to read by. SQLite keeps moments, dates and decimals as text: read them as they are."""
    raw = (sa.DateTime, sa.Date, sa.Numeric, sa.JSON) if dialect == "sqlite" else ()
    types = [(n, sa.types.NULLTYPE if isinstance(table.columns[n].sql, raw) else table.columns[n].sql) for n in names]
    return table.clause(*types)


def _listed(table: Table, clause: sa.TableClause, names: list[str]) -> list[sa.ColumnElement[Any]]:
    """The columns, JSON as the text that the database writes it in."""
    columns: list[sa.ColumnElement[Any]] = []
    for name in names:
        column = clause.c[name]
        is_json = isinstance(table.columns[name].sql, sa.JSON) and not isinstance(column.type, sa.types.NullType)
        columns.append(sa.cast(column, sa.Text) if is_json else column)
    return columns


def _time(column: sa.ColumnElement[Any], sqlite: bool) -> sa.ColumnElement[Any]:
    """SQLite has no moments: its own function brings every spelling of one to the same, in UTC, to the millisecond."""
    return sa.func.strftime("%Y-%m-%d %H:%M:%f", column) if sqlite else column


def _end(ask: Ask, end: datetime, sqlite: bool) -> Any:
    if sqlite:
        return end.strftime("%Y-%m-%d %H:%M:%S.") + f"{end.microsecond // 1000:03}"
    aware = getattr(ask.layout.root.columns[ask.modified].sql, "timezone", False)
    return end if aware else end.replace(tzinfo=None)


def _write_out(connection: sa.Connection, query: sa.Select[Any], ask: Ask, table: Table, out: IO[bytes]) -> int:
    kinds = {f.name: f.type for f in ask.shape.table(table.list)}
    lead = [] if table.list == ROOT else [ROW]
    out.write(header([*lead, *kinds]))
    rows = 0
    found = connection.execution_options(stream_results=True, yield_per=_PAGE).execute(query)
    for page in found.partitions():
        out.write("".join(_lines(page, table, kinds, bool(lead))).encode())
        rows += len(page)
    return rows


def _lines(page: Any, table: Table, kinds: dict[str, Type], numbered: bool) -> Iterator[str]:
    for row in page:
        values = iter(row)
        lead = [str(next(values))] if numbered else []
        yield line(
            lead + [_text(v, table.columns[name], kind) for (name, kind), v in zip(kinds.items(), values, strict=True)]
        )


def _text(value: Any, live: Live, declared: Type) -> str | None:
    kind = Type.LIST if declared is Type.LIST else live.type
    if value is not None and live.type is Type.DATETIME and isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, str) and isinstance(live.sql, sa.CHAR):
        value = value.rstrip(" ")
    text = canonical(value, kind)
    return json.dumps(text, ensure_ascii=False) if isinstance(text, list) else text


def _parsed(text: str) -> str:
    """SQLite's text of a moment made canonical; what is none is left for the mapping to refuse."""
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return text
