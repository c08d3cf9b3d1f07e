"""From the outbox to a partner that shares no transaction with us: send, and settle what comes back.

What may have arrived and was not answered for is asked for where the partner can
be asked; else the same bytes go again under the same key, which changes nothing
there a second time. A message that must not leave any more, because its record or
its mapping has changed since, is never sent again: what replaces it takes the
partner to have it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from bridge.connector import HEARD, Answer, Bundling, Sending
from bridge.errors import BridgeError, Misconfigured, TryLater
from bridge.exchange import Exchange, Message, Outcome, Run
from bridge.ledger import Delivery, Effect

SPELL: Final = 60.0
"""Seconds after which answers are made durable, though more could be sent together."""
PATIENCE: Final = 3
"""So many messages in a row without an answer, and the partner is taken to be away."""


def relay(exchange: Exchange, run: Run, target: Sending, tried: set[int], *, nominal: bool) -> None:
    """Send the run's messages, and those that earlier runs left behind, in their order.

    Args:
        tried: numbers of messages that are left to a later run; those that stay open are added.
        nominal: whether the partner may see nominal data, so that its messages are kept apart.

    Raises:
        TryLater, Misconfigured: the partner takes nothing now; what was answered for until then is settled.
    """
    exchange.claim(run, nominal=nominal)
    silent = 0
    while True:
        trouble: BridgeError | None = None
        with exchange.relay(run, tried, nominal=nominal) as taken:
            if not taken.messages and not taken.missed:
                return
            tried |= taken.missed
            until = time.monotonic() + SPELL
            parcels = deque(_together(target, taken.messages))
            while parcels:
                messages = parcels.popleft()
                try:
                    outcomes = _carry(target, messages)
                except (TryLater, Misconfigured) as error:
                    trouble = error
                    break
                if outcomes is None:
                    parcels.extendleft([one] for one in reversed(messages))
                    continue
                taken.outcomes |= outcomes
                tried |= {number for number, outcome in outcomes.items() if outcome.stays}
                silent = silent + 1 if all(map(_unheard, outcomes.values())) else 0
                if silent == PATIENCE:
                    trouble = TryLater(
                        "PARTNER_SILENT",
                        run.where,
                        f"{PATIENCE} times in a row nothing that was sent was answered for",
                        "Look whether its service works; each is asked for, or sent again under the same key",
                    )
                    break
                if time.monotonic() > until:
                    break
        if trouble is not None:
            raise trouble


def _together(target: Sending, messages: Sequence[Message]) -> Iterator[list[Message]]:
    """The messages in their order, each alone or, where the partner takes several at a time, with its neighbours."""
    most = target.bundle if isinstance(target, Bundling) else 1
    waiting: list[Message] = []
    for message in messages:
        sends = message.current and not (message.sent and target.asks)
        if waiting and (not sends or len(waiting) == most):
            yield waiting
            waiting = []
        if sends:
            waiting.append(message)
        else:
            yield [message]
    if waiting:
        yield waiting


def _carry(target: Sending, messages: Sequence[Message]) -> dict[int, Outcome] | None:
    """What becomes of messages that go together, by number; None if the partner wants each of them alone."""
    if len(messages) > 1 and isinstance(target, Bundling):
        answers = target.send_several([(one.key, one.body) for one in messages])
        if answers is None:
            return None
        return {one.number: _told(one, answer) for one, answer in zip(messages, answers, strict=True)}
    return {one.number: _alone(target, one) for one in messages}


def _alone(target: Sending, message: Message) -> Outcome:
    """Ask for the message or send it, whichever is due."""
    if message.sent and target.asks:
        answer = target.ask(message.key)
        if answer is not None:
            return _told(message, answer)
        if not message.current:
            return _dropped(message, arrived=False)
    if message.current:
        return _told(message, target.send(message.key, message.body))
    return _dropped(message, arrived=message.sent, certain=False)


def _unheard(outcome: Outcome) -> bool:
    return outcome.disposition is Delivery.IN_DOUBT and outcome.code not in HEARD


def _told(message: Message, answer: Answer) -> Outcome:
    """What the partner's answer comes to."""
    disposition = Delivery(answer.disposition)
    if disposition is Delivery.IN_DOUBT:
        return Outcome(disposition, code=answer.code, stays=True)
    if disposition is Delivery.UNCHANGED and message.sent:
        disposition = Delivery.DELIVERED  # by us, when no answer came
    if not message.current and (message.newest or disposition is Delivery.HELD):
        # The record is decided anew by the mapping in force; what the partner has of it counts from here.
        return _dropped(message, arrived=disposition is Delivery.DELIVERED)
    effect = None
    if disposition is Delivery.DELIVERED:
        told = message.effect if message.effect is Effect.WITHDRAW else answer.effect or message.effect
        effect = Effect(told)
    return Outcome(disposition, effect, answer.code, answer.receipt, answer.problem)


def _dropped(message: Message, *, arrived: bool, certain: bool = True) -> Outcome:
    """The end of a message that is not sent again; what replaces it goes by whether it has or may have arrived."""
    disposition = Delivery.PENDING if message.newest else Delivery.SUPERSEDED
    if not arrived:
        return Outcome(disposition)
    # What is not certain is taken to be there, in some content: then it is told anew, or taken back once more.
    return Outcome(disposition, holds=not certain or message.effect is not Effect.WITHDRAW, certain=certain)
