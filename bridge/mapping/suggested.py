"""What a command has suggested in a mapping or its schema, and no person has confirmed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.content import Content
from bridge.mapping.yaml import Block, Series, Value

SUGGESTED: Final = "suggested"
"""The word under which a suggestion stands in a mapping, with what was found."""
IN_SCHEMA: Final = "x-suggested"
"""The same in a JSON Schema, beside the class that is suggested."""

NOTHING_FOUND: Final = "nothing was found out about it"
"""The same of a field whose class was only set to the strictest."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One suggestion.

    Args:
        field: what it is about: a target path, ``absent.<field>``, a section, or the path of a source field.
        why: the evidence, or the question that has to be answered.
        file: the schema below ``schemas/`` if it stands there; "" for the mapping itself.
    """

    field: str
    why: str
    line: int
    file: str = ""


def suggestions(names: Block) -> Iterator[Suggestion]:
    """Every suggestion of a mapping file, in its order."""
    for name, value in names.items():
        yield from _below(value, "" if name == "map" else str(name))


def _below(value: Value, at: str) -> Iterator[Suggestion]:
    if isinstance(value, Series):
        for place, one in enumerate(value):
            named = one.get("name", place) if isinstance(one, Block) else place
            yield from _below(one, f"{at}.{named}" if at == "examples" else at)
    elif isinstance(value, Block):
        if SUGGESTED in value:
            yield Suggestion(at, str(value[SUGGESTED]), value.lines[SUGGESTED])
        for name, inner in value.items():
            if not isinstance(inner, str):
                # The fields of a list stand below its map:, which is no part of their path.
                yield from _below(inner, at if name == "map" else f"{at}.{name}" if at else str(name))


def schema_suggestions(content: Content, *sides: Mapping[str, str]) -> Iterator[Suggestion]:
    """Every class that is only suggested in the JSON Schemas of a mapping's two sides."""
    for side in sides:
        path = content.seek(f"schemas/{side['schema']}") if side.get("schema", "").endswith(".json") else None
        data = path.read_bytes() if path else b""
        if IN_SCHEMA.encode() in data:
            lines = data.decode("utf-8", "replace").splitlines()
            places = (number for number, line in enumerate(lines, 1) if f'"{IN_SCHEMA}"' in line)
            for field, why in _annotated(json.loads(data), ""):
                yield Suggestion(field, why, next(places, 1), f"schemas/{side['schema']}")


def _annotated(node: Any, at: str) -> Iterator[tuple[str, str]]:
    """Suggested classes of a JSON Schema by field path, in the order of the file."""
    for name, inner in node.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        if IN_SCHEMA in inner:
            yield path, str(inner[IN_SCHEMA])
        yield from _annotated(inner, path)
        yield from _annotated(inner.get("items", {}), path)
