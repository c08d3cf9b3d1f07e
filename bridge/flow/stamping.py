"""Time stamps of seals: had from an authority after a seal stands, and never in its way."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bridge.connector import Stamping
from bridge.content import Content
from bridge.errors import BridgeError, Misconfigured
from bridge.exchange import Exchange
from bridge.stamps import CONNECTION, Authority, BadStamp, authority, judge, request, trusted_roots

CONNECTOR: Final = "rest"
AFTER_RUN: Final = 10
"""Seconds that a run waits for a stamp of its seal; what it does not get, upkeep gets."""
ASKED_FOR: Final = 60
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stamped:
    """A stamp that was had: of which seal, and the moment that it says."""

    number: int
    moment: datetime


def stamp(exchange: Exchange, content: Content) -> Stamped | None:
    """Have the newest head stamped now; None if it is already, or nothing is sealed.

    Raises:
        Misconfigured: NO_CONNECTION, no authority is configured; BAD_STAMP, it answers with something else.
        TryLater: the authority cannot be reached, or grants none now.
    """
    asked = authority()
    if asked is None:
        fix = f"Set BRIDGE_CONN_{CONNECTION.upper()} to https://host/path?roots=FILE of a time-stamping authority"
        raise Misconfigured("NO_CONNECTION", f"connection {CONNECTION}", "no authority is configured", fix)
    return _stamp(exchange, content, asked, timedelta(), ASKED_FOR)


def overdue_after_asking(exchange: Exchange, content: Content, now: datetime) -> list[str]:
    """What is to be said once a stamp was asked for and one is overdue all the same; nothing without an authority."""
    if authority() is None:
        return []
    why = ""
    try:
        stamp(exchange, content)
    except BridgeError as error:
        why = f"; {error}"
    waits = exchange.waiting_for_stamps()
    if not waits.overdue(now):
        return []
    return [f"seal {waits.first} has no time stamp, though sealed at {waits.since:%Y-%m-%d %H:%M}{why}"]


def after_seal(exchange: Exchange, content: Content) -> None:
    """Have the newest head stamped if an authority is configured and it is time; whatever fails is logged and left to
    upkeep, for the seal stands."""
    try:
        asked = authority()
        if asked is not None:
            _stamp(exchange, content, asked, asked.every, AFTER_RUN)
    except BridgeError as error:
        log.warning("a seal waits for its time stamp, which upkeep gets, or bridge stamp: %s", error)


def _stamp(exchange: Exchange, content: Content, asked: Authority, every: timedelta, seconds: int) -> Stamped | None:
    head = exchange.unstamped(every)
    if head is None:
        return None
    roots = trusted_roots(asked.roots)
    service: Stamping = content.connector(CONNECTOR).stamping(asked.connection, seconds)
    wanted = request(head.previous, head.manifest)
    answer = service.ask(wanted.as_bytes())
    try:
        moment = judge(answer, head.head, roots, wanted.nonce)
    except BadStamp as why:
        raise Misconfigured(
            "BAD_STAMP",
            service.where,
            f"the time stamp that it gave {why}; it was not kept",
            f"Compare {asked.roots} with the certificates that the authority publishes, and the address with its own",
        ) from None
    exchange.keep_stamp(head.number, answer)
    return Stamped(head.number, moment)
