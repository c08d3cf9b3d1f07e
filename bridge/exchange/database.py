"""How the exchange is reached: one engine with time limits, transactions, and errors that carry no values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

import psycopg
import pyarrow as pa
import sqlalchemy as sa

from bridge.errors import BridgeError, Misconfigured, Stop, TryLater
from bridge.exchange.roles import Role
from bridge.pgcopy import Column, Encoded, columns, encode, reduced, send

LIMITS: Final[Mapping[str, str]] = {
    "lock_timeout": "300s",
    "statement_timeout": "900s",
    "idle_in_transaction_session_timeout": "600s",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
}
"""A frozen attempt would otherwise hold its locks against its own retry for ever. Moments as text are the same
everywhere, for seals are computed over them."""


def connect(url: str, role: Role | None = None) -> sa.Engine:
    """An engine for the exchange's database (postgresql+psycopg://...); connects when first used.

    Args:
        role: whose rights its sessions have; those of the account itself if none is given.
    """
    settings = LIMITS if role is None else {**LIMITS, "role": role.there}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=2,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 10,
            "application_name": "bridge",
            "options": options,
            "keepalives_idle": 30,
            "keepalives_count": 3,
        },
    )


@contextmanager
def refusals(where: str) -> Iterator[None]:
    """Turns every database error into one of ours that says SQLSTATE, table and constraint, and no value.

    Raises:
        TryLater: the database is away, a lock was not had in time, or another run wrote the same record.
        Stop: DOUBLE_COUNTED if one record was given two dispositions.
        Misconfigured: all else.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        origin = error.orig
        if not isinstance(origin, psycopg.Error):
            raise
        raise _ours(origin, where) from None
    except psycopg.Error as error:
        raise _ours(error, where) from None
    except BridgeError as error:
        # What pgcopy reduced keeps the server's diagnosis as its context, and the clash of two runs is ours to tell.
        context = error.__context__
        if isinstance(context, psycopg.errors.UniqueViolation):
            raise _ours(context, where) from None
        raise


def _ours(error: psycopg.Error, where: str) -> BridgeError:
    # Said when a session begins, without SQLSTATE.
    role = re.search(r'set role "(\w+)"|role "(bridge_\w+)" does not exist', str(error)) if not error.sqlstate else None
    if role:
        error.args = ("no connection",)
        what = f"the account has not the role {role[1] or role[2]}, in which this work is done"
        fix = "Have a person who may make roles run what `bridge roles` prints, and make the account a member"
        return Misconfigured("NO_ROLE", where, what, fix)
    constraint = error.diag.constraint_name
    if isinstance(error, psycopg.errors.UniqueViolation):
        error.args = (error.sqlstate,)
        if constraint == "intake_pkey":
            what = "one record of an input was given two dispositions in this run"
            return Stop("DOUBLE_COUNTED", where, what, "Find the step that hands the same record on twice")
        what = f"another run wrote the same record at the same time ({constraint})"
        return TryLater("CONCURRENT_RUN", where, what, "Nothing was changed; run it again")
    return reduced(error, where)


@contextmanager
def transaction(engine: sa.Engine, where: str, *, isolation: str | None = None) -> Iterator[sa.Connection]:
    """One transaction: committed at the end, rolled back on any error."""
    with refusals(where), engine.execution_options(isolation_level=isolation or "READ COMMITTED").begin() as connection:
        yield connection


def driver(connection: sa.Connection) -> psycopg.Connection[Any]:
    """The driver's connection inside the same transaction, for COPY."""
    found = connection.connection.driver_connection
    if not isinstance(found, psycopg.Connection):
        raise TypeError("the exchange needs the psycopg driver: postgresql+psycopg://")
    return found


class Copier:
    """COPY of Arrow tables inside one transaction, asking each table's column types once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._known: dict[tuple[str, str], dict[str, Column]] = {}

    def copy(self, schema: str, table: str, rows: pa.Table) -> None:
        """Add the rows to the table; columns are matched by name."""
        if rows.num_rows:
            send(self._connection, self._encoded(schema, table, rows))

    def _encoded(self, schema: str, table: str, rows: pa.Table) -> Encoded:
        key = (schema, table)
        if key not in self._known:
            self._known[key] = columns(self._connection, schema, table)
        return encode(schema, table, rows, self._known[key])


class Overlapping(Copier):
    """A Copier that encodes the next table while the server takes in the one before.

    Whatever else uses the session calls ``settled()`` first, for a session does one thing at a time; what the server
    refuses is raised there, or by the next copy(). At the end of its ``with`` block all is written or has failed.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        self._pool = ThreadPoolExecutor(1, "copy")
        self._under_way: Future[int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown()
        if error is None:
            self.settled()

    def copy(self, schema: str, table: str, rows: pa.Table) -> None:
        """Add the rows to the table, soon; columns are matched by name."""
        if not rows.num_rows:
            return
        if (schema, table) not in self._known:
            self.settled()
        encoded = self._encoded(schema, table, rows)
        encoded = encoded._replace(chunks=list(encoded.chunks))
        self.settled()
        self._under_way = self._pool.submit(send, self._connection, encoded)

    def settled(self) -> None:
        """Wait until all that was to be copied is with the server.

        Raises:
            BridgeError: what ``safe_errors`` makes of the server's refusals.
        """
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()
