"""What the values of a column are, and what shows it: dates, numbers, codes, identifiers, persons. Nothing is guessed:
where two readings are possible, the evidence is a question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bridge.mapping.dates import date_step
from bridge.mapping.model import Number
from bridge.mapping.rules import Refused, number_step

MOST: Final = 0.9
"""Share of a column's values that must agree for the column to be called so."""
CODES: Final = 60
"""More distinct values than this are no code list."""
_DATE = re.compile(
    r"([0-9]{1,2})([./ -])([0-9]{1,2})\2([0-9]{4})|([0-9]{4})([./-]?)([0-9]{2})\6([0-9]{2})"
    r"|[0-9]{1,2}[ -][A-Za-z]{3}[ -][0-9]{4}|([0-9]{1,2})([./-])([0-9]{1,2})\10([0-9]{2})"
)
_CLOCK = re.compile(r"(.*?)([T ])([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:?[0-9]{2})?")
_GROWN: Final = 18
_SPREAD: Final = 25
_FEW: Final = 10
"""Fewer dates than these show nothing of people's ages."""
_PERSONAL = (
    (re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE), "e-mail addresses"),
    (re.compile(r"\+[0-9][0-9 ()/.-]{7,}"), "telephone numbers"),
)


@dataclass(frozen=True, slots=True)
class Dates:
    """How a column's dates are written.

    Args:
        pattern: for ``date:`` or, if ``moment``, for ``datetime:``; "" if a person must say it.
        says: what shows it, or the question.
    """

    pattern: str
    says: str
    moment: bool = False
    zoned: bool = False
    open: bool = False
    """Whether day and month can be told apart by no value."""
    others: tuple[str, ...] = ()
    """Patterns of the values that are written otherwise: some with a time, some without."""

    @property
    def patterns(self) -> str | list[str]:
        """What ``date:`` says: one pattern, or all in the order in which they are tried."""
        return [self.pattern, *self.others] if self.others else self.pattern


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a column's numbers are written; ``decimal`` is "" if nothing shows whether ``thousands`` stands before
    decimals or between thousands."""

    decimal: str
    thousands: str
    says: str
    whole: bool = False


def dates(values: Sequence[str]) -> Dates | None:
    """How dates are written if nearly all values are some."""
    split = [_CLOCK.fullmatch(value) for value in values]
    timed = sum(one is not None for one in split)
    bare = [one[1] if one else value for one, value in zip(split, values, strict=True)]
    if not values or sum(_DATE.fullmatch(one) is not None for one in bare) < MOST * len(values):
        return None
    found = _day(bare)
    if found.open or not found.pattern:
        return found
    clocks = Counter(_clock(one) for one in split if one)
    # What a few have is dirt, and is held; but day and time may well stand in one column with days alone.
    ways = [found.pattern + clock for clock, count in clocks.most_common() if count > (1 - MOST) * len(values)]
    ways += [found.pattern] if not ways or len(values) - timed > (1 - MOST) * len(values) else []
    step = date_step(tuple(ways))
    fitting = sum(not isinstance(step(value), Refused) for value in values)
    if fitting < MOST * len(values):
        return None  # eight digits need be no date
    says = f"{fitting} of {len(values)} values are dates; {found.says}"
    says += f"; {timed} of them with a time" if len(ways) > 1 else ""
    moment = found.pattern not in ways
    zoned = moment and all("%z" in way for way in ways)
    return Dates(ways[0], says, moment, zoned, others=tuple(ways[1:]))


def _clock(found: re.Match[str]) -> str:
    """The pattern of a time behind a day, with what stands between them."""
    clock = f"{found[2]}%H:%M" + (":%S" if found[4] else "")
    return clock + (".%f" if found[5] else "") + ("%z" if found[6] else "")


def births(values: Sequence[str], found: Dates | None, today: date) -> str:
    """What shows that dates are of births; "" if nothing does: half of them lie longer ago than people are minors, and
    they are spread over more years than a system of cases holds."""
    if found is None or not found.pattern or found.open:
        return ""
    step = date_step((found.pattern, *found.others))
    years = sorted(int(str(day)[:4]) for value in values if not isinstance(day := step(value), Refused))
    if len(years) < _FEW or years[len(years) // 2] > today.year - _GROWN or years[-1] - years[0] < _SPREAD:
        return ""
    return f"half of its dates lie more than {_GROWN} years ago, spread over {years[-1] - years[0]} years, as births"


def _day(values: Sequence[str]) -> Dates:
    sample = Counter(_form(value) for value in values).most_common(1)[0][0]
    if sample.startswith("9999"):
        mark = sample[4] if len(sample) == len("9999-99-99") else ""
        return Dates(f"%Y{mark}%m{mark}%d", "year first")
    if "a" in sample.lower():
        mark = sample[-5]
        return Dates(f"{_part('d', values, 0)}{mark}%b{mark}%Y", "English month names")
    mark = next(char for char in sample if not char.isalnum())
    if len(sample.rpartition(mark)[2]) == 2:
        return Dates("", "years have two digits: which century? Say date: with %y and pivot:, or ask for four digits")
    parts = [value.split(mark)[:2] for value in values if value.count(mark) == 2]
    read = [(int(one), int(other)) for one, other in parts if one.isdigit() and other.isdigit()]
    # What has no month in either place is no date, and says nothing of the others.
    high = [sum(pair[place] > 12 >= pair[1 - place] for pair in read) for place in (0, 1)]
    if high[0] and high[1]:
        return Dates("", f"{high[0]} values can only be day first, {high[1]} only month first: ask the supplier which")
    if not any(high):
        return Dates(mark, f"day or month first? All {len(values)} values can be read both ways", open=True)
    day, month = (0, 1) if high[0] else (1, 0)
    order = {day: _part("d", values, day, mark), month: _part("m", values, month, mark)}
    first = "day" if high[0] else "month"
    return Dates(
        f"{order[0]}{mark}{order[1]}{mark}%Y", f"{first} first, as {max(high)} values have a day above 12 there"
    )


def ordered(mark: str, day_first: bool, says: str, values: Sequence[str]) -> Dates:
    """The dates of a column that does not show its order itself, in the order that something else shows."""
    names = "dm" if day_first else "md"
    pattern = mark.join([*(_part(name, values, place, mark) for place, name in enumerate(names)), "%Y"])
    return Dates(pattern, says)


def _part(name: str, values: Sequence[str], place: int, mark: str = "") -> str:
    """The directive of a day or month: with ``-`` if some are written without a leading zero."""
    parts = [value.split(mark or None)[place] if mark else re.split(r"[ -]", value)[place] for value in values]
    return f"%-{name}" if any(len(part) == 1 for part in parts) else f"%{name}"


def numbers(values: Sequence[str]) -> Numbers | None:
    """How numbers are written if nearly all values are some."""
    found: dict[tuple[str, str], int] = {}
    read: dict[tuple[str, str], list[object]] = {}
    for decimal, thousands in ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (",", "\u00a0"), (".", "'")):
        step = number_step(Number(decimal, thousands))
        read[decimal, thousands] = [step(value) for value in values]
        found[decimal, thousands] = sum(not isinstance(one, Refused) for one in read[decimal, thousands])
    best = max(found.values(), default=0)
    if not values or best < MOST * len(values):
        return None
    if all(re.fullmatch(r"-?[0-9]+", value) for value in values):
        return Numbers(".", "", f"{best} of {len(values)} values are whole numbers", whole=True)
    able = [how for how, count in found.items() if count == best]
    either = Counter(
        "." if "." in value else ","
        for place, value in enumerate(values)
        if len({one for how in able if not isinstance(one := read[how][place], Refused)}) > 1
    )
    if either:
        mark, count = either.most_common(1)[0]
        says = f"does {mark} stand before decimals or between thousands? {count} of {len(values)} values can be read "
        return Numbers("", mark, f"{says}both ways and none shows which")
    decimal, thousands = able[0]
    marked = sum(decimal in value for value in values)
    between = f", {thousands!r} between thousands" if thousands else ""
    said = "comma" if decimal == "," else "point"
    return Numbers(
        decimal, thousands, f"{best} of {len(values)} values are numbers, {marked} with a decimal {said}{between}"
    )


def personal(values: Sequence[str]) -> str:
    """What shows that values are about persons; "" if nothing does."""
    for form, what in _PERSONAL:
        count = sum(form.fullmatch(value) is not None for value in values)
        if values and count >= len(values) / 4:
            return f"{count} of {len(values)} values have the form of {what}"
    return ""


def unique(values: Sequence[str], rows: int) -> bool:
    """Whether every row has a value of its own."""
    return rows > 1 and len(values) == rows == len(set(values))


def numbered(values: Sequence[str]) -> bool:
    """Whether values only count the rows from one number on: the next file would use them again."""
    if len(values) < 3 or not all(value.isascii() and value.isdigit() for value in values):
        return False
    first = int(values[0])
    return [int(value) for value in values] == list(range(first, first + len(values))) and first <= 1


def wordy(values: Sequence[str]) -> bool:
    """Whether values are sentences rather than names or codes."""
    return bool(values) and sum(value.count(" ") >= 4 for value in values) > len(values) / 4


def common_form(values: Iterable[str]) -> str:
    """The form that most values have: A for a letter, a for a small one, 9 for a digit, all else as it is."""
    return Counter(_form(value) for value in values).most_common(1)[0][0]


def _form(value: str) -> str:
    return "".join(
        "9" if char.isdigit() else "A" if char.isupper() else "a" if char.isalpha() else char for char in value
    )
