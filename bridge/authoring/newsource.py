"""A mapping for a source that is new: from its sample to the common schema, every line of it a suggestion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from bridge.authoring import drafting, evidence
from bridge.authoring.choosing import ENOUGH, Choice, choose, names_someone
from bridge.authoring.drafting import Draft, Said, field_rule
from bridge.authoring.goodsdraft import complete_lists
from bridge.authoring.grouping import Lines
from bridge.authoring.identity import identity, record_lines
from bridge.authoring.likeness import Fit, path_of, role_of
from bridge.authoring.repeating import repeat_goods, repeated
from bridge.authoring.sample import Column, Sample
from bridge.authoring.settling import settle_dates, settle_numbers
from bridge.content import Content
from bridge.mapping.model import LINES
from bridge.mapping.suggested import SUGGESTED
from bridge.shape import Class, Field, Sensitivity, Shape

COMMON: Final = "common/seizure.json"
_PERSONAL: Final = (Class.PERSON, Class.BUSINESS)
_HERE: Final = "."
_HERES: Final = (_HERE, LINES)
"""Entries from the record's own columns."""
_ROLES: Final = ("ORIGIN", "DEPARTURE", "TRANSIT", "INTENDED_DESTINATION")
_ALWAYS: Final = {
    "record_status": ("NEW", "no column says otherwise; a source that corrects or cancels needs codes here"),
    "report_type": ("NEW", "as record_status"),
    "legal_basis": ("NATIONAL", "most sources collect under national law"),
    "seizure_status": ("SEIZED", "no column says otherwise"),
}


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
    settle_dates(sample)
    settle_numbers(sample)
    again = repeated(sample.columns)
    chosen, ranked = choose(sample.columns, shape, content, repeated=again)
    lines = record_lines(sample, chosen)
    if lines is not None:
        chosen, ranked = choose(sample.columns, shape, content, lines.varying, again)
        draft.group = {"key": [lines.key.field.name], "conflict": "hold", "twins": "hold", SUGGESTED: lines.why}
    identity(draft, sample, chosen)
    _fixed(draft, name, chosen)
    kind, text = chosen.get("goods.commodity_type"), chosen.get("goods.description")
    if kind is not None and text is not None:
        draft.words[kind.column.path] = text.column
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
    repeat_goods(draft, chosen, sample, shape, content)
    _in_order(draft)
    goods = chosen.get("goods.commodity_type")
    complete_lists(draft, goods.column if goods else None, shape, content)
    _beside(draft)
    _leftovers(draft, sample, ranked, lines)
    order = {one.path: place for place, one in enumerate(shape)}
    draft.rules = dict(sorted(draft.rules.items(), key=lambda pair: order.get(pair[0], 0)))
    lists = {name: place for place, name in enumerate(shape.lists)}
    draft.blocks = dict(sorted(draft.blocks.items(), key=lambda pair: lists.get(pair[0], 0)))
    drafting.absences(draft, shape, drafting.filled_by(draft), assigned, "the source does not give it")
    return draft


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
    each = choice.column.field.list or (LINES if draft.group and field.list == "goods" else _HERE)
    name = field.path.removeprefix(f"{field.list}.")
    blocks = draft.blocks.setdefault(field.list, [])
    role = role_of(target)
    if role:
        step = len(blocks) + 1
        rules: dict[str, Said] = {
            "step": {"const": str(step), SUGGESTED: "in the order of the way"},
            "role": {"const": role, SUGGESTED: choice.why},
            name: rule,
        }
        blocks.append((each, {choice.column.field.name: "present"}, rules, ""))
        return
    found = next((block for block in blocks if block[0] == each), None)
    if found is None:
        when = {} if field.list == "goods" or each not in _HERES else {choice.column.field.name: "present"}
        found = (each, when, {}, "")
        blocks.append(found)
    found[2][name] = rule


def _in_order(draft: Draft) -> None:
    """The steps of a route as the goods went, from their origin to where they were meant to go."""
    steps = draft.blocks.get("route", [])
    steps.sort(key=lambda step: _ROLES.index(str(step[2]["role"]["const"])))
    for place, (_, _, rules, _) in enumerate(steps, 1):
        rules["step"]["const"] = str(place)


def _beside(draft: Draft) -> None:
    """The supplier's country is that of the seizures, where one country is the whole source's."""
    country = draft.rules.get("seizure_country", {})
    if "const" in country and "supplier_country" not in draft.rules:
        draft.rules["supplier_country"] = {"const": country["const"], SUGGESTED: "as seizure_country"}


def _leftovers(draft: Draft, sample: Sample, ranked: dict[str, list[Fit]], lines: Lines | None) -> None:
    """A reason for every column that fills nothing; what may be personal is said to be."""
    used = {str(said.get("from")) for said in draft.rules.values()}
    for blocks in draft.blocks.values():
        for each, when, rules, _ in blocks:
            used |= {
                str(said.get("from")) if each in _HERES else f"{each}\0{said.get('from')}" for said in rules.values()
            }
            used |= set(when)
    for column in sample.columns:
        key = column.path if not column.field.list else f"{column.field.list}\0{column.field.name}"
        if key in used or column.path in used:
            continue
        best = ranked[column.path][0] if ranked[column.path] else None
        form = evidence.personal(column.values) or column.births
        person = best is not None and best.target.startswith("persons.") and best.name >= 0.6
        business = best is not None and best.target.startswith("businesses.") and best.name >= 0.6
        if form or person or names_someone(column):
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
        elif lines is not None and column.path in lines.varying and best is not None and best.score >= ENOUGH:
            near = f"{best.target} {best.score:.2f}"
            draft.ignore[column.path] = {
                "why": f"it differs between the lines of a record, and the record has {best.target} once",
                SUGGESTED: f"nearest was {near}; read it in a block with each: lines, if some list keeps such a thing",
            }
        else:
            near = f"nearest was {best.target} {best.score:.2f}" if best else "nothing was near"
            draft.ignore[column.path] = {"why": "no field of the common schema is like it", SUGGESTED: near}


def options(sample: Sample, name: str) -> Said:
    """The collect section: how the connector reads it."""
    base: Said = (
        {"connector": "sql", "connection": f"{name}_db"}
        if sample.kind == "sql"
        else {"connector": "rest", "connection": f"{name}_api"}
        if sample.options.get("connector") == "rest"
        else {"connector": "files", "connection": f"{name}_drop"}
    )
    base |= sample.options
    base |= {"every": "0 0 * * *", "start": f"{datetime.now(UTC):%Y-%m-%d}"}
    base[SUGGESTED] = "; ".join([*sample.said, "a window a day, from today on"])
    return base
