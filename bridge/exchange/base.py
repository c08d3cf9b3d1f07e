"""The exchange's database, and the runs that work on it; every operation one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from bridge import settings
from bridge.connector import Window
from bridge.errors import BridgeError, Stop
from bridge.exchange import (
    runs,
    schema,
)
from bridge.exchange.database import connect, transaction
from bridge.exchange.revisions import Used
from bridge.exchange.roles import Role
from bridge.exchange.runs import COLLECT, SHARE, Run
from bridge.exchange.tables import run as run_table
from bridge.ledger import Books

_WHERE = "exchange"


class Base:
    """The store of record versions, runs and deliveries in one PostgreSQL database.

    All methods raise TryLater when the database is away or a lock was not had in time, and no error
    carries a value of a record.

    Args:
        url: postgresql+psycopg://user:password@host:port/database
        role: whose rights it has; without one those of the account, which migrates, erases and empties.
    """

    def __init__(self, url: str, role: Role | None = None) -> None:
        self._engine = connect(url, role)

    @classmethod
    def of(cls, role: Role) -> Self:
        """The exchange that the settings name, with the rights of this role and no more."""
        return cls(settings.exchange_url(role), role)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def engine(self) -> sa.Engine:
        """The database, for questions that no method here answers; never write through it."""
        return self._engine

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def migrate(self) -> None:
        """Bring the database to the newest tables; does nothing if it has them."""
        with transaction(self._engine, _WHERE) as connection:
            schema.migrate(connection)

    def differences(self) -> list[object]:
        """What the database has otherwise than this version expects; empty if nothing."""
        with transaction(self._engine, _WHERE) as connection:
            return schema.differences(connection)

    def begin_collect(
        self,
        source: str,
        window: Window,
        mapping: str,
        fingerprint: str,
        run_key: str,
        parts: Mapping[str, str] | None = None,
    ) -> Run:
        """The run of this key over a window; for its first step, later ones call resume().

        Continues the last attempt if that is running or failed with the same mapping. A window that this
        key has sealed is collected anew.

        Args:
            parts: sha256 of every file behind the fingerprint, kept with the mapping's revision.
        """
        with transaction(self._engine, f"collect {source}") as connection:
            return runs.begin(connection, COLLECT, source, window, Used(mapping, fingerprint, parts or {}), run_key)

    def begin_share(
        self,
        partner: str,
        mapping: str,
        fingerprint: str,
        run_key: str,
        window: Window | None = None,
        redeliver: bool = False,
        parts: Mapping[str, str] | None = None,
    ) -> Run:
        """The run of this key for a partner, as begin_collect().

        Args:
            window: limits the share to what collect runs took in over windows that touch it.
            redeliver: offers again what already has its end state.

        Raises:
            Stop: OLD_MAPPING, another mapping has taken the place of this one.
        """
        with transaction(self._engine, f"share {partner}") as connection:
            return runs.begin(
                connection, SHARE, partner, window, Used(mapping, fingerprint, parts or {}), run_key, redeliver
            )

    def resume(self, run_key: str) -> Run:
        """The last attempt under this key, in whatever state.

        Raises:
            Stop: NO_SUCH_RUN.
        """
        with transaction(self._engine, _WHERE) as connection:
            found = runs.latest(connection, run_key)
        if found is None:
            raise Stop("NO_SUCH_RUN", f"run {run_key}", "nothing was begun under this key", "Run the first step first")
        return found

    def run(self, run_id: int) -> Run:
        """The run with this number. Raises Stop NO_SUCH_RUN."""
        with transaction(self._engine, _WHERE) as connection:
            return runs.load(connection, run_id)

    def sealed(self, run: Run) -> Books | None:
        """The books with which the run was sealed, None if it is not; a step done twice has nothing else to do."""
        with transaction(self._engine, run.where) as connection:
            return runs.books_of(connection, run.id)

    def fail(self, run: Run, error: BridgeError, found: Books | None = None) -> None:
        """Mark a running run as failed, with the error's words and the books if they were counted."""
        with transaction(self._engine, run.where) as connection:
            state = connection.scalar(sa.select(run_table.c.state).where(run_table.c.id == run.id).with_for_update())
            if state == "running":
                runs.end(connection, run, "failed", found, runs.note_of(error))

    def last_sealed(self, kind: str, name: str) -> tuple[Run, Books] | None:
        """The newest sealed run (collect or share) of a source or partner, with its books."""
        with transaction(self._engine, f"{kind} {name}") as connection:
            return runs.last_sealed(connection, kind, name)
