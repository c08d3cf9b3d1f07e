"""Dates and moments of the closed vocabulary: read without leniency, as precise as they were given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from bridge.mapping.rules import VALUE, WHITE, Refused, Step

MONTH_NAMES: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
MONTHS: Final = {
    name: number for number, full in enumerate(MONTH_NAMES, 1) for name in (full, full[:3], f"{number:02}", str(number))
}
"""Number of a month by its English name, its first three letters, or its digits."""
_DIRECTIVES = {
    "%Y": "(?P<Y>[0-9]{4})",
    "%y": "(?P<y>[0-9]{2})",
    "%m": "(?P<m>[0-9]{2})",
    "%-m": "(?P<m>[1-9][0-9]?)",
    "%d": "(?P<d>[0-9]{2})",
    "%-d": "(?P<d>[1-9][0-9]?)",
    "%b": "(?P<m>[A-Za-z]{3})",
    "%B": "(?P<m>[A-Za-z]+)",
    "%H": "(?P<H>[0-9]{2})",
    "%M": "(?P<M>[0-9]{2})",
    "%S": "(?P<S>[0-9]{2})",
    "%f": "(?P<f>[0-9]{1,6})",
    "%z": r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
    "%%": "%",
}
DIRECTIVE: Final = re.compile(r"%-?.")
ISO: Final = "iso"
START: Final = "start"
PRECISION: Final = "precision"
_ISO_DATE = ("%Y-%m-%d", "%Y-%m", "%Y")
_ISO_DATETIME = (
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S.%f%z",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
)


@lru_cache(maxsize=256)
def date_pattern(pattern: str, pivot: int | None = None) -> re.Pattern[str]:
    """The expression that exactly the texts of a strptime pattern match.

    Args:
        pivot: the first of the hundred years that a year of two digits may mean; None if there may be none such.

    Raises:
        ValueError: an unknown directive, one said twice, a year of two digits without a pivot, or a day without its
            month.
    """
    said: list[str] = []

    def directive(found: re.Match[str]) -> str:
        said.append(found[0][-1])
        if found[0] not in _DIRECTIVES:
            raise ValueError(f"{found[0]} is not known")
        if found[0] == "%y" and pivot is None:
            raise ValueError("the year has two digits; say pivot: 1950 if they are 1950 to 2049")
        return _DIRECTIVES[found[0]]

    pieces = DIRECTIVE.split(pattern)
    marks = list(DIRECTIVE.finditer(pattern))
    if any("%" in piece for piece in pieces):
        raise ValueError("a % stands alone")
    built = re.escape(pieces[0]) + "".join(directive(m) + re.escape(p) for m, p in zip(marks, pieces[1:], strict=True))
    names = ["m" if name in "bB" else "Y" if name == "y" else name for name in said if name != "%"]
    if len(set(names)) != len(names):
        raise ValueError("a part of the date is said twice")
    if "Y" not in names or ("d" in names and "m" not in names):
        raise ValueError("the year, or the month of a day, is not said")
    return re.compile(built)


def full_year(digits: str, pivot: int) -> int:
    """The year that two digits mean: the one of the hundred years from ``pivot`` on that ends in them."""
    return pivot + (int(digits) - pivot) % 100


def two_digits(year: str, pivot: int | None) -> str:
    """The last two digits of a year of four.

    Raises:
        ValueError: the year is not one of the hundred from ``pivot`` on, so its digits would mean another.
    """
    if pivot is None or full_year(year[2:], pivot) != int(year):
        raise ValueError(year)
    return year[2:]


def _calendar(match: re.Match[str], pivot: int | None) -> tuple[int, int, int, str] | None:
    """Year, month, day and ISO text with the precision matched; None if there is no such day."""
    parts = match.groupdict()
    year = int(parts["Y"]) if "Y" in parts else full_year(parts["y"], pivot or 0)
    month = MONTHS.get(parts["m"].lower(), 0) if "m" in parts else 1
    try:
        day = date(year, month, int(parts.get("d", 1)))
    except ValueError:
        return None
    text = day.isoformat()[: 10 if "d" in parts else 7 if "m" in parts else 4]
    return day.year, day.month, day.day, text


def date_step(patterns: Sequence[str], pivot: int | None = None) -> Step:
    """``date``: ISO text as precise as the pattern that matches; the first that matches a real day counts.

    ``iso`` stands for ISO dates of any precision. ``pivot`` tells the century of years of two digits.
    """
    compiled = [date_pattern(one, pivot) for given in patterns for one in (_ISO_DATE if given == ISO else (given,))]
    rule = f"date:{'|'.join(patterns)}"
    refused = Refused(
        "BAD_DATE",
        rule,
        f"{VALUE} is no date of the form {' or '.join(patterns)}; correct it at the source, or name its form in date:",
    )

    def step(text: str) -> str | Refused | None:
        bare = text.strip(WHITE)
        for one in compiled:
            match = one.fullmatch(bare)
            found = _calendar(match, pivot) if match else None
            if found:
                return found[3]
        return refused

    return step


_CANONICAL_DATE = date_step((ISO,))


def date_start(text: str) -> str | Refused | None:
    """``date: start``: the first day of a canonical date's day, month or year."""
    checked = _CANONICAL_DATE(text)
    return (
        checked
        if isinstance(checked, Refused) or checked is None
        else f"{checked}-01-01"[:10]
        if len(checked) == 4
        else f"{checked}-01"[:10]
    )


def date_precision(text: str) -> str | Refused | None:
    """``date: precision``: D, M or Y for a canonical date to the day, the month or the year."""
    checked = _CANONICAL_DATE(text)
    return checked if isinstance(checked, Refused) or checked is None else {10: "D", 7: "M", 4: "Y"}[len(checked)]


_FISCAL_YEAR = re.compile(r"(?:FY ?)?([0-9]{4})(?: ?\(FYTD\))?")


def fiscal_month(year: str | None, month: str | None, starts: int) -> str | Refused | None:
    """``date: {fiscal_year:, month:, starts:}``: the calendar month, as 2023-10 for October of fiscal year 2024.

    A fiscal year is called by the calendar year in which it ends; ``2025 (FYTD)``, the year to date, is 2025.
    """
    if year is None:
        return None
    named = _FISCAL_YEAR.fullmatch(year.strip(WHITE))
    number = MONTHS.get((month or "").strip(WHITE).lower())
    if named is None or number is None:
        return Refused("BAD_DATE", "date:fiscal_year", f"{VALUE} is no fiscal year and month; correct it at the source")
    calendar = int(named[1]) - (1 if starts > 1 and number >= starts else 0)
    return f"{calendar:04}-{number:02}"


def datetime_step(patterns: Sequence[str], zone: str, pivot: int | None = None, unclear: str = "") -> Step:
    """``datetime``: the moment in UTC as RFC 3339 with Z. A text without a zone needs ``zone``.

    A local hour that the zone's clocks show twice or never may be either of two moments, one by the offset before the
    clocks are set and one by that after it (PEP 495): ``unclear`` says ``earlier`` or ``later``; without it the text
    is refused, as nobody can tell which it was.
    """
    compiled = [date_pattern(one, pivot) for given in patterns for one in (_ISO_DATETIME if given == ISO else (given,))]
    local = ZoneInfo(zone) if zone else None
    rule = f"datetime:{'|'.join(patterns)}"
    unread = Refused(
        "BAD_DATETIME",
        rule,
        f"{VALUE} is no moment of the form {' or '.join(patterns)}; "
        "correct it at the source, or name its form in datetime:",
    )
    naive = Refused("BAD_DATETIME", rule, f"{VALUE} does not say its zone; say zone: in the mapping")
    undecided = Refused(
        "BAD_DATETIME",
        rule,
        f"the clocks of {zone} show {VALUE} twice or never; "
        "have the source send its zone, or say unclear: earlier or later",
    )

    def step(text: str) -> str | Refused | None:
        bare = text.strip(WHITE)
        match = next((found for one in compiled if (found := one.fullmatch(bare))), None)
        day = _calendar(match, pivot) if match else None
        if match is None or day is None:
            return unread
        parts = match.groupdict(default="0")
        try:
            clock = datetime(
                day[0],
                day[1],
                day[2],
                int(parts.get("H", 0)),
                int(parts.get("M", 0)),
                int(parts.get("S", 0)),
                int(parts.get("f", "0").ljust(6, "0")),
                tzinfo=UTC,
            )
            if "z" in parts:
                return moment_text(clock.replace(tzinfo=_offset(parts["z"])).astimezone(UTC))
            if local is None:
                return naive
            # Of an hour shown once, both are the same moment.
            first, last = sorted(clock.replace(tzinfo=local, fold=fold).astimezone(UTC) for fold in (0, 1))
            if first != last and not unclear:
                return undecided
            return moment_text(last if unclear == "later" else first)
        except (ValueError, OverflowError):
            return unread

    return step


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if minutes > 59:
        raise ValueError(text)
    return timezone((timedelta(hours=hours, minutes=minutes)) * (-1 if text[0] == "-" else 1))


def moment_text(moment: datetime) -> str:
    """An aware moment in UTC as canonical text, without needless zeros after the second."""
    text = moment.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"
