"""One batch to a partner: as far as its limits allow, handed over, and what became of each order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from bridge.batch import ROW, Batch
from bridge.connector import Sending, Target
from bridge.errors import Problem, Stop
from bridge.exchange import Exchange, Run, Turn
from bridge.flow.settling import Settling
from bridge.ledger import Delivery
from bridge.mapping import Mapping


class Made(NamedTuple):
    """A batch that is ready for the partner."""

    settling: Settling
    batch: Batch
    problems: list[Problem]


class Handed(NamedTuple):
    """What became of a batch: DISPOSITIONS, PROBLEMS, and MESSAGES where the partner takes them; else the last ordinal
    of what was written down."""

    settled: pa.Table
    refused: pa.Table
    messages: pa.Table | None = None
    upto: int | None = None


class Limits:
    """Orders by kind, added up, and a run that goes beyond the partner's limits stopped unless somebody approved that.

    Args:
        approve: who lets the run pass them; nobody if empty.
    """

    def __init__(self, mapping: Mapping, exchange: Exchange, run: Run, approve: str) -> None:
        self.sums = {"deliveries": 0, "withdrawals": 0}
        self._limits = {what: int(limit) for what, limit in (mapping.deliver or {}).get("limits", {}).items()}
        self._exchange, self._run, self._approve, self._approved = exchange, run, approve, False

    def kept(self, made: Iterator[Made]) -> Iterator[Made]:
        """The same batches, up to the one with which a limit is passed.

        Raises:
            Stop: LIMIT, in place of that one.
        """
        for one in made:
            self.sums["withdrawals"] += one.settling.withdrawals
            self.sums["deliveries"] += len(one.settling.orders) - one.settling.withdrawals
            if not self._approved:
                self._keep()
            yield one

    def _keep(self) -> None:
        for what, count in self.sums.items():
            limit = self._limits.get(what, 0)
            if limit and count > limit:
                if not self._approve:
                    raise Stop(
                        "LIMIT",
                        self._run.where,
                        f"this run would make {count} {what} or more, and deliver.limits allows {limit}",
                        "Look at the books first; if it is right, run it again with --approve and your name",
                    )
                self._exchange.approve(self._run, self._approve, self._limits)
                self._approved = True
                return


def compose(target: Sending, made: Made) -> Handed:
    """Make a batch's messages ready to be kept."""
    settling = made.settling
    bodies = target.compose(made.batch, settling.ordered())
    receipts = dict.fromkeys(bodies, (str(Delivery.PENDING), None))
    return Handed(settling.settled(receipts), settling.problems(made.problems), settling.messages(bodies))


def hand(target: Target, exchange: Exchange, run: Run, turn: Turn, made: Made) -> Handed:
    """Hand a batch over; several threads may, up to the target's lanes.

    What is ordered is written down before, so that whoever comes after a loader that died in between asks the partner
    what it has of it. What another share knows better by then is left to that.
    """
    settling, batch = made.settling, made.batch
    if settling.orders:
        ordinals = [settling.chosen[order[ROW]]["ordinal"] for order in settling.orders]
        if overtaken := exchange.write_down(run, turn, ordinals):
            settling.give_up(overtaken)
            batch = batch.only(pa.array([order[ROW] for order in settling.orders], pa.int64()))
    receipts: dict[int, tuple[str, str | None]] = {}
    if settling.orders:
        answer = target.deliver(batch, settling.ordered())
        rows, effects, proofs = (answer.column(name).to_pylist() for name in answer.schema.names)
        receipts = {row: (effect, proof) for row, effect, proof in zip(rows, effects, proofs, strict=True)}
    upto = settling.chosen[-1]["ordinal"]
    return Handed(settling.settled(receipts), settling.problems(made.problems), upto=upto)
