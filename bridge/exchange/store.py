"""The exchange as the flow sees it: every operation one transaction, or a stream of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import sqlalchemy as sa

from bridge import settings
from bridge.checkpoint import Checkpoint
from bridge.connector import Input, Offer, Window
from bridge.errors import BridgeError, Stop
from bridge.exchange import (
    arrivals,
    books,
    chain,
    delivery,
    erasure,
    explain,
    held,
    partners,
    proof,
    runs,
    schema,
    standing,
)
from bridge.exchange.database import connect, transaction
from bridge.exchange.intake import Intake
from bridge.exchange.runs import COLLECT, SHARE, Run, Used
from bridge.exchange.tables import run as run_table
from bridge.ledger import Books

_WHERE = "exchange"
_SNAPSHOT = "REPEATABLE READ"


class Exchange:
    """The store of record versions, runs and deliveries in one PostgreSQL database.

    All methods raise TryLater when the database is away or a lock was not had in time, and no error
    carries a value of a record.

    Args:
        url: postgresql+psycopg://user:password@host:port/database
    """

    def __init__(self, url: str) -> None:
        self._engine = connect(url)

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

    # Runs

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

    # Collect

    def late(self, source: str, offers: Sequence[Offer]) -> list[Offer]:
        """Those offers that arrived in a window which was sealed without them."""
        with transaction(self._engine, f"collect {source}") as connection:
            return arrivals.late(connection, source, offers)

    def former(self, source: str, window: Window, archive: Path | None = None) -> list[Input]:
        """The inputs with which the window was last sealed; none if it is not sealed."""
        with transaction(self._engine, f"collect {source}") as connection:
            return arrivals.former(connection, source, window, archive or settings.archive())

    def register(self, run: Run, one: Input) -> bool:
        """Write an input down; False if another of this run has the same bytes, which are then read once."""
        with transaction(self._engine, run.where) as connection:
            return arrivals.register(connection, run, one)

    def inputs(self, run: Run, archive: Path | None = None) -> list[Input]:
        """The run's inputs, each content once, by arrival and name."""
        with transaction(self._engine, run.where) as connection:
            return arrivals.registered(connection, run, archive or settings.archive())

    def note_read(self, run: Run, sha256: str, rows: int) -> None:
        """Write down how many rows read() gave of an input, for E1 and E2."""
        with transaction(self._engine, run.where) as connection:
            arrivals.note_read(connection, run, sha256, rows)

    def note_judgement(self, run: Run, found: Sequence[Mapping[str, Any]]) -> None:
        """Keep what the window's quality expectations found, whether or not they let it pass."""
        with transaction(self._engine, run.where) as connection:
            arrivals.note_judgement(connection, run, found)

    def stage(self, run: Run, rows: pa.Table) -> int:
        """Put header columns (STAGING) where expectations can query them; gives the number of rows."""
        with transaction(self._engine, run.where) as connection:
            return arrivals.stage(connection, run, rows)

    @contextmanager
    def intake(self, run: Run) -> Iterator[Intake]:
        """One transaction in which the run's window is taken in; seal() must be the last call.

        Leaving without seal(), or by an error, leaves the exchange as it was. Books that do not balance
        mark the run as failed and keep the counts in its row.

        Raises:
            Stop: RUN_OVER, DOUBLE_COUNTED or BOOKS_UNBALANCED.
        """
        taken: Intake | None = None
        try:
            with transaction(self._engine, run.where) as connection:
                taken = Intake(connection, run)
                yield taken
                taken.close()
        except Stop as error:
            if error.code != "RUN_OVER":
                self.fail(run, error, taken.books if taken else None)
            raise

    def erase(self, bridge_id: uuid.UUID, by: str, reason: str) -> Books:
        """Empty every document of a record for good and end it with a tombstone, which shares pass on as a withdrawal.

        A named person does it, for a reason. Done again it changes nothing.

        Raises:
            Misconfigured: NO_SUCH_RECORD.
        """
        one = erasure.request(bridge_id, by, reason)
        with transaction(self._engine, _WHERE) as connection:
            end = erasure.tombstone(connection, bridge_id, one.sha256)
            window = erasure.window(connection)
        run = self.begin_collect(erasure.SOURCE, window, erasure.SOURCE, erasure.SOURCE, f"erasure {uuid.uuid4()}")
        self.register(run, one)
        self.note_read(run, one.sha256, 1)
        with self.intake(run) as intake:
            intake.accept(end)
            intake.scrub(bridge_id)
            return intake.seal()

    # Share

    def select(self, run: Run) -> int:
        """Fix what the share must settle; gives the number of versions that candidates() will stream.

        Raises:
            Stop: PARTNER_SUSPENDED, RUN_OVER.
        """
        with transaction(self._engine, run.where, isolation=_SNAPSHOT) as connection:
            return delivery.select(connection, run)

    def candidates(self, run: Run, *, nominal: bool, size: int = 10_000) -> Iterator[pa.Table]:
        """The selected versions (SELECTED) in a fixed order, each table with at most ``size`` of them; the first with a
        quarter, so that who works on one while the next is read has something to do sooner.

        Args:
            nominal: whether the nominal part of documents is read; only for a partner whose policy allows it.
        """
        after, count = 0, max(1, size // 4)
        while True:
            with transaction(self._engine, run.where) as connection:
                table = delivery.stream(connection, run, after, count, nominal)
            if not table.num_rows:
                return
            after, count = after + count, size
            # Handed over and not kept: who asked decides how long the documents stay in memory.
            given = [table]
            del table
            yield given.pop()

    def settle(self, run: Run, dispositions: pa.Table, problems: pa.Table | None = None) -> int:
        """Write what became of versions (DISPOSITIONS), and of held ones why (PROBLEMS); gives their number."""
        with transaction(self._engine, run.where) as connection:
            return delivery.settle(connection, run, dispositions, problems)

    def finish(self, run: Run) -> Books:
        """Check that every selected version is settled and every accepted one accounted for, and seal the share.

        Raises:
            Stop: BOOKS_UNBALANCED, with the equation, its numbers and the first version concerned.
        """
        with transaction(self._engine, run.where) as connection:
            found = delivery.finish(connection, run)
        try:
            return found.require(run.where)
        except Stop as error:
            self.fail(run, error, found)
            raise

    # State

    def books(
        self,
        source: str | None = None,
        partner: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Books:
        """Books of a source, of a partner, or of all, over sealed windows that touch since <= t < until."""
        with transaction(self._engine, _WHERE, isolation=_SNAPSHOT) as connection:
            return books.books(connection, source, partner, since, until)

    def held(
        self,
        source: str | None = None,
        partner: str | None = None,
        run: int | None = None,
        code: str | None = None,
        state: str | None = "open",
        limit: int = 1000,
    ) -> list[held.HeldProblem]:
        """Problems of held records that match every filter given, oldest first."""
        with transaction(self._engine, _WHERE) as connection:
            return held.held(connection, source, partner, run, code, state, limit)

    def explain(self, bridge_id: uuid.UUID) -> list[explain.Hop]:
        """Everything that happened to one record, oldest first."""
        with transaction(self._engine, _WHERE) as connection:
            return explain.explain(connection, bridge_id)

    def find(self, origin_system: str, origin_record_id: str) -> uuid.UUID | None:
        """The bridge_id of a record, from its identifier at the origin."""
        with transaction(self._engine, _WHERE) as connection:
            return explain.find(connection, origin_system, origin_record_id)

    def gaps(self, source: str) -> list[Window]:
        """Stretches between the source's first and last sealed window that no window covers."""
        with transaction(self._engine, _WHERE) as connection:
            return books.gaps(connection, source)

    def seal(self, run: Run) -> chain.Seal | None:
        """The run's place in the chain of seals, to be kept outside the exchange; None if it is not sealed."""
        with transaction(self._engine, run.where) as connection:
            return chain.seal_of(connection, run.id)

    def checkpoint(self, run_id: int | None = None) -> Checkpoint | None:
        """The signed head of a run, or the newest, to be kept outside the exchange; None if there is none."""
        with transaction(self._engine, _WHERE) as connection:
            return chain.checkpoint(connection, run_id)

    def verify(
        self, kept: Checkpoint | None = None, *, signer: bytes | None = None, contents: bool = True
    ) -> list[chain.Flaw]:
        """Seals that no longer hold, oldest first; none if nothing was changed after it was sealed. Changes nothing.

        Args:
            kept: a checkpoint kept outside the exchange, without which whoever has the key could rewrite the chain.
            signer: the public key that must have signed; without it the keys in the chain are trusted.
            contents: also hashes every document anew, which reads all of them.
        """
        with transaction(self._engine, _WHERE, isolation=_SNAPSHOT) as connection:
            connection.execute(sa.text("SET TRANSACTION READ ONLY"))
            return list(chain.verify(connection, kept, signer, contents))

    def prove(self, bridge_id: uuid.UUID) -> dict[str, Any]:
        """What an outsider needs to check each entry of a record against its signed seal; JSON values, no documents.

        Raises:
            Misconfigured: NO_SUCH_RECORD, or nothing of it was sealed.
        """
        with transaction(self._engine, _WHERE, isolation=_SNAPSHOT) as connection:
            connection.execute(sa.text("SET TRANSACTION READ ONLY"))
            return proof.prove(connection, bridge_id)

    @contextmanager
    def standing(self, partner: str) -> Iterator[tuple[Iterator[tuple[str, bytes]], int, bool]]:
        """What the partner holds by the books (key, hash of what was released; by key), the last run's number, and
        whether a share with it is under way."""
        with transaction(self._engine, f"share {partner}", isolation=_SNAPSHOT) as connection:
            under_way = standing.sharing(connection, partner)
            yield standing.standing(connection, partner), standing.last_run(connection), under_way

    def shared_with(self) -> set[str]:
        """Partners that a share was ever begun for."""
        with transaction(self._engine, _WHERE) as connection:
            return set(connection.scalars(sa.text("SELECT partner FROM exchange.partner")))

    def advance(self, past: int) -> None:
        """Give the next run a higher number than this: after a restore, a partner has seen numbers that we forgot."""
        with transaction(self._engine, _WHERE) as connection:
            standing.advance(connection, past)

    def suspend(self, partner: str, by: str, reason: str) -> None:
        """Stop all deliveries to the partner; a named person, for a reason."""
        with transaction(self._engine, _WHERE) as connection:
            partners.switch(connection, partner, by, reason, True)

    def resume_partner(self, partner: str, by: str, reason: str) -> None:
        """Let deliveries to the partner go again."""
        with transaction(self._engine, _WHERE) as connection:
            partners.switch(connection, partner, by, reason, False)

    def suspension(self, partner: str) -> partners.Suspension | None:
        """The partner's suspension, or None if deliveries may go."""
        with transaction(self._engine, _WHERE) as connection:
            return partners.suspension(connection, partner)

    def purge(self, before: datetime) -> dict[str, int]:
        """Empty the work tables of runs that began before the moment and never ended; gives rows by table."""
        with transaction(self._engine, _WHERE) as connection:
            return runs.purge(connection, before)
