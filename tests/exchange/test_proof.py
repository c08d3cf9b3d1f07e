"""Proofs, checked as an outsider does: with the one script and nothing of the bridge."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.checkpoint import seal_key, sign
from bridge.errors import Misconfigured, Stop
from bridge.exchange import Exchange
from bridge.exchange.proof import entries_of
from tests.exchange.conftest import Query
from tests.exchange.samples import CANARY, Version, collect, share

SCRIPT = Path(__file__).parents[2] / "docs/check_proof.py"
Checked = subprocess.CompletedProcess[str]


@pytest.fixture
def proof(exchange: Exchange) -> dict[str, Any]:
    """Of a record with two versions and a delivery, in an exchange that went on afterwards."""
    collect(exchange, [Version("S1", nominal=json.dumps({"persons": [{"name": CANARY}]})), Version("S2")], 0)
    collect(exchange, [Version("S1", 1, "b"), Version("S3")], 1)
    share(exchange)
    collect(exchange, [Version("S4")], 2)
    found = exchange.find("CEN", "S1")
    assert found is not None
    return exchange.prove(found)


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Checked]:
    """The script on a proof, in a folder without the bridge."""

    def run(proof: dict[str, Any], *options: str) -> Checked:
        (tmp_path / "proof.json").write_text(entries_of(proof), encoding="utf-8")
        words = [sys.executable, "-I", str(SCRIPT), "proof.json", *options]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def public(key: Ed25519PrivateKey, path: Path) -> str:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    path.write_bytes(key.public_key().public_bytes(*form))
    return str(path)


def test_every_sealed_entry_of_a_record_is_proven(
    exchange: Exchange, proof: dict[str, Any], check: Callable[..., Checked], tmp_path: Path
) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(str(exchange.checkpoint()), encoding="utf-8")
    done = check(proof, "--key", public(seal_key(), tmp_path / "seal.pub"), "--checkpoint", str(kept))
    assert (done.returncode, done.stderr) == (0, "")
    assert [(one["seal"], one["part"]) for one in proof["entries"]] == [
        (1, "intake"), (1, "versions"), (2, "intake"), (2, "versions"), (3, "deliveries"), (3, "deliveries"),
    ]  # fmt: skip
    assert "All 6 entries stand as they were sealed." in done.stdout
    assert "NOT checked" not in done.stdout
    assert CANARY not in entries_of(proof)


def entry(proof: dict[str, Any]) -> None:
    proof["entries"][0]["entry"] = proof["entries"][0]["entry"].replace("accepted", "withheld")


def place(proof: dict[str, Any]) -> None:
    proof["entries"][0]["place"] += 1


def manifest(proof: dict[str, Any]) -> None:
    proof["seals"][0]["manifest"] = proof["seals"][0]["manifest"].replace("cen", "cis")


def later(proof: dict[str, Any]) -> None:
    proof["seals"][0]["later"].pop()


def signed_by_another(proof: dict[str, Any]) -> None:
    number, head = proof["seals"][0]["number"], bytes(32)
    proof["seals"][0]["checkpoint"] = str(sign(number, head, Ed25519PrivateKey.generate()))


@pytest.mark.parametrize("forge", [entry, place, manifest, later, signed_by_another])
def test_a_forged_proof_is_refused(
    proof: dict[str, Any], check: Callable[..., Checked], forge: Callable[[dict[str, Any]], None]
) -> None:
    assert check(proof).returncode == 0
    forge(proof)
    done = check(proof)
    assert done.returncode == 1
    assert done.stderr.startswith("WRONG: ")


def test_another_key_than_the_operators_is_refused(
    proof: dict[str, Any], check: Callable[..., Checked], tmp_path: Path
) -> None:
    done = check(proof, "--key", public(Ed25519PrivateKey.generate(), tmp_path / "other.pub"))
    assert "signed with another key than the one given" in done.stderr


def test_a_checkpoint_of_another_chain_is_refused(
    proof: dict[str, Any], check: Callable[..., Checked], tmp_path: Path
) -> None:
    (tmp_path / "kept.txt").write_text(str(sign(4, bytes(32), seal_key())), encoding="utf-8")
    assert "does not lead to checkpoint 4" in check(proof, "--checkpoint", str(tmp_path / "kept.txt")).stderr


def test_a_checkpoint_from_before_the_record_proves_nothing(
    proof: dict[str, Any], check: Callable[..., Checked], tmp_path: Path
) -> None:
    (tmp_path / "kept.txt").write_text(proof["seals"][0]["checkpoint"], encoding="utf-8")
    assert "is older than seal 3" in check(proof, "--checkpoint", str(tmp_path / "kept.txt")).stderr


def test_a_proof_of_nothing_is_refused(proof: dict[str, Any], check: Callable[..., Checked]) -> None:
    assert "says nothing" in check({**proof, "entries": []}).stderr


def test_a_proof_is_not_made_of_a_broken_seal(exchange: Exchange, proof: dict[str, Any], query: Query) -> None:
    query("UPDATE exchange.segment SET leaves = substr(leaves, 1, 20)")
    with pytest.raises(Stop, match="BROKEN_SEAL"):
        exchange.prove(uuid.UUID(proof["record"]))


def test_an_erasure_is_proven_without_who_asked_for_it(exchange: Exchange, proof: dict[str, Any]) -> None:
    record = uuid.UUID(proof["record"])
    exchange.erase(record, "B. Officer", "asked for by the person concerned")
    assert "Officer" not in entries_of(exchange.prove(record))
    assert "Officer" not in json.dumps(exchange.prove(record))


def test_a_record_that_nobody_knows_has_no_proof(exchange: Exchange) -> None:
    with pytest.raises(Misconfigured, match="NO_SUCH_RECORD"):
        exchange.prove(uuid.uuid4())
