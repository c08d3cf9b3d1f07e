"""What a mapping says, as plain values: rules, conditions, list blocks, release policy.

Every text keeps the line it stands on, so that a finding can name it. Nothing
here looks at data, schemas or files.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bridge.content import Content, Direction
from bridge.mapping.faults import Fault
from bridge.mapping.suggested import Suggestion
from bridge.shape import Field, Sensitivity, Shape

PRESENT: Final = "present"
ABSENT: Final = "absent"
HERE: Final = "."
"""As ``each``: the record itself makes one entry."""
LINES: Final = "lines"
"""As ``each`` of a mapping with ``group_by``: the rows of the record."""
OUTER: Final = "^"
"""Before a name inside ``each``: the field of the record, not of the entry."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A text that stands in a mapping instead of a field."""

    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A field, and the values it must have; ``values`` may be (PRESENT,) or (ABSENT,) by themselves."""

    field: str
    values: tuple[str, ...]
    line: int

    @property
    def says(self) -> str:
        """The condition in words, such as ``Role offender``."""
        return f"{self.field} {'|'.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Number:
    """How a number is written: decimal mark, mark between thousands, and digits after the point to round to."""

    decimal: str = "."
    thousands: str = ""
    round: int | None = None


@dataclass(frozen=True, slots=True)
class Fiscal:
    """A month of a fiscal year that starts in month ``starts``; a year is named by the calendar year it ends in."""

    year: str
    month: str
    starts: int


@dataclass(frozen=True, slots=True)
class Rule:
    """How one target field is made: inputs, then steps in this order, each only where it is said:
    blank, text, split, number with unit, date, datetime or use, codes, lookup, take or join, default.

    Args:
        target: name of the target field below its list.
        inputs: fields read, and literals; several for ``first_of`` and ``concat``.
        combine: ``from``, ``first_of``, ``concat``, ``const``, ``hash``, ``index`` or ``fiscal``.
        date: strptime patterns, or ``iso``, ``start``, ``precision`` alone; empty for none.
        blank: texts that mean there is no value, without outer white space.
        pivot: the first of the hundred years that a year of two digits may mean; None if there are none such.
        unclear: ``earlier`` or ``later`` for a local hour that clocks show twice or never; "" to hold the record.
        use: a function of ``rules/``, as module.name; "" for none.
        take: of several values, ``first``, ``last`` or ``only``; "" if the field gives one value anyhow.
    """

    target: str
    line: int
    combine: str
    inputs: tuple[str | Literal, ...] = ()
    text: tuple[str, ...] = ()
    split: str | None = None
    number: Number | None = None
    unit: str = ""
    date: tuple[str, ...] = ()
    datetime: tuple[str, ...] = ()
    zone: str = ""
    pivot: int | None = None
    unclear: str = ""
    fiscal: Fiscal | None = None
    codes: str = ""
    use: str = ""
    lookup: str = ""
    blank: tuple[str, ...] = ()
    take: str = ""
    join: str | None = None
    start: int = 1
    occurrence: bool = False
    when: tuple[Condition, ...] = ()
    default: str | None = None
    hold: str = ""
    one_way: str = ""

    @property
    def inputs_read(self) -> tuple[str, ...]:
        """Every field by name that the value is made of, as written; a hash over ``*`` names none."""
        read = [one for one in self.inputs if isinstance(one, str) and one != "*"]
        if self.unit:
            read.append(self.unit)
        if self.fiscal:
            read += [self.fiscal.year, self.fiscal.month]
        return tuple(dict.fromkeys(read))

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field by name that this rule reads, conditions included, as written."""
        return tuple(dict.fromkeys([*self.inputs_read, *(condition.field for condition in self.when)]))


@dataclass(frozen=True, slots=True)
class Block:
    """Entries of one target list: one for each entry of a source list, for each row, or for the record.

    Args:
        each: path of the source list, HERE or LINES.
        one_way: why entries that ``when`` leaves out do not come back; "" if it is not said.
    """

    list: str
    line: int
    each: str
    when: tuple[Condition, ...]
    rules: tuple[Rule, ...]
    one_way: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows with the same key are one record; header values that differ hold it, or the first one stands.

    Args:
        twins: whether rows that are the same in every column hold the record, or each is a line of its own.
    """

    key: tuple[str, ...]
    conflict: str
    line: int
    twins: str = "keep"


@dataclass(frozen=True, slots=True)
class Said:
    """Why a field is left out, and where the decision is written down."""

    why: str
    ref: str
    line: int


@dataclass(frozen=True, slots=True)
class Example:
    """A given record and what must come of it: ``then`` values by target path, or a problem ``held``.

    Args:
        given: file beside the mapping.
        set: values put in its place, by source path.
        then: expected canonical text by target path; "" for absent.
        held: code of the expected problem and the path of its field; empty if none is expected.
        out_of_scope: the scope rule expected to leave the record out; "" if none is.
        withheld: the rule of release expected to keep the record from the partner; "" if none is.
        whole: file beside the samples with all that is expected of the record; "" for none.
    """

    name: str
    line: int
    given: str
    set: abc.Mapping[str, str] = field(default_factory=dict)
    then: abc.Mapping[str, str] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    out_of_scope: str = ""
    withheld: str = ""
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """The days on which a version of a mapping holds, both included, as ISO dates; "" for no bound."""

    first: str = ""
    last: str = ""
    line: int = 1

    def __contains__(self, day: str) -> bool:
        return self.first <= day and (not self.last or day <= self.last)


@dataclass(frozen=True, slots=True)
class Withhold:
    """Records that must not leave: the code they are counted by, the conditions, the reason.

    Args:
        unless: AUTHORISED where an authorisation of their supplier lets them leave; "" where none is asked for.
        but: conditions under which they leave all the same, all of which must hold; none where nothing lets them.
    """

    code: str
    when: tuple[Condition, ...]
    why: str
    line: int
    unless: str = ""
    but: tuple[Condition, ...] = ()

    @property
    def looks_at(self) -> tuple[Condition, ...]:
        """All conditions that decide whether it holds."""
        return (*self.when, *self.but)

    @property
    def says(self) -> str:
        """When it holds, in words."""
        lifts = self.unless or " and ".join(one.says for one in self.but)
        return " and ".join(one.says for one in self.when) + (f", unless {lifts}" if lifts else "")


@dataclass(frozen=True, slots=True)
class Release:
    """What a partner may see, and on what ground.

    Args:
        allow: legal ground by class of field; a class not named is not released.
        cap: sensitivities that may leave.
        scan: free-text fields that may leave after a scan for personal data has passed them.
        nominal: conditions under which nominal fields leave; None if they never do.
        withdraw: ``delete`` or ``mark``.
    """

    partner: str
    basis: str
    allow: abc.Mapping[str, str]
    cap: tuple[Sensitivity, ...]
    withhold: tuple[Withhold, ...]
    scan: tuple[str, ...]
    nominal: Withhold | None
    keep: abc.Mapping[str, str]
    withdraw: str
    line: int


@dataclass(frozen=True, slots=True)
class Spec:
    """The rules of a mapping: ``rules`` of the record, ``blocks`` of its lists in the order written."""

    rules: tuple[Rule, ...]
    blocks: tuple[Block, ...]
    ignore: abc.Mapping[str, Said]
    absent: abc.Mapping[str, Said]
    scope: tuple[Condition, ...]
    group: Group | None
    codes_on: str
    examples: tuple[Example, ...]

    def rules_of(self) -> list[tuple[str, str, Rule]]:
        """All rules with the target list they fill and what they go over ("" and "" for the record's own)."""
        own = [("", "", rule) for rule in self.rules]
        return own + [(block.list, block.each, rule) for block in self.blocks for rule in block.rules]


@dataclass(frozen=True, slots=True)
class Mapping:
    """One checked-in mapping file with both its shapes.

    Args:
        system: folder below ``mappings/``.
        fingerprint: sha256, hex, over the file, the code lists it uses and both shapes; changes whenever the
            outcome may change.
        assigned: target fields that no mapping fills (the exchange does).
        plans: how each rule runs; filled by the first forward().
        promised: source fields that are always there, since the exchange fills them.
        faults: what is wrong with the file as a file; check() turns them into findings.
        effective: when the supplier must have produced an input for this version to be the one it is read with.
        drift: what happens when an input has other fields than its schema, by ``new``, ``missing`` and ``retyped``.
        parts: sha256, hex, of every file that decides what is made: this one, its code lists, its schemas.
        suggestions: what a command has proposed and no person confirmed.
    """

    content: Content
    system: str
    direction: Direction
    file: Path
    name: str
    version: str
    owner: str
    status: str
    fingerprint: str
    source_shape: Shape
    target_shape: Shape
    record: str | None
    source: abc.Mapping[str, str]
    target: abc.Mapping[str, str]
    assigned: frozenset[str]
    promised: frozenset[str]
    collect: dict[str, Any] | None
    deliver: dict[str, Any] | None
    release: Release | None
    spec: Spec
    faults: tuple[Fault, ...] = ()
    effective: Period = Period()
    drift: abc.Mapping[str, str] = field(default_factory=dict)
    parts: abc.Mapping[str, str] = field(default_factory=dict)
    suggestions: tuple[Suggestion, ...] = ()
    plans: dict[int, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def where(self) -> str:
        """The file as people name it."""
        return f"mappings/{self.system}/{self.file.name}"

    def target_field(self, list_: str, name: str) -> Field | None:
        """The target field that a rule of this list fills; None if there is none."""
        return self.target_shape.at(list_, name)

    def collect_option(self, name: str) -> str:
        """A text of the ``collect`` section; "" if it is not said."""
        return str((self.collect or {}).get(name, ""))

    @property
    def grouped(self) -> bool:
        """Whether all batches of an input must be put together before forward() sees them: rows are grouped, or an id
        counts how often the same content occurs."""
        rules = [rule for _, _, rule in self.spec.rules_of()]
        return self.spec.group is not None or any(rule.occurrence for rule in rules)
