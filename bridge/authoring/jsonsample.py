"""The shape of JSON documents from a sample: nested objects are dotted names, arrays of objects are lists.

JSON lines are a file; a whole document is taken for a page as a service gives it, with records and a way to the next.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bridge.authoring.header import refuse_keyed
from bridge.authoring.sample import MOST_ROWS, Column, Sample
from bridge.errors import Misconfigured
from bridge.shape import Field, Type

_FILE: Final = {"connector": "files", "format": "jsonl", "pattern": "*.jsonl"}
_WRAPPED: Final = 3
"""A document with so many names at most, one of them of records, is a page; else it is a record with a list."""
_AROUND: Final = frozenset(
    {"_links", "count", "cursor", "first", "has_more", "last", "limit", "links", "meta", "next", "offset", "page"}
    | {"pages", "pagination", "paging", "prev", "previous", "self", "size", "total"}
)
"""Names that only stand around records."""
_NEXT: Final = re.compile(r"(?:\S+\.)?next\S* (?:https?://|/|\?)\S*", re.IGNORECASE)
"""A path that ends in next, and an address there."""


def json_sample(path: Path) -> Sample:
    """Fields, lists and values of the objects of a JSON or JSON lines file.

    Raises:
        Misconfigured: not JSON, or objects whose keys are values.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        records, options = _page(text) if path.suffix.lower() == ".json" else (_lines(text), dict(_FILE))
    except (ValueError, UnicodeDecodeError) as bad:
        raise Misconfigured("BAD_SAMPLE", path.name, f"not JSON: {bad}", "Correct the sample") from None
    records = records[:MOST_ROWS]
    refuse_keyed(records, path.name)
    tree = _Tree()
    for record in records:
        tree.add(record, "", "")
    found = Sample("jsonl", tree.columns(len(records)), tuple(tree.lists))
    found.options = options
    found.said = [f"{len(records)} JSON objects"]
    if options["connector"] == "rest":
        found.said.append("taken for a page of a service; if it is a file, say connector: files and format: jsonl")
        found.questions.append(
            "which query parameters limit the answer to what changed in a window? Say since: and until: in collect"
        )
        if "pages" not in options:
            found.questions.append(
                "how does one page lead to the next? Say pages: in collect; without it, one page has all"
            )
    return found


def _lines(text: str) -> list[Mapping[str, Any]]:
    return [json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines() if line.strip()]


def _page(text: str) -> tuple[list[Mapping[str, Any]], dict[str, Any]]:
    """The records of a document, and where they and the address of the next page stand in it."""
    loaded = json.loads(text, parse_float=str, parse_int=str)
    options: dict[str, Any] = {"connector": "rest"}
    if isinstance(loaded, Mapping):
        inside = [name for name, value in loaded.items() if _is_records(value)]
        if len(inside) == 1 and (len(loaded) <= _WRAPPED or loaded.keys() - _AROUND == {inside[0]}):
            options["records"] = inside[0]
            following = next((path for path, value in _texts(loaded, "") if _NEXT.fullmatch(f"{path} {value}")), "")
            options |= {"pages": {"next": following}} if following else {}
            loaded = loaded[inside[0]]
        else:
            loaded = [loaded]
    return [one for one in loaded if isinstance(one, Mapping)], options


def _texts(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Every text of an object and of objects in it, with its path."""
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _texts(inner, f"{at}{name}.")
        elif isinstance(inner, str):
            yield f"{at}{name}", inner


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
