"""The exchange as the flow sees it: every operation one transaction, or a stream of them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
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
    authorisations,
    books,
    chain,
    decisions,
    delivery,
    erasure,
    explain,
    granting,
    held,
    likeness,
    nominal,
    outbox,
    partners,
    proof,
    reads,
    runs,
    schema,
    standing,
)
from bridge.exchange.database import connect, transaction
from bridge.exchange.intake import Intake
from bridge.exchange.lifecycle import Lifecycle
from bridge.exchange.roles import Role
from bridge.exchange.runs import COLLECT, SHARE, Run, Used
from bridge.exchange.tables import run as run_table
from bridge.ledger import Books
from bridge.onward import Authorisation

_WHERE = "exchange"
_SNAPSHOT = "REPEATABLE READ"


class Exchange(Lifecycle):
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

    def erase(self, bridge_id: uuid.UUID, by: str, reason: str, ground: str = "", hashes: Sequence[str] = ()) -> Books:
        """Empty every document of a record for good and end it with a tombstone, which shares pass on as a withdrawal.

        A named person does it, for a reason. Done again it changes nothing but who asked for it.

        Args:
            ground: the legal ground.
            hashes: of the inputs in which the record stands, whose bytes may no longer be kept.

        Raises:
            Misconfigured: NO_SUCH_RECORD.
        """
        one = erasure.request(bridge_id, by, reason, ground)
        made = decisions.Decision(decisions.ERASE, by, reason, bridge_id=bridge_id, ground=ground)
        with transaction(self._engine, _WHERE) as connection:
            end = erasure.tombstone(connection, bridge_id, one.sha256)
            window = erasure.window(connection)
        run = self.begin_collect(erasure.SOURCE, window, erasure.SOURCE, erasure.SOURCE, f"erasure {uuid.uuid4()}")
        self.register(run, one)
        self.note_read(run, one.sha256, 1)
        with self.intake(run) as intake:
            intake.accept(end)
            intake.scrub(made, hashes)
            return intake.seal()

    # Share

    def select(self, run: Run, liftable: Sequence[str] = ()) -> int:
        """Fix what the share must settle; gives the number of versions that candidates() will stream.

        Args:
            liftable: codes of the release rules that a supplier's authorisation lifts.

        Raises:
            Stop: PARTNER_SUSPENDED, RUN_OVER.
        """
        with transaction(self._engine, run.where, isolation=_SNAPSHOT) as connection:
            return delivery.select(connection, run, liftable)

    def approve(self, run: Run, by: str, limits: Mapping[str, int]) -> None:
        """Keep with the run who let it pass the partner's limits, and what it had selected by then; once."""
        with transaction(self._engine, run.where) as connection:
            runs.approve(connection, run, by, limits)

    def authorised(self, run: Run) -> tuple[Authorisation, ...]:
        """What suppliers had authorised for the partner when the share began, by which every try of it decides."""
        with transaction(self._engine, run.where) as connection:
            return authorisations.of_run(connection, run.id)

    def note_authorised(self, run: Run, used: Sequence[tuple[bytes, int, int]]) -> None:
        """Keep which version (bridge id, version) this share lets go under which authorisation."""
        with transaction(self._engine, run.where) as connection:
            authorisations.note(connection, run.id, used)

    def candidates(self, run: Run, *, nominal: bool, outbox: bool = False, size: int = 10_000) -> Iterator[pa.Table]:
        """The selected versions (SELECTED) in a fixed order, each table with at most ``size`` of them; the first with a
        quarter, so that who works on one while the next is read has something to do sooner.

        Args:
            nominal: whether the nominal part of documents is read; only for a partner whose policy allows it.
            outbox: whether to tell which versions the outbox decides.
        """
        after, count = 0, max(1, size // 4)
        while True:
            with transaction(self._engine, run.where) as connection:
                table = delivery.stream(connection, run, after, count, nominal, outbox)
            if not table.num_rows:
                return
            after, count = after + count, size
            # Handed over and not kept: who asked decides how long the documents stay in memory.
            given = [table]
            del table
            yield given.pop()

    def settle(
        self,
        run: Run,
        dispositions: pa.Table,
        problems: pa.Table | None = None,
        messages: pa.Table | None = None,
        *,
        nominal: bool = False,
    ) -> int:
        """Write what became of versions (DISPOSITIONS), and of held ones why (PROBLEMS); gives their number.

        Args:
            messages: MESSAGES of those that are pending, kept for relay().
            nominal: whether the messages may hold nominal data.
        """
        with transaction(self._engine, run.where) as connection:
            count = delivery.settle(connection, run, dispositions, problems)
            if messages is not None:
                outbox.keep(connection, run, messages, nominal=nominal)
            return count

    def claim(self, run: Run) -> None:
        """Make the run answer for the open messages of the versions that it selected, whichever run kept them."""
        with transaction(self._engine, run.where) as connection:
            outbox.claim(connection, run)

    @contextmanager
    def relay(self, run: Run, tried: Collection[int], *, nominal: bool) -> Iterator[outbox.Taken]:
        """The next of the run's messages, but for the numbers in ``tried``, locked while they are sent.

        They are marked as sent before they are handed out, and what the caller says became of them is written when
        it leaves; one of which it says nothing stands again as it stood.
        """
        with transaction(self._engine, run.where) as connection:
            marked = outbox.mark(connection, run, tried)
        with transaction(self._engine, run.where) as connection:
            taken = outbox.hold(connection, run, marked, nominal=nominal)
            yield taken
            outbox.settle(connection, run, taken)

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
        ids: list[int] | None = None,
    ) -> list[held.HeldProblem]:
        """Problems of held records that match every filter given, oldest first."""
        with transaction(self._engine, _WHERE) as connection:
            return held.held(connection, source, partner, run, code, state, limit, ids)

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
    def standing(self, partner: str) -> Iterator[tuple[Iterator[tuple[str, bytes]], int, bool, set[str]]]:
        """What the partner holds by the books (key, hash of what was released; by key), the last run's number,
        whether a share with it is under way, and the keys of records that are in doubt."""
        with transaction(self._engine, f"share {partner}", isolation=_SNAPSHOT) as connection:
            under_way = standing.sharing(connection, partner)
            in_doubt = outbox.in_doubt(connection, partner)
            yield standing.standing(connection, partner), standing.last_run(connection), under_way, in_doubt

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

    def authorise(self, grant: granting.Grant) -> int:
        """Enter a supplier's authorisation of onward transfer, and seal it; gives its number."""
        with transaction(self._engine, _WHERE) as connection:
            return granting.grant(connection, grant)

    def revoke(self, number: int, by: str, reason: str) -> str:
        """Revoke an authorisation, and seal that; gives its partner, whose next share recalls what went under it."""
        with transaction(self._engine, _WHERE) as connection:
            return granting.revoke(connection, number, by, reason)

    def authorisations(self, partner: str | None = None) -> list[sa.Row[Any]]:
        """Every authorisation ever entered for one partner or for all, oldest first, with its state now."""
        with transaction(self._engine, _WHERE) as connection:
            return authorisations.listed(connection, partner)

    def suspension(self, partner: str) -> partners.Suspension | None:
        """The partner's suspension, or None if deliveries may go."""
        with transaction(self._engine, _WHERE) as connection:
            return partners.suspension(connection, partner)

    def purge(self, before: datetime) -> dict[str, int]:
        """Empty the work tables of runs that began before the moment and never ended, and erase the log of reads that
        is over its time; gives rows by table."""
        with transaction(self._engine, _WHERE) as connection:
            return {**runs.purge(connection, before), "nominal_read": reads.erase(connection)}

    def find_duplicates(self) -> int:
        """Compare each record that is new or has changed with those like it; gives the number of pairs newly queued."""
        found, more = 0, True
        while more:  # so that no transaction is as long as the first look at a large exchange
            with transaction(self._engine, _WHERE) as connection:
                queued, more = likeness.find(connection, 20_000)
            found += queued
        return found

    def duplicates(self, *, every: bool = False, limit: int = 1000) -> list[sa.Row[Any]]:
        """Pairs of records that may be one seizure and wait for a decision, the likeliest first; or all pairs."""
        with transaction(self._engine, _WHERE) as connection:
            return likeness.listed(connection, every=every, limit=limit)

    def decide_duplicate(self, number: int, *, same: bool, by: str, reason: str) -> Any:
        """A person's word on a pair, sealed: of one seizure only the first stands as a report; gives the pair."""
        with transaction(self._engine, _WHERE) as connection:
            return likeness.decide(connection, number, same=same, by=by, reason=reason)

    def reads(
        self, since: datetime | None = None, until: datetime | None = None, seed: str = "", limit: int = 1000
    ) -> list[sa.Row[Any]]:
        """Reads of nominal data in since <= t < until, oldest first: the newest, or one in a hundred by a seed."""
        with transaction(self._engine, _WHERE) as connection:
            return reads.listed(connection, since, until, seed, limit)

    def keys_in_use(self) -> dict[str, int]:
        """How many nominal parts are under each key, by its id."""
        with transaction(self._engine, _WHERE) as connection:
            return nominal.keys_in_use(connection)

    def suppliers_of_inputs(self) -> dict[str, str]:
        """The source that each input came from, by the hash of its bytes."""
        with transaction(self._engine, _WHERE) as connection:
            return nominal.suppliers(connection)

    def reencrypt(self) -> int:
        """Bring all nominal parts under the keys in use, some thousands in a transaction; gives their number."""
        moved = 0
        for key in self.keys_in_use():
            while True:
                with transaction(self._engine, _WHERE) as connection:
                    some = nominal.reencrypt(connection, key)
                if not some:
                    break
                moved += some
        return moved
