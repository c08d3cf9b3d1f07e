"""Every mapping of this repository: sound, complete, quick to load, and readable by editors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from bridge.content import COLLECT, SHARE, Content, Direction
from bridge.mapping import check, load, summary

CONTENT = Content((Path(__file__).resolve().parents[2],))
MAPPINGS: list[tuple[str, Direction]] = [
    *((system, COLLECT) for system in CONTENT.sources()),
    *((system, SHARE) for system in CONTENT.partners()),
]
META = json.loads(CONTENT.path("schemas/meta/mapping.json").read_bytes())


class Editor(yaml.SafeLoader):
    """YAML 1.2 as editors read it: numbers and true or false are such, dates and NO are texts."""


Editor.yaml_implicit_resolvers = {}
for _tag, _form, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"null|~|", ["n", "~", ""]),
):
    Editor.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_form})$"), list(_first))


def test_the_meta_schema_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(META)


def test_there_are_mappings() -> None:
    assert {("cen", COLLECT), ("cen", SHARE), ("cis", COLLECT), ("cis", SHARE)} <= set(MAPPINGS)


@pytest.mark.parametrize(("system", "direction"), MAPPINGS)
def test_nothing_is_wrong_with_it_and_both_sums_agree(system: str, direction: Direction) -> None:
    mapping = load(CONTENT, system, direction)
    assert [str(one) for one in check(mapping)] == []
    sums = summary(mapping)
    assert sums.source_mapped + sums.source_ignored == sums.source_total
    assert sums.target_mapped + sums.target_absent == sums.target_total
    assert mapping.spec.examples


@pytest.mark.parametrize(("system", "direction"), MAPPINGS)
def test_an_editor_completes_it_by_the_meta_schema(system: str, direction: Direction) -> None:
    text = CONTENT.mapping(system, direction).read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../../schemas/meta/mapping.json\n")
    read = yaml.load(text, Loader=Editor)  # noqa: S506 -- derived from SafeLoader
    assert [error.message for error in jsonschema.Draft202012Validator(META).iter_errors(read)] == []


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        (
            "bridge.mapping.yaml",
            {"pyarrow", "numpy", "jsonschema_rs", "polars", "pandas", "xmlschema", "sqlglot", "lxml"},
        ),
        ("bridge.mapping.read", {"polars", "pandas", "xmlschema", "sqlglot", "lxml"}),
        ("bridge.mapping.apply", {"polars", "pandas", "xmlschema", "sqlglot", "lxml", "jsonschema_rs"}),
    ],
)
def test_a_module_loads_no_library_that_it_may_not_need(module: str, unneeded: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted({unneeded!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CONTENT.roots[0]
    )
    assert done.stdout.split() == []
