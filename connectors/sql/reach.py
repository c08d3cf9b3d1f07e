"""Reaching a database by its SQLAlchemy URL, and errors that carry no values out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import NullPool

from bridge.errors import Misconfigured, TryLater
from bridge.pgcopy import reduced

CONNECT_SECONDS = 10


def reach(url: str) -> sa.Engine:
    """An engine that opens a connection for each use and hides every parameter.

    A PostgreSQL URL of any driver is reached with psycopg 3, whose COPY the fast path needs. Raises Misconfigured
    for what is no URL or has a driver that is not installed.
    """
    try:
        target = sa.make_url(url)
        if target.get_backend_name() == "postgresql":
            arguments = {"connect_timeout": CONNECT_SECONDS, "application_name": "bridge"}
            target = target.set(drivername="postgresql+psycopg")
            return sa.create_engine(target, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
        engine = sa.create_engine(target, poolclass=NullPool, hide_parameters=True)
    except (exc.ArgumentError, exc.NoSuchModuleError, ImportError):
        fix = "Write it as dialect+driver://user:password@host/database, and install the driver"
        raise Misconfigured("BAD_URL", "sql", "the connection is no database URL that can be used here", fix) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_by_hand)
        event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_by_hand(connection: Any, _record: object) -> None:
    """Take BEGIN into our own hands: the driver would start a transaction only at the first write."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _sqlite_begin(connection: sa.Connection) -> None:
    """One writer at a time from its first statement on; readers take a snapshot."""
    wants = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {wants}")


@contextmanager
def safely(where: str) -> Iterator[None]:
    """Turns a driver's error into TryLater or Misconfigured that names no value; the original's text is wiped."""
    try:
        yield
    except psycopg.Error as error:
        raise reduced(error, where) from None
    except exc.DBAPIError as error:
        raise _reduced(error, where) from None
    except exc.SQLAlchemyError as error:
        kind = type(error).__name__
        error.args = (kind,)
        fix = "Compare the schema file with the live database"
        raise Misconfigured("DATABASE_REFUSES", where, f"the statement cannot be made ({kind})", fix) from None


def _reduced(error: exc.DBAPIError, where: str) -> Misconfigured | TryLater:
    origin = error.orig
    lost = error.connection_invalidated
    kind = type(origin).__name__
    busy = "locked" in str(origin) or "busy" in str(origin)
    error.args, error.params = (kind,), None
    if isinstance(origin, psycopg.Error):
        found = reduced(origin, where)
        return found if isinstance(found, Misconfigured | TryLater) else Misconfigured(*found.args)
    if origin is not None:
        origin.args = (kind,)
    if lost or (isinstance(error, exc.OperationalError) and busy):
        what = f"the database cannot do it now ({kind})"
        return TryLater("DATABASE_AWAY", where, what, "Nothing was changed; the same run can be tried again")
    fix = "Compare the schema file with the live database, and what the account may do"
    return Misconfigured("DATABASE_REFUSES", where, f"the database refuses ({kind})", fix)


def wanted(options: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    """A text option out of a closed list; Misconfigured names the list."""
    value = str(options.get(name, default))
    if value not in allowed:
        fix = f"Write one of {', '.join(allowed)}"
        raise Misconfigured("BAD_OPTION", f"option {name}", f"{value!r} is not known", fix)
    return value


def required(options: Mapping[str, Any], *names: str) -> str:
    """The first of these options that is given."""
    for name in names:
        if options.get(name):
            return str(options[name])
    raise Misconfigured("BAD_OPTION", f"option {names[0]}", "it is not given", f"Write {names[0]}: in the mapping")
