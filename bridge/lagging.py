"""What sources share that are asked for a window, as tables and services are: the lag, and the window as a name."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.connector import Window
from bridge.errors import Misconfigured, TryLater

_UNITS: Final = {
    "s": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
}
_SPAN: Final = re.compile(r"([0-9]+) *(second|minute|min|hour|day|[smhd])s?")


def lag_of(text: str) -> timedelta:
    """How long after a window's end it can be asked for, such as 5 minutes.

    Raises:
        Misconfigured: BAD_OPTION.
    """
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise Misconfigured(
            "BAD_OPTION", "option lag", f"{text!r} is no span of time", "Write it as 5 minutes or 1 hour"
        )
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def require_over(window: Window, lag: timedelta, where: str, what: str) -> None:
    """Let a window be asked for only when its end lies the lag in the past.

    Args:
        what: may still happen in it.

    Raises:
        TryLater: WINDOW_OPEN.
    """
    ready = window.until + lag
    if datetime.now(UTC) < ready:
        raise TryLater("WINDOW_OPEN", f"{where} {window}", what, f"Take the window after {ready:%Y-%m-%dT%H:%M:%SZ}")


def name_of(window: Window) -> str:
    """The window as an offer's name, to the microsecond."""
    return f"{moment(window.since)}/{moment(window.until)}"


def window_of(name: str) -> Window:
    """The window that name_of() wrote."""
    since, _, until = name.partition("/")
    return Window(datetime.fromisoformat(since), datetime.fromisoformat(until))


def moment(one: datetime) -> str:
    """An aware moment in UTC as RFC 3339 has it, with as many digits as it needs."""
    return one.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
