"""Drafts: what a killed writer leaves is removed, and never what a living one has or may have."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.draft import ABANDONED, draft
from connectors.files.archive import keep
from connectors.sql.bundle import writing

WRITER = """
import sys, time
from pathlib import Path
from bridge.draft import draft
handle, path = draft(Path(sys.argv[1]), ".draft-")
print(path.name, flush=True)
time.sleep(600)
"""


def aged(path: Path) -> Path:
    """The file as if nobody had written to it for long."""
    os.utime(path, (0, path.stat().st_mtime - ABANDONED - 60))
    return path


def begin(folder: Path) -> None:
    """A writer of a new draft in the folder, which then goes away in order."""
    handle, path = draft(folder, ".draft-")
    os.close(handle)
    path.unlink()


def test_only_what_a_dead_writer_left_long_ago_is_removed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, os.fspath(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        left = aged(tmp_path / writer.stdout.readline().strip())
        begin(tmp_path)
        assert left.exists(), "its writer lives"
        writer.send_signal(signal.SIGKILL)
    begin(tmp_path)
    assert not left.exists()


def test_what_is_young_or_called_otherwise_or_a_link_stays(tmp_path: Path) -> None:
    young, other, target = tmp_path / ".draft-young", tmp_path / "draft-other", tmp_path / "target"
    for path in (young, other, target):
        path.touch()
    aged(other), aged(target)
    link = tmp_path / ".draft-link"
    link.symlink_to(target)
    os.utime(link, (0, 0), follow_symlinks=False)
    begin(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".draft-link", ".draft-young", "draft-other", "target"]


@pytest.mark.parametrize("kind", ["arriving", "sql"])
def test_an_archive_loses_what_killed_collectors_left_in_it(tmp_path: Path, kind: str) -> None:
    left = tmp_path / f".{kind}-killed"
    left.touch()
    aged(left)
    if kind == "sql":
        with writing(tmp_path) as bundle:
            bundle.close({})
    else:
        keep(io.BytesIO(b"bytes"), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name.startswith(".")] == []
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
