"""Roots of content: searched in order, never left, and named by what they hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.content import Content
from bridge.errors import Misconfigured

CHECKOUT = Path(__file__).resolve().parents[2]


def root(tmp_path: Path, name: str, *files: str) -> Path:
    """A content root with these files, each holding its root's name."""
    made = tmp_path / name
    (made / "mappings").mkdir(parents=True)
    for file in files:
        (made / file).parent.mkdir(parents=True, exist_ok=True)
        (made / file).write_text(name)
    return made


def test_the_first_root_wins_and_the_checkout_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = root(tmp_path, "first", "mappings/a/collect.yaml")
    second = root(tmp_path, "second", "mappings/a/collect.yaml", "mappings/b/share.yaml")
    monkeypatch.setenv("BRIDGE_CONTENT", str(second))
    content = Content.find(first)
    assert content.roots == (first, second, CHECKOUT)
    assert content.path("mappings/a/collect.yaml").read_text() == "first"
    assert content.path("mappings/b/share.yaml").read_text() == "second"
    assert content.path("schemas/meta/mapping.json").is_relative_to(CHECKOUT)
    assert "a" in content.sources()
    assert "b" in content.partners()
    assert content.mapping("b", "share") == second / "mappings/b/share.yaml"


def test_systems_are_folders_with_a_mapping_of_that_direction(tmp_path: Path) -> None:
    made = root(
        tmp_path,
        "r",
        "mappings/b/collect.yaml",
        "mappings/a/collect.yaml",
        "mappings/a/share.yaml",
        "mappings/A-B/collect.yaml",
    )
    assert Content((made,)).sources() == ["a", "b"]
    assert Content((made,)).partners() == ["a"]


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "schemas/../../x"])
def test_a_path_never_leaves_its_root(tmp_path: Path, path: str) -> None:
    with pytest.raises(Misconfigured, match="BAD_PATH"):
        Content((root(tmp_path, "r"),)).path(path)


def test_a_root_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_CONTENT", str(tmp_path / "gone"))
    with pytest.raises(Misconfigured, match="no mappings/"):
        Content.find()


def test_connectors_come_from_the_roots(tmp_path: Path) -> None:
    made = root(tmp_path, "r")
    (made / "connectors").mkdir()
    (made / "connectors" / "own_of_test.py").write_text(
        "def source(connection, options, shape):\n    return connection\n"
    )
    (made / "connectors" / "empty_of_test.py").write_text("")
    content = Content((made,))
    try:
        assert content.connector("own_of_test").source("c", {}, None) == "c"
        with pytest.raises(Misconfigured, match="neither source"):
            content.connector("empty_of_test")
        with pytest.raises(Misconfigured, match="no connectors/nowhere"):
            content.connector("nowhere")
        with pytest.raises(Misconfigured, match="lower-case"):
            content.connector("os.path")
    finally:
        sys.path.remove(str(made))


def test_the_commit_is_gits_and_says_when_files_differ_from_it(tmp_path: Path) -> None:
    made = root(tmp_path, "r", "mappings/a/collect.yaml")
    plain = Content((made,)).commit()
    assert plain.startswith("sha256:")
    (made / "mappings/a/collect.yaml").write_text("other")
    assert Content((made,)).commit() != plain
    git = shutil.which("git")
    assert git is not None
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t.example", "commit", "-qm", "x"],
    ):
        subprocess.run([git, *words], cwd=made, check=True, env=env)
    head = Content((made,)).commit()
    assert len(head) == 40
    (made / "mappings/a/collect.yaml").write_text("changed")
    assert Content((made,)).commit() == f"{head}+changes"
