"""What the exchange knows of seizures that several suppliers reported."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from bridge.exchange import cases, corrections, decisions
from bridge.exchange.base import Base
from bridge.exchange.database import transaction
from bridge.exchange.runs import Run
from bridge.policy import Decided

_WHERE = "exchange"


class Reported(Base):
    """The part of Exchange that concerns several reports of one seizure."""

    def case_pairs(
        self, records: Collection[uuid.UUID] = ()
    ) -> tuple[list[tuple[uuid.UUID, uuid.UUID]], set[uuid.UUID]]:
        """Each report that stands with each later one, and all records that were ever in these cases.

        Args:
            records: only the cases of these; all if empty.
        """
        with transaction(self._engine, _WHERE) as connection:
            return cases.pairs(connection, records)

    def reports(self, records: Collection[uuid.UUID]) -> list[dict[str, Any]]:
        """The plain half of the current version of these records, but of cancelled ones."""
        with transaction(self._engine, _WHERE) as connection:
            return cases.reports(connection, records)

    def later_reports(
        self, partner: str, records: Collection[uuid.UUID]
    ) -> tuple[list[dict[str, Any]], dict[int, Decided]]:
        """The same, with what was decided about each for the partner, by place, but that they are later reports."""
        with transaction(self._engine, f"share {partner}") as connection:
            return decisions.of_reports(connection, partner, records)

    def note_contributions(self, run: Run, rows: Sequence[dict[str, Any]]) -> None:
        """Keep what this share took from later reports: rows of the table ``contribution`` but for the run."""
        with transaction(self._engine, run.where) as connection:
            cases.note(connection, run.id, rows)

    def ask(self, asked: Sequence[corrections.Asked], concerned: Collection[uuid.UUID]) -> None:
        """Put down what suppliers are asked to correct, all there is of the cases of the records concerned."""
        with transaction(self._engine, _WHERE) as connection:
            corrections.ask(connection, asked, concerned)

    def requests(self, *, every: bool = False, limit: int = 1000) -> list[sa.Row[Any]]:
        """Requests for correction that wait for an answer, the oldest first; or all."""
        with transaction(self._engine, _WHERE) as connection:
            return corrections.listed(connection, every=every, limit=limit)

    def request(self, number: int) -> sa.Row[Any]:
        """The request for correction of this number.

        Raises:
            Misconfigured: NO_SUCH_REQUEST.
        """
        with transaction(self._engine, _WHERE) as connection:
            return corrections.one(connection, number)

    def requests_waiting(self) -> int:
        """How many requests for correction wait for an answer."""
        with transaction(self._engine, _WHERE) as connection:
            return corrections.waiting(connection)

    def answer_request(self, number: int, kind: str, by: str, reason: str) -> sa.Row[Any]:
        """What the supplier answers (AMEND, KEEP or HANDOVER), sealed; gives the request as it was.

        Raises:
            Misconfigured: NO_SUCH_REQUEST, REQUEST_SETTLED, NOT_FOREIGN, SAME_PERSON or NO_REASON.
        """
        with transaction(self._engine, _WHERE) as connection:
            return corrections.answer(connection, number, kind, by, reason)
