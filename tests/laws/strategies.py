"""Hypothesis strategies made from schemas: records as a source may send them, or as a target may hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from hypothesis import strategies as st

from bridge.mapping import Mapping as Map
from bridge.mapping.back import Reverse
from bridge.mapping.codes import read_codes, read_lookup
from bridge.mapping.conform import conform, schema_pattern
from bridge.mapping.inverse import Way
from bridge.mapping.model import HERE, Literal, Rule
from bridge.mapping.names import find_name
from bridge.mapping.plan import Plan, mapping_plans
from bridge.mapping.rules import WHITE, Refused
from bridge.mapping.written import date_texts, fiscal_texts, moment_texts, number_texts
from bridge.shape import Field, Shape, Type

Record = dict[str, Any]
Fits = Callable[[Field, Any], bool]

LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs"))
WORDS = st.one_of(
    st.sampled_from(["x", "Ärmel", "O'Brien; Sons", "a, b", "12.50", "A:B", "Straße 5/7", "İstanbul", "-", "0"]),
    st.text(LETTERS, min_size=1, max_size=12),
)
DAYS = st.dates().map(lambda day: f"{max(day.year, 1000):04}-{day.month:02}-{min(day.day, 28):02}")
MOMENTS = st.datetimes().map(lambda at: f"{max(at.year, 1000):04}-{at.month:02}-{min(at.day, 28):02}T{at:%H:%M:%S}Z")
NUMBERS = st.one_of(
    st.integers(1, 10**6).map(str),
    st.decimals("0.001", 10**9, places=3).map(lambda one: f"{one.normalize():f}"),
    st.sampled_from(["0", "0.5", "1", "99.99", "-3"]),
)


class Records(list[Record]):
    """Records that Hypothesis does not write out: fifty of two hundred fields take it minutes, and help nobody."""

    def __repr__(self) -> str:
        return f"<{len(self)} records>"


class Material:
    """What one example is made of: some values of each kind, from which records are put together by a seed."""

    def __init__(self, draw: Any, patterns: Iterable[str]) -> None:
        self.words = draw(st.lists(WORDS, min_size=3, max_size=6))
        self.days = draw(st.lists(DAYS, min_size=3, max_size=4))
        self.moments = draw(st.lists(MOMENTS, min_size=2, max_size=3))
        self.numbers = draw(st.lists(NUMBERS, min_size=4, max_size=6))
        self.patterned = {one: [draw(_like(one)), draw(_like(one))] for one in patterns}
        self.chance = Random(draw(st.integers(0, 2**32)))

    def values(self, field: Field) -> list[str]:
        """Texts that the schema lets a field hold, the longest it takes among them."""
        if field.codes:
            return list(field.codes)
        dates = [day[:length] for day in self.days for length in (10, 7, 4)]
        found = {
            Type.DATE: dates,
            Type.DATETIME: self.moments,
            Type.DECIMAL: [*self.numbers, *("1", "12.5")],
            Type.INTEGER: [*(one for one in self.numbers if "." not in one), "1"],
            Type.BOOLEAN: ["true", "false"],
        }.get(field.type)
        if found is None:
            found = self.patterned.get(field.pattern, [*self.words, " ".join(self.words)])
            if field.max_length is not None and not field.pattern:
                longest = (found[0] * field.max_length)[: field.max_length]
                found = [*(one[: field.max_length] for one in found), longest]
        return [one for one in found if one.strip(WHITE) and _holds(field, one)]


def _like(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(schema_pattern(pattern), alphabet=st.characters(min_codepoint=32, max_codepoint=126))


def _holds(field: Field, text: str) -> bool:
    return not isinstance(conform(field)(text), Refused)


def patterns(shape: Shape) -> list[str]:
    """The patterns of fields that only a pattern describes."""
    kinds = (Type.TEXT, Type.CODE, Type.LIST)
    return sorted({one.pattern for one in shape if one.pattern and not one.codes and one.type in kinds})


@st.composite
def source_records(draw: Any, mapping: Map, count: int) -> Records:
    """Records by the source's schema, with values that every rule which reads one alone can take."""
    shape = mapping.source_shape
    material = Material(draw, patterns(shape))
    rules = _readers(mapping)

    def choices(field: Field) -> list[str]:
        plain = material.values(field)
        said = [text for plan in rules.get(field.path, ()) for text in _written(mapping, plan, field, material)]
        said = [one for one in said if _holds(field, one)]
        good = [
            one for one in [*said, *([] if said else plain)] if all(_takes(p, one) for p in rules.get(field.path, ()))
        ]
        return sorted(set(good)) if field.codes or len(good) > 1 else good

    values = {field.path: choices(field) for field in shape}
    needed = _needed(mapping)
    if mapping.spec.group is not None:
        return Records(
            row for number in range(count // 2) for row in _rows(mapping, material.chance, values, needed, number)
        )
    sizes = _sizes(mapping)
    made = [_record(shape, material.chance, values, needed, sizes) for _ in range(count)]
    return Records(_repaired(mapping, one) for one in made)


def _readers(mapping: Map) -> dict[str, list[Plan]]:
    """By source path the rules that begin with that field and no other."""
    found: dict[str, list[Plan]] = {}
    plans = mapping_plans(mapping)
    for _, each, rule in mapping.spec.rules_of():
        for name in dict.fromkeys([*(one for one in rule.inputs if isinstance(one, str)), *rule.inputs_read]):
            meant = find_name(mapping.source_shape, mapping.spec, each, name) if name != "*" else None
            if meant is not None and meant.field is not None:
                found.setdefault(meant.field.path, []).append(plans[id(rule)])
    return found


def _needed(mapping: Map) -> set[str]:
    """Source fields, by path, without which a record is held, or out of scope."""
    found = set(mapping.promised)
    for list_, each, rule in mapping.spec.rules_of():
        field = mapping.target_field(list_, rule.target)
        if field is None or not field.required or rule.default is not None:
            continue
        for name in rule.inputs_read:
            meant = find_name(mapping.source_shape, mapping.spec, each, name)
            if meant is not None and meant.field is not None:
                found.add(meant.field.path)
    return found


def _sizes(mapping: Map) -> dict[str, tuple[int, ...]]:
    """How many entries a source list may have for the record to be taken: one if only one is, some if some must be."""
    found: dict[str, tuple[int, ...]] = {}
    for path, required in mapping.target_shape.lists.items():
        for block in mapping.spec.blocks:
            if block.list == path and required and block.each in mapping.source_shape.lists:
                found[block.each] = (1, 2)
    for condition in mapping.spec.scope:
        if condition.field in mapping.source_shape.lists:
            found[condition.field] = (1, 2)
    for rule in mapping.spec.rules:
        for name in rule.inputs_read if rule.take == "only" else ():
            meant = find_name(mapping.source_shape, mapping.spec, "", name)
            if meant is not None and meant.list:
                found[meant.list] = (1,)
    return found


def _rows(mapping: Map, chance: Random, values: Mapping[str, list[Any]], needed: set[str], number: int) -> list[Record]:
    """The rows of one grouped record, which agree in what a record has once."""
    fields = mapping.source_shape.table()
    own = [one.fields for one in mapping.spec.rules]
    own += [(*one.fields, *(when.field for when in block.when)) for block, one in _of_the_record(mapping)]
    once = {name.removeprefix("^") for names in own for name in names} | {one.field for one in mapping.spec.scope}
    keys = mapping.spec.group.key if mapping.spec.group is not None else ()
    head = _entry(fields, chance, values, needed) | {key: str(number + 1) for key in keys}
    lines = [_entry(fields, chance, values, needed) for _ in range(chance.choice((1, 1, 2, 3)))]
    keep = once | set(keys)
    return [_repaired(mapping, line | {name: head[name] for name in keep}) for line in lines]


def _of_the_record(mapping: Map) -> list[tuple[Any, Any]]:
    return [(block, rule) for block in mapping.spec.blocks if block.each == HERE for rule in block.rules]


def _written(mapping: Map, plan: Plan, field: Field, material: Material) -> list[str]:  # noqa: PLR0911 -- one a word
    """Texts as a rule reads them: codes of its list, dates by its patterns, numbers with its marks."""
    rule = plan.rule
    content = mapping.content
    if rule.codes and not rule.unit:
        codes = read_codes(content, rule.codes)
        known = sorted(codes.rows) if codes is not None else []
        some = material.chance.sample(known, min(len(known), 12))
        if rule.split is None:
            # Codes without a counterpart are few, and much is lost by them.
            return some + [one for one in known if codes is not None and codes.rows[one][0].target is None][:2]
        return [rule.split.join(some[at : at + 2]) for at in range(0, len(some), 2)]
    if rule.lookup:
        table = read_lookup(content, rule.lookup)
        return sorted(table.values) if table is not None else []
    if rule.fiscal is not None:
        if field.name != rule.fiscal.year:
            return []
        return [year for day in material.days for year, _ in fiscal_texts(day[:7], rule.fiscal.starts)]
    if rule.datetime:
        return [text for at in material.moments for text in moment_texts(at, rule)]
    if rule.date and rule.combine != "concat" and rule.date not in (("start",), ("precision",)):
        return [text for day in material.days for length in (10, 7, 4) for text in date_texts(day[:length], rule)]
    if rule.number is not None:
        return [text for one in material.numbers for text in number_texts(one, rule.number)]
    if rule.split is not None:
        inner = plan.field
        return [rule.split.join(material.chance.choices(some, k=2)) for some in [material.values(inner)] if some]
    return []


def _takes(plan: Plan, text: str) -> bool:
    """Whether a rule that reads only this field makes something of a text, or leaves it for another to judge."""
    rule = plan.rule
    if rule.combine not in ("from", "first_of") or text in rule.blank:
        return True
    if rule.unit:
        return True
    value = plan.make(text, None)
    return not isinstance(value, Refused) and not (value is None and plan.field.required)


def _record(
    shape: Shape,
    chance: Random,
    values: Mapping[str, list[Any]],
    needed: set[str],
    sizes: Mapping[str, tuple[int, ...]],
) -> Record:
    made = _entry(shape.table(), chance, values, needed)
    for path, required in shape.lists.items():
        size = chance.choice(sizes.get(path, (1, 2) if required else (0, 1, 1, 2, 3)))
        made[path] = [_entry(shape.table(path), chance, values, needed) for _ in range(size)]
    return made


def _entry(fields: Iterable[Field], chance: Random, values: Mapping[str, list[Any]], needed: set[str]) -> Record:
    made: Record = {}
    for field in fields:
        some = values[field.path]
        if not some or (not field.required and field.path not in needed and chance.random() < 0.3):
            made[field.name] = None
        elif field.type is Type.LIST:
            made[field.name] = [chance.choice(some) for _ in range(chance.choice((1, 2, 3)))]
        else:
            made[field.name] = chance.choice(some)
    return made


def _repaired(mapping: Map, record: Record) -> Record:
    """The record with what stands beside each other agreeing: no precision that a date does not bear out, no quantity
    without a unit."""
    plans = mapping_plans(mapping)
    for _, each, rule in mapping.spec.rules_of():
        plan = plans[id(rule)]
        if rule.combine not in ("concat", "fiscal") and not rule.unit:
            continue
        for entry in record.get(each, ()) if each in mapping.source_shape.lists else [record]:
            _agree(plan, entry)
        outside = {str(name).rpartition(".")[0] for name in rule.inputs_read} & set(mapping.source_shape.lists)
        for path in outside if each == "" else ():
            for entry in record[path]:
                _agree(plan, entry, f"{path}.")
    return record


def _agree(plan: Plan, entry: Record, prefix: str = "") -> None:
    rule = plan.rule
    names = [one.removeprefix(prefix) for one in rule.inputs_read]
    if any(name not in entry for name in names):
        return
    if rule.unit and plan.quantity is not None:
        quantity, unit = (entry[name.removeprefix(prefix)] for name in (str(rule.inputs[0]), rule.unit))
        if quantity is not None and isinstance(plan.quantity(quantity, unit, None), Refused):
            entry[rule.unit], entry[str(rule.inputs[0])] = None, None
    elif rule.date and rule.combine == "concat":
        parts = [entry[name] for name in names]
        mark = next((part.text for part in rule.inputs if isinstance(part, Literal)), "")
        if None not in parts and isinstance(plan.make(mark.join(parts), None), Refused):
            entry[names[-1]] = None
        if parts[0] is None:
            entry[names[-1]] = None


@st.composite
def target_records(draw: Any, reverse: Reverse, count: int) -> Records:
    """Records by the target's schema, with values and entries that some rule and block of the mapping can have made."""
    mapping = reverse.mapping
    shape = mapping.target_shape
    material = Material(draw, sorted({*patterns(shape), *patterns(mapping.source_shape)}))
    made = Records()
    root = {rule.target: _values(reverse, "", rule, material) for rule in mapping.spec.rules}
    blocks = {
        id(block): {rule.target: _values(reverse, block.each, rule, material) for rule in block.rules}
        for block in mapping.spec.blocks
    }
    key = next(
        (rule.target for rule in mapping.spec.rules if mapping.spec.group and rule.inputs == mapping.spec.group.key), ""
    )
    for number in range(count):
        record = _made(shape.table(), root, material.chance)
        if key:
            record[key] = str(number + 1)
        for path in shape.lists:
            some = [block for block in mapping.spec.blocks if block.list == path]
            if not some:
                continue
            sizes = (1,) if all(block.each == HERE for block in some) else (1, 1, 2, 3)
            chosen = [material.chance.choice(some) for _ in range(material.chance.choice(sizes))]
            record[path] = [_made(shape.table(path), blocks[id(block)], material.chance) for block in chosen]
            for block, entry in zip(chosen, record[path], strict=True):
                _halve(block.rules, entry)
        _halve(mapping.spec.rules, record)
        made.append(record)
    return made


def _halve(rules: Iterable[Rule], entry: Record) -> None:
    """Let the first day and the precision of a date agree."""
    starts = {rule.inputs: rule.target for rule in rules if rule.date == ("start",)}
    for rule in rules:
        start = entry.get(starts.get(rule.inputs, "")) if rule.date == ("precision",) else None
        if rule.date == ("precision",) and rule.inputs in starts:
            exact = entry.get(rule.target) or "D"
            entry[rule.target] = exact if start else None
            entry[starts[rule.inputs]] = (
                start and start[: {"D": 10, "M": 7, "Y": 4}[exact]] + {"D": "", "M": "-01", "Y": "-01-01"}[exact]
            )


def _beside(mapping: Map, rule: Rule) -> Iterable[Rule]:
    """The rules of the same record or block."""
    return next((block.rules for block in mapping.spec.blocks if rule in block.rules), mapping.spec.rules)


def _made(fields: Iterable[Field], values: Mapping[str, list[Any]], chance: Random) -> Record:
    made: Record = {}
    for field in fields:
        some = values.get(field.name)
        if some and (field.required or chance.random() > 0.3):
            made[field.name] = chance.choice(some)
    return made


def _values(reverse: Reverse, each: str, rule: Rule, material: Material) -> list[Any]:
    """Values that a rule can have made: those of the target's schema that go back, or what it makes of the source's."""
    one = reverse.inverses[id(rule)]
    field, mapping = one.plan.field, reverse.mapping
    if rule.combine == "const":
        texts = [part.text for part in rule.inputs if isinstance(part, Literal)]
        kept = [one.plan.keep(text) for text in texts]
        return [kept] if field.type is Type.LIST else kept[:1]
    keep = conform(field)
    texts = material.values(field)
    if rule.codes and not rule.unit:
        codes = read_codes(mapping.content, rule.codes)
        known = sorted(codes.targets) if codes is not None else []
        texts = material.chance.sample(known, min(len(known), 12))
    for other in _beside(mapping, rule):
        if rule.inputs and not rule.codes and other.codes and rule.inputs in (other.inputs, (other.unit,)):
            codes = read_codes(mapping.content, other.codes)
            rows = codes.rows.items() if codes is not None else ()
            texts = [source for source, some in rows if all(row.target is not None for row in some)]
    values: list[Any] = [keep(text) for text in texts if _holds(field, text)]
    if field.type is Type.LIST:
        values = [[value] for value in values] + [values[:2]] * bool(values)
    if rule.date in (("start",), ("precision",)) or rule.unit or one.way is Way.LOSSY:
        return values
    good = [value for value in values if one.texts(value, {}, None) is not None]
    if good or len(rule.inputs_read) != 1:
        return good
    meant = find_name(mapping.source_shape, mapping.spec, each, rule.inputs_read[0])
    made = [one.plan.make(text, None) for text in material.values(meant.field)] if meant and meant.field else []
    return [value for value in made if value is not None and not isinstance(value, Refused)]
