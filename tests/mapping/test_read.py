"""Reading a mapping: YAML without its traps, and a fingerprint that changes when the outcome may."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import Misconfigured
from bridge.mapping import load
from bridge.mapping.model import Condition, Fiscal, Literal, Number, Rule
from bridge.mapping.yaml import Block, Series, plain, read_yaml
from tests.mapping.world import TEXT, World, item


def yaml(tmp_path: Path, text: str) -> tuple[Block, list[str]]:
    """The file read, and the codes of its faults."""
    path = tmp_path / "given.yaml"
    path.write_text(text, encoding="utf-8")
    block, faults = read_yaml(path)
    return block, [f"{fault.code}:{fault.line}" for fault in faults]


def test_every_value_is_a_text(tmp_path: Path) -> None:
    block, faults = yaml(tmp_path, 'a: NO\nb: 0123\non: 12:30:00\nc: 1.0\nd: 2026-01-01\ne: "~"\nf: [yes, 0x1F]\n')
    assert faults == []
    assert plain(block) == {
        "a": "NO",
        "b": "0123",
        "on": "12:30:00",
        "c": "1.0",
        "d": "2026-01-01",
        "e": "~",
        "f": ["yes", "0x1F"],
    }


def test_every_value_and_name_knows_its_line(tmp_path: Path) -> None:
    block, _ = yaml(tmp_path, "a:\n  b: 1\n  c:\n    - x\n    - {d: y}\n")
    inner = block["a"]
    assert isinstance(inner, Block)
    assert (block.lines, inner.lines) == ({"a": 1}, {"b": 2, "c": 3})
    series = inner["c"]
    assert isinstance(series, Series)
    assert [one.line for one in series] == [4, 5]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3\n", "M101:3"),
        ("a: &x 1\nb: *x\n", "M102:2"),
        ("a: {<<: {b: 1}}\n", "M102:1"),
        ("a: !secret 1\n", "M102:1"),
        ("a: 1\n? [b, c]\n: 2\n", "M102:2"),
        ("a: 1\n---\nb: 2\n", "M100:2"),
        ("- a\n- b\n", "M100:1"),
        ("", "M100:1"),
        ("a: [1\n", "M100:2"),
        ("a: \x07\n", "M100:1"),
    ],
)
def test_what_yaml_would_let_pass_silently_is_a_fault(tmp_path: Path, text: str, fault: str) -> None:
    assert yaml(tmp_path, text)[1] == [fault]


def test_a_file_in_another_encoding_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "given.yaml"
    path.write_bytes("a: Türkiye".encode("latin-1"))
    assert [fault.code for fault in read_yaml(path)[1]] == ["M100"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(
        tmp_path, {"ref": TEXT, "a/b": TEXT, "goods": item(kind=TEXT)}, {"id*": TEXT, "lines": item(kind=TEXT)}
    )
    made.codes("kind", "a,b,exact")
    return made


def test_rules_are_read_as_they_are_written(world: World) -> None:
    world.write(
        """
        id:
          from: ref
          when: {a/b: [NO, "1"], ref: present}
          text: [trim, upper]
          default: none
        a: {first_of: [a/b, {text: x}], blank: ["0"]}
        b: {concat: [ref, " - ", a/b, {text: end}]}
        c: {from: ref, number: {decimal: ",", thousands: ".", round: 2}, unit: a/b, codes: kind}
        d: {date: {fiscal_year: ref, month: a/b, starts: 10}}
        e: {from: ref, date: "%Y"}
        f: {from: ref, number: "."}
        lines:
          - {each: goods, when: {kind: absent}, map: {kind: {from: kind}}}
          - {each: ., map: {kind: {index: 0}}}
        """
    )
    spec = world.load().spec
    rules = {rule.target: rule for rule in spec.rules}
    assert rules["id"] == Rule(
        "id",
        8,
        "from",
        ("ref",),
        text=("trim", "upper"),
        default="none",
        when=(Condition("a/b", ("NO", "1"), 10), Condition("ref", ("present",), 10)),
    )
    assert rules["a"].inputs == ("a/b", Literal("x"))
    assert rules["a"].blank == ("0",)
    assert rules["b"].inputs == ("ref", Literal(" - "), "a/b", Literal("end"))
    assert (rules["c"].number, rules["c"].unit, rules["c"].codes) == (Number(",", ".", 2), "a/b", "kind")
    assert (rules["d"].combine, rules["d"].fiscal) == ("fiscal", Fiscal("ref", "a/b", 10))
    assert (rules["e"].date, rules["f"].number) == (("%Y",), Number("."))
    assert [(block.each, block.line) for block in spec.blocks] == [("goods", 20), (".", 21)]
    assert spec.blocks[1].rules[0].start == 0


CHANGES: list[tuple[str, Callable[[World], object]]] = [
    ("rules", lambda world: world.write("id: {from: ref, codes: kind, default: x}")),
    ("a code list", lambda world: world.codes("kind", "a,c,exact")),
    ("the source's schema", lambda world: world.schema("source", {"ref*": TEXT})),
    ("the target's schema", lambda world: world.schema("target", {"id*": TEXT, "more": TEXT})),
]


@pytest.mark.parametrize(("what", "change"), CHANGES, ids=[name for name, _ in CHANGES])
def test_the_fingerprint_changes_with_everything_that_decides_the_outcome(
    world: World, what: str, change: Callable[[World], object]
) -> None:
    del what
    world.write("id: {from: ref, codes: kind}")
    before = world.load().fingerprint
    assert world.load().fingerprint == before
    change(world)
    assert world.load().fingerprint != before
    assert len(before) == 64


def test_the_fingerprint_looks_at_no_code_list_that_the_mapping_does_not_use(world: World) -> None:
    world.write("id: {from: ref, codes: kind}")
    before = world.load().fingerprint
    world.codes("other", "a,b,exact")
    assert world.load().fingerprint == before


def test_options_of_connectors_are_plain_values(world: World) -> None:
    world.write(
        "id: {from: ref}",
        collect="{connector: files, connection: drop, every: 0 0 * * *, start: 2026-01-01, more: [a, {b: c}]}",
    )
    mapping = world.load()
    assert mapping.collect == {
        "connector": "files", "connection": "drop", "every": "0 0 * * *", "start": "2026-01-01",
        "more": ["a", {"b": "c"}],
    }  # fmt: skip
    assert mapping.collect_option("every") == "0 0 * * *"
    assert mapping.collect_option("nothing") == ""
    assert json.loads(json.dumps(mapping.collect)) == mapping.collect


def test_a_mapping_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(Misconfigured, match=r"mappings/nowhere/collect\.yaml"):
        load(world.content, "nowhere", "collect")


def test_a_mapping_with_faults_has_no_rules(world: World) -> None:
    world.write("id: {form: ref}")
    mapping = world.load()
    assert [fault.code for fault in mapping.faults] == ["M103"]
    assert mapping.spec.rules_of() == []
