"""bridge check --fix: what leaves no choice is mended in the file, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.mapping import check
from bridge.mapping.fixes import fix
from tests.findings.test_findings import FILE, found, made_world
from tests.mapping.world import World

CASES = [
    ("  id: {from: ref}", "  id: {from: reff}   # kept", "  id: {from: ref}   # kept"),
    ("  id: {from: ref}", "  id: {form: ref}", "  id: {from: ref}"),
    ("  id: {from: ref}", "  idd: {from: ref}", "  id: {from: ref}"),
    ("  id: {from: ref}", "  id:\n    from: reff  # the number", "  id:\n    from: ref  # the number"),
    ("{each: goods,", "{each: godos,", "{each: goods,"),
    ("{kind: {from: kind},", "{kind: {from: kid},", "{kind: {from: kind},"),
    ("  signs: {why: not needed}", "  signs: {why: not needed}\n  gone: {why: x}", "  signs: {why: not needed}"),
    ("  signs: {why: not needed}", "  ref: {why: x}\n  signs: {why: not needed}", "  signs: {why: not needed}"),
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
