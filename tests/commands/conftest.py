"""A content root of a test's own, a file that nobody has described yet, and the commands as typed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.commands import tables

EXAMPLE = Path(__file__).parents[2] / "docs" / "example" / "port_seizures.csv"
NAME = "port_seizures"
SECTIONS = ("map", "ignore", "absent", "collect", "examples", "classes", "codes")
Bridge = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An administration's own content root, empty, and the folder one works in."""
    made = tmp_path / "content"
    (made / "mappings").mkdir(parents=True)
    monkeypatch.setenv("BRIDGE_CONTENT", str(made))
    monkeypatch.setattr(tables.console, "width", 200)
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """A CSV as an office sends it: semicolons, latin-1, days first, decimal commas, words of its own."""
    path = tmp_path / "drop" / EXAMPLE.name
    path.parent.mkdir()
    shutil.copy(EXAMPLE, path)
    return path


@pytest.fixture
def bridge() -> Bridge:
    """A command as typed; gives what it prints, and fails the test if it does not end as expected."""

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, words)
        assert done.exit_code == code, (words, done.output, done.exception)
        return done.output

    return run


def answer(root: Path, name: str = NAME) -> None:
    """A person's answers to what the draft of the example asks, and its open row filled in."""
    for file, old, new in (
        (f"mappings/{name}/collect.yaml", "??", "BE"),
        (f"mappings/codes/{name}_concealment.csv", "Dubbele bodem,,,", "Dubbele bodem,VEHICLE_STRUCTURE,alias,"),
    ):
        path = root / file
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
