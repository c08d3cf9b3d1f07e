"""Records from JSON text: objects by a shape become the columns of a batch, each record whole or not at all.

Numbers keep the text they were written in. What is wrong inside one record is found when that record is taken, so
that it stops no other, though both stand in one text.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.errors import Problem, Refused
from bridge.shape import Shape, Type


def parse(text: str) -> Any:
    """JSON text as objects, arrays and texts; a fault inside a record is a Refused in the place of its value.

    Raises:
        json.JSONDecodeError: not JSON.
        RecursionError: nested too deeply to be read.
    """
    return json.loads(text, object_pairs_hook=_once, parse_int=str, parse_float=str, parse_constant=_no_number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Refused:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    twice = next(name for name in names if names.count(name) > 1)
    return Refused(
        "REPEATED",
        twice[:60],
        f"the name {twice[:60]!r} stands twice in one object. Have the supplier send it once, or as an array",
    )


def _no_number(text: str) -> Refused:
    return Refused("NOT_JSON", "", f"{text} is no JSON number. Have the supplier leave the value out")


Tree = dict[str, Any]
"""From names to a column (table, name, whether it is a list of values), to a Tree (an object), or to a list with one
Tree (a list of objects)."""


def _tree(shape: Shape) -> Tree:
    root: Tree = {}
    entries: dict[str, Tree] = {ROOT: root}
    for path in shape.lists:
        entries[path] = {}
        _place(root, path, [entries[path]])
    for f in shape:
        _place(entries[f.list], f.name, (f.list, f.name, f.type is Type.LIST))
    return root


def _place(tree: Tree, name: str, leaf: Any) -> None:
    *outer, last = name.split(".")
    for part in outer:
        tree = tree.setdefault(part, {})
    tree[last] = leaf


class Records:
    """Gathers records, and what is wrong with others, into batches.

    Args:
        shape: dotted names are objects inside the record, lists are arrays of objects, fields of type list are arrays
            of values.
        where, sha256: of the input.
    """

    def __init__(self, shape: Shape, where: str, sha256: str) -> None:
        self._shape, self._tree, self._where, self._sha256 = shape, _tree(shape), where, sha256
        self._clear()

    def _clear(self) -> None:
        self._problems: list[Problem] = []
        self._entries: dict[str, list[tuple[int, int, dict[str, Any]]]] = {path: [] for path in self._shape.tables}

    def add(self, row: int, position: int, record: Any) -> None:
        """Take a record.

        Raises:
            Refused: nothing of it was taken.
        """
        if isinstance(record, Refused):
            raise record
        if not isinstance(record, dict):
            raise Refused("NOT_JSON", "", "not an object. Have the supplier write each record as an object")
        lists: dict[str, list[dict[str, Any]]] = {path: [] for path in self._shape.lists}
        root: dict[str, Any] = {}
        self._walk(record, self._tree, root, lists, "")
        self._entries[ROOT].append((row, position, root))
        for path, found in lists.items():
            self._entries[path].extend((row, index, entry) for index, entry in enumerate(found))

    def refuse(self, row: int, position: int, at: str, why: Refused) -> None:
        """Note why a record cannot be read; ``at`` says where it stands in words."""
        self._problems.append(Problem(row, position, why.code, why.field, "json", f"{at}: {why.reason}"))

    def batch(self) -> Batch:
        """What was gathered since the last batch."""
        tables = {}
        for path, entries in self._entries.items():
            places = {ROW: [e[0] for e in entries], POSITION if path == ROOT else INDEX: [e[1] for e in entries]}
            columns = {name: pa.array(values, pa.int64()) for name, values in places.items()}
            for f in self._shape.table(path):
                kind = pa.list_(pa.string()) if f.type is Type.LIST else pa.string()
                columns[f.name] = pa.array([e[2].get(f.name) for e in entries], kind)
            tables[path] = pa.table(columns)
        done = Batch(tables, self._where, self._sha256, tuple(self._problems))
        self._clear()
        return done

    def _walk(
        self, value: dict[str, Any], tree: Tree, out: dict[str, Any], lists: dict[str, list[dict[str, Any]]], at: str
    ) -> None:
        for name, inner in value.items():
            where = f"{at}{name[:60]}"
            place = tree.get(name)
            if place is None:
                raise Refused(
                    "UNKNOWN_FIELD",
                    where,
                    f"{where!r} is not in the schema. Add it to the schema and the mapping, or have it left out",
                )
            if inner is None:
                continue
            if isinstance(inner, Refused):
                raise inner
            if isinstance(place, tuple):
                out[place[1]] = _texts(inner, where) if place[2] else _text(inner, where)
            elif isinstance(place, dict):
                if not isinstance(inner, dict):
                    raise Refused(
                        "WRONG_KIND", where, f"{where!r} holds no object. Have the supplier send it as the schema says"
                    )
                self._walk(inner, place, out, lists, f"{where}.")
            else:
                path = f"{at}{name}"
                for index, one in enumerate(_array(inner, where)):
                    if isinstance(one, Refused):
                        raise one
                    if not isinstance(one, dict):
                        raise Refused(
                            "WRONG_KIND",
                            where,
                            f"{where!r} holds something that is no object. Have the supplier send it as the "
                            "schema says",
                        )
                    entry: dict[str, Any] = {}
                    self._walk(one, place[0], entry, lists, f"{where}.{index}.")
                    lists[path].append(entry)


def _array(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Refused("WRONG_KIND", where, f"{where!r} holds no array. Have the supplier send it as the schema says")
    return value


def _texts(value: Any, where: str) -> list[str] | None:
    return [text for one in _array(value, where) if (text := _text(one, where)) is not None] or None


def _text(value: Any, where: str) -> str | None:
    if value is None or value == "":
        return None
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, Refused):
        raise value
    if not isinstance(value, str):
        raise Refused(
            "WRONG_KIND", where, f"{where!r} holds an object or array. Have the supplier send it as the schema says"
        )
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused(
                "ENCODING", where, f"{where!r} holds half of a surrogate pair. Have the supplier send the text again"
            ) from None
    return value
