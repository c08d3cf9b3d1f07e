"""The shape of a database table and of those that refer to it: its DDL as the schema file, and values of some rows."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from bridge import settings
from bridge.authoring.sample import Column, Sample
from bridge.errors import Misconfigured, TryLater
from bridge.shape import Field, Type

ROWS: Final = 2_000
"""Rows of a table whose values are looked at."""
_TYPES: Final = (
    (sa.Boolean, Type.BOOLEAN), (sa.Integer, Type.INTEGER), (sa.Numeric, Type.DECIMAL), (sa.DateTime, Type.DATETIME),
    (sa.Date, Type.DATE),
)  # fmt: skip


def table_sample(said: str) -> Sample:
    """The columns of a table, and of the tables whose foreign keys refer to it, with values.

    Args:
        said: ``URL#table`` or ``connection#table``; ``#table`` may be left out if there is only one.

    Raises:
        Misconfigured: no such database, connection or table.
        TryLater: the database is not there now.
    """
    url, _, name = said.partition("#")
    url = url if "://" in url else settings.connection(url)
    try:
        engine = sa.create_engine(_driver(url), hide_parameters=True)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError):
        fix = "Write it as dialect+driver://user:password@host/database#table, and install the driver"
        raise Misconfigured("BAD_URL", "--table", "this is no database URL that can be used here", fix) from None
    try:
        with engine.connect() as connection:
            return _read(connection, name)
    except sa.exc.OperationalError as bad:
        what = f"the database does not answer ({type(bad.orig).__name__})"
        raise TryLater("DATABASE_AWAY", "--table", what, "Start it, or correct the URL") from None
    except sa.exc.DBAPIError as bad:
        what = f"the database refuses ({type(bad.orig).__name__})"
        raise Misconfigured("DATABASE_REFUSES", "--table", what, "Let the account read the table") from None
    finally:
        engine.dispose()


def _driver(url: str) -> sa.URL:
    made = sa.make_url(url)
    return made.set(drivername="postgresql+psycopg") if made.get_backend_name() == "postgresql" else made


def _read(connection: sa.Connection, name: str) -> Sample:
    inspector = sa.inspect(connection)
    schema, _, table = name.rpartition(".")
    known = inspector.get_table_names(schema=schema or None)
    table = table or (known[0] if len(known) == 1 else "")
    if table not in known:
        shown = ", ".join(known[:10]) or "none"
        raise Misconfigured("NO_TABLE", "--table", f"there is no table {name or '(none named)'}", f"Known are: {shown}")
    metadata = sa.MetaData()
    tables = [sa.Table(one, metadata, schema=schema or None, autoload_with=connection) for one in known]
    root = next(one for one in tables if one.name == table)
    children = [one for one in tables if one is not root and any(key.column.table is root for key in one.foreign_keys)]
    found = Sample(
        "sql", [], tuple(one.name for one in children), f"{schema}.{table}" if schema else table, suffix=".sql"
    )
    found.schema = "".join(_ddl(one, connection.dialect) for one in (root, *children))
    found.said = [f"table {found.record} with {len(root.columns)} columns; {len(children)} tables refer to it"]
    _options(found, root)
    for one in (root, *children):
        rows = connection.execute(sa.select(one).limit(ROWS)).mappings().all()
        points = {key.parent.name for key in one.foreign_keys if key.column.table is root}
        for column in one.columns:
            listed = one.name if one is not root else ""
            if one is not root and column.name in points:
                continue  # the connector joins by it
            values = [_text(row[column.name]) for row in rows if row[column.name] is not None]
            kind = next((ours for theirs, ours in _TYPES if isinstance(column.type, theirs)), Type.TEXT)
            field = Field(listed, column.name, kind, required=not column.nullable)
            found.columns.append(Column(field, values, len(rows)))
    return found


def _options(found: Sample, root: sa.Table) -> None:
    keys = [column.name for column in root.primary_key]
    if len(keys) == 1:
        found.options["key"] = keys[0]
        found.said.append(f"key {keys[0]}: its primary key")
    moments = [column.name for column in root.columns if isinstance(column.type, sa.DateTime)]
    changed = [name for name in moments if any(word in name.lower() for word in ("modif", "updat", "chang", "mtime"))]
    if len(changed) == 1:
        found.options["modified_at"] = changed[0]
        found.said.append(f"modified_at {changed[0]}: a moment, and its name says so")


def _ddl(table: sa.Table, dialect: Any) -> str:
    """CREATE TABLE in the form that schemas are read in."""
    lines = []
    for column in table.columns:
        kind = column.type.compile(dialect) if dialect.name == "postgresql" else _generic(column.type)
        must = " NOT NULL" if not column.nullable else ""
        refers = "".join(f" REFERENCES {key.column.table.fullname} ({key.column.name})" for key in column.foreign_keys)
        lines.append(f'  "{column.name}" {kind}{must}{refers}')
    if table.primary_key.columns:
        names = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
        lines.append(f"  PRIMARY KEY ({names})")
    body = ",\n".join(lines)
    return f"CREATE TABLE {table.fullname} (\n{body}\n);\n\n"


def _generic(kind: Any) -> str:
    """A type of another database as PostgreSQL has it."""
    for wanted, name in (
        (sa.Boolean, "boolean"), (sa.Integer, "bigint"), (sa.Numeric, "numeric"), (sa.DateTime, "timestamp"),
        (sa.Date, "date"),
    ):  # fmt: skip
        if isinstance(kind, wanted):
            return name
    length = getattr(kind, "length", None)
    return f"varchar({length})" if length else "text"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
