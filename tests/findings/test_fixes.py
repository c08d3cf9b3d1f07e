"""bridge check --fix: what leaves no choice is mended in the file, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.mapping import check
from bridge.mapping.fixes import fix
from bridge.mapping.suggested import NOTHING_FOUND
from tests.findings.test_findings import FILE, SOURCE, found, made_world
from tests.mapping.world import TEXT, World

CASES = [
    ("  id: {from: ref}", "  id: {from: reff}   # kept", "  id: {from: ref}   # kept"),
    ("  id: {from: ref}", "  id: {form: ref}", "  id: {from: ref}"),
    ("  country: {from: country,", "  countryy: {from: country,", "  country: {from: country,"),
    ("  id: {from: ref}", "  id:\n    from: reff  # the number", "  id:\n    from: ref  # the number"),
    ("{each: goods,", "{each: goodss,", "{each: goods,"),
    ("{kind: {from: kind},", "{kind: {from: kid},", "{kind: {from: kind},"),
    ("  signs: {why: not needed}", "  signs: {why: not needed}\n  gone: {why: x}", "  signs: {why: not needed}"),
    ("  signs: {why: not needed}", "  ref: {why: x}\n  signs: {why: not needed}", "  signs: {why: not needed}"),
    ("  id: {from: ref}", "  id: {from: ref, one_way: it is}", "  id: {from: ref}"),
]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return made_world(tmp_path)


@pytest.mark.parametrize(("good", "bad", "mended"), CASES)
def test_what_leaves_no_choice_is_mended_in_the_text_itself(world: World, good: str, bad: str, mended: str) -> None:
    assert found(world) == []
    path = world.root / FILE
    sound = path.read_text()
    assert sound.count(good) == 1
    path.write_text(sound.replace(good, bad))
    assert check(world.load())
    told = fix(world.load(), check(world.load()))
    assert len(told) == 1
    assert told[0].startswith(f"{FILE}:")
    assert path.read_text() == sound.replace(good, mended)
    assert check(world.load()) == []
    assert fix(world.load(), check(world.load())) == []


def test_a_line_for_a_whole_list_is_written_out_for_the_fields_that_are_left(tmp_path: Path) -> None:
    """What was said of all of them is said of each that no rule fills and no other line names."""
    fields = dict.fromkeys(("kind", "mark", "size", "brand of it"), TEXT)
    listed = {"type": "array", "items": {"type": "object", "properties": fields}}
    made = World(tmp_path, {"kind": TEXT}, {"lines": listed})
    made.write(
        "lines: {each: ., map: {kind: {from: kind}}}",
        "absent:\n  lines.size: {why: never}\n  lines.*: {why: not given, suggested: nothing is like it}  # all\n",
    )
    (told,) = [str(one) for one in check(made.load()) if one.code == "M004"]
    assert "M004 lines.*: said to be absent, yet lines.kind is mapped on line" in told
    assert told.endswith("Name what is left one by one, as bridge check --fix does.")
    (mended,) = fix(made.load(), check(made.load()))
    assert mended.endswith("lines.*: written out for the 2 fields that are left, with the same reason")
    said = "{why: not given, suggested: nothing is like it}"
    expected = f"  lines.size: {{why: never}}\n  lines.mark: {said}\n  lines.brand of it: {said}  # all\n"
    assert (made.root / FILE).read_text().partition("absent:\n")[2] == expected
    assert {one.code for one in check(made.load())} == {"M070"}


def test_a_field_of_which_nothing_was_known_takes_the_class_of_what_it_fills_and_is_asked_again(world: World) -> None:
    guess = {"x-class": "free_text", "x-sensitivity": "FREE_TEXT", "x-suggested": NOTHING_FOUND}
    told_by_someone = {"x-class": "person", "x-sensitivity": "NOMINAL", "x-suggested": "header is like 'ime'"}
    world.schema("source", {**SOURCE, "ref": {**TEXT, **guess}, "surname": {**TEXT, **told_by_someone}})
    said = found(world, {"note": "{from: surname}"}, absent={"note": None}, ignore={"surname": None})
    assert sum(" M041 " in one for one in said) == 2
    (told,) = [one for one in fix(world.load(), check(world.load())) if "M041" in one]
    assert told == "schemas/source.json: M041 ref: suggested as event"
    left = check(world.load())
    assert [one.field for one in left if one.code == "M041"] == ["note"], "what seems to be a person stays one"
    assert {one.field for one in left if one.code == "M070"} == {"ref", "surname"}


def test_a_reason_is_never_made_up(world: World) -> None:
    assert found(world, ignore={"signs": None}, absent={"count": None}) != []
    before = (world.root / FILE).read_text()
    assert fix(world.load(), check(world.load())) == []
    assert (world.root / FILE).read_text() == before


def test_a_section_goes_with_its_last_line(world: World) -> None:
    found(world, absent=dict.fromkeys(("who", "count", "sure", "note", "mark")))
    path = world.root / FILE
    text = path.read_text()
    path.write_text(text.replace("absent:\n", "absent:\n  gone: {why: x}\n"))
    assert "M003" in {one.code for one in check(world.load())}
    assert fix(world.load(), check(world.load()))
    assert "absent:" not in path.read_text()


def test_the_record_that_an_example_expects_is_written_once(world: World) -> None:
    more = "examples: [{name: all of it, given: one.json, whole: one.expected.json}]"
    assert [one.split()[1] for one in found(world, more=more)] == ["M060"]
    (told,) = fix(world.load(), check(world.load()))
    assert told.endswith('written for example "all of it" as the record is now; look at it before you commit')
    assert check(world.load()) == []
    expected = world.root / "mappings" / "here" / "samples" / "one.expected.json"
    expected.write_text(expected.read_text().replace("2025-03-09", "2025-03-10"))
    (said,) = check(world.load())
    assert "on is 2025-03-09, not 2025-03-10" in said.message
    assert fix(world.load(), check(world.load())) == []


def test_the_command_tells_what_it_did_and_then_checks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found(world, {"id": "{form: reff}"})
    monkeypatch.setenv("BRIDGE_CONTENT", str(world.root))
    done = CliRunner().invoke(main, ["check", "here", "--fix"])
    assert done.exit_code == 0, done.output
    assert f"fixed: {FILE}:8: M103 map.id: form is now from" in done.output
    assert f"fixed: {FILE}:8: M001 id: reff is now ref" in done.output
    assert done.output.rstrip().endswith("Every mapping may run.")
    assert "fixed:" not in CliRunner().invoke(main, ["check", "here", "--fix"]).output


@pytest.mark.parametrize(
    ("fields", "rules", "more"),
    [
        # Like another field, yet not nearly the same.
        ({"Gross weight": TEXT}, "net: {from: Net weight}", ""),
        # The only one that is near is ignored, and somebody has written why.
        ({"Gross weight": TEXT}, "net: {from: Gros weight}", "ignore:\n  Gross weight: {why: not needed}"),
        # Another rule reads it.
        ({"Gross weight": TEXT}, "net: {from: Gros weight}\ngross: {from: Gross weight}", ""),
        # Two wrong names are near the same right one.
        ({"Gross weight": TEXT}, "net: {from: Gros weight}\ngross: {from: Gross weigt}", ""),
        # Two are as near, and a number tells apart what is alike otherwise.
        ({"Weight 1": TEXT, "Weight 2": TEXT}, "net: {from: Weight}", ""),
        ({"Weight 1": TEXT}, "net: {from: Weight 2}", ""),
        # A reason whose name is misspelt is still a reason.
        ({"Gross weight": TEXT}, "net: {const: x}", "ignore:\n  Gros weight: {why: not needed}"),
    ],
)
def test_what_may_mean_something_else_is_never_mended(
    tmp_path: Path, fields: dict[str, Any], rules: str, more: str
) -> None:
    made = World(tmp_path, fields, {"net": TEXT, "gross": TEXT})
    made.write(rules, more)
    before = (made.root / FILE).read_text()
    assert {"M001", "M003"} & {one.code for one in check(made.load())}
    assert fix(made.load(), check(made.load())) == []
    assert (made.root / FILE).read_text() == before


def test_a_reason_outlives_a_rule_that_the_same_run_has_mended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found(world, {"note": "{form: surname}"}, absent={"note": None})
    monkeypatch.setenv("BRIDGE_CONTENT", str(world.root))
    told = CliRunner().invoke(main, ["check", "here", "--fix"]).output
    assert "form is now from" in told
    assert "M004 surname" in told
    assert "surname: {why: not needed}" in (world.root / FILE).read_text()


def test_only_the_names_of_source_fields_in_the_rule_itself_are_replaced(tmp_path: Path) -> None:
    made = World(tmp_path, {"country": TEXT, "counted": TEXT}, dict.fromkeys(("a", "b", "c", "d"), TEXT))
    made.codes("countri", "x,x,exact")
    rules = """\
a: {from: countri, codes: countri, when: {countri: [countri]}}
b: {const: countri}
c: {concat: [countri, {text: countri}]}
d:
  hash: {of: [countri]}
"""
    made.write(rules, "ignore: {counted: {why: countri}}")
    path = made.root / FILE
    assert fix(made.load(), check(made.load()))
    assert (
        path.read_text().partition("map:\n")[2]
        == """\
  a: {from: country, codes: countri, when: {country: [countri]}}
  b: {const: countri}
  c: {concat: [country, {text: countri}]}
  d:
    hash: {of: [country]}
ignore: {counted: {why: countri}}
"""
    )


def test_the_last_two_stale_lines_take_their_section_along_and_leave_comments_and_line_ends(world: World) -> None:
    found(world, absent=dict.fromkeys(("who", "count", "sure", "note", "mark")))
    path = world.root / FILE
    kept = "# What stands here speaks of the examples.\nexamples: []\n"
    sound = path.read_text().replace("absent:\n", "").rstrip() + "\n"
    broken = f"{sound}absent:\n  zzz: {{why: x}}\n  qqq:\n    why: |\n      x\n\n{kept}"
    path.write_bytes(broken.replace("\n", "\r\n").encode())
    told = fix(world.load(), check(world.load()))
    assert len(told) == 2
    assert path.read_bytes() == f"{sound}\n{kept}".replace("\n", "\r\n").encode()


def test_the_command_prints_three_findings_of_a_kind_and_counts_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.codes("unit", *(f"K{number},KGM,exact,,,,," for number in range(9)))
    found(world)
    monkeypatch.setenv("BRIDGE_CONTENT", str(world.root))
    lines = CliRunner().invoke(main, ["check", "here"]).output.splitlines()
    assert [line for line in lines if "unit.csv" in line][3:] == [
        "mappings/codes/unit.csv: M022 and 6 more; --all prints them"
    ]
    lines = CliRunner().invoke(main, ["check", "here", "--all"]).output.splitlines()
    assert sum("unit.csv:" in line for line in lines) == 9
