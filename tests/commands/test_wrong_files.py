"""A file that is named at the command line and cannot be used is the person's to mend; any other file is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.typed import unusable
from bridge.exchange import Exchange
from tests.commands.conftest import Bridge
from tests.exchange.samples import Version, collect

FOLDER, PATH = "it is a folder where a file is needed", "a part of its path is a file and no folder"
MISSING = "there is no such file, or no such folder for it"


def test_a_sample_that_is_a_folder(root: Path, bridge: Bridge) -> None:
    (root / "drop.csv").mkdir()
    said = bridge("new", "source", "port", "--sample", "drop.csv", code=2)
    assert "drop.csv" in said
    assert "UNEXPECTED" not in said


def test_a_place_where_nothing_can_be_written(
    exchange_url: str, tmp_path: Path, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", exchange_url)
    collect(Exchange(exchange_url), [Version("S1")])
    (tmp_path / "file").write_text("", encoding="utf-8")
    for place, why in (("none/x", MISSING), ("file/x", PATH), (".", FOLDER)):
        path = str(tmp_path / place)
        said = f"FILE_NOT_USABLE at {path}: the file cannot be used: {why}. "
        for words in (("verify", "--quick", "--save", path), ("prove", "CEN:S1", f"--out={path}")):
            assert said in bridge(*words, code=2)
    below = str(tmp_path / "file/x")
    assert f"FILE_NOT_USABLE at {tmp_path / 'file'}" in bridge("docs", "--out", below, code=2)
    assert f"FILE_NOT_USABLE at {tmp_path / 'file'}" in bridge("feed", below, code=2)


def test_a_file_that_nobody_named_is_no_fault_of_what_was_typed(
    tmp_path: Path, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path / "file/home"))
    assert "TryLater: UNEXPECTED at bridge docs: NotADirectoryError" in bridge("docs", code=75)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/a/b.csv", True), ("--sample=/a/b.csv", True), ("/a", True), ("/a/b.csv/c", True), ("/a/../a/b.csv", True),
        ("/b", False), ("b.csv", False), ("--sample=", False), ("", False),
    ],
)  # fmt: skip
def test_only_what_was_typed_is_meant(typed: str, meant: bool) -> None:
    told = unusable(PermissionError(13, "Permission denied", "/a/b.csv"), ("cen", typed))
    assert (told is not None) is meant
    if told is not None:
        assert str(told) == (
            "FILE_NOT_USABLE at /a/b.csv: the file cannot be used: this user has no right to it. "
            "Give that right, or name another file"
        )


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left", "/a/b.csv"), ValueError("/a/b.csv"), FileNotFoundError(2, "gone")]
)
def test_another_error_stays_what_it_is(error: Exception) -> None:
    assert unusable(error, ("/a/b.csv",)) is None
