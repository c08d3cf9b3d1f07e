"""What people and pages ask of the exchange, and the switches that they set."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from bridge.checkpoint import Checkpoint
from bridge.connector import Window
from bridge.exchange import (
    authorisations,
    books,
    chain,
    documents,
    explain,
    granting,
    held,
    likeness,
    messagekeys,
    nominal,
    outbox,
    partners,
    proof,
    reads,
    runs,
    stamped,
    standing,
    verifying,
)
from bridge.exchange.base import Base
from bridge.exchange.database import transaction
from bridge.exchange.runs import Run
from bridge.ledger import Books

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_WHERE = "exchange"
_SNAPSHOT = "REPEATABLE READ"


class Asked(Base):
    """The part of Exchange that answers what it holds, and what came and went."""

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
    ) -> list[verifying.Flaw]:
        """Seals that no longer hold, oldest first; none if nothing was changed after it was sealed. Changes nothing.

        Args:
            kept: a checkpoint kept outside the exchange, without which whoever has the key could rewrite the chain.
            signer: the public key that must have signed; without it the keys in the chain are trusted.
            contents: also hashes every document anew, which reads all of them, in a session beside.
        """
        with transaction(self._engine, _WHERE, isolation=_SNAPSHOT) as connection:
            connection.exec_driver_sql(documents.READING)
            if not contents:
                return verifying.verify(connection, kept, signer, dict)
            snapshot = connection.scalar(sa.text("SELECT pg_export_snapshot()"))
            with ThreadPoolExecutor(1, "contents") as pool:
                altered = pool.submit(documents.altered_beside, self._engine, _WHERE, str(snapshot))
                return verifying.verify(connection, kept, signer, altered.result)

    def unstamped(self, every: timedelta = timedelta()) -> stamped.Unstamped | None:
        """The newest head if it has no time stamp, and the last one came longer ago than this; else None."""
        with transaction(self._engine, _WHERE) as connection:
            return stamped.due(connection, every)

    def keep_stamp(self, number: int, answer: bytes) -> None:
        """Keep an authority's answer for the head of this seal, once it was judged."""
        with transaction(self._engine, _WHERE) as connection:
            stamped.keep(connection, number, answer)

    def waiting_for_stamps(self) -> stamped.Waiting:
        """The seals that no time stamp covers."""
        with transaction(self._engine, _WHERE) as connection:
            return stamped.waiting(connection)

    def verify_stamps(self, roots: Sequence[Certificate]) -> stamped.Stamps:
        """Whether every time stamp holds by these root certificates; asks nobody, and changes nothing."""
        with transaction(self._engine, _WHERE, isolation=_SNAPSHOT) as connection:
            connection.execute(sa.text("SET TRANSACTION READ ONLY"))
            return stamped.verify(connection, roots)

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

    def collected_from(self) -> set[str]:
        """Sources that a collect was ever begun for."""
        with transaction(self._engine, _WHERE) as connection:
            return set(connection.scalars(sa.text("SELECT DISTINCT name FROM exchange.run WHERE kind = 'collect'")))

    def problem_codes(self) -> set[str]:
        """Codes of all problems that there ever were, in whatever state."""
        with transaction(self._engine, _WHERE) as connection:
            return set(connection.scalars(sa.text("SELECT DISTINCT code FROM exchange.held")))

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

    def message_keys_in_use(self) -> dict[str, int]:
        """How many open messages are under each key, by its id; "" for those in plain."""
        with transaction(self._engine, _WHERE) as connection:
            return messagekeys.in_use(connection)

    def suppliers_of_inputs(self) -> dict[str, str]:
        """The source that each input came from, by the hash of its bytes."""
        with transaction(self._engine, _WHERE) as connection:
            return nominal.suppliers(connection)

    def reencrypt_messages(self) -> int:
        """Bring all open messages under the keys in use of their partners; gives how many were moved."""
        moved = 0
        last: int | None = 0
        while last is not None:
            with transaction(self._engine, _WHERE) as connection:
                some, last = messagekeys.reencrypt(connection, last)
            moved += some
        return moved

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
