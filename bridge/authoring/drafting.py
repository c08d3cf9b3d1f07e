"""What a new mapping is made of: rules, reasons and code lists as they will be written, each with what it was
suggested for."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.authoring.likeness import labels, meant
from bridge.authoring.sample import Column
from bridge.content import Content
from bridge.mapping.codes import COLUMNS, read_codes
from bridge.mapping.rules import split_text
from bridge.mapping.suggested import SUGGESTED
from bridge.shape import Class, Field, Sensitivity, Shape, Type

_PLAIN: Final = re.compile(r"[A-Za-z_^][\w./@ ^-]*", re.ASCII)
_YAML_WORDS: Final = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"])
OWN_TYPE: Final = "the source's own type"
"""Note of a rule that reads nothing out of a text, since the schema says the type."""
LISTED: Final = 60
"""Distinct values that a new code list may have."""
_SHORT: Final = re.compile(r"[A-Z0-9]{1,4}")
_WORDS: Final = re.compile(r"[^\W\d_]+(?:[ /-][^\W\d_]+){0,2}")
_KNOWN: Final = 1 / 3
"""Share of a column's values that a vocabulary must know before words unknown to it are taken for codes, too."""

Said = dict[str, Any]
"""A rule's words in their order."""


@dataclass
class CodeDraft:
    """A code list to be written: for each value seen the target it seems to mean, which a person must confirm."""

    name: str
    rows: list[tuple[str, str, str, str]]

    @property
    def text(self) -> str:
        """The file; nobody has reviewed its rows, so nothing runs by them yet."""
        lines = [",".join(COLUMNS)]
        for source, target, relation, why in self.rows:
            lines.append(",".join([_cell(source), _cell(target), relation, _cell(why), "", "", "", ""]))
        return "\n".join(lines) + "\n"


@dataclass
class Draft:
    """A mapping before it is written.

    Args:
        rules: by target field of the record.
        blocks: by target list the blocks that fill it: (each, when, rules, suggested).
        taken: by source field path how it is used: the class and sensitivity of what it fills.
    """

    name: str
    rules: dict[str, Said] = field(default_factory=dict)
    blocks: dict[str, list[tuple[str, Said, dict[str, Said], str]]] = field(default_factory=dict)
    ignore: dict[str, Said] = field(default_factory=dict)
    absent: dict[str, Said] = field(default_factory=dict)
    codes: list[CodeDraft] = field(default_factory=list)
    classes: dict[str, tuple[Class, Sensitivity, str]] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)


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
    names = [scalar(name) for name in entries]
    width = min(30, max((len(name) for name in names), default=0))
    shown = zip(names, entries.values(), strict=True)
    return [f"{pad}{name + ':':<{width + 1}} {flow(said)}" for name, said in shown]


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
        said["datetime"] = found.pattern
        if not found.zoned:
            draft.questions.append(
                f"{column.path}: which zone do its clocks show? Say zone: in the rule of {target.path}"
            )
            return ["which zone do its clocks show? Say zone:, such as Europe/Brussels"]
    else:
        said["date"] = found.pattern
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
    made = code_draft(draft, column, target, content)
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


def code_draft(draft: Draft, column: Column, target: Field, content: Content) -> CodeDraft:
    """A code list with the values seen that are codes, each with what it seems to mean; all others are counted in a
    question and written nowhere, since a column chosen by mistake may hold anything."""
    name = f"{draft.name}_{target.code_list or target.name.rpartition('.')[2]}"
    made = next((one for one in draft.codes if one.name == name), None)
    if made is None:
        made = CodeDraft(name, [])
        draft.codes.append(made)
    listed = labels(target, content)
    there, left = {row[0] for row in made.rows}, 0
    known = {value: meant(value, listed) for value, _ in column.distinct.most_common()}
    familiar = sum(column.distinct[value] for value, like in known.items() if like) >= _KNOWN * len(column.values)
    for value, like in known.items():
        count = column.distinct[value]
        if like is None and column.rows and not _a_code(value, count, column.rows, familiar):
            left += value not in there
        elif value not in there:
            seen = f"seen {count} times" if column.rows else "listed by the schema"
            relation = "" if like is None else "exact" if like == value else "alias"
            shown = "no word is like it" if like is None else "by its word"
            made.rows.append((value, like or "", relation, f"{seen}; {shown}"))
    if left:
        draft.questions.append(
            f"{column.path}: {left} of {len(column.distinct)} distinct values are known to no list and are rare, or no "
            f"short words, so they are written nowhere: is this {target.path}? Then add those that are codes to "
            f"codes/{name}.csv; records with others are held"
        )
    return made


def _a_code(value: str, count: int, rows: int, familiar: bool) -> bool:
    """Whether a value that no list knows is a code: seen often, and short or a word among others that are known."""
    often = count >= max(2, rows / 100)
    return often and bool(_SHORT.fullmatch(value) or (familiar and len(value) <= 30 and _WORDS.fullmatch(value)))


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


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text


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
