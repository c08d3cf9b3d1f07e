"""The review register, in a real git repository: who approved what, and that nobody approves their own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.errors import Misconfigured
from bridge.mapping import refuse_findings
from bridge.mapping.review import REGISTER, approve, authors_of, register, review_findings, unapproved
from tests.findings.test_findings import FILE, SOURCE, found, made_world
from tests.mapping.world import World

AUTHOR, OTHER = "W. Writer", "A. Reader"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A sound mapping in a repository, committed by its author."""
    made = made_world(tmp_path)
    assert found(made) == []
    for name, value in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    git(made, "init", "-q")
    git(made, "config", "user.name", AUTHOR)
    git(made, "config", "user.email", "writer@office.example")
    commit(made)
    return made


def git(world: World, *words: str) -> None:
    subprocess.run(["git", *words], cwd=world.root, check=True, capture_output=True)  # noqa: S607 -- of the tests


def commit(world: World) -> None:
    git(world, "add", "-A")
    git(world, "commit", "-q", "-m", "x")


def test_who_made_a_change_cannot_approve_it(world: World) -> None:
    assert authors_of(world.root / FILE) == [AUTHOR, "writer@office.example"]
    for name in (AUTHOR, AUTHOR.upper(), "writer@office.example", f" {AUTHOR.replace(' ', '  ')} "):
        with pytest.raises(Misconfigured, match="OWN_FILE"):
            approve(world.content, [world.load()], name)
    assert not (world.root / REGISTER).exists()
    written = approve(world.content, [world.load()], OTHER)
    assert set(written.values()) == {AUTHOR}
    assert unapproved(world.load(), register(world.content)) == {}


@pytest.mark.parametrize("name", ["", " ", "\u00a0\t"])
def test_nobody_approves_without_a_name(world: World, name: str) -> None:
    with pytest.raises(Misconfigured, match="NO_NAME"):
        approve(world.content, [world.load()], name)
    assert not (world.root / REGISTER).exists()


def test_all_who_changed_a_file_since_it_was_approved_are_its_authors_and_nobody_before(world: World) -> None:
    approve(world.content, [world.load()], OTHER)
    commit(world)
    for name in ("B. Second", "C. Third"):
        git(world, "config", "user.name", name)
        (world.root / FILE).write_text((world.root / FILE).read_text() + f"# a remark of {name}\n")
        commit(world)
    for name in ("B. Second", "c. third"):
        with pytest.raises(Misconfigured, match="OWN_FILE"):
            approve(world.content, [world.load()], name)
    approve(world.content, [world.load()], AUTHOR)
    assert register(world.content)[FILE].by == AUTHOR


def test_who_changed_a_file_that_a_schema_takes_fields_from_changed_what_is_read(world: World) -> None:
    beside = world.root / "schemas" / "beside.json"
    beside.write_text(json.dumps({"properties": {"text": {"type": "string"}}}))
    fields = {name: said for name, said in SOURCE.items() if name != "note"}
    world.schema("source", {**fields, "note": {"$ref": "beside.json#/properties/text"}})
    git(world, "config", "user.name", "B. Second")
    git(world, "config", "user.email", "second@office.example")
    git(world, "add", "schemas/beside.json")
    git(world, "commit", "-q", "-m", "x")
    git(world, "config", "user.name", AUTHOR)
    commit(world)
    assert "schemas/source.json as read" in unapproved(world.load(), {})
    with pytest.raises(Misconfigured, match=r"schemas/source.json as read: B\. Second changed it"):
        approve(world.content, [world.load()], "B. Second")


def test_a_change_that_is_not_committed_is_of_whoever_works_there(world: World) -> None:
    git(world, "config", "user.name", OTHER)
    (world.root / FILE).write_text((world.root / FILE).read_text() + "# a remark\n")
    assert authors_of(world.root / FILE)[0] == OTHER
    with pytest.raises(Misconfigured, match=f"{FILE}: {OTHER} changed it since it was last approved"):
        approve(world.content, [world.load()], OTHER)


def test_each_kind_of_file_counts_and_only_what_changed_is_approved_anew(world: World) -> None:
    approve(world.content, [world.load()], OTHER)
    for file in (FILE, "mappings/codes/unit.csv"):
        path = world.root / file
        path.write_text(path.read_text() + ("# a remark\n" if file == FILE else "G,GRM,exact,,office,2026-01-31,,\n"))
    assert list(unapproved(world.load(), register(world.content))) == [FILE, "mappings/codes/unit.csv"]
    world.schema("source", {"ref*": {"type": "string"}})
    changed = unapproved(world.load(), register(world.content))
    assert {"schemas/source.json", "schemas/source.json as read"} <= set(changed)
    assert all("changed since A. Reader approved it on 20" in why for why in changed.values())


def test_production_runs_what_is_approved_and_nothing_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_MODE", "production")
    with pytest.raises(Misconfigured, match=r"nobody has approved it \(and 6 more files\)"):
        refuse_findings(world.load())
    approve(world.content, [world.load()], OTHER)
    refuse_findings(world.load())
    (world.root / FILE).write_text((world.root / FILE).read_text() + "# a remark\n")
    with pytest.raises(Misconfigured, match=r"changed since A\. Reader"):
        refuse_findings(world.load())


def test_without_a_register_development_warns_of_nothing(world: World) -> None:
    assert review_findings(world.load()) == []


def test_a_register_that_was_written_by_hand_and_wrongly_is_refused(world: World) -> None:
    (world.root / REGISTER).write_text(f"{FILE}: approved\n")
    with pytest.raises(Misconfigured, match="BAD_REGISTER"):
        register(world.content)


def test_the_command_lists_what_waits_and_writes_what_is_approved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_CONTENT", str(world.root))
    listed = CliRunner().invoke(main, ["review", "here"])
    assert f"{FILE}: nobody has approved it" in listed.output
    assert listed.output.rstrip().endswith("Next: bridge review here --as YOUR NAME")
    refused = CliRunner().invoke(main, ["review", "here", "--as", AUTHOR])
    assert refused.exit_code == 2
    done = CliRunner().invoke(main, ["review", "here", "--as", OTHER])
    assert f"approved: {FILE} (last change: {AUTHOR})" in done.output
    assert (world.root / REGISTER).read_text().count("sha256") == 7
    assert "is approved as it stands" in CliRunner().invoke(main, ["review", "here"]).output
    found(world, {"id": "{from: reff}"})
    broken = CliRunner().invoke(main, ["review", "here", "--as", OTHER])
    assert broken.exit_code == 2
    assert "what has errors is not approved" in broken.output
