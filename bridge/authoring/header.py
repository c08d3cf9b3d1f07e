"""Whether names are names: a first line, or the keys of an object, may be a record's own values instead, and names are
written into the repository."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from bridge.authoring import evidence
from bridge.authoring.likeness import known_words, words
from bridge.errors import Misconfigured

_LIKE: Final = 0.5
"""Share of their keys that two objects have in common to be of one shape."""


def refuse_record(header: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> None:
    """Let only a line pass whose cells name their columns.

    Args:
        rows: the lines below it.

    Raises:
        Misconfigured: a cell is a date, a number, an address or a value like those below it; no value is told.
    """
    below = [row for row in rows if len(row) == len(header) and list(row) != list(header)]
    columns = [[row[place].strip() for row in below if row[place].strip()] for place in range(len(header))]
    named = _named(header, columns)
    for place, (cell, values) in enumerate(zip(header, columns, strict=True), 1):
        value = _value(cell)
        what = f"is {value}" if value else _like_below(cell, values, named)
        if what:
            raise Misconfigured(
                "NO_HEADER", name, f"cell {place} of its first line {what}, so the line seems to be a record",
                "Does the system send a header? Put a line with a name for every column first; names are written into "
                "the mapping, values never",
            )  # fmt: skip


def _value(text: str) -> str:
    """What shows that a text is a value and no name; "" if nothing does."""
    if re.search(r"\d", text) and not any(char.isalpha() for char in text):
        return "a number, a date or a telephone number"
    if evidence.dates([text]) is not None:
        return "a date"
    return "an e-mail address" if evidence.personal([text]) else ""


def _like_below(cell: str, values: Sequence[str], named: bool) -> str:
    """Whether a cell is as the values of its column are.

    Args:
        named: whether another cell shows that the line names columns; letters alone then show nothing, since codes
            and words look like names.
    """
    if not values:
        return ""
    form = _run(evidence.common_form([cell]))
    if "9" in form:
        same = sum(_run(evidence.common_form([value])) == form for value in values)
        return "has the form of the values below it" if same >= evidence.MOST * len(values) else ""
    if named:
        return ""
    if cell in values:
        return "is one of the values below it"
    return "has the form of the values below it" if _run(evidence.common_form(values)) == form else ""


def _named(header: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether a word stands over numbers or dates, or a cell is a word by which systems call a field."""
    called = {words(one) for several in known_words().values() for one in several}
    over = any(
        values and all(_value(value) for value in values) and not _value(cell)
        for cell, values in zip(header, columns, strict=True)
    )
    return over or any(words(cell) in called for cell in header)


def _run(form: str) -> str:
    """A form without the lengths of its parts."""
    return re.sub(r"(.)\1+", r"\1", form)


def refuse_keyed(records: Sequence[Mapping[str, Any]], name: str) -> None:
    """Let only objects pass whose keys are names and no values.

    Raises:
        Misconfigured: keys are dates, numbers or addresses, or objects of one shape stand under keys that differ from
            object to object; no key is told.
    """
    depth, level = 1, {"": list(records)}
    while level:
        for objects in level.values():
            what = _keyed(objects)
            if what:
                raise Misconfigured(
                    "KEYED_BY_DATA", name, f"keys {depth} deep {what}, so they seem to be values",
                    "Have the system send a list of objects with the key as a field; if the keys are names, give "
                    "more records, or a JSON Schema with --schema",
                )  # fmt: skip
        below: dict[str, list[Mapping[str, Any]]] = {}
        for path, objects in level.items():
            for one in objects:
                for key, value in one.items():
                    below.setdefault(f"{path}\0{key}", []).extend(_inner(value))
        depth, level = depth + 1, {path: objects for path, objects in below.items() if objects}


def _inner(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects right below a key, also those of a list."""
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, list):
        yield from (one for one in value if isinstance(one, Mapping))


def _keyed(objects: Sequence[Mapping[str, Any]]) -> str:
    """What shows that the keys of objects at one place are values; "" if nothing does."""
    stands: dict[str, int] = {}
    shapes: dict[str, set[str]] = {}
    for one in objects:
        for key, value in one.items():
            stands[key] = stands.get(key, 0) + 1
            for inner in _inner(value):
                shapes.setdefault(key, set()).update(inner)
    found = next((what for key in stands if (what := _value(key))), "")
    if found:
        return f"hold {found}"
    for alike in _groups(shapes):
        if len(alike) > 1 and len(objects) == 1:
            forms = {_run(evidence.common_form([key])) for key in alike}
            if len(forms) == 1 and "9" in forms.pop():
                return "have the form of identifiers"
            if len(alike) == len(stands):
                return "lead to objects of one shape, and nothing else stands beside them"
        elif len(alike) > 1 and _differ(alike, stands, len(objects)):
            return "lead to objects of one shape and differ from object to object"
    plain = [key for key in stands if key not in shapes]
    if len(objects) > 1 and len(plain) > 2 and all(stands[key] <= len(objects) / 2 for key in stands):
        return "differ from object to object and none is common to them"
    return ""


def _groups(shapes: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """The keys under which objects of one shape stand."""
    groups: list[tuple[set[str], list[str]]] = []
    for key, names in shapes.items():
        found = next((one for one in groups if len(one[0] & names) >= _LIKE * len(one[0] | names)), None)
        if found is None:
            groups.append((set(names), [key]))
        else:
            found[1].append(key)
    return (keys for _, keys in groups)


def _differ(keys: Collection[str], stands: Mapping[str, int], objects: int) -> bool:
    """Whether most keys stand in half of the objects at most."""
    return sum(stands[key] <= objects / 2 for key in keys) > len(keys) / 2
