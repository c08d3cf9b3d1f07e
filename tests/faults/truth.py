"""What arrives, and what must be true of it: versions out of order, repeats, cancellations, erasures, ties.

Each version carries a mark that travels with the record to the partner, so that a
scan of the partner tells which version it holds without asking the bridge.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from bridge.connector import Window
from bridge.feed.record import day_of, render
from bridge.feed.story import FAULTS, Event, Fault, digest

START: Final = date(2026, 3, 2)
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<CEN generated="{:%Y-%m-%dT%H:%M:%SZ}">\n'
_TAIL: Final = "</CEN>\n"
_STATUS: Final = re.compile(r"<SeizureStatus>\w+</SeizureStatus>")
_REFERENCE: Final = re.compile(r"<NationalReference>[^<]*</NationalReference>")
_LAST: Final = 6
"""The version that cancels. 2 and 4 are corrections, 3 and 5 are such that CIS may not have them."""
_SPOILT: Final = ("seizure_country", "seizure_date", "Colour", "Country")
"""What faults spoil that every record has."""
_ANYWHERE: Final = tuple(fault for fault in FAULTS if fault.field in _SPOILT)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a record as its source wrote it.

    Args:
        twin: another content under the same version time.
        withheld: its status is one that CIS may not have.
        fault: how it is bad on purpose; it must be held.
    """

    number: int
    version: int
    cancelled: bool = False
    twin: bool = False
    withheld: bool = False
    fault: Fault | None = None

    @property
    def order(self) -> tuple[bool, int]:
        """Its place among the record's versions; twins share one, and their content decides."""
        return self.cancelled, self.version

    @property
    def mark(self) -> str:
        """What tells it from every other version, at the partner too."""
        kind = "c" if self.cancelled else "w" if self.withheld else "t" if self.twin else "p"
        return f"N{self.number}.{self.version}{kind}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file as it was dropped: its name and what is in it, in order."""

    name: str
    versions: tuple[Version, ...]


@dataclass(slots=True)
class Truth:
    """All that was sent and asked, and what follows from it. Everything comes from the seed.

    Args:
        sent: files by window.
        erased: numbers of records that a person had erased.
        refs: identifier at the source by number.
        goods: number of goods lines by mark.
    """

    seed: int
    chance: Random = field(init=False)
    sent: dict[int, list[Arrival]] = field(default_factory=dict)
    erased: set[int] = field(default_factory=set)
    refs: dict[int, str] = field(default_factory=dict)
    goods: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)

    def window(self, day: int) -> Window:
        """The window of a day, counted from 0."""
        opens = datetime(START.year, START.month, START.day, tzinfo=UTC) + timedelta(days=day)
        return Window(opens, opens + timedelta(days=1))

    def arrive(self, drop: Path, day: int, records: int, files: int = 2) -> list[Arrival]:
        """Write a window's files: new records, and for those known whatever version comes next or comes again."""
        versions = list(self._choose(records))
        self.chance.shuffle(versions)
        step = -(-len(versions) // files)
        arrivals = []
        for number in range(files):
            name = f"{day:03}-{number}.xml"
            mine = tuple(versions[number * step : (number + 1) * step])
            self._write(drop / name, mine, self.window(day).since + timedelta(hours=1 + number))
            arrivals.append(Arrival(name, mine))
        self.sent[day] = arrivals
        return arrivals

    def erase(self) -> int:
        """Choose a record that a person has erased, known before the newest window; gives its number."""
        known = {
            version.number
            for day, arrivals in self.sent.items()
            if day < max(self.sent)
            for arrival in arrivals
            for version in arrival.versions
            if version.fault is None
        }
        number = self.chance.choice(sorted(known - self.erased))
        self.erased.add(number)
        return number

    def standing(self) -> dict[int, set[Version]]:
        """By record the version that stands, or the twins of which one must; none for a record never sound."""
        tops: dict[int, set[Version]] = {}
        for version in self.every():
            if version.fault is not None:
                continue
            now = next(iter(tops.get(version.number, ())), None)
            if now is None or version.order > now.order:
                tops[version.number] = {version}
            elif version.order == now.order:
                tops[version.number].add(version)
        return tops

    def expected(self) -> dict[str, set[str]]:
        """What the partner must hold and nothing else: by identifier, the mark or the marks of twins."""
        return {
            self.refs[number]: {version.mark for version in tops}
            for number, tops in self.standing().items()
            if number not in self.erased and not any(one.cancelled or one.withheld for one in tops)
        }

    def every(self) -> Iterator[Version]:
        """Each version as often as it was sent."""
        for arrivals in self.sent.values():
            for arrival in arrivals:
                yield from arrival.versions

    def _choose(self, records: int) -> Iterator[Version]:
        known = sorted(self.refs)
        for _ in range(records):
            turn = self.chance.random()
            if not known or turn < 0.45:
                number = self._next()
                yield replace(Version(number, 1), fault=self.chance.choice(_ANYWHERE) if turn < 0.03 else None)
                continue
            number = self.chance.choice(known)
            if turn < 0.75:
                yield Version(number, self.chance.choice((1, 2, 4)))
            elif turn < 0.83:
                yield Version(number, self.chance.choice((2, 4)), twin=True)
            elif turn < 0.92:
                yield Version(number, self.chance.choice((3, 5)), withheld=True)
            else:
                yield Version(number, _LAST, cancelled=True)

    def _next(self) -> int:
        """A number not used yet whose record has the field that carries the mark: the simplified form has none."""
        number = max(self.refs, default=-1) + 1
        while not _REFERENCE.search(self._render(Version(number, 1))):
            del self.refs[number]
            number += 1
        return number

    def _write(self, path: Path, versions: tuple[Version, ...], arrival: datetime) -> None:
        text = _HEAD.format(arrival) + "".join(map(self._text, versions)) + _TAIL
        draft = path.with_name(f".{path.name}")
        draft.write_text(text, encoding="utf-8")
        os.utime(draft, (arrival.timestamp(), arrival.timestamp()))
        draft.rename(path)

    def _render(self, version: Version) -> str:
        event = Event(version.number, version.version, 0, cancelled=version.cancelled, fault=version.fault)
        text, facts = render(event, digest(self.seed, version.number), day_of(START, 0))
        self.refs[version.number] = facts.ref
        self.goods[version.mark] = facts.goods
        return text

    def _text(self, version: Version) -> str:
        text = self._render(version)
        if version.withheld:
            text = _STATUS.sub("<SeizureStatus>RELEASED</SeizureStatus>", text)
        return _REFERENCE.sub(f"<NationalReference>{version.mark}</NationalReference>", text)


def marks_of(expected: Mapping[str, set[str]]) -> set[str]:
    """All marks that may stand at the partner."""
    return {mark for marks in expected.values() for mark in marks}
