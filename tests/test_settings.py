"""What the environment says, and what stands in its place where it says nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bridge import settings
from bridge.errors import Misconfigured


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("BRIDGE_STORE", "BRIDGE_REAL_DATA", "BRIDGE_CONN_EXCHANGE", "BRIDGE_CONN_CEN_DROP"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_home_is_in_the_checkout_unless_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.home() == home
    monkeypatch.delenv("BRIDGE_HOME")
    assert settings.home() == Path(__file__).resolve().parents[1] / ".bridge"


def test_archive_and_stage_follow_the_store(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (settings.archive(), settings.stage()) == (home / "archive", home / "stage")
    monkeypatch.setenv("BRIDGE_STORE", str(tmp_path / "shared"))
    assert (settings.archive(), settings.stage()) == (tmp_path / "shared/archive", tmp_path / "shared/stage")
    monkeypatch.setenv("BRIDGE_STORE", "s3://bucket")
    with pytest.raises(Misconfigured, match="BAD_STORE"):
        settings.archive()


def test_a_connection_nobody_set_says_what_to_set(home: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        settings.connection("cen_drop")
    assert "BRIDGE_CONN_CEN_DROP" in refused.value.fix
    assert str(home / "connections.env") in refused.value.fix


def test_the_environment_wins_over_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.remember("exchange", "postgresql+psycopg://kept@127.0.0.1/exchange?a=b")
    assert settings.exchange_url() == "postgresql+psycopg://kept@127.0.0.1/exchange?a=b"
    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", "postgresql+psycopg://told@127.0.0.1/exchange")
    assert settings.exchange_url() == "postgresql+psycopg://told@127.0.0.1/exchange"


def test_remembering_replaces_one_line_and_keeps_the_rest(home: Path) -> None:
    settings.remember("cen_drop", "/drop")
    settings.remember("exchange", "one")
    settings.remember("exchange", "two")
    path = home / "connections.env"
    assert path.read_text() == "BRIDGE_CONN_CEN_DROP=/drop\nBRIDGE_CONN_EXCHANGE=two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in home.iterdir()] == ["connections.env"]
    for bad in ("", " x", "x\n", "x\nBRIDGE_CONN_OTHER=y"):
        with pytest.raises(ValueError, match="one line"):
            settings.remember("exchange", bad)


def test_a_file_of_passwords_that_everyone_can_read_is_refused(home: Path) -> None:
    settings.remember("exchange", "secret")
    (home / "connections.env").chmod(0o644)
    with pytest.raises(Misconfigured, match="OPEN_SECRETS") as refused:
        settings.exchange_url()
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    ["BRIDGE_CONN_EXCHANGE", "EXCHANGE=x", "export BRIDGE_CONN_EXCHANGE=x", "BRIDGE_CONN_a=x", "BRIDGE_CONN_FIRST=x"],
)
def test_a_line_that_is_none_is_named_by_its_number(home: Path, line: str) -> None:
    home.mkdir()
    path = home / "connections.env"
    path.touch(mode=0o600)
    path.write_text(f"# a remark\n\nBRIDGE_CONN_FIRST=1\n{line}\n")
    with pytest.raises(Misconfigured, match="BAD_CONNECTIONS") as refused:
        settings.connection("first")
    assert refused.value.where == f"{path}:4"


@pytest.mark.parametrize("name", ["", "Exchange", "cen-drop", "1st", "a b", "x\n"])
def test_a_bad_name_of_a_connection_is_refused(home: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match="BAD_CONNECTION_NAME"):
        settings.connection(name)


def test_real_data_are_absent_or_a_folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_REAL_DATA", str(tmp_path / "none"))
    assert settings.real_data() is None
    monkeypatch.setenv("BRIDGE_REAL_DATA", str(tmp_path))
    assert settings.real_data() == tmp_path
