"""What happens to a record after it is born: corrections, withdrawals, repeats, and what intake must make of each.

A story is a function of the seed and the record's number alone, so millions of
records need no memory of what was written before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

ACCEPTED: Final = "accepted"
UNCHANGED: Final = "unchanged"
SUPERSEDED: Final = "superseded"
HELD: Final = "held"


@dataclass(frozen=True, slots=True)
class Fault:
    """A way in which a record is bad on purpose: what intake must say, and of which field."""

    name: str
    code: str
    field: str


FAULTS: Final = (
    Fault("unknown_country", "UNKNOWN_CODE", "seizure_country"),
    Fault("unknown_unit", "UNKNOWN_CODE", "goods.0.quantity"),
    Fault("missing_country", "MISSING", "seizure_country"),
    Fault("missing_date", "MISSING", "seizure_date"),
    Fault("bad_date", "BAD_DATE", "seizure_date"),
    Fault("future_date", "FUTURE_DATE", "seizure_date"),
    Fault("negative_quantity", "PATTERN", "goods.0.quantity"),
    Fault("malformed_number", "BAD_NUMBER", "goods.0.quantity"),
    Fault("too_long", "TOO_LONG", "summary"),
    Fault("repeated_leaf", "REPEATED", "Country"),
    Fault("unknown_element", "UNKNOWN_ELEMENT", "Colour"),
)
"""Each way of being bad is given to as many records as any other."""
_LAST: Final = 4
"""The version that withdraws a record."""


@dataclass(frozen=True, slots=True)
class Event:
    """One record as it stands in a file.

    Args:
        number: the record's number in the feed, from 0.
        version: from 1; a later version has a later ``updated``.
        day: window in which it arrives, from 0.
        late: not in the file it was born in, but in a later one.
        fault: how it is bad, or None.
        disposition: what intake must make of it if files are taken once, in order of arrival.
    """

    number: int
    version: int
    day: int
    late: bool = False
    cancelled: bool = False
    fault: Fault | None = None
    disposition: str = ACCEPTED

    @property
    def order(self) -> tuple[bool, int]:
        """Place among the versions of one record; the highest is what stands."""
        return self.cancelled, self.version


def digest(seed: int, number: int) -> bytes:
    """64 bytes of chance that belong to this record."""
    return blake2b(number.to_bytes(8, "big"), digest_size=64, key=seed.to_bytes(8, "big", signed=True)).digest()


def story(number: int, chance: bytes, day: int, days: int, last_file: bool, bad_share: float) -> list[Event]:
    """All that arrives of a record born on this day, first in the list what is born.

    Args:
        last_file: no file follows on this day, so what would come later today comes tomorrow.
        bad_share: share of all births, 0 to 1, that are bad in one of the ways of FAULTS.
    """
    if int.from_bytes(chance[56:60], "big") < bad_share * 2**32:
        fault = FAULTS[chance[60] % len(FAULTS)]
        bad = Event(number, 1, day, fault=fault, disposition=HELD)
        if chance[61] < 128 or day + 1 >= days:
            return [bad]
        return [bad, Event(number, 2, day + 1, late=True)]
    turn = chance[62]
    first = Event(number, 1, day)
    if turn >= 32:
        return [first]
    told = (first, *_twist(number, turn, day, day + 1 if last_file else day))
    return judge(event for event in told if event.day < days)


def _twist(number: int, turn: int, day: int, soon: int) -> list[Event]:
    """What follows the first version: one of the courses that records of a live system take.

    Args:
        turn: chance from 0 to 31.
        soon: the first day that has a file after the one the record was born in.
    """
    course: list[tuple[int, int]]  # version and day of arrival
    if turn < 11:  # corrected within three days
        course = [(2, soon + turn % 3)]
    elif turn < 14:  # corrected twice, the second correction arriving first
        course = [(3, day + 1), (2, day + 2)]
    elif turn < 18:  # withdrawn
        course = [(_LAST, day + 1 + turn % 2)]
    elif turn < 20:  # withdrawn, then an older correction: it stays withdrawn
        course = [(_LAST, day + 1), (2, day + 2)]
    elif turn < 26:  # sent again in a later file of the same day
        course = [(1, soon)]
    elif turn < 30:  # sent again the day after
        course = [(1, day + 1)]
    else:  # corrected, then as it was first
        course = [(2, day + 1), (1, day + 2)]
    return [Event(number, version, when, late=True, cancelled=version == _LAST) for version, when in course]


def judge(events: Iterable[Event]) -> list[Event]:
    """The events, in the order given, with the disposition each must get if they arrive by day.

    A version above all before it is accepted, the one that stands is unchanged, a lower one is superseded.
    """
    told = list(events)
    standing = (False, 0)
    verdict: dict[int, str] = {}
    for place in sorted(range(len(told)), key=lambda place: told[place].day):
        event = told[place]
        if event.fault is not None:
            verdict[place] = HELD
        elif event.order > standing:
            verdict[place], standing = ACCEPTED, event.order
        else:
            verdict[place] = UNCHANGED if event.order == standing else SUPERSEDED
    return [replace(event, disposition=verdict[place]) for place, event in enumerate(told)]
