"""The life of a record after it was held or shared, as the flow sees it: decisions, erasure, and bytes kept."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from bridge.exchange import decisions, erasure, kept, overdue, releasing, retention
from bridge.exchange.base import Base
from bridge.exchange.database import transaction
from bridge.policy import Decided

_WHERE = "exchange"


class Lifecycle(Base):
    """The part of Exchange that concerns single records."""

    # Decisions

    def decided(self, partner: str, chosen: pa.Table) -> dict[int, Decided]:
        """What was decided about versions (SELECTED) beyond the partner's policy, by row of the table."""
        with transaction(self._engine, f"share {partner}") as connection:
            return decisions.standing(connection, partner, chosen)

    def decide(self, made: Sequence[decisions.Decision]) -> list[int]:
        """Make decisions about records and seal them, all or none; gives their numbers.

        Raises:
            Misconfigured: NO_REASON.
        """
        with transaction(self._engine, _WHERE) as connection:
            return decisions.make(connection, made)

    def decisions_about(self, bridge_id: uuid.UUID) -> list[sa.Row[Any]]:
        """All decisions about a record, oldest first."""
        with transaction(self._engine, _WHERE) as connection:
            return decisions.of_record(connection, bridge_id)

    def proposals(self) -> list[sa.Row[Any]]:
        """Proposals to release a text that wait for another person."""
        with transaction(self._engine, _WHERE) as connection:
            return decisions.waiting(connection)

    def propose_release(self, held_id: int, by: str, reason: str) -> int:
        """Propose that a text leave which the scan kept back; gives the number that another person approves.

        Raises:
            Misconfigured: NOT_HELD, NOT_RELEASABLE, RECORD_CHANGED or NO_REASON.
        """
        with transaction(self._engine, _WHERE) as connection:
            return releasing.propose(connection, held_id, by, reason)

    def approve_release(self, proposal_id: int, by: str, reason: str) -> Any:
        """Approve another person's proposal, and give it.

        Raises:
            Misconfigured: NO_PROPOSAL, ALREADY_APPROVED, SAME_PERSON, RECORD_CHANGED, NOT_RELEASABLE or NO_REASON.
            TryLater: CONCURRENT_RUN, somebody else approved it just now.
        """
        with transaction(self._engine, _WHERE) as connection:
            return releasing.approve(connection, proposal_id, by, reason)

    # Retention

    def terms(
        self,
        partner: str,
        years: int,
        extend: int,
        about: str,
        before: datetime,
        record: uuid.UUID | None = None,
    ) -> list[retention.Term]:
        """Records that the partner holds and whose time there is over before the moment, the first to end first.

        Args:
            about: ``all`` or ``personal``: what expires of them; those of which that was decided already are left out.
            record: only this one.
        """
        with transaction(self._engine, _WHERE) as connection:
            return list(retention.terms(connection, partner, years, extend, about, before, record))

    # What partners owe

    def owed(self, partner: str | None = None) -> list[overdue.Owed]:
        """Corrections, withdrawals, erasures, expiries and exonerations that a partner which holds the record has not
        acknowledged, and deliveries that it has not answered for, the oldest first."""
        with transaction(self._engine, _WHERE) as connection:
            return overdue.owed(connection, partner)

    def persons_in(self, bridge_id: uuid.UUID) -> int:
        """How many persons the record's current version has."""
        with transaction(self._engine, _WHERE) as connection:
            return decisions.persons_in(connection, bridge_id)

    # Erasure and bytes as received

    def record(self, bridge_id: uuid.UUID) -> Any:
        """The record's row: origin_system, origin_record_id, version, cancelled, content_hash.

        Raises:
            Misconfigured: NO_SUCH_RECORD.
        """
        with transaction(self._engine, _WHERE) as connection:
            return erasure.record(connection, bridge_id)

    def holders_of(self, bridge_id: uuid.UUID) -> list[str]:
        """Partners that have the record by the books."""
        with transaction(self._engine, _WHERE) as connection:
            return erasure.holders_of(connection, bridge_id)

    def inputs_with(self, bridge_id: uuid.UUID) -> list[sa.Row[Any]]:
        """Inputs (sha256, name, source) of which an entry says that the record stands in them."""
        with transaction(self._engine, _WHERE) as connection:
            return kept.holding(connection, bridge_id)

    def doubtful_inputs(self) -> list[sa.Row[Any]]:
        """Inputs (sha256, name, source, size, arrival, held as a whole) of which no entry can say what records stand in
        them."""
        with transaction(self._engine, _WHERE) as connection:
            return kept.doubtful(connection)

    def archived_inputs(self) -> list[kept.Wanted]:
        """Every input by its hash, and why its bytes may still be wanted."""
        with transaction(self._engine, _WHERE) as connection:
            return kept.wanted(connection)

    def runs_left(self, hashes: Sequence[str]) -> list[sa.Row[Any]]:
        """Runs (name, since, until, run_key) that had these inputs and no longer run."""
        with transaction(self._engine, _WHERE) as connection:
            return kept.left(connection, hashes)

    def lapse(self, gone: Sequence[str]) -> int:
        """Problems in inputs with these hashes can no longer be redriven; gives their number."""
        with transaction(self._engine, _WHERE) as connection:
            return kept.lapse(connection, gone)
