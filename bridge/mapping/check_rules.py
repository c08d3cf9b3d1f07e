"""Whether each rule can do what it says: its options, its type, whether a required field may stay empty."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bridge.errors import Misconfigured
from bridge.mapping import findings as f
from bridge.mapping.check_fit import STEPS, not_allowed, too_long
from bridge.mapping.codes import read_codes
from bridge.mapping.conform import conform
from bridge.mapping.dates import ISO, PRECISION, START, date_pattern
from bridge.mapping.findings import Finding
from bridge.mapping.functions import read_function
from bridge.mapping.model import ABSENT, Block, Literal, Mapping, Rule
from bridge.mapping.names import Name, find_name, over
from bridge.mapping.rules import Refused
from bridge.shape import Field, Type

_WANTED = {
    Type.DATE: ({Type.DATE}, "a date", "date"),
    Type.DATETIME: ({Type.DATETIME}, "a moment", "datetime"),
    Type.DECIMAL: ({Type.DECIMAL, Type.INTEGER}, "a number", "number"),
    Type.INTEGER: ({Type.DECIMAL, Type.INTEGER}, "a whole number", "number"),
    Type.BOOLEAN: ({Type.BOOLEAN}, "true or false", "codes"),
    Type.LIST: ({Type.LIST}, "a list", "split"),
}
_GIVES = {
    Type.TEXT: "text",
    Type.CODE: "a code",
    Type.DATE: "a date",
    Type.DATETIME: "a moment",
    Type.DECIMAL: "a number",
    Type.INTEGER: "a whole number",
    Type.BOOLEAN: "true or false",
    Type.LIST: "a list",
}
_NO_INPUT = ("const", "index")


def rule_findings(mapping: Mapping) -> Iterator[Finding]:
    """Findings of every rule whose names are all known."""
    blocks = {id(rule): block for block in mapping.spec.blocks for rule in block.rules}
    for list_, each, rule in mapping.spec.rules_of():
        field = mapping.target_field(list_, rule.target)
        if field is None or (over(each) and each not in mapping.source_shape.lists):
            continue
        names = {name: find_name(mapping.source_shape, mapping.spec, each, name) for name in rule.fields}
        known = {name: meant for name, meant in names.items() if meant is not None}
        if len(known) == len(names):
            yield from _Rule(mapping, each, rule, field, blocks.get(id(rule)), known).findings()


class _Rule:
    """One rule with all its names known."""

    def __init__(
        self, mapping: Mapping, each: str, rule: Rule, field: Field, block: Block | None, known: dict[str, Name]
    ) -> None:
        self.mapping = mapping
        self.each = each
        self.rule = rule
        self.field = field
        said = block.when if block is not None else ()
        self.proven = {one.field for one in said if one.values != (ABSENT,)}
        self.inputs = {name: known[name] for name in rule.inputs_read}

    def findings(self) -> Iterator[Finding]:
        bad = list(self.options())
        yield from bad
        if bad:
            return
        yield from self.type()
        yield from self.value()
        yield from self.missing()

    # --- options -------------------------------------------------------------------------------------------------

    def bad(self, what: str, fix: str) -> Finding:
        return f.BadOption(self.mapping.where, self.rule.line, self.field.path, {"what": what, "fix": fix})

    def options(self) -> Iterator[Finding]:
        """Words that contradict one another, or do nothing where they stand."""
        rule = self.rule
        if rule.combine == "" or "+" in rule.combine:
            said = rule.combine.replace("+", " and ") or "nothing"
            yield self.bad(
                f"a rule begins with one word, here is {said}",
                "Say one of from, first_of, concat, const, hash, index, or a fiscal date",
            )
            return
        said_steps = [word for word in STEPS if getattr(rule, word) not in ("", None, ())]
        if rule.combine in _NO_INPUT and said_steps:
            yield self.bad(f"{said_steps[0]} does nothing to {rule.combine}", f"Delete {said_steps[0]}:")
        if rule.fiscal is not None and not (rule.combine == "fiscal" and 1 <= rule.fiscal.starts <= 12):
            yield self.bad("a fiscal date stands alone and starts in month 1 to 12", "Correct date:")
        if rule.combine == "index" and (
            self.each == "" or self.field.type not in (Type.INTEGER, Type.TEXT, Type.DECIMAL)
        ):
            yield self.bad("index counts the entries of a list, into a number", "Use it inside each:, for a number")
        if rule.combine == "const" and len(rule.inputs) > 1 and self.field.type is not Type.LIST:
            yield self.bad("several values stand for one", "Say one value")
        if rule.combine == "concat" and not self.inputs:
            yield self.bad("concat has no field", "Say const:")
        yield from self.formats()
        yield from self.several()

    def formats(self) -> Iterator[Finding]:
        rule = self.rule
        kinds = [word for word in ("number", "date", "datetime", "use") if getattr(rule, word) not in (None, (), "")]
        if len(kinds) > 1:
            yield self.bad(f"{' and '.join(kinds)} cannot both be", "Keep one")
        if rule.unit and (rule.number is None or not rule.codes):
            yield self.bad("a quantity with a unit needs number: and codes:", "Add them")
        if rule.number is not None and rule.number.decimal == rule.number.thousands:
            yield self.bad("one mark cannot be both decimal and between thousands", "Correct number:")
        if len(rule.date) > 1 and (START in rule.date or PRECISION in rule.date):
            yield self.bad("start and precision stand alone", "Correct date:")
        for pattern in (*rule.date, *rule.datetime):
            if pattern in (ISO, START, PRECISION):
                continue
            try:
                date_pattern(pattern, rule.pivot)
            except ValueError as wrong:
                yield self.bad(f"{pattern} is no form of a date: {wrong}", "Write one such as %d/%m/%Y")
        if rule.zone and (not rule.datetime or not _zone(rule.zone)):
            yield self.bad(
                f"zone {rule.zone} is unknown, or stands without datetime:", "Write one such as Europe/Brussels"
            )
        unzoned = [one for one in rule.datetime if one != ISO and "%z" not in one]
        if unzoned and not rule.zone:
            yield self.bad(f"texts of the form {unzoned[0]} name no zone", "Say zone:, such as Europe/Brussels or UTC")
        if rule.unclear and not rule.zone:
            yield self.bad("unclear speaks of the clocks of a zone, and none is named", "Say zone:, or delete unclear:")
        if rule.pivot is not None and not any("%y" in pattern for pattern in (*rule.date, *rule.datetime)):
            yield self.bad("pivot speaks of years of two digits (%y), and there are none", "Delete pivot:")

    def several(self) -> Iterator[Finding]:
        """Fields with several values where one is meant, and the other way about."""
        rule = self.rule
        many = [name for name, meant in self.inputs.items() if meant.many]
        lists = [name for name, meant in self.inputs.items() if meant.field is None]
        if lists:
            yield self.bad(f"{lists[0]} is a list, not a field", "Name a field of it, or fill a list with each:")
        elif many and rule.combine == "concat" and len({self.inputs[name].list or name for name in many}) > 1:
            yield self.bad("concat goes along one list, and its fields belong to several", "Name fields of one list")
        elif many and rule.combine not in ("from", "concat"):
            yield self.bad(
                f"{rule.combine} takes fields with one value, and {many[0]} gives several",
                "Use from: with take: or join:",
            )
        elif many and rule.unit:
            yield self.bad("a unit cannot be given for several quantities", "Use each:")
        elif not many and ((rule.take and rule.split is None) or rule.join is not None):
            yield self.bad("take and join choose among several values, and here is one", "Delete it")
        elif not many and rule.take and self.field.type is Type.LIST:
            yield self.bad("take chooses one of the parts, and the field takes all of them", "Delete take:")
        elif rule.take and rule.join is not None:
            yield self.bad("take and join cannot both be", "Keep one")

    # --- types ---------------------------------------------------------------------------------------------------

    def gives(self) -> Type:
        """The type of what the rule makes."""
        rule = self.rule
        if rule.split is not None and not rule.take:
            return Type.LIST
        if any(meant.many for meant in self.inputs.values()) and not rule.take:
            return Type.LIST if rule.join is None else Type.TEXT
        return self.one()

    def one(self) -> Type:
        """The type of one value: what the last of its steps makes, or else of what it was read from."""
        rule = self.rule
        coded = Type.BOOLEAN if self.field.type is Type.BOOLEAN else Type.CODE
        steps = (
            (rule.codes and not rule.unit, coded),
            (rule.lookup, Type.TEXT),
            (rule.date == (PRECISION,), Type.CODE),
            (rule.date or rule.fiscal, Type.DATE),
            (rule.datetime, Type.DATETIME),
            (rule.use, self.used()),
            (rule.number, Type.DECIMAL),
            (rule.combine == "index", Type.INTEGER),
        )
        made = next((type_ for said, type_ in steps if said), None)
        kinds = {meant.field.type for meant in self.inputs.values() if meant.field is not None}
        if made is not None or rule.combine not in ("from", "first_of") or len(kinds) != 1 or not self.no_literal():
            return made or Type.TEXT
        return Type.TEXT if kinds == {Type.LIST} else kinds.pop()

    def used(self) -> Type:
        """The type that a rule's function gives; where the function is at fault, that is told of itself."""
        try:
            gives = read_function(self.mapping.content, self.rule.use).gives if self.rule.use else Type.TEXT
        except Misconfigured:
            return self.field.type
        return self.field.type if gives is Type.TEXT and self.field.type is Type.CODE else gives

    def no_literal(self) -> bool:
        return not any(isinstance(part, Literal) for part in self.rule.inputs)

    def type(self) -> Iterator[Finding]:
        """Types that do not meet."""
        if self.rule.combine == "const":
            return
        gives, wanted = self.gives(), _WANTED.get(self.field.type)
        said = {"given": self.given(), "gives": _GIVES[gives]}
        if self.rule.date in ((START,), (PRECISION,)) and self.read_types() != {Type.DATE}:
            yield f.TypeClash(
                self.mapping.where,
                self.rule.line,
                self.field.path,
                {**said, "gives": "text", "wants": "a canonical date before start or precision", "word": "date"},
            )
        elif gives is Type.LIST and self.field.type is not Type.LIST:
            kind = f.SeveralValues if self.rule.split is None else f.TypeClash
            yield kind(
                self.mapping.where, self.rule.line, self.field.path, {**said, "wants": "one value", "word": "each"}
            )
        elif wanted is not None and gives not in wanted[0]:
            yield f.TypeClash(
                self.mapping.where, self.rule.line, self.field.path, {**said, "wants": wanted[1], "word": wanted[2]}
            )

    def read_types(self) -> set[Type]:
        return {meant.field.type for meant in self.inputs.values() if meant.field is not None}

    def given(self) -> str:
        return ", ".join(self.inputs) or self.rule.combine

    def value(self) -> Iterator[Finding]:
        """Constants and defaults that the target does not allow."""
        texts = (
            [part.text for part in self.rule.inputs if isinstance(part, Literal)]
            if self.rule.combine == "const"
            else []
        )
        if self.rule.default is not None:
            texts.append(self.rule.default)
        for text in texts:
            kept = conform(self.field)(text)
            if isinstance(kept, Refused):
                yield not_allowed(self.mapping, self.rule, self.field, text, kept)

    # --- required ------------------------------------------------------------------------------------------------

    def missing(self) -> Iterator[Finding]:
        """A required field whose rule may give nothing, and nobody said that such records are held."""
        given, rule = self.may_be_missing(), self.rule
        if given and not rule.hold:
            yield f.MayBeMissing(self.mapping.where, rule.line, self.field.path, {"given": given})
        elif rule.hold and not given and not too_long(self.mapping, self.each, rule, self.field):
            yield self.bad("hold: says why records without a value are held, and none can be", "Delete hold:")

    def may_be_missing(self) -> str:
        """What a required field may find no value in; "" if it always finds one, or need not."""
        rule = self.rule
        if not self.field.required or rule.default is not None or rule.combine in ("const", "index", "hash"):
            return ""
        codes = read_codes(self.mapping.content, rule.codes) if rule.codes and not rule.unit else None
        none = codes is not None and any(row.target is None for rows in codes.rows.values() for row in rows)
        if rule.when:
            return f"{self.given()} when {rule.when[0].says}"
        if not self.surely():
            return self.given()
        return f"a counterpart in codes/{rule.codes}.csv" if none else ""

    def surely(self) -> bool:
        """Whether the schema of the source promises a value."""
        if self.rule.blank:
            return False
        promised = [self.promised(name, meant) for name, meant in self.inputs.items()]
        if self.rule.combine in ("first_of", "concat"):
            return any(promised) or (self.rule.combine == "first_of" and not self.no_literal())
        return all(promised)

    def promised(self, name: str, meant: Name) -> bool:
        if meant.field is None:
            return False
        if name in self.proven or meant.field.path in self.mapping.promised:
            return True
        return meant.field.required and not self.from_list(meant)

    def from_list(self, meant: Name) -> bool:
        """Whether the field belongs to a list that may have no entry here."""
        inside = meant.list and meant.list == over(self.each) and not meant.outer
        scoped = any(one.field == meant.list and one.values != (ABSENT,) for one in self.mapping.spec.scope)
        sure = scoped or self.mapping.source_shape.lists.get(meant.list, False)
        return bool(meant.list) and not inside and not sure


def _zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
