"""A mapping for a source that is new: from its sample to the common schema, every line of it a suggestion."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bridge.authoring import drafting, evidence
from bridge.authoring.drafting import Draft, Said, field_rule
from bridge.authoring.goodsdraft import complete_lists
from bridge.authoring.likeness import ALIKE, Fit, alike, known_words, path_of, rank, role_of, words
from bridge.authoring.sample import Column, Sample
from bridge.content import Content
from bridge.mapping.suggested import SUGGESTED
from bridge.shape import Class, Field, Sensitivity, Shape

ENOUGH: Final = 0.55
"""A column is suggested for a field from this likeness on."""
COMMON: Final = "common/seizure.json"
_PERSONAL: Final = (Class.PERSON, Class.BUSINESS)
_HERE: Final = "."
_NOT_ALONE: Final = frozenset({"street", "address", "sex", "gender", "city"})
"""Words of persons' fields that as often speak of something else."""
_ALWAYS: Final = {
    "record_status": ("NEW", "no column says otherwise; a source that corrects or cancels needs codes here"),
    "report_type": ("NEW", "as record_status"),
    "legal_basis": ("NATIONAL", "most sources collect under national law"),
    "seizure_status": ("SEIZED", "no column says otherwise"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A column, the field it was suggested for, and the next best."""

    column: Column
    fit: Fit
    next: Fit | None

    @property
    def why(self) -> str:
        """Both in words."""
        other = f"; next best {self.next.target} {self.next.score:.2f}" if self.next else ""
        return f"{self.fit.score:.2f}: {self.fit.why}{other}"


def _unnamed_id(sample: Sample, used: set[str]) -> Column | None:
    """A column whose every value stands once, though its header says nothing known; names of persons do so as well, so
    each value must have a digit and no space."""
    for column in sample.columns:
        single = evidence.unique(column.values, column.rows) and not evidence.numbered(column.values)
        measured = column.dates is not None or (column.numbers is not None and not column.numbers.whole)
        someone = evidence.personal(column.values) or _names_someone(column) or evidence.wordy(column.values)
        formed = all(re.search(r"\d", value) and not re.search(r"\s", value) for value in column.values)
        usable = single and formed and not column.field.list and column.path not in used
        if usable and not measured and not someone:
            return column
    return None


def choose(columns: list[Column], shape: Shape, content: Content) -> tuple[dict[str, Choice], dict[str, list[Fit]]]:
    """One column for each field and one field for each column, the likest pairs first; and all that was weighed."""
    ranked = {column.path: rank(column, shape, content) for column in columns}
    by_path = {column.path: column for column in columns}
    pairs = sorted(
        (
            (fit, path)
            for path, fits in ranked.items()
            for fit in fits
            if fit.score >= ENOUGH and _apt(by_path[path], fit)
        ),
        key=lambda pair: -pair[0].score,
    )
    chosen: dict[str, Choice] = {}
    used: set[str] = set()
    for fit, path in pairs:
        if fit.target not in chosen and path not in used:
            others = [one for one in ranked[path] if one.target != fit.target]
            chosen[fit.target] = Choice(by_path[path], fit, others[0] if others else None)
            used.add(path)
    return chosen, ranked


def _apt(column: Column, fit: Fit) -> bool:
    """Whether values forbid what the name suggests; a column of a list cannot fill a field of the record."""
    return not (fit.value == 0.0 and column.values) and not (column.field.list and "." not in fit.target)


def draft_source(name: str, sample: Sample, content: Content, shape: Shape, assigned: frozenset[str]) -> Draft:
    """The whole draft.

    Args:
        shape: of the common schema, and ``assigned`` its fields that no mapping fills.
    """
    draft = Draft(name, questions=list(sample.questions))
    if sample.kind == "sql":
        asked = {"key": "which column names a record?", "modified_at": "which column says when a row last changed?"}
        draft.questions += [
            f"{ask} Say {word}: in collect" for word, ask in asked.items() if word not in sample.options
        ]
    _settle_dates(sample)
    _settle_numbers(sample)
    chosen, ranked = choose(sample.columns, shape, content)
    _identity(draft, sample, chosen)
    _fixed(draft, name, chosen)
    for target, choice in chosen.items():
        field = shape.find(path_of(target))
        if field is None or target in draft.rules:
            continue
        if field.cls in _PERSONAL or evidence.personal(choice.column.values):
            continue  # ignored below, as all that is personal
        _class(draft, choice.column, field.cls, field.sensitivity, f"as {field.path}, which it may fill")
        rule = field_rule(draft, choice.column, field, content, choice.why)
        if not field.list:
            draft.rules[field.path] = rule
        else:
            _entry(draft, target, field, choice, rule)
    goods = chosen.get("goods.commodity_type")
    complete_lists(draft, goods.column if goods else None, shape, content)
    _beside(draft)
    _leftovers(draft, sample, ranked)
    order = {one.path: place for place, one in enumerate(shape)}
    draft.rules = dict(sorted(draft.rules.items(), key=lambda pair: order.get(pair[0], 0)))
    lists = {name: place for place, name in enumerate(shape.lists)}
    draft.blocks = dict(sorted(draft.blocks.items(), key=lambda pair: lists.get(pair[0], 0)))
    drafting.absences(draft, shape, drafting.filled_by(draft), assigned, "the source does not give it")
    return draft


def _settle_dates(sample: Sample) -> None:
    """Columns that do not show which of day and month comes first are read as one of the same file that does."""
    dated = [(column, found) for column in sample.columns if (found := column.dates) is not None]
    shown = [(column, found) for column, found in dated if not found.open and "first, as" in found.says]
    orders = {found.pattern.lstrip("%-").startswith("d") for _, found in shown}
    if len(orders) != 1:
        return
    by = shown[0][0].path
    for column, found in dated:
        if found.open:
            day = next(iter(orders))
            says = f"{'day' if day else 'month'} first, as in {by} of the same file; here both readings are possible"
            column.__dict__["dates"] = evidence.ordered(found.pattern, day, says, column.values)


def _settle_numbers(sample: Sample) -> None:
    """Columns whose mark can stand before decimals or between thousands are read as the others of the same file."""
    numbered = [
        (column, found) for column in sample.columns if (found := column.numbers) is not None and not found.whole
    ]
    shown = [(column, found.decimal) for column, found in numbered if found.decimal]
    if len({mark for _, mark in shown}) != 1:
        return
    by, decimal = shown[0][0].path, shown[0][1]
    for column, found in numbered:
        if not found.decimal:
            same = found.thousands == decimal
            role = "before decimals" if same else "between thousands"
            says = f"{found.thousands} stands {role}, as {decimal} before decimals in {by} of the same file"
            column.__dict__["numbers"] = evidence.Numbers(decimal, "" if same else found.thousands, says)


def _identity(draft: Draft, sample: Sample, chosen: dict[str, Choice]) -> None:
    """The record's own name: a column of its own, the key of its rows, or a hash of its content."""
    choice = chosen.get("origin_record_id")
    key = next((one for one in sample.columns if one.path == sample.options.get("key")), None)
    if key is not None:
        _class(draft, key, Class.ADMIN, Sensitivity.NON_NOMINAL, "it is the primary key")
        draft.rules["origin_record_id"] = {"from": key.field.name, SUGGESTED: "the primary key"}
        draft.rules["id_basis"] = {"const": "SUPPLIED", SUGGESTED: "as origin_record_id"}
    elif choice is not None and not choice.column.field.list:
        column = choice.column
        _class(draft, column, Class.ADMIN, Sensitivity.NON_NOMINAL, "it names the record")
        repeated = column.rows and len(column.distinct) < len(column.values)
        if repeated:
            draft.questions.append(
                f"{column.path}: {len(column.distinct)} values on {column.rows} rows: are rows with the same value "
                f"lines of one record? If so say group_by: {{key: [{drafting.scalar(column.path)}], conflict: hold}} "
                "and each: lines in goods"
            )
        draft.rules["origin_record_id"] = {"from": column.field.name, SUGGESTED: choice.why}
        draft.rules["id_basis"] = {"const": "SUPPLIED", SUGGESTED: f"{column.path} names the record"}
    elif (alone := _unnamed_id(sample, {one.column.path for one in chosen.values()})) is not None:
        _class(draft, alone, Class.ADMIN, Sensitivity.NON_NOMINAL, "it may name the record")
        why = f"every one of {alone.rows} rows has a value of its own, though the header says nothing known"
        draft.rules["origin_record_id"] = {"from": alone.field.name, SUGGESTED: why}
        draft.rules["id_basis"] = {"const": "SUPPLIED", SUGGESTED: f"if {alone.path} names the record"}
    else:
        _by_content(draft)


def _by_content(draft: Draft) -> None:
    draft.rules["origin_record_id"] = {
        "hash": {"of": "*", "occurrence": "true"}, "one_way": "a hash cannot be turned back",
        SUGGESTED: "no column has a value of its own in every row, so the record is named by its content",
    }  # fmt: skip
    draft.rules["id_basis"] = {"const": "CONTENT", SUGGESTED: "as origin_record_id"}


def _fixed(draft: Draft, name: str, chosen: dict[str, Choice]) -> None:
    for target, (value, why) in _ALWAYS.items():
        if target not in chosen:
            draft.rules[target] = {"const": value, SUGGESTED: why}
    draft.rules["origin_system"] = {"const": name.upper()[:16], SUGGESTED: "the name given on the command line"}
    if "seizure_date" not in chosen:
        draft.questions.append("no column looked like the day of the seizure: say seizure_date:")
    if "seizure_country" not in chosen:
        ask = "which country were these seizures made in? No column says so: write its two letters for ??"
        draft.questions.append(f"seizure_country: {ask}")
        draft.rules["seizure_country"] = {"const": "??", SUGGESTED: ask}
        draft.rules["supplier_country"] = {"const": "??", SUGGESTED: "as seizure_country"}


def _class(draft: Draft, column: Column, cls: Class, sensitivity: Sensitivity, why: str) -> None:
    draft.classes[column.path] = (cls, sensitivity, why)


def _entry(draft: Draft, target: str, field: Field, choice: Choice, rule: Said) -> None:
    """Put a rule into the block of its list: one for the goods, one for each step of the route."""
    each = choice.column.field.list or _HERE
    name = field.path.removeprefix(f"{field.list}.")
    blocks = draft.blocks.setdefault(field.list, [])
    role = role_of(target)
    if role:
        step = len(blocks) + 1
        rules: dict[str, Said] = {
            "step": {"const": str(step), SUGGESTED: "in the order of the columns"},
            "role": {"const": role, SUGGESTED: choice.why},
            name: rule,
        }
        blocks.append((each, {choice.column.field.name: "present"}, rules, ""))
        return
    found = next((block for block in blocks if block[0] == each), None)
    if found is None:
        when = {} if field.list == "goods" or each != _HERE else {choice.column.field.name: "present"}
        found = (each, when, {}, "")
        blocks.append(found)
    found[2][name] = rule


def _beside(draft: Draft) -> None:
    """The supplier's country is that of the seizures, where one country is the whole source's."""
    country = draft.rules.get("seizure_country", {})
    if "const" in country and "supplier_country" not in draft.rules:
        draft.rules["supplier_country"] = {"const": country["const"], SUGGESTED: "as seizure_country"}


def _leftovers(draft: Draft, sample: Sample, ranked: dict[str, list[Fit]]) -> None:
    """A reason for every column that fills nothing; what may be personal is said to be."""
    used = {str(said.get("from")) for said in draft.rules.values()}
    for blocks in draft.blocks.values():
        for each, when, rules, _ in blocks:
            used |= {
                str(said.get("from")) if each == _HERE else f"{each}\0{said.get('from')}" for said in rules.values()
            }
            used |= set(when)
    for column in sample.columns:
        key = column.path if not column.field.list else f"{column.field.list}\0{column.field.name}"
        if key in used or column.path in used:
            continue
        best = ranked[column.path][0] if ranked[column.path] else None
        form = evidence.personal(column.values)
        person = best is not None and best.target.startswith("persons.") and best.name >= 0.6
        business = best is not None and best.target.startswith("businesses.") and best.name >= 0.6
        if form or person or _names_someone(column):
            what = form or (best.why if best else "its header names a person")
            _class(draft, column, Class.PERSON, Sensitivity.NOMINAL, what)
            why = "personal data is not collected without a decision on its ground"
            draft.ignore[column.path] = {"why": why, SUGGESTED: f"{what}; like {best.target if best else 'a person'}"}
        elif business and best is not None:
            _class(draft, column, Class.BUSINESS, Sensitivity.QUASI_NOMINAL, best.why)
            draft.ignore[column.path] = {
                "why": "businesses are not collected without a decision",
                SUGGESTED: f"like {best.target}",
            }
        else:
            near = f"nearest was {best.target} {best.score:.2f}" if best else "nothing was near"
            draft.ignore[column.path] = {"why": "no field of the common schema is like it", SUGGESTED: near}


def _names_someone(column: Column) -> bool:
    """Whether a word of the header is one by which persons, or their papers, are called."""
    of_persons = (called for target, called in known_words().items() if target.startswith("persons."))
    called = {words(one)[0] for several in of_persons for one in several if len(words(one)) == 1} - _NOT_ALONE
    return any(alike([word], [one]) >= ALIKE for word in words(column.path) for one in called)


def options(sample: Sample, name: str) -> Said:
    """The collect section: how the connector reads it."""
    base: Said = (
        {"connector": "sql", "connection": f"{name}_db"}
        if sample.kind == "sql"
        else {"connector": "files", "connection": f"{name}_drop"}
    )
    base |= sample.options
    base |= {"every": "0 0 * * *", "start": f"{datetime.now(UTC):%Y-%m-%d}"}
    base[SUGGESTED] = "; ".join([*sample.said, "a window a day, from today on"])
    return base
