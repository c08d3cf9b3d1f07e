"""How a canonical number, date or moment is written by the marks and patterns of a rule: what its steps have read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bridge.mapping.dates import DIRECTIVE, ISO, MONTH_NAMES, two_digits
from bridge.mapping.model import Number, Rule

_CANONICAL_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_ISO_MOMENTS = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z")


def number_texts(text: str, how: Number | None) -> Iterator[str]:
    """A canonical number with the decimal mark of the rule, without marks between thousands."""
    yield text if how is None else text.replace(".", how.decimal)


def date_texts(text: str, rule: Rule) -> Iterator[str]:
    """A canonical date by each pattern that is as precise as the date; a pattern ``iso`` gives the date itself."""
    match = _CANONICAL_DATE.fullmatch(text)
    if match is None:
        return
    year, month, day = match.groups()
    for pattern in rule.date:
        if pattern == ISO:
            yield text
            continue
        parts = {"Y": year, "m": month, "d": day}
        names = {
            "m" if mark[-1] in "bB" else "Y" if mark[-1] == "y" else mark[-1] for mark in DIRECTIVE.findall(pattern)
        }
        if names & set("Ymd") == {name for name, part in parts.items() if part is not None}:
            yield from _filled(pattern, parts, rule.pivot)


def moment_texts(text: str, rule: Rule) -> Iterator[str]:
    """A canonical moment by each pattern: in UTC if the pattern has an offset, else by the clocks of ``zone``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return
    for pattern in (form for said in rule.datetime for form in (_ISO_MOMENTS if said == ISO else (said,))):
        local = moment.astimezone(UTC if "%z" in pattern or not rule.zone else ZoneInfo(rule.zone))
        parts = {
            "Y": f"{local.year:04}",
            "m": f"{local.month:02}",
            "d": f"{local.day:02}",
            "H": f"{local.hour:02}",
            "M": f"{local.minute:02}",
            "S": f"{local.second:02}",
            "f": f"{local.microsecond:06}".rstrip("0") or "0",
            "z": "Z",
        }
        yield from _filled(pattern, parts, rule.pivot)


def fiscal_texts(text: str, starts: int) -> Iterator[tuple[str, str]]:
    """The fiscal year and the ways to write the month, of a date that is a calendar month."""
    match = _CANONICAL_DATE.fullmatch(text)
    if match is None or match[2] is None or match[3] is not None:
        return
    month = int(match[2])
    year = f"{int(match[1]) + (1 if starts > 1 and month >= starts else 0):04}"
    full = MONTH_NAMES[month - 1]
    for name in (full[:3].upper(), full[:3].title(), full.title(), full.upper(), match[2], str(month), full):
        yield year, name


def _filled(pattern: str, parts: Mapping[str, str | None], pivot: int | None) -> Iterator[str]:
    """The pattern with its directives filled in; nothing if a part is missing or cannot be said by it."""

    def fill(mark: re.Match[str]) -> str:
        word = mark[0]
        if word == "%%":
            return "%"
        if word in ("%b", "%B"):
            name = MONTH_NAMES[int(parts["m"] or "0") - 1].title()
            return name[:3] if word == "%b" else name
        if word == "%y":
            return two_digits(parts["Y"] or "", pivot)
        part = parts.get(word[-1])
        if part is None:
            raise ValueError(word)
        return str(int(part)) if word.startswith("%-") else part

    try:
        yield DIRECTIVE.sub(fill, pattern)
    except ValueError:
        return
