"""What sharing asks of the exchange and writes to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil

import pyarrow as pa

from bridge.errors import Stop
from bridge.exchange import (
    authorisations,
    delivery,
    outbox,
    revisions,
    runs,
    streaming,
    unsettled,
)
from bridge.exchange.base import Base
from bridge.exchange.database import transaction
from bridge.exchange.runs import Run
from bridge.exchange.unsettled import Turn
from bridge.ledger import Books
from bridge.onward import Authorisation

_SNAPSHOT = "REPEATABLE READ"
_LEAST = 2_500
"""Versions that are worth a batch: each costs a tenth of a second of CPU, however few are in it."""


class Shared(Base):
    """The part of Exchange that records leave by."""

    def select(self, run: Run, liftable: Sequence[str] = ()) -> int:
        """Fix what the share must settle; gives the number of versions that candidates() will stream.

        Args:
            liftable: codes of the release rules that a supplier's authorisation lifts.

        Raises:
            Stop: PARTNER_SUSPENDED, RUN_OVER.
        """
        # The lock is had before what is seen is fixed, so that this shows all that others wrote down before.
        with transaction(self._engine, run.where) as lock:
            unsettled.alone(lock, run.name)
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

    def candidates(self, run: Run, *, nominal: bool, outbox: bool = False, size: int = 7_500) -> Iterator[pa.Table]:
        """The selected versions (SELECTED) in a fixed order, each table with at most ``size`` of them.

        Of many, the first has a quarter, so that who works on one while the next is read has something to do sooner.
        Some thousands come in three like parts, so that least is left to be waited for when the last is made.

        Args:
            nominal: whether the nominal part of documents is read; only for a partner whose policy allows it.
            outbox: whether to tell which versions the outbox decides.
        """
        with transaction(self._engine, run.where) as connection:
            selected = streaming.selected(connection, run)
        size = min(size, max(_LEAST, ceil(selected / 3)))
        after, count = 0, max(1, size // 4) if selected > 3 * size else size
        while True:
            with transaction(self._engine, run.where) as connection:
                table = streaming.stream(connection, run, after, count, nominal, outbox)
            if not table.num_rows:
                return
            after, count = after + count, size
            # Handed over and not kept: who asked decides how long the documents stay in memory.
            given = [table]
            del table
            yield given.pop()

    def turn(self, run: Run) -> Turn:
        """What this try of a share knows of, before it reads what it hands over; what an earlier one was handing over
        is remembered."""
        with transaction(self._engine, run.where) as connection:
            unsettled.cross_off(connection, [run.id])
            return unsettled.turn(connection, run.name)

    def write_down(self, run: Run, turn: Turn, ordinals: Sequence[int]) -> set[int]:
        """Write down that these of the selection are about to be handed over; gives those that must not be, because a
        share that has selected since knows of a newer version or decision.

        Raises:
            Stop: RUN_OVER, OLD_MAPPING, OLD_AUTHORISATION.
        """
        with transaction(self._engine, run.where) as connection:
            unsettled.together(connection, run.name)
            runs.require_open(connection, run)
            revisions.require_in_force(connection, run)
            return unsettled.write_down(connection, run.id, run.name, turn, ordinals)

    def settle(
        self,
        run: Run,
        dispositions: pa.Table,
        problems: pa.Table | None = None,
        messages: pa.Table | None = None,
        *,
        nominal: bool = False,
        upto: int | None = None,
    ) -> int:
        """Write what became of versions (DISPOSITIONS), and of held ones why (PROBLEMS); gives their number.

        Args:
            messages: MESSAGES of those that are pending, kept for relay().
            nominal: whether the messages may hold nominal data.
            upto: the last ordinal of the batch, if it was written down before it was handed over.
        """
        with transaction(self._engine, run.where) as connection:
            count = delivery.settle(connection, run, dispositions, problems, upto=upto)
            if messages is not None:
                outbox.keep(connection, run, messages, nominal=nominal)
            return count

    def claim(self, run: Run, *, nominal: bool) -> None:
        """Make the run answer for the open messages of the versions that it selected, whichever run kept them.

        Args:
            nominal: whether they may hold nominal data, so that it is noted which of them the run will read.
        """
        with transaction(self._engine, run.where) as connection:
            outbox.claim(connection, run, nominal=nominal)

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
