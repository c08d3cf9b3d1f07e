"""What collecting asks of the exchange and writes to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from bridge import settings
from bridge.connector import Input, Offer, Window
from bridge.errors import Stop
from bridge.exchange import (
    arrivals,
    decisions,
    erasure,
)
from bridge.exchange.base import Base
from bridge.exchange.database import Overlapping, driver, transaction
from bridge.exchange.intake import Intake
from bridge.exchange.runs import Run
from bridge.ledger import Books

_WHERE = "exchange"


class Collected(Base):
    """The part of Exchange that takes records in."""

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
            with transaction(self._engine, run.where) as connection, Overlapping(driver(connection)) as copier:
                taken = Intake(connection, copier, run)
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
