"""bridge verify and bridge prove as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.exchange import Exchange
from tests.exchange.samples import Version, collect


@pytest.fixture
def exchange(exchange_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path))
    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", exchange_url)
    with Exchange(exchange_url) as made:
        collect(made, [Version("S1"), Version("S2")], 0)
    return made


def bridge(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_a_checkpoint_is_saved_and_stands_later(exchange: Exchange, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    first = bridge("verify", "--save", str(kept))
    assert (first.exit_code, "Every seal up to 1 holds" in first.output) == (0, True)
    collect(exchange, [Version("S3")], 1)
    assert bridge("verify", "--quick", "--against", str(kept)).exit_code == 0


def test_a_changed_entry_is_named(exchange: Exchange) -> None:
    with exchange.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE exchange.intake SET disposition = 'held' WHERE ordinal = 1")
    found = bridge("verify")
    assert found.exit_code == 4
    assert "first at entry 2 of 2" in found.output


def test_a_checkpoint_that_was_forged_is_refused(exchange: Exchange, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(str(exchange.checkpoint()).replace("\n1\n", "\n2\n"), encoding="utf-8")
    assert "BAD_CHECKPOINT" in bridge("verify", "--against", str(kept)).output
    kept.write_text("rubbish", encoding="utf-8")
    assert "NOT_A_CHECKPOINT" in bridge("verify", "--against", str(kept)).output


def test_a_proof_says_how_it_is_checked(exchange: Exchange, tmp_path: Path) -> None:
    out = tmp_path / "proof.json"
    done = bridge("prove", "CEN:S1", "--out", str(out))
    assert (done.exit_code, "docs/check_proof.py" in done.output) == (0, True)
    assert out.exists()
    assert "NO_SUCH_RECORD" in bridge("prove", "CEN:nobody").output
    assert "NO_SUCH_RECORD" in bridge("prove", "nobody").output
