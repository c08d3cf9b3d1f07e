"""Checkpoints: one form, one signature, and a key that nobody else may read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bridge.checkpoint import Checkpoint, seal_key, sign, trusted
from bridge.errors import Misconfigured

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOTE = str(sign(7, bytes(32), KEY))


def test_a_checkpoint_is_read_as_it_was_written_and_holds() -> None:
    found = Checkpoint.parse(NOTE)
    assert (found.number, found.head, found.holds) == (7, bytes(32), True)
    assert str(found) == NOTE


@given(st.integers(0, len(NOTE) - 1), st.characters(codec="ascii"))
def test_one_character_changed_is_found(place: int, character: str) -> None:
    changed = NOTE[:place] + character + NOTE[place + 1 :]
    found = None
    with suppress(Misconfigured):
        found = Checkpoint.parse(changed)
    assert found is None or found.holds == (changed == NOTE)


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path))
    monkeypatch.delenv("BRIDGE_SEAL_KEY", raising=False)
    assert seal_key().private_bytes_raw() == seal_key().private_bytes_raw()
    path = tmp_path / "keys" / "seal.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(Misconfigured, match="OPEN_KEY"):
        seal_key()


@pytest.mark.parametrize("kind", ["missing", "rubbish", "rsa"])
def test_a_key_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    path = tmp_path / "key.pem"
    if kind == "rubbish":
        path.write_text("rubbish")
    if kind == "rsa":
        other = rsa.generate_private_key(65537, 2048)
        pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(other.private_bytes(*pem))
    if path.exists():
        path.chmod(0o600)
    monkeypatch.setenv("BRIDGE_SEAL_KEY", str(path))
    with pytest.raises(Misconfigured, match="BAD_KEY"):
        seal_key()
    with pytest.raises(Misconfigured, match="BAD_KEY"):
        trusted(path)
