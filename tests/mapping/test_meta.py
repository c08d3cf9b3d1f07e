"""What editors know of mappings and code lists: every word with its description, and broken files underlined."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bridge.content import Content
from tests.mapping.test_every_mapping import META, Editor

ROOT = Path(__file__).resolve().parents[2]
CODES = json.loads((ROOT / "schemas" / "meta" / "codes.json").read_bytes())
MAPPING = jsonschema.Draft202012Validator(META)
ROW = jsonschema.Draft202012Validator(CODES)
SOUND = """
mapping: here.record -> there.record
version: 1.0.0
owner: data@office.example
source: {schema: source.json}
target: {schema: target.json}
map:
  id: {from: ref}
"""
BROKEN = [
    ("owner: data@office.example", "", "'owner' is a required property"),
    ("owner:", "ownr:", "'ownr' was unexpected"),
    ("version: 1.0.0", "version: 1.0", "1.0 is not of type 'string'"),
    ("here.record -> there.record", "here.record", "does not match"),
    ("{from: ref}", "{form: ref}", "'form' was unexpected"),
    ("{from: ref}", "ref", "'ref' is not of type 'object'"),
    ("{from: ref}", "{from: ref, take: any}", "'any' is not one of"),
    ("{from: ref}", "{from: ref, text: [uper]}", "'uper' is not one of"),
    ("{from: ref}", "{from: ref, number: x}", "'x' is not one of"),
    ("{from: ref}", "{first_of: []}", "[] should be non-empty"),
    ("{from: ref}", "{each: lines}", "'map' is a required property"),
    ("{from: ref}", "{from: ref, when: {a: sometimes}}", "'sometimes' is not one of"),
    ("map:", "effective: {from: 1 January}\nmap:", "does not match"),
    ("map:", "effective: {since: 2026-01-01}\nmap:", "'since' was unexpected"),
    ("map:", "drift: {new: ignore}\nmap:", "'ignore' is not one of"),
    ("map:", "ignore: {x: not needed}\nmap:", "'not needed' is not of type 'object'"),
    ("map:", "absent: {x: {}}\nmap:", "'why' is a required property"),
    ("map:", "release: {partner: There}\nmap:", "'basis' is a required property"),
    ("map:", "examples: [{name: one}]\nmap:", "'given' is a required property"),
    ("map:", "examples: [{name: one, given: a.json, whole: a.csv}]\nmap:", "does not match"),
]
ROWS = [
    ({"relation": "same"}, "does not match"),
    ({"relation": "none"}, "was expected"),
    ({"relation": "broader", "why": ""}, "should be non-empty"),
    ({"reviewed_by": ""}, "should be non-empty"),
    ({"reviewed_on": "yesterday"}, "does not match"),
    ({"valid_from": "2026"}, "is not valid under any of the given schemas"),
    ({"remark": "x"}, "'remark' was unexpected"),
]


def words(node: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every word of a schema with what the schema says of it."""
    if isinstance(node, dict):
        for name, said in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
            yield f"{at}.{name}".lstrip("."), said
        for name, inner in node.items():
            yield from words(inner, at if name in ("properties", "$defs", "items", "then", "else") else f"{at}.{name}")
    elif isinstance(node, list):
        for inner in node:
            yield from words(inner, at)


def described(said: Any) -> bool:
    reference = said.get("$ref", "").rpartition("/")[2]
    return bool(said.get("description") or (reference and META["$defs"].get(reference, {}).get("description")))


def errors(text: str) -> list[str]:
    return [error.message for error in MAPPING.iter_errors(yaml.load(text, Loader=Editor))]  # noqa: S506 -- of SafeLoader


def test_an_editor_tells_what_every_word_means() -> None:
    known = [*words(META), *words(CODES)]
    assert len(known) > 90
    # Inside a condition a word is asked for, not offered.
    asked = ("if.", "allOf.")
    assert sorted({at for at, said in known if not any(one in f"{at}." for one in asked) and not described(said)}) == []


def test_a_sound_file_is_not_underlined() -> None:
    assert errors(SOUND) == []


@pytest.mark.parametrize(("old", "new", "said"), BROKEN, ids=[new or f"no {old}" for old, new, _ in BROKEN])
def test_a_broken_file_is_underlined(old: str, new: str, said: str) -> None:
    assert SOUND.count(old) == 1
    found = errors(SOUND.replace(old, new))
    assert any(said in one for one in found), found


def test_every_row_of_every_code_list_is_sound() -> None:
    seen = 0
    for path in sorted(Content((ROOT,)).roots[0].glob("mappings/codes/*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != list(CODES["properties"]):
                continue  # a look-up has columns of its own
            for row in reader:
                seen += 1
                assert next(ROW.iter_errors(row), None) is None, (path.name, row)
    assert seen > 1000


@pytest.mark.parametrize(("change", "said"), ROWS, ids=[next(iter(change)) for change, _ in ROWS])
def test_a_broken_row_is_refused(change: dict[str, str], said: str) -> None:
    row = {**dict.fromkeys(CODES["properties"], ""), "source": "A", "target": "B", "relation": "exact"}
    row |= {"reviewed_by": "office", "reviewed_on": "2026-01-31"}
    assert list(ROW.iter_errors(row)) == []
    assert any(said in error.message for error in ROW.iter_errors({**row, **change}))
