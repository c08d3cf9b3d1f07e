"""Which windows a source has between two moments: the same that its scheduled runs have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from croniter import croniter

from bridge.connector import Window
from bridge.errors import Misconfigured


def windows_between(since: datetime, until: datetime, every: str, where: str) -> list[Window]:
    """All windows of a cron expression that lie within since <= t < until, oldest first.

    Both ends must be bounds of a window, because half a window can never be sealed. ``where``
    names the mapping in messages.
    """
    if not croniter.is_valid(every):
        raise Misconfigured(
            "BAD_SCHEDULE",
            where,
            f"{every!r} is no cron expression",
            "Write collect.every as five cron fields, such as '0 0 * * *'.",
        )
    if not since < until:
        raise Misconfigured("EMPTY_RANGE", where, "--since is not before --until", "Give an earlier --since.")
    for name, moment in (("since", since), ("until", until)):
        if not croniter.match(every, moment):
            before, after = _around(moment, every)
            raise Misconfigured(
                "NOT_A_WINDOW",
                where,
                f"--{name} {moment:%Y-%m-%dT%H:%M:%SZ} is no bound of a window of {every!r}",
                f"Use {before:%Y-%m-%dT%H:%M:%SZ} or {after:%Y-%m-%dT%H:%M:%SZ}.",
            )
    return list(_windows(since, until, every))


def latest_window(now: datetime, every: str) -> Window:
    """The last window that has wholly passed at this moment."""
    ticks = croniter(every, now + timedelta(microseconds=1))
    until: datetime = ticks.get_prev(datetime)
    since: datetime = ticks.get_prev(datetime)
    return Window(since, until)


def parse_moment(text: str, where: str) -> datetime:
    """A date (its midnight) or an RFC 3339 moment, in UTC; a moment without zone is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misconfigured(
            "BAD_MOMENT", where, f"{text!r} is no date or date-time", "Write 2026-11-01 or 2026-11-01T06:00:00Z."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _around(moment: datetime, every: str) -> tuple[datetime, datetime]:
    before: datetime = croniter(every, moment).get_prev(datetime)
    after: datetime = croniter(every, moment).get_next(datetime)
    return before, after


def _windows(since: datetime, until: datetime, every: str) -> Iterator[Window]:
    start = since
    for end in croniter(every, since).all_next(datetime):
        if end > until:
            return
        yield Window(start, end)
        start = end
