"""Code lists as they will be written: of the values seen those that are codes, each with what it seems to mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.authoring.likeness import known_values, labels, meant, words
from bridge.authoring.sample import Column
from bridge.content import Content
from bridge.mapping.codes import COLUMNS, Code, read_codes
from bridge.shape import Field

LISTED: Final = 60
"""Distinct values that a new code list may have."""
_LONG: Final = 4
"""Letters that a word of a description must have more than to be looked at alone."""
_SHORT: Final = re.compile(r"[A-Z0-9]{1,4}")
_WORDS: Final = re.compile(r"[^\W\d_]+(?:[ /-][^\W\d_]+){0,2}")
_KNOWN: Final = 1 / 3
"""Share of a column's values that a vocabulary must know before words unknown to it are taken for codes, too."""


@dataclass
class CodeDraft:
    """A code list to be written: by value seen the target that it seems to mean, which a person must confirm."""

    name: str
    rows: list[tuple[str, str, str, str]]

    @property
    def text(self) -> str:
        """The file; nobody has reviewed its rows, so nothing runs by them yet."""
        lines = [",".join(COLUMNS)]
        for source, target, relation, why in self.rows:
            lines.append(",".join([_cell(source), _cell(target), relation, _cell(why), "", "", "", ""]))
        return "\n".join(lines) + "\n"


def code_draft(
    source: str,
    there: list[CodeDraft],
    questions: list[str],
    column: Column,
    target: Field,
    content: Content,
    beside: Column | None = None,
) -> CodeDraft:
    """A code list with the values seen that are codes, each with what it seems to mean; all others are counted in a
    question and written nowhere, since a column chosen by mistake may hold anything.

    Args:
        source: whose list it is.
        there: the lists that were drafted before; a new one is put to them, as what is asked to ``questions``.
        beside: a column that says in words what the codes of this one mean, if there is one.
    """
    name = f"{source}_{target.code_list or target.name.rpartition('.')[2]}"
    made = next((one for one in there if one.name == name), None)
    if made is None:
        made = CodeDraft(name, [])
        there.append(made)
    listed = labels(target, content)
    written, left = {row[0] for row in made.rows}, 0
    known = {value: meant(value, listed) for value, _ in column.distinct.most_common()}
    told = _told_beside(column, beside, listed, [value for value, like in known.items() if like is None])
    familiar = sum(column.distinct[value] for value, like in known.items() if like) >= _KNOWN * len(column.values)
    for value, like in known.items():
        count = column.distinct[value]
        unit = _unit(value, target, content) if like is None else None
        if unit is not None and value not in written:
            made.rows.append((value, unit.target or "", f"unit:{unit.factor}", f"seen {count} times; as {unit.source}"))
        elif value in told and value not in written and _a_code(value, count, column.rows, familiar):
            shown = f"seen {count} times; by the word that stands beside it most"
            made.rows.append((value, told[value], "alias", shown))
        elif like is None and column.rows and not _a_code(value, count, column.rows, familiar):
            left += value not in written
        elif value not in written:
            seen = f"seen {count} times" if column.rows else "listed by the schema"
            relation = "" if like is None else "exact" if like == value else "alias"
            shown = "no word is like it" if like is None else "by its word"
            made.rows.append((value, like or "", relation, f"{seen}; {shown}"))
    if left:
        questions.append(
            f"{column.path}: {left} of {len(column.distinct)} distinct values are known to no list and look like "
            f"no codes, so they are written nowhere: is this column {target.path}? Then add those that are codes to "
            f"codes/{name}.csv; records with others are held"
        )
    return made


def _a_code(value: str, count: int, rows: int, familiar: bool) -> bool:
    """Whether a value that no list knows is a code: seen often, and short or a word among others that are known."""
    often = count >= max(2, rows / 100)
    return often and bool(_SHORT.fullmatch(value) or (familiar and len(value) <= 30 and _WORDS.fullmatch(value)))


def _told_beside(column: Column, beside: Column | None, listed: Mapping[str, str], values: list[str]) -> dict[str, str]:
    """By value that no list knows the code that is meant by the words which stand beside it most often."""
    if beside is None or len(beside.cells) != len(column.cells) or len(values) > LISTED:
        return {}
    pairs = Counter(zip(column.cells, beside.cells, strict=True))
    found: dict[str, str] = {}
    for (value, text), count in pairs.most_common():
        if value in values and value not in found and count > 1:
            whole = (text, *(word for word in text.split() if len(word) > _LONG))
            like = next((one for part in whole if (one := meant(part, listed))), None)
            if like is not None:
                found[value] = like
    return found


def _unit(value: str, target: Field, content: Content) -> Code | None:
    """The row by which a unit of another size is converted, if the value is a word for it; None for all else."""
    code = known_values()["unit"].get(" ".join(words(value))) if target.code_list == "unit" else None
    known = read_codes(content, "unit") if code else None
    rows = known.rows.get(code or "", ()) if known is not None else ()
    return rows[-1] if rows and rows[-1].factor is not None else None


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text
