"""The shape of JSON documents from a sample: nested objects are dotted names, arrays of objects are lists."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bridge.authoring.header import refuse_keyed
from bridge.authoring.sample import MOST_ROWS, Column, Sample
from bridge.errors import Misconfigured
from bridge.shape import Field, Type


def json_sample(path: Path) -> Sample:
    """Fields, lists and values of the objects of a JSON or JSON lines file.

    Raises:
        Misconfigured: not JSON, or objects whose keys are values.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        records = list(_objects(text, path.suffix.lower()))[:MOST_ROWS]
    except (ValueError, UnicodeDecodeError) as bad:
        raise Misconfigured("BAD_SAMPLE", path.name, f"not JSON: {bad}", "Correct the sample") from None
    refuse_keyed(records, path.name)
    tree = _Tree()
    for record in records:
        tree.add(record, "", "")
    found = Sample("jsonl", tree.columns(len(records)), tuple(tree.lists))
    found.options = {"format": "jsonl", "pattern": "*.jsonl"}
    found.said = [f"{len(records)} JSON objects"]
    if path.suffix.lower() == ".json":
        found.questions.append("the files connector reads JSON lines, one object a line: can the system send *.jsonl?")
    return found


def _objects(text: str, suffix: str) -> Iterator[Mapping[str, Any]]:
    if suffix == ".json":
        loaded = json.loads(text, parse_float=str, parse_int=str)
        if isinstance(loaded, Mapping):
            inside = [value for value in loaded.values() if _is_records(value)]
            loaded = inside[0] if len(inside) == 1 and len(loaded) <= 3 else [loaded]
        yield from (one for one in loaded if isinstance(one, Mapping))
    else:
        for line in text.splitlines():
            if line.strip():
                yield json.loads(line, parse_float=str, parse_int=str)


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


class _Tree:
    """Fields of nested objects as they are met."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], list[str]] = {}
        self.kinds: dict[tuple[str, str], Type] = {}
        self.lists: dict[str, int] = {}

    def add(self, record: Mapping[str, Any], list_: str, prefix: str) -> None:
        for key, value in record.items():
            name = f"{prefix}{key}"
            if isinstance(value, Mapping):
                self.add(value, list_, f"{name}.")
            elif _is_records(value) and not list_:
                self.lists[name] = self.lists.get(name, 0) + len(value)
                for entry in value:
                    self.add(entry, name, "")
            else:
                self._leaf((list_, name), value)

    def _leaf(self, key: tuple[str, str], value: Any) -> None:
        values = self.found.setdefault(key, [])
        if isinstance(value, list):
            self.kinds[key] = Type.LIST
        elif isinstance(value, bool):
            self.kinds.setdefault(key, Type.BOOLEAN)
        for one in value if isinstance(value, list) else [value]:
            if one not in (None, ""):
                values.append(str(one).lower() if isinstance(one, bool) else str(one))

    def columns(self, records: int) -> list[Column]:
        made = []
        for (list_, name), values in self.found.items():
            rows = self.lists[list_] if list_ else records
            kind = self.kinds.get((list_, name), Type.TEXT)
            full = kind is not Type.LIST and len(values) == rows
            made.append(Column(Field(list_, name, kind, required=full), values, rows))
        return made
