"""Versions of one mapping side by side: which of them an input is read with, by when its supplier produced it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bridge.content import Content, Direction
from bridge.errors import Misconfigured
from bridge.mapping import findings as f
from bridge.mapping.findings import Finding
from bridge.mapping.model import Mapping, Period
from bridge.mapping.read import load, read_period
from bridge.mapping.yaml import read_yaml

ALWAYS = "9999-12-31"


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions of one mapping, ``collect.yaml`` first.

    Args:
        all: at least one.
    """

    all: tuple[Mapping, ...]

    @property
    def name(self) -> str:
        """What is mapped to what; the same in every version."""
        return self.all[0].name

    @property
    def fingerprint(self) -> str:
        """sha256, hex, over all versions; of a single one its own."""
        if len(self.all) == 1:
            return self.all[0].fingerprint
        return hashlib.sha256("\0".join(sorted(one.fingerprint for one in self.all)).encode()).hexdigest()

    @property
    def parts(self) -> dict[str, str]:
        """sha256, hex, of every file that decides what is made, by its path below the content root."""
        return dict(sorted((file, digest) for one in self.all for file, digest in one.parts.items()))

    def on(self, moment: datetime) -> Mapping:
        """The version that holds on the day of this moment, in UTC.

        Raises:
            Misconfigured: none does.
        """
        day = moment.astimezone(UTC).date().isoformat()
        found = next((one for one in self.all if day in one.effective), None)
        if found is None:
            raise Misconfigured(
                "NO_VERSION",
                self.all[0].where,
                f"no version of {self.name} holds on {day}",
                "Write one beside it, or extend effective: of the one before",
            )
        return found


def load_versions(content: Content, system: str, direction: Direction) -> Versions:
    """Every version of one system's mapping.

    Raises:
        Misconfigured: there is no mapping.
    """
    return Versions(tuple(load(content, system, direction, file) for file in content.versions(system, direction)))


def load_on(content: Content, system: str, direction: Direction, moment: datetime | None = None) -> Mapping:
    """The version that holds at a moment, now if none is given.

    Raises:
        Misconfigured: there is no mapping, or no version of it holds then.
    """
    return load_versions(content, system, direction).on(moment or datetime.now(UTC))


def period_findings(mapping: Mapping) -> Iterator[Finding]:
    """Where this version and its neighbours leave days without a version, or claim days twice."""
    own = mapping.effective
    for word, day in (("from", own.first), ("to", own.last)):
        if day and not _is_day(day):
            yield f.BadOption(
                mapping.where, own.line, "effective", {"what": f"{word}: {day} is no day", "fix": "Write 2026-01-31"}
            )
            return
    if own.last and own.first > own.last:
        said = {"what": "it ends before it begins", "fix": "Correct from: or to:"}
        yield f.BadOption(mapping.where, own.line, "effective", said)
        return
    files = mapping.content.versions(mapping.system, mapping.direction)
    if len(files) == 1:
        return
    others: list[tuple[str, Period]] = []
    for file in files:
        if file == mapping.file:
            continue
        names, _ = read_yaml(file)
        others.append((f"mappings/{mapping.system}/{file.name}", read_period(names)))
        if str(names.get("mapping", "")) != mapping.name:
            what = f"{others[-1][0]} is a version of another mapping"
            yield f.BadOption(
                mapping.where, own.line, "mapping", {"what": what, "fix": "Give all versions in a folder one name"}
            )
    yield from _neighbours(mapping, others)


def _neighbours(mapping: Mapping, others: list[tuple[str, Period]]) -> Iterator[Finding]:
    own = mapping.effective
    for name, other in others:
        if own.first <= (other.last or ALWAYS) and other.first <= (own.last or ALWAYS):
            first = max(own.first, other.first) or "the beginning"
            yield f.PeriodsOverlap(mapping.where, own.line, "effective", {"other": name, "first": first})
    later = [(name, other) for name, other in others if other.first and other.first > (own.last or ALWAYS)]
    if own.last and later:
        after = (date.fromisoformat(own.last) + timedelta(days=1)).isoformat()
        name, following = min(later, key=lambda one: one[1].first)
        if following.first > after and not any(after in other for _, other in others):
            before = (date.fromisoformat(following.first) - timedelta(days=1)).isoformat()
            said = {"first": after, "last": before, "other": name}
            yield f.PeriodsGap(mapping.where, own.line, "effective", said)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
