"""A partner in the tests, and how the suite delivers to it: in one transaction, or by messages with receipts.

A receipt may come later than the message: what the partner has and not yet answered
for is asked for by a target opened anew, as a later share would, until it is.
"""
# ruff: noqa: S101 - these are tests

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

from bridge.connector import IN_PROGRESS, NOT_ACKNOWLEDGED, RECEIPTS, Answer, Bundling, Sending, Target
from bridge.errors import TryLater
from bridge.shape import Shape
from bridge.testing_target.versions import CANARY, SHAPE, Held, Version, batch, orders

LATER: Final = (IN_PROGRESS, NOT_ACKNOWLEDGED)
"""Codes in doubt by which the partner has the message and will answer."""
PATIENCE: Final = 20.0
"""Seconds within which a partner in the tests answers."""
PAUSE: Final = 0.005
"""Seconds between two questions."""

# Started clean, with the imports done: neither our threads nor our connections are in the process that gets killed.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["bridge.testing_target", "connectors.sql"])


@dataclass
class Partner:
    """A partner in the tests.

    Args:
        module: the connector, such as connectors.sql; a target is made by its ``target`` function.
        held: a full scan of what the partner holds, past the target.
        marks: something that moves whenever a row at the partner is written, such as all xmin; None if it has none.
        halfway: while it is entered, a delivery gets stuck in the middle of its work; None if that cannot be.
    """

    module: str
    connection: str
    options: Mapping[str, Any]
    held: Callable[[], Held]
    marks: Callable[[], Any] | None = None
    halfway: Callable[[], AbstractContextManager[Callable[[], None]]] | None = None
    _shape: Shape = field(default=SHAPE)

    def target(self) -> Target | Sending:
        """A new target, as another process would have it."""
        made: Target | Sending = import_module(self.module).target(self.connection, self.options, self._shape)
        return made

    def deliver(self, *versions: Version, by: Target | Sending | None = None) -> list[str]:
        """Deliver in one batch, by a new target unless one is given; effects in the order given."""
        return deliver(by or self.target(), *versions, anew=self.target)

    def patiently(self, *versions: Version, by: Target | Sending | None = None) -> list[str]:
        """As an orchestrator would: again while the other side is busy, or a killed one's session is cleared away."""
        for _ in range(20):
            with suppress(TryLater):
                return self.deliver(*versions, by=by)
        raise AssertionError("the partner never came back")


def deliver(
    target: Target | Sending, *versions: Version, anew: Callable[[], Target | Sending] | None = None
) -> list[str]:
    """Deliver in one batch; effects in the order given.

    An effect is insert, update or withdraw if the partner says which, else ``delivered``; unchanged; superseded; or
    held, if the partner refuses the record.

    Args:
        anew: opens the target once more, to ask for receipts that come later; without it the same one asks.
    """
    if isinstance(target, Sending):
        return _sent(target, versions, anew or (lambda: target))
    receipts = target.deliver(batch(versions), orders(versions))
    assert receipts.schema == RECEIPTS
    assert sorted(receipts["_row"].to_pylist()) == list(range(len(versions)))
    assert all(receipts["receipt"].to_pylist())
    return [row["effect"] for row in sorted(receipts.to_pylist(), key=lambda row: row["_row"])]


def _sent(target: Sending, versions: Sequence[Version], anew: Callable[[], Target | Sending]) -> list[str]:
    """What the partner says of each version's message; none goes before what went before of its record is answered."""
    messages = target.compose(batch(versions), orders(versions))
    assert sorted(messages) == list(range(len(versions)))
    told: dict[int, Answer] = {}
    for rows in _rounds(versions):
        sent = [(versions[row].idempotency, messages[row]) for row in rows]
        told |= zip(rows, _answered(sent, _answers(target, sent), anew), strict=True)
    answers = [told[row] for row in range(len(versions))]
    assert all(answer.disposition != "in_doubt" for answer in answers)
    assert all(answer.receipt or answer.problem for answer in answers)
    assert CANARY not in repr(answers)
    return [(answer.effect if answer.disposition == "delivered" else None) or answer.disposition for answer in answers]


def _rounds(versions: Sequence[Version]) -> list[list[int]]:
    """Places of the versions in their order, with no record twice in a round."""
    seen = Counter[str]()
    rounds: list[list[int]] = []
    for row, version in enumerate(versions):
        if seen[version.key] == len(rounds):
            rounds.append([])
        rounds[seen[version.key]].append(row)
        seen[version.key] += 1
    return rounds


def _answers(target: Sending, messages: Sequence[tuple[bytes, bytes]]) -> list[Answer]:
    """What the partner says at once: of several messages together where it takes them, else of each alone."""
    most = target.bundle if isinstance(target, Bundling) else 1
    answers: list[Answer] = []
    for begin in range(0, len(messages), most):
        some = messages[begin : begin + most]
        together = target.send_several(some) if isinstance(target, Bundling) and len(some) > 1 else None
        answers += [target.send(*one) for one in some] if together is None else together
    return answers


def _answered(
    messages: Sequence[tuple[bytes, bytes]], answers: list[Answer], anew: Callable[[], Target | Sending]
) -> list[Answer]:
    """The answers once those that come later are there: asked for, or sent again where the partner cannot be asked."""
    until = time.monotonic() + PATIENCE
    while waiting := [place for place, answer in enumerate(answers) if answer.code in LATER]:
        assert time.monotonic() < until, "the partner never answered"
        time.sleep(PAUSE)
        target = anew()
        assert isinstance(target, Sending)
        for place in waiting:
            key, message = messages[place]
            asked = target.ask(key) if target.asks else None
            answers[place] = asked or target.send(key, message)
    return answers


def words(error: BaseException) -> str:
    """All that a handler of the error could print: the trace, and every error that it hangs on."""
    told = ["".join(traceback.format_exception(error))]
    seen: list[BaseException | None] = [error]
    while (last := seen.pop()) is not None:
        told += [str(last), repr(last), repr(last.args)]
        seen += [e for e in (last.__cause__, last.__context__) if e is not None] or [None]
    return "\n".join(told)


def deliver_in_process(partner: tuple[str, str, Mapping[str, Any]], versions: Sequence[Version]) -> None:
    """Deliver to (module, connection, options) in a process of its own, to be killed or frozen."""
    module, connection, options = partner
    deliver(import_module(module).target(connection, options, SHAPE), *versions)
