"""Invented data of any size, and the truth of what must become of it.

CEN files of all fourteen commodity groups with corrections, withdrawals, repeats,
versions out of order and records bad in every declared way; cases that a partner's
own services enter in CIS; and tables saying how each record must end. Everything
follows from the seed: the same call writes the same bytes, and each record is made
when it is written, so memory does not grow with size.
"""

from __future__ import annotations

import csv
import json
import os
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import IO, Final, NamedTuple

from bridge.errors import Misconfigured
from bridge.feed.broken import broken_files
from bridge.feed.load import load_cases
from bridge.feed.partner import COLUMNS, case
from bridge.feed.record import Day, Facts, day_of, render
from bridge.feed.story import ACCEPTED, Event, digest, story
from bridge.feed.truth import FINAL, INPUTS, RECORDS, Expected, Writer, expected

__all__ = ["Expected", "Feed", "expected", "generate", "load_cases"]
_START: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<CEN generated="{}">\n'
_END: Final = "</CEN>\n"


@dataclass(frozen=True, slots=True)
class Feed:
    """Where a feed was written and how much.

    Args:
        cen: drop folder of CEN files; their time of change is their arrival, inside their day.
        cis: one folder a day, with one CSV file for each table of schemas/cis/cis.sql.
        truth: records.parquet, final.parquet, inputs.parquet and canaries.txt.
        records: in sound and bad CEN files that can be read at all.
    """

    cen: Path
    cis: Path
    truth: Path
    files: int
    records: int
    cases: int


@dataclass(slots=True)
class _Plan:
    """What one call asks for, and what is still to come on later days."""

    days: int
    per_day: int
    seed: int
    start: date
    bad_share: float
    files: int
    due: defaultdict[int, list[tuple[Event, int]]]
    births: int = 0
    known: dict[int, Day] = field(default_factory=dict)

    def dates(self, day: int) -> Day:
        """The dates of what is born on a day; stories are short, so only a few days are kept."""
        if day not in self.known:
            self.known[day] = day_of(self.start, day)
            self.known.pop(day - 8, None)
        return self.known[day]


def generate(  # noqa: PLR0913 -- each is one property of the feed
    out_dir: Path,
    days: int,
    per_day: int,
    seed: int = 1,
    start: date = date(2026, 1, 1),
    bad_share: float = 0.02,
    *,
    files_per_day: int = 4,
    cis_per_day: int | None = None,
    bad_files: bool = False,
) -> Feed:
    """Write a feed below ``out_dir``: folders ``cen``, ``cis`` and ``truth``.

    Args:
        out_dir: empty or not there yet.
        days: windows, each one UTC day from ``start`` on.
        per_day: CEN records a day, births and later versions together (a few more if so many are due).
        bad_share: share of new records, 0 to 1, that are bad in one of the ways of story.FAULTS.
        files_per_day: CEN files a day, arriving evenly over it.
        cis_per_day: cases that the partner's own services enter each day; a twentieth of ``per_day`` if None.
        bad_files: whether the first day also brings one file of each kind that is bad as a whole.

    Raises:
        Misconfigured: the folder is not empty, or a number makes no sense.
    """
    if out_dir.exists() and any(out_dir.iterdir()):
        raise Misconfigured("NOT_EMPTY", str(out_dir), "the folder holds files already", "Name an empty folder")
    if days < 1 or per_day < 1 or files_per_day < 1 or not 0 <= bad_share <= 1:
        raise Misconfigured(
            "BAD_OPTION", "feed", "a number makes no sense", "At least 1 day, record and file; share 0 to 1"
        )
    cen, cis, truth = (out_dir / name for name in ("cen", "cis", "truth"))
    for folder in (cen, cis, truth):
        folder.mkdir(parents=True)
    plan = _Plan(days, per_day, seed, start, bad_share, min(files_per_day, per_day), defaultdict(list))
    written, cases = 0, 0
    own = max(1, per_day // 20) if cis_per_day is None else cis_per_day
    with ExitStack() as stack:
        records = stack.enter_context(Writer(truth / "records.parquet", RECORDS))
        final = stack.enter_context(Writer(truth / "final.parquet", FINAL))
        inputs = stack.enter_context(Writer(truth / "inputs.parquet", INPUTS))
        canaries = stack.enter_context((truth / "canaries.txt").open("w", encoding="utf-8"))
        for day in range(days):
            written += _cen_day(plan, day, cen, records, final, inputs)
            _cis_day(plan, day, cis, range(cases, cases + own), records, final, canaries)
            cases += own
        if bad_files:
            _bad_files(plan, cen, inputs)
    asked = {"days": days, "per_day": per_day, "seed": seed, "start": str(start), "bad_share": bad_share}
    (truth / "feed.json").write_text(json.dumps({**asked, "files_per_day": files_per_day, "cis_per_day": own}) + "\n")
    return Feed(cen, cis, truth, sum(1 for _ in cen.iterdir()), written, cases)


def _arrival(plan: _Plan, day: int, number: int, of: int) -> datetime:
    """Arrival of a day's file: evenly over the day, never at its ends."""
    opens = datetime(plan.start.year, plan.start.month, plan.start.day, tzinfo=UTC) + timedelta(days=day)
    return opens + timedelta(seconds=86400 * (number + 1) // (of + 1))


def _stamp(path: Path, moment: datetime) -> None:
    nanoseconds = int(moment.timestamp()) * 1_000_000_000
    os.utime(path, ns=(nanoseconds, nanoseconds))


class _Written(NamedTuple):
    """One record to write: the file of the day, the event, the day it was born; for a new one, all its story."""

    file: int
    event: Event
    born: int
    told: list[Event]


def _events(plan: _Plan, day: int) -> Iterator[_Written]:
    """What is written on a day, in order; puts what follows on later days into the plan."""
    due = deque(plan.due.pop(day, ()))
    later: deque[_Written] = deque()
    last = plan.files - 1
    step = max(2, plan.per_day // (len(due) + 1))
    for slot in range(plan.per_day):
        file = slot * plan.files // plan.per_day
        if due and slot % step == 0:
            event, born = due.popleft()
            yield _Written(file, event, born, [])
        elif later and later[0].file < file and slot % 2:
            yield later.popleft()._replace(file=file)
        else:
            number = plan.births
            plan.births += 1
            told = story(number, digest(plan.seed, number), day, plan.days, file == last, plan.bad_share)
            for event in told[1:]:
                if event.day == day:
                    later.append(_Written(file, event, day, []))
                else:
                    plan.due[event.day].append((event, day))
            yield _Written(file, told[0], day, told)
    yield from (one._replace(file=last) for one in later)
    yield from (_Written(last, event, born, []) for event, born in due)


def _cen_day(plan: _Plan, day: int, folder: Path, records: Writer, final: Writer, inputs: Writer) -> int:
    """The CEN files of one day; the number of records in them."""
    window = plan.start + timedelta(days=day)
    total = 0
    for number, group in groupby(_events(plan, day), key=lambda one: one.file):
        name = f"{window:%Y%m%d}-{number:03d}.xml"
        arrival = _arrival(plan, day, number, plan.files)
        ordinal = 0
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            file.write(_START.format(f"{arrival:%Y-%m-%dT%H:%M:%SZ}"))
            for event, born, told in ((one.event, one.born, one.told) for one in group):
                chance = digest(plan.seed, event.number)
                text, facts = render(event, chance, plan.dates(born))
                file.write(text)
                code, at = (event.fault.code, event.fault.field) if event.fault else (None, None)
                records.add(
                    "cen", window, name, ordinal, facts.ref, event.version, event.cancelled, event.disposition, code, at
                )
                ordinal += 1
                if told:
                    _end(told, facts, chance, plan.dates(born), final)
            file.write(_END)
        _stamp(folder / name, arrival)
        inputs.add(window, name, arrival, ordinal, None)
        total += ordinal
    return total


def _end(told: list[Event], first: Facts, chance: bytes, day: Day, final: Writer) -> None:
    """How a record stands in the end, if any version of it was sound."""
    taken = [event for event in told if event.disposition == ACCEPTED]
    if taken:
        event = max(taken, key=lambda event: event.order)
        facts = first if event is told[0] else render(event, chance, day)[1]
        final.add("cen", facts.ref, event.version, event.cancelled, facts.updated_at, *facts[1:7])


def _cis_day(
    plan: _Plan, day: int, folder: Path, numbers: range, records: Writer, final: Writer, canaries: IO[str]
) -> None:
    """One folder with the rows of the cases entered on one day."""
    window = plan.start + timedelta(days=day)
    today = folder / str(window)
    today.mkdir()
    with ExitStack() as stack:
        tables: dict[str, csv.DictWriter[str]] = {}
        for table, columns in COLUMNS.items():
            file = stack.enter_context((today / f"{table}.csv").open("w", encoding="utf-8", newline=""))
            tables[table] = csv.DictWriter(file, columns, lineterminator="\n")
            tables[table].writeheader()
        for ordinal, number in enumerate(numbers):
            made = case(plan.seed, number, plan.start, day)
            for table, rows in made.rows.items():
                tables[table].writerows(rows)
            canaries.writelines(f"{value}\n" for value in made.canaries)
            records.add("cis", window, str(window), ordinal, made.facts.ref, 1, False, ACCEPTED, None, None)
            facts = made.facts
            final.add("cis", facts.ref, 1, False, facts.updated_at, *facts[1:7])


def _bad_files(plan: _Plan, folder: Path, inputs: Writer) -> None:
    """Files that are bad as a whole, arriving at the end of the first day."""
    broken = broken_files()
    for number, (kind, (problem, content)) in enumerate(broken.items()):
        name = f"{plan.start:%Y%m%d}-bad-{kind}.xml"
        arrival = _arrival(plan, 0, plan.files, plan.files + 1) + timedelta(minutes=number)
        (folder / name).write_bytes(content)
        _stamp(folder / name, arrival)
        inputs.add(plan.start, name, arrival, 0, problem)
