"""What can be wrong with a mapping: one small class a finding, whose docstring is its message.

A finding is a value. All of a mapping's are collected and sorted; none is raised on
first sight. Each message ends with what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as value
from enum import IntEnum
from typing import ClassVar, Final


class Severity(IntEnum):
    """What a finding does: an error keeps the mapping from running, a warning tells that records will be held."""

    ERROR = 0
    WARNING = 1


@dataclass(frozen=True)
class Finding:
    """{what}. {fix}.

    Args:
        file: path below the content root, or as near as is known.
        line: from 1.
        field: path of the field it is about; "" for the file.
        said: what the message speaks of.
    """

    code: ClassVar[str] = ""
    severity: ClassVar[Severity] = Severity.ERROR
    file: str
    line: int
    field: str
    said: Mapping[str, str] = value(default_factory=dict)

    @property
    def message(self) -> str:
        """The sentence for people, ending with what to do."""
        return (type(self).__doc__ or "").format(field=self.field, **self.said).replace("?.", "?")

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code} {self.message}"


class Unaccounted(Finding):
    """{field}: source field neither mapped nor ignored. Map it, or say in ignore: why not."""

    code = "M000"


class UnknownSource(Finding):
    """{field}: no such source field {name}; {near}"""

    code = "M001"


class UnknownTarget(Finding):
    """{field}: no such target field; {near}"""

    code = "M002"


class StaleReason(Finding):
    """{field}: {word}: names no field of {schema}. Delete the line."""

    code = "M003"


class Contradiction(Finding):
    """{field}: said to be {word}, yet it is mapped on line {other}. Delete one of the two."""

    code = "M004"


class Unfilled(Finding):
    """{field}: target field neither mapped nor absent. Map it, or say in absent: why not."""

    code = "M005"


class Assigned(Finding):
    """{field}: no mapping fills this field; the exchange does. Delete the rule."""

    code = "M006"


class TypeClash(Finding):
    """{field}: {given} gives {gives}, {field} wants {wants}. Say {word}:."""

    code = "M010"


class MayBeMissing(Finding):
    """{field}: required, but {given} may be missing. Say default:, or such records will be held."""

    code = "M011"
    severity = Severity.WARNING


class SeveralValues(Finding):
    """{field}: {given} gives several values, {field} takes one. Say take: or join:."""

    code = "M012"


class NeverFilled(Finding):
    """{field}: required, but {why}. Map it, or no record will pass."""

    code = "M013"


class BadOption(Finding):
    """{field}: {what}. {fix}."""

    code = "M014"


class NoRow(Finding):
    """{field}: code {value} of {given} is not in {list}. Add a row, with relation none if it has no counterpart."""

    code = "M020"


class NotAllowed(Finding):
    """{field}: {given}, which {field} does not allow ({why}). Correct it."""

    code = "M021"


class BadRow(Finding):
    """{field}: {what}. {fix}."""

    code = "M022"


class NoList(Finding):
    """{field}: there is no {list}. Write it, or correct the name."""

    code = "M023"


class NoEventDate(Finding):
    """{field}: rows of {list} hold for a time only, and nothing says when the event was. Say codes_on:."""

    code = "M024"


class NoGround(Finding):
    """{field}: {what}."""

    code = "M040"


class MorePersonal(Finding):
    """{field}: {what}."""

    code = "M041"


class AboveCap(Finding):
    """{field}: {what}."""

    code = "M042"


class UnknownInRelease(Finding):
    """{field}: {what}."""

    code = "M043"


class PersonsUnclear(Finding):
    """release: {what}."""

    code = "M044"


class FreeTextStays(Finding):
    """{field}: {what}."""

    code = "M045"


class SpecialCategory(Finding):
    """release: {what}."""

    code = "M046"


class FailedExample(Finding):
    """example "{field}": {what}. Correct the mapping or the example."""

    code = "M060"


class NotYaml(Finding):
    """{what}. {fix}."""

    code = "M100"


class SaidTwice(Finding):
    """{field}: {what}. {fix}."""

    code = "M101"


class Trap(Finding):
    """{field}: {what}. {fix}."""

    code = "M102"


class BadStructure(Finding):
    """{field}: {what}. {fix}."""

    code = "M103"


class NoSchema(Finding):
    """{field}: {what}. {fix}."""

    code = "M104"


FINDINGS: Final = {kind.code: kind for kind in Finding.__subclasses__()}
"""Every kind of finding by its code."""
