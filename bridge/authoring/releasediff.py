"""What differs between two release policies, and how a difference is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.mapping.model import Condition, Release


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Args:
        section: such as map, codes, release, source.
        about: the field, code or option.
        what: in words, with old and new.
        breaking: whether a record that was right may now come out otherwise, be held or withheld, or whether more
            leaves than before.
    """

    section: str
    about: str
    what: str
    breaking: bool


def conditions(when: tuple[Condition, ...]) -> str:
    """Conditions in words."""
    return " and ".join(one.says for one in when)


def text_of(value: Any) -> str:
    """A value of a mapping in words."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {text_of(one)}" for name, one in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(text_of(one) for one in value) or "nothing"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        said = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return " ".join(f"{name} {text_of(one)}" for name, one in said.items() if one not in ("", None, ()))
    return str(value)


def release_differences(old: Release | None, new: Release | None) -> Iterator[Difference]:
    """What may leave otherwise; whatever lets more or less leave is breaking."""
    if old is None or new is None:
        if old is not new:
            yield Difference(
                "release", "", "the policy is gone: nothing leaves" if new is None else "a policy is given", True
            )
        return
    yield from _grounds(old, new)
    yield from _withheld(old, new)


def _grounds(old: Release, new: Release) -> Iterator[Difference]:
    for word in ("partner", "basis", "withdraw"):
        if getattr(old, word) != getattr(new, word):
            yield Difference("release", word, f"{getattr(old, word)} -> {getattr(new, word)}", word == "withdraw")
    for cls in sorted(old.allow.keys() | new.allow.keys()):
        a, b = old.allow.get(cls), new.allow.get(cls)
        if a != b:
            said = f"may now leave: {b}" if a is None else "may no longer leave" if b is None else f"ground {a} -> {b}"
            yield Difference("release", f"allow {cls}", said, a is None or b is None)
    for word in ("cap", "scan"):
        was, now = set(getattr(old, word)), set(getattr(new, word))
        for one in sorted(was ^ now):
            yield Difference("release", word, f"{one} {'may now leave' if one in now else 'may no longer leave'}", True)


def _withheld(old: Release, new: Release) -> Iterator[Difference]:
    rules = [{(one.code, one.says): one.why for one in policy.withhold} for policy in (old, new)]
    for key in sorted(rules[0].keys() | rules[1].keys()):
        if (key in rules[0]) != (key in rules[1]):
            more = "no longer withheld: more leaves" if key in rules[0] else "now withheld"
            yield Difference("release", f"withhold {key[0]}", f"{key[1]}: {more}", True)
        elif rules[0][key] != rules[1][key]:
            yield Difference("release", f"withhold {key[0]}", f"reason: {rules[0][key]} -> {rules[1][key]}", False)
    persons = [conditions(one.nominal.when) if one.nominal else "never" for one in (old, new)]
    if persons[0] != persons[1]:
        yield Difference("release", "nominal", f"persons leave: {persons[0]} -> {persons[1]}", True)
    if dict(old.keep) != dict(new.keep):
        yield Difference("release", "keep", f"{text_of(dict(old.keep))} -> {text_of(dict(new.keep))}", False)
