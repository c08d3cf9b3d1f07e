"""A mapping that passed its check is not checked again as long as nothing changes that the check looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import Misconfigured
from bridge.mapping import checks, passed, refuse_findings
from bridge.mapping.passed import has_passed, keep_passed, mark_of
from tests.findings.test_findings import FILE, found, made_world, write
from tests.mapping.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A sound mapping, in a process that has checked none; the home is the test's own."""
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(checks, "_SOUND", set())
    made = made_world(tmp_path / "content")
    assert found(made) == []
    return made


def marks(world: World) -> list[Path]:
    folder = world.root.parent / "home" / "checked"
    return list(folder.iterdir()) if folder.is_dir() else []


def wrong(world: World) -> World:
    """The same with an error."""
    write(world, {"id": "{from: reff}"}, {}, {}, "")
    return world


def test_a_sound_mapping_is_remembered_and_one_with_an_error_is_not(world: World) -> None:
    refuse_findings(world.load())
    assert marks(world) == [mark_of(world.load())]
    assert has_passed(mark_of(world.load()))
    with pytest.raises(Misconfigured, match="M000"):
        refuse_findings(wrong(world).load())
    assert len(marks(world)) == 1
    assert not has_passed(mark_of(world.load()))


def test_what_is_remembered_is_believed_unless_others_could_have_written_it(world: World) -> None:
    mapping = wrong(world).load()
    mark = mark_of(mapping)
    assert mark is not None
    keep_passed(mark)
    mark.chmod(0o666)
    with pytest.raises(Misconfigured, match="M000"):
        refuse_findings(mapping)
    mark.chmod(0o600)
    refuse_findings(mapping)


@pytest.mark.parametrize(
    "file",
    [
        FILE,
        "mappings/here/samples/one.json",
        "mappings/here/share.yaml",
        "mappings/codes/unit.csv",
        "schemas/target.json",
        "schemas/meta/mapping.json",
        "rules/goods.py",
    ],
)
def test_any_file_of_the_content_counts(world: World, file: str) -> None:
    before = mark_of(world.load())
    path = world.root / file
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + "\n")
    assert mark_of(world.load()) != before


def test_the_engine_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = mark_of(world.load())
    monkeypatch.setattr(passed, "_LIBRARIES", (*passed._LIBRARIES, "lxml"))
    assert mark_of(world.load()) == before
    passed._engine.cache_clear()
    assert mark_of(world.load()) != before
    monkeypatch.undo()
    passed._engine.cache_clear()


def test_what_is_not_approved_stays_out_of_production(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_findings(world.load())
    monkeypatch.setenv("BRIDGE_MODE", "production")
    with pytest.raises(Misconfigured, match="NOT_APPROVED"):
        refuse_findings(world.load())


def test_a_home_that_cannot_be_written_costs_only_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_HOME", str(world.root / FILE))  # a file, below which nothing can be
    refuse_findings(world.load())
    assert not has_passed(mark_of(world.load()))


def test_no_more_are_remembered_than_are_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passed, "_MOST", 3)
    refuse_findings(world.load())
    (first,) = marks(world)
    for number in range(6):
        keep_passed(first.with_name(str(number)))
    assert len(marks(world)) == 3
