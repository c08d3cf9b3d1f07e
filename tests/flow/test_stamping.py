"""Seals are stamped by an authority on loopback once they stand, and never wait for it; an outsider checks stamps."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.content import Content
from bridge.errors import BridgeError
from bridge.exchange import Exchange
from bridge.flow import stamping
from tests.connectors import time_authority
from tests.connectors.https_partner import Authority
from tests.connectors.time_authority import Signer, TimeAuthority
from tests.exchange.samples import Version, collect

SCRIPT = Path(__file__).parents[2] / "docs/check_proof.py"
TROUBLES = {
    "503": "STAMP_AWAY", "429": "STAMP_AWAY", "cut": "STAMP_AWAY", "301": "STAMP_DENIED", "403": "STAMP_DENIED",
    "404": "STAMP_DENIED", "large": "STAMP_DENIED", "rejected": "BAD_STAMP", "rubbish": "BAD_STAMP",
    "other": "BAD_STAMP", "replayed": "BAD_STAMP", "broken": "BAD_STAMP", "stranger": "BAD_STAMP",
}  # fmt: skip


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TimeAuthority]:
    with time_authority.stamping(tmp_path) as made:
        monkeypatch.setenv("BRIDGE_CONN_TIMESTAMPS", made.connection)
        yield made


@pytest.fixture
def exchange(
    exchange_url: str, authority: TimeAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Exchange]:
    """With one seal."""
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", exchange_url)
    with Exchange(exchange_url) as made:
        collect(made, [Version("S1")])
        yield made


def bridge(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def stamped(exchange: Exchange) -> int:
    return exchange.waiting_for_stamps().stamped


def test_an_outsider_checks_the_stamps_of_a_proof(exchange: Exchange, authority: TimeAuthority, tmp_path: Path) -> None:
    stamping.after_seal(exchange, Content.find())
    collect(exchange, [Version("S1", 1, "b")], 1)
    collect(exchange, [Version("S2")], 2)
    stamping.after_seal(exchange, Content.find())
    verified = bridge("verify")
    assert verified.exit_code == 0, verified.output
    assert re.search(r"Time stamps: 2 hold; every seal up to 3 existed on \d{4}-.* UTC\.", verified.output)
    proof = tmp_path / "proof.json"
    assert "--roots roots.pem" in bridge("prove", "CEN:S1", "--out", str(proof)).output
    done = check(proof)
    assert done.stdout.count("was NOT checked: that takes openssl, and --roots.") == 2
    if shutil.which("openssl") is None and not os.environ.get("CI"):
        pytest.skip("openssl, which judges the stamps, is absent")
    done = check(proof, "--roots", str(authority.pem))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"Seal 3, and every seal before it, existed on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.", done.stdout)
    stranger = Signer("stranger").roots(tmp_path)
    assert "WRONG: a time stamp does not hold" in check(proof, "--roots", str(stranger)).stderr
    told = json.loads(proof.read_text(encoding="utf-8"))
    told["stamps"][0]["answer"], told["stamps"][1]["answer"] = (one["answer"] for one in reversed(told["stamps"]))
    proof.write_text(json.dumps(told), encoding="utf-8")
    assert "WRONG: a time stamp does not hold" in check(proof, "--roots", str(authority.pem)).stderr
    told["stamps"] = [{"number": 3, "answer": base64.b64encode(b"rubbish").decode()}]
    proof.write_text(json.dumps(told), encoding="utf-8")
    assert "WRONG: a time stamp cannot be read" in check(proof, "--roots", str(authority.pem)).stderr
    told["stamps"][0]["number"] = 4
    proof.write_text(json.dumps(told), encoding="utf-8")
    assert "WRONG: a time stamp is of seal 4" in check(proof).stderr


def check(proof: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-I", str(SCRIPT), proof.name, *options]
    return subprocess.run(words, cwd=proof.parent, capture_output=True, text=True, check=False)


def test_what_is_no_stamp_is_not_kept_and_fails_no_run(
    exchange: Exchange, authority: TimeAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    for number, (trouble, code) in enumerate(TROUBLES.items(), 1):
        caplog.clear()
        authority.troubles.extend([trouble] * 2)
        stamping.after_seal(exchange, Content.find())
        assert code in caplog.text, trouble
        with pytest.raises(BridgeError, match=code):
            stamping.stamp(exchange, Content.find())
        assert (stamped(exchange), authority.asked) == (0, 2 * number)
    assert stamping.stamp(exchange, Content.find()) is not None
    assert stamped(exchange) == 1


def test_an_authority_that_drips_or_is_away_holds_a_run_no_longer_than_declared(
    exchange: Exchange, authority: TimeAuthority, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamping, "AFTER_RUN", 1)
    authority.troubles.append("drip")
    began = time.monotonic()
    stamping.after_seal(exchange, Content.find())
    assert 0.9 < time.monotonic() - began < 2
    assert "NO_ANSWER" in caplog.text
    monkeypatch.setenv("BRIDGE_CONN_TIMESTAMPS", f"http://127.0.0.1:9/tsr?roots={authority.pem}")
    stamping.after_seal(exchange, Content.find())
    assert "SERVICE_AWAY" in caplog.text
    monkeypatch.setenv("BRIDGE_CONN_TIMESTAMPS", "https://127.0.0.1/tsr")
    stamping.after_seal(exchange, Content.find())
    assert "it does not say by which roots stamps are judged" in caplog.text
    assert stamped(exchange) == 0


def test_no_secret_goes_to_an_authority_in_the_open(
    exchange: Exchange, authority: TimeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for secret in (authority.connection.replace("//", "//a:b@"), f"{authority.connection}&token=/tmp/t"):
        monkeypatch.setenv("BRIDGE_CONN_TIMESTAMPS", secret)
        with pytest.raises(BridgeError, match="BAD_CONNECTION"):
            stamping.stamp(exchange, Content.find())
    assert authority.asked == 0


def test_over_tls_the_service_must_be_the_one_that_is_known(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Authority(tmp_path)
    with time_authority.stamping(tmp_path, known.sign("tsa", "127.0.0.1")) as service:
        stranger = Authority(tmp_path, "another")
        monkeypatch.setenv("BRIDGE_CONN_TIMESTAMPS", f"{service.connection}&ca={stranger.pem}")
        with pytest.raises(BridgeError, match="TLS_FAILED"):
            stamping.stamp(exchange, Content.find())
        assert (service.asked, stamped(exchange)) == (0, 0)
        monkeypatch.setenv("BRIDGE_CONN_TIMESTAMPS", f"{service.connection}&ca={known.pem}")
        assert stamping.stamp(exchange, Content.find()) is not None
    assert stamped(exchange) == 1


def test_without_an_authority_nobody_is_asked(
    exchange: Exchange, authority: TimeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRIDGE_CONN_TIMESTAMPS")
    stamping.after_seal(exchange, Content.find())
    assert (authority.asked, "stamp" in bridge("verify").output) == (0, False)
    told = bridge("stamp")
    assert (told.exit_code, "NO_CONNECTION" in told.output, authority.asked) == (2, True, 0)


def test_runs_ask_no_sooner_than_declared(
    exchange: Exchange, authority: TimeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_CONN_TIMESTAMPS", f"{authority.connection}&every=60")
    for day in (1, 2):
        stamping.after_seal(exchange, Content.find())
        collect(exchange, [Version(f"T{day}")], day)
    assert (authority.asked, stamped(exchange)) == (1, 1)
    assert "Seal 3, and every seal before it, existed on" in bridge("stamp").output
    assert "has its time stamp already" in bridge("stamp").output
    assert (authority.asked, stamped(exchange)) == (2, 3)


def test_what_waits_too_long_and_what_was_changed_is_told(
    exchange: Exchange, authority: TimeAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bridge("verify").exit_code == 0
    with exchange.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE exchange.seal SET at = now() - interval '37 hours'")
    late = bridge("verify")
    assert (late.exit_code, "1 seals from 1 on" in late.output, "Next: bridge stamp" in late.output) == (1, True, True)
    assert bridge("stamp").exit_code == 0
    done = bridge("verify")
    assert (done.exit_code, "1 seals had their time stamp more than 36 hours after" in done.output) == (0, True)
    monkeypatch.delenv("BRIDGE_CONN_TIMESTAMPS")
    assert "Time stamps were not judged" in bridge("verify").output
    assert "every seal up to 1 existed on" in bridge("verify", "--roots", str(authority.pem)).output
    stranger = bridge("verify", "--roots", str(Signer("stranger").roots(tmp_path)))
    assert (stranger.exit_code, "seal 1, run 1: its time stamp does not come" in stranger.output) == (4, True)


def test_upkeep_alarms_on_what_is_overdue_and_gets_what_it_can(
    exchange: Exchange, authority: TimeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, soon, late = Content.find(), datetime.now(UTC), datetime.now(UTC) + timedelta(hours=37)
    authority.troubles.extend(["503", "503"])
    assert stamping.overdue_after_asking(exchange, content, soon) == []
    (said,) = stamping.overdue_after_asking(exchange, content, late)
    assert re.fullmatch(r"seal 1 has no time stamp, though sealed at .*; STAMP_AWAY at .*", said)
    assert stamping.overdue_after_asking(exchange, content, late) == []
    assert stamped(exchange) == 1
    monkeypatch.delenv("BRIDGE_CONN_TIMESTAMPS")
    collect(exchange, [Version("S2")], 1)
    assert stamping.overdue_after_asking(exchange, content, late) == []
