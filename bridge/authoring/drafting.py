"""What a new mapping is made of: rules, reasons and code lists as they will be written, each with what it was
suggested for."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.authoring.codedraft import LISTED, CodeDraft, code_draft
from bridge.authoring.likeness import labels
from bridge.authoring.sample import Column
from bridge.content import Content
from bridge.mapping.codes import read_codes
from bridge.mapping.rules import split_text
from bridge.mapping.suggested import SUGGESTED
from bridge.shape import Class, Field, Sensitivity, Shape, Type

_PLAIN: Final = re.compile(r"[A-Za-z_^][\w./@ ^-]*", re.ASCII)
_YAML_WORDS: Final = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"])
OWN_TYPE: Final = "the source's own type"
"""Note of a rule that reads nothing out of a text, since the schema says the type."""
Said = dict[str, Any]
"""The words of a rule."""


@dataclass
class Draft:
    """A mapping before it is written.

    Args:
        rules: by target field of the record.
        blocks: by target list the blocks that fill it: (each, when, rules, suggested).
        classes: by source field path the class and sensitivity of what it fills, and why.
        group: the words of ``group_by``, if rows belong together.
        words: by the path of a column of codes the column beside it that says in words what each means.
    """

    name: str
    rules: dict[str, Said] = field(default_factory=dict)
    blocks: dict[str, list[tuple[str, Said, dict[str, Said], str]]] = field(default_factory=dict)
    ignore: dict[str, Said] = field(default_factory=dict)
    absent: dict[str, Said] = field(default_factory=dict)
    codes: list[CodeDraft] = field(default_factory=list)
    classes: dict[str, tuple[Class, Sensitivity, str]] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    group: Said = field(default_factory=dict)
    words: dict[str, Column] = field(default_factory=dict)


def scalar(value: object) -> str:
    """A text as YAML inside a flow mapping."""
    text = str(value)
    bare = _PLAIN.fullmatch(text) and text == text.strip() and text.lower() not in _YAML_WORDS
    return text if bare else json.dumps(text, ensure_ascii=False)


def flow(said: Mapping[str, Any]) -> str:
    """A block of names in one line."""
    return "{" + ", ".join(f"{scalar(name)}: {_flow(value)}" for name, value in said.items()) + "}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return flow(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    return scalar(value)


def lines(entries: Mapping[str, Mapping[str, Any]], pad: str = "  ") -> list[str]:
    """Names with what is said of each, one a line, in columns."""
    named = [(scalar(name), said) for name, said in entries.items()]
    width = min(30, max((len(name) for name, _ in named), default=0))
    return [f"{pad}{name + ':':<{width + 1}} {flow(said)}" for name, said in named]


def field_rule(draft: Draft, column: Column, target: Field, content: Content, why: str) -> Said:
    """The rule by which a column fills a field, with its steps; what cannot be told is a question."""
    name = column.field.name
    said: Said = {"from": name}
    notes = [why]
    if target.type is Type.LIST and column.field.type is not Type.LIST:
        mark = separator(column, target)
        said["split"] = mark
        notes.append(f"several values are cut at {mark!r}; where there is none it is one value")
    match target.type:
        case _ if typed(column.field.type, target.type):
            notes.append(OWN_TYPE)
        case Type.DATE | Type.DATETIME:
            notes += _date(said, column, target, draft)
        case Type.DECIMAL | Type.INTEGER:
            notes += _number(said, column, draft)
        case Type.CODE | Type.LIST | Type.BOOLEAN:
            notes += _code(said, column, target, content, draft)
    said[SUGGESTED] = "; ".join(note for note in notes if note)
    return said


def typed(given: Type, wanted: Type) -> bool:
    """Whether a source field is of the target's type by its schema, so that nothing has to be read out of a text."""
    numbers = (Type.DECIMAL, Type.INTEGER)
    return given in (Type.DATE, Type.DATETIME, *numbers) and (
        given is wanted or (given in numbers and wanted in numbers)
    )


def separator(column: Column, target: Field) -> str:
    """What stands between several values of one cell: a mark that some values have, else one that none has."""
    if target.sensitivity is Sensitivity.FREE_TEXT:
        return "\n"
    return next(
        (mark for mark in ";|," if sum(mark in value for value in column.values) > len(column.values) / 50), ";"
    )


def _date(said: Said, column: Column, target: Field, draft: Draft) -> list[str]:
    found = column.dates
    if found is None:
        draft.questions.append(f"{column.path}: how are its dates written? Say date: in the rule of {target.path}")
        return ["how are its dates written?"]
    if found.open or not found.pattern:
        forms = [f"%d{found.pattern}%m{found.pattern}%Y", f"%m{found.pattern}%d{found.pattern}%Y"]
        fix = f"; say date: {json.dumps(forms[0])} or {json.dumps(forms[1])}" if found.open else ""
        draft.questions.append(f"{column.path}: {found.says}{fix}, in the rule of {target.path}")
        return [f"{found.says}{fix}"]
    if target.type is Type.DATETIME:
        said["datetime"] = found.patterns
        if not found.zoned:
            draft.questions.append(
                f"{column.path}: which zone do its clocks show? Say zone: in the rule of {target.path}"
            )
            return ["which zone do its clocks show? Say zone:, such as Europe/Brussels"]
    else:
        said["date"] = found.patterns
    return []


def _number(said: Said, column: Column, draft: Draft) -> list[str]:
    found = column.numbers
    if found is None or not found.decimal:
        says = found.says if found else "how are its numbers written?"
        draft.questions.append(f'{column.path}: {says}; say number: "." or number: "," in its rule')
        return [says]
    said["number"] = {"decimal": found.decimal, "thousands": found.thousands} if found.thousands else found.decimal
    return []


def _code(said: Said, column: Column, target: Field, content: Content, draft: Draft) -> list[str]:
    known = read_codes(content, target.code_list) if target.code_list else None
    if "split" in said:
        parts = [part for value in column.values for part in split_text(value, said["split"])]
        column = Column(column.field, parts, column.rows)
    values = list(column.distinct)
    if not known and not labels(target, content):
        return []
    if known is not None and all(value in known.rows for value in values):
        said["codes"] = known.name
        return []
    if known is not None and all(value.upper() in known.rows for value in values):
        said["text"], said["codes"] = "upper", known.name
        return []
    if not labels(target, content) or len(values) > LISTED:
        return [] if len(values) <= LISTED else [f"{len(values)} distinct values: too many for a code list"]
    beside = draft.words.get(column.path)
    made = code_draft(draft.name, draft.codes, draft.questions, column, target, content, beside)
    said["codes"] = made.name
    open_ = sum(not row[1] for row in made.rows)
    rest = f", {open_} without a suggestion" if open_ else ""
    return [f"review codes/{made.name}.csv: {len(made.rows)} of {len(values)} values seen{rest}"]


def read_rows(content: Content, path: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the content; none if there is no such file."""
    found = content.seek(path)
    if found is None:
        return []
    with found.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def absences(draft: Draft, target: Shape, filled: Iterable[str], assigned: Iterable[str], why: str) -> None:
    """A line of absent: for every field that nothing fills; lists of which nothing is filled in one line."""
    have = {*filled, *assigned}
    for list_ in target.tables:
        open_ = [one.path for one in target.table(list_) if one.path not in have]
        if list_ and len(open_) == len(target.table(list_)):
            draft.absent[f"{list_}{'/' if '/' in open_[0][len(list_) : len(list_) + 1] else '.'}*"] = _absent(why)
        else:
            draft.absent |= {path: _absent(why) for path in open_}


def _absent(why: str) -> Said:
    return {"why": why, SUGGESTED: "nothing looked like it"}


def filled_by(draft: Draft) -> set[str]:
    """Paths of the target fields that rules fill."""
    found = set(draft.rules)
    for list_, blocks in draft.blocks.items():
        found |= {f"{list_}.{name}" for _, _, rules, _ in blocks for name in rules}
    return found


def map_lines(draft: Draft) -> list[str]:
    """The map section."""
    out = ["map:", *lines(draft.rules)]
    for list_, blocks in draft.blocks.items():
        series = len(blocks) > 1
        out.append(f"  {list_}:")
        for each, when, rules, why in blocks:
            head = [f"each: {scalar(each)}"]
            head += [f"when: {flow(when)}"] if when else []
            head += [f"{SUGGESTED}: {json.dumps(why, ensure_ascii=False)}"] if why else []
            pad = "      " if series else "    "
            out.append(f"    - {head[0]}" if series else f"    {head[0]}")
            out += [f"{pad}{line}" for line in [*head[1:], "map:"]]
            out += lines(rules, pad + "  ")
    return out


def section(name: str, entries: Mapping[str, Said]) -> list[str]:
    """A section of reasons, if any."""
    return ["", f"{name}:", *lines(entries)] if entries else []


def comment(texts: Sequence[str], width: int = 110) -> list[str]:
    """Sentences as comment lines."""
    out = []
    for text in texts:
        line = "#"
        for word in text.split():
            if len(line) + len(word) >= width:
                out.append(line)
                line = "#  "
            line += f" {word}"
        out.append(line)
    return out
