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
    about: ClassVar[str] = ""
    """What kind of fault it is, in one sentence for the reference page."""
    severity: ClassVar[Severity] = Severity.ERROR
    mended: ClassVar[str] = ""
    """What bridge check --fix does about it; "" if only a person can tell."""
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
    about = "A source field is neither mapped nor ignored."


class UnknownSource(Finding):
    """{field}: no such source field {name}; {near}"""

    code = "M001"
    about = "A name means no source field where it stands."
    mended = "writes the name that is meant, where only one is near enough, no rule uses it and no reason speaks of it"


class UnknownTarget(Finding):
    """{field}: no such target field; {near}"""

    code = "M002"
    about = "A rule or block fills no field of the target."
    mended = "writes the name that is meant, where only one is near enough, no rule uses it and no reason speaks of it"


class StaleReason(Finding):
    """{field}: {word}: names no field of {schema}. {fix}."""

    code = "M003"
    about = "A line of ignore or absent means no field: the schema has changed, or the name is wrong."
    mended = "takes the line out, unless its name is near that of a field that nothing uses"


class Contradiction(Finding):
    """{field}: said to be {word}, yet {used}. {fix}."""

    code = "M004"
    about = "A field is ignored or absent and yet mapped."
    mended = (
        "takes the reason out, if its line names this one field; a line that stands for several fields (list.*) is "
        "written out for those that are left"
    )


class Unfilled(Finding):
    """{field}: target field neither mapped nor absent. Map it, or say in absent: why not."""

    code = "M005"
    about = "A target field is neither mapped nor absent."


class Assigned(Finding):
    """{field}: no mapping fills this field; the exchange does. Delete the rule."""

    code = "M006"
    about = "A rule fills a field that the exchange fills."
    mended = "takes the rule out"


class TypeClash(Finding):
    """{field}: {given} gives {gives}, {field} wants {wants}. Say {word}:."""

    code = "M010"
    about = "A rule gives a type that its target field does not take."


class MayBeMissing(Finding):
    """{field}: required, but {given} may be missing. Say default:, or hold: and why such records are held."""

    code = "M011"
    about = "A required field may find no value in a sound source record, which is then held."
    severity = Severity.WARNING


class SeveralValues(Finding):
    """{field}: {given} gives several values, {field} takes one. Say take: or join:."""

    code = "M012"
    about = "A rule gives several values to a field that takes one."


class NeverFilled(Finding):
    """{field}: required, but {why}. Map it, or no record will pass."""

    code = "M013"
    about = "A required field is never filled."


class BadOption(Finding):
    """{field}: {what}. {fix}."""

    code = "M014"
    about = "The words of a rule contradict one another, or one does nothing where it stands."


class TooLong(Finding):
    """{field}: {given} may have {long} characters, {field} keeps {short}. Say hold: and why longer ones are held."""

    code = "M015"
    about = "The source's schema allows longer texts than the target's, and records with such a text are held."
    severity = Severity.WARNING


class ExampleClash(Finding):
    """{field}: the schema's example of {given}, {example}, does not fit: {why}. Say how it becomes one that does."""

    code = "M016"
    about = "What the source's schema gives as an example of a field is refused by the target's length or pattern."


class NoRow(Finding):
    """{field}: code {value} of {given} is not in {list}. Add a row, with relation none if it has no counterpart."""

    code = "M020"
    about = "A code that the source's schema names has no row in the code list."


class NotAllowed(Finding):
    """{field}: {given}, which {field} does not allow ({why}). Correct it."""

    code = "M021"
    about = "A constant, default or target code is one that the target's schema refuses."


class BadRow(Finding):
    """{field}: {what}. {fix}."""

    code = "M022"
    about = "A row of a code list or look-up is faulty."


class NoList(Finding):
    """{field}: there is no {list}. Write it, or correct the name."""

    code = "M023"
    about = "A code list or look-up does not exist."


class NoEventDate(Finding):
    """{field}: rows of {list} hold for a time only, and nothing says when the event was. Say codes_on:."""

    code = "M024"
    about = "A code list has rows that hold for a time only, and the mapping gives no date of the event."


class PeriodsGap(Finding):
    """{field}: no version holds from {first} to {last}. Extend this one, or begin {other} earlier."""

    code = "M030"
    about = "Between two versions of a mapping are days on which none holds: what was produced then could not be read."


class PeriodsOverlap(Finding):
    """{field}: {other} holds from {first} on too. End one the day before the other begins."""

    code = "M031"
    about = "Two versions of a mapping hold on the same day."


class Irreversible(Finding):
    """{field}: cannot be turned back: {why}. Say one_way: and what is lost, or change the rule."""

    code = "M050"
    about = "A rule or block loses something on the way, and does not say what and why."


class NeedlessOneWay(Finding):
    """{field}: one_way is said, yet nothing is lost on the way. Delete one_way:."""

    code = "M051"
    about = "A rule or block says that it cannot be turned back, and it can."
    mended = "takes one_way: out"


class BadFunction(Finding):
    """{field}: {what}. {fix}."""

    code = "M052"
    about = "A Python function that a rule uses is missing, is not what it must be, or fails one of its examples."


class UnitClash(Finding):
    """{field}: {what}. {fix}."""

    code = "M053"
    about = "A quantity would be converted into a unit of another dimension, by a wrong factor, or away from its unit."


class NoGround(Finding):
    """{field}: {what}."""

    code = "M040"
    about = "A field goes to a partner without a legal ground for its class."


class MorePersonal(Finding):
    """{field}: {what}."""

    code = "M041"
    about = "A field is more personal than the target field that it goes into."
    mended = (
        "gives a source field of which nothing was found out the class of what it fills, as a suggestion that a person "
        "must still confirm"
    )


class AboveCap(Finding):
    """{field}: {what}."""

    code = "M042"
    about = "A field's sensitivity is above the partner's cap."


class UnknownInRelease(Finding):
    """{field}: {what}."""

    code = "M043"
    about = "A release policy names a field that does not exist."


class PersonsUnclear(Finding):
    """release: {what}."""

    code = "M044"
    about = "A release policy does not say whether persons may leave."


class FreeTextStays(Finding):
    """{field}: {what}."""

    code = "M045"
    about = "Free text is mapped for a partner without being scanned, or what is scanned is none."


class SpecialCategory(Finding):
    """release: {what}."""

    code = "M046"
    about = "A release policy would let special categories of data leave."


class NotControlled(Finding):
    """release: {what}."""

    code = "M047"
    about = "A release policy would let records leave whose supplier controls where they go."


class NotAddressed(Finding):
    """release: {what}."""

    code = "M048"
    about = "A release policy would let records leave for a partner whom their supplier has not named as a recipient."


class FailedExample(Finding):
    """example "{field}": {what}. Correct the mapping or the example."""

    code = "M060"
    about = "An example does not come out as it says."
    mended = "writes the whole record that is expected, where its file is missing and nothing else is wrong"


class Unconfirmed(Finding):
    """{field}: suggested and confirmed by nobody: {what}. Look at it; then bridge confirm {system}."""

    code = "M070"
    about = "A rule, reason or class was suggested by a command and no person has confirmed it."


class Unreviewed(Finding):
    """{field}: {what}. Have someone other than its author look at it and run bridge review {system} --as NAME."""

    code = "M080"
    about = "The register of approvals does not have a file of the mapping as it stands; in production it does not run."
    severity = Severity.WARNING


class NotYaml(Finding):
    """{what}. {fix}."""

    code = "M100"
    about = "The file is no YAML."


class SaidTwice(Finding):
    """{field}: {what}. {fix}."""

    code = "M101"
    about = "A name stands twice in one block."


class Trap(Finding):
    """{field}: {what}. {fix}."""

    code = "M102"
    about = "The file uses what YAML has and a mapping has not: anchors, aliases, tags, merge keys."


class BadStructure(Finding):
    """{field}: {what}. {fix}."""

    code = "M103"
    about = "The file has not the structure of a mapping."
    mended = "writes the word that is meant, where one is near enough"


class NoSchema(Finding):
    """{field}: {what}. {fix}."""

    code = "M104"
    about = "A schema that the mapping names cannot be read."


FINDINGS: Final = {kind.code: kind for kind in Finding.__subclasses__()}
"""Every kind of finding by its code."""
