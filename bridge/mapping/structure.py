"""Whether a mapping file has the structure that schemas/meta/mapping.json demands, in words and with lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from bridge.content import Content
from bridge.mapping.faults import Fault
from bridge.mapping.yaml import Block, Series, Value, plain

META: Final = "schemas/meta/mapping.json"
_FORM: Final = "See docs/reference/mapping.md for its form"


def structure_faults(content: Content, names: Block) -> list[Fault]:
    """What is wrong, one fault a place, in the order of the file."""
    path = content.path(META)
    meta, validator = _validator(path, path.stat().st_mtime_ns)
    found = {_fault(names, error, meta) for error in validator.iter_errors(plain(names))}
    return sorted(found, key=lambda fault: (fault.line, fault.field, fault.what))


@lru_cache(maxsize=4)
def _validator(path: Path, _changed: int) -> tuple[Any, Any]:
    meta = json.loads(path.read_bytes())
    return meta, jsonschema_rs.validator_for(meta)


def _fault(names: Block, error: Any, meta: Any) -> Fault:
    line, said = _walk(names, error.instance_path)
    at = ".".join(str(part) for part in error.instance_path)
    what, fix = f"{_shown(said)} is not understood", _FORM
    wrong = meant = ""
    match error.kind.name:
        case "additionalProperties":
            word = str(error.kind.unexpected[0])
            known = list(_node(meta, error.schema_path[:-1]).get("properties", ()))
            near = get_close_matches(word, known, 1)
            line = said.lines.get(word, line) if isinstance(said, Block) else line
            what = f"{word} is no word here"
            wrong, meant = (word, near[0]) if near else ("", "")
            fix = f"Did you mean {near[0]}?" if near else f"Use {', '.join(known)}"
        case "required":
            what, fix = f"{error.kind.property} is not said", f"Add {error.kind.property}:"
        case "enum" | "const":
            node = _node(meta, error.schema_path[:-1])
            fix = f"Write {' or '.join(str(one) for one in node.get('enum', [node.get('const')]))}"
        case "minLength" | "minProperties" | "minItems":
            what, fix = "nothing is said", "Fill it in, or leave the name out"
        case "type":
            what = f"{_kind(said)} stands where something else is meant"
        case "pattern":
            fix = f"Its form is {error.kind.pattern}"
    return Fault("M103", line, at, what, fix, wrong, meant)


def _node(meta: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        meta = meta[part]
    return meta


def _walk(names: Block, path: Sequence[str | int]) -> tuple[int, Value]:
    """The line and the value that a path leads to."""
    here: Value = names
    line = names.line
    for part in path:
        if isinstance(here, Block):
            line = here.lines[str(part)]
            here = here[str(part)]
        elif isinstance(here, Series):
            here = here[int(part)]
            line = here.line
    return line, here


def _shown(said: Value) -> str:
    return str(said) if isinstance(said, str) else _kind(said)


def _kind(said: Value) -> str:
    return "a text" if isinstance(said, str) else "a series" if isinstance(said, Series) else "a block of names"
