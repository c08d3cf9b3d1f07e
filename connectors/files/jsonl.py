"""JSON lines: one JSON object a line, flat or nested by the shape."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa

from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.connector import Input
from bridge.errors import Problem
from bridge.shape import Shape, Type
from connectors.files.common import MIB, Proof, Refused, number_option, whole
from connectors.files.encoding import refuse_bytes

BATCH_ROWS: Final = 20_000
MAX_RECORD: Final = 8 * MIB
BLANK: Final = b" \t\r\n" + codecs.BOM_UTF8


class JsonLines:
    """UTF-8 text with one object a line; a record's position is its line. Numbers keep the text they were written in.

    Args:
        options: ``max_record_bytes`` longest line that is read (8 MiB).
        shape: dotted names are objects inside the record, lists are arrays of objects, fields of type list are arrays
            of values.
    """

    suffix = ".jsonl"

    def __init__(self, options: Mapping[str, Any], shape: Shape) -> None:
        self._max = number_option(options, "max_record_bytes", MAX_RECORD)
        self._shape = shape
        self._tree = _tree(shape)

    def prove(self, path: Path, name: str) -> Proof:
        wrong = refuse_bytes(path, name, "utf-8")
        if wrong:
            return wrong
        counted, line, text = 0, 0, b""
        with path.open("rb") as file:
            for text in _lines(file, self._max):
                line += 1
                counted += bool(text.strip(BLANK))
        if not text.endswith(b"\n") and len(text) <= self._max and _unfinished(text):
            return whole(
                "TRUNCATED",
                name,
                line,
                f"line {line}",
                "the last line breaks off in the middle of an object",
                "Have the supplier send the file again",
            )
        return Proof(counted, None, {"encoding": "utf-8"})

    def read(self, source_input: Input) -> Iterator[Batch]:
        rows = _Tables(source_input, self._shape, self._tree)
        row = line = 0
        with source_input.path.open("rb") as file:
            for text in _lines(file, self._max):
                line += 1
                if not text.strip(BLANK):
                    continue
                try:
                    rows.add(row, line, self._parse(text, line))
                except Refused as why:
                    rows.problems.append(Problem(row, line, why.code, why.field, "json", f"line {line}: {why.reason}"))
                row += 1
                if row % BATCH_ROWS == 0:
                    yield rows.batch()
        if row % BATCH_ROWS or row == 0:
            yield rows.batch()

    def _parse(self, text: bytes, line: int) -> dict[str, Any]:
        if len(text) > self._max:
            raise Refused(
                "TOO_LARGE",
                "",
                f"longer than max_record_bytes allows ({self._max}). Raise it, or have the record split",
            )
        try:
            record = json.loads(
                text.decode("utf-8-sig" if line == 1 else "utf-8"),
                object_pairs_hook=_once,
                parse_int=str,
                parse_float=str,
                parse_constant=_no_number,
            )
        except json.JSONDecodeError as bad:
            raise Refused(
                "NOT_JSON", "", f"not JSON at column {bad.colno} ({bad.msg}). Have the supplier send the record again"
            ) from None
        except RecursionError:
            raise Refused(
                "TOO_DEEP", "", "nested too deeply to be a record. Have the supplier send the record as the schema says"
            ) from None
        if not isinstance(record, dict):
            raise Refused("NOT_JSON", "", "not an object. Have the supplier write one object a line")
        return record


def _lines(file: BinaryIO, longest: int) -> Iterator[bytes]:
    """Lines with their ends; of a line that is too long only so much that it shows."""
    while text := file.readline(longest + 1):
        yield text
        while len(text) > longest and not text.endswith(b"\n"):
            text = file.readline(longest + 1)


def _unfinished(text: bytes) -> bool:
    try:
        json.loads(text.lstrip(codecs.BOM_UTF8))
    except (ValueError, RecursionError):
        return True
    return False


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(
            "REPEATED",
            twice[:60],
            f"the name {twice[:60]!r} stands twice in one object. Have the supplier send it once, or as an array",
        )
    return found


def _no_number(text: str) -> Any:
    raise Refused("NOT_JSON", "", f"{text} is no JSON number. Have the supplier leave the value out")


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


class _Tables:
    """Columns filled record by record; a record is taken whole or not at all."""

    def __init__(self, source: Input, shape: Shape, tree: Tree) -> None:
        self.source, self.shape, self.tree = source, shape, tree
        self.problems: list[Problem] = []
        self.entries: dict[str, list[tuple[int, int, dict[str, Any]]]] = {path: [] for path in shape.tables}

    def add(self, row: int, line: int, record: dict[str, Any]) -> None:
        lists: dict[str, list[dict[str, Any]]] = {path: [] for path in self.shape.lists}
        root: dict[str, Any] = {}
        self._walk(record, self.tree, root, lists, "")
        self.entries[ROOT].append((row, line, root))
        for path, found in lists.items():
            self.entries[path].extend((row, index, entry) for index, entry in enumerate(found))

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

    def batch(self) -> Batch:
        """What was gathered since the last batch."""
        tables = {}
        for path, entries in self.entries.items():
            places = {ROW: [e[0] for e in entries], POSITION if path == ROOT else INDEX: [e[1] for e in entries]}
            columns = {name: pa.array(values, pa.int64()) for name, values in places.items()}
            for f in self.shape.table(path):
                kind = pa.list_(pa.string()) if f.type is Type.LIST else pa.string()
                columns[f.name] = pa.array([e[2].get(f.name) for e in entries], kind)
            tables[path] = pa.table(columns)
        done = Batch(tables, self.source.name, self.source.sha256, tuple(self.problems))
        self.entries = {path: [] for path in self.shape.tables}
        self.problems = []
        return done


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
