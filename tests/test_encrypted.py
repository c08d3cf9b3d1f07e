"""Encryption at rest: what is encrypted opens where it belongs and whole, and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import encrypted, keys
from bridge.connector import Input
from bridge.encrypted import CHUNK, MAGIC, TAG, Opener, encrypt, order, owner
from bridge.errors import Misconfigured, Stop
from bridge.flow import archive

NAME = "0" * 64


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, without keys."""
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path))
    monkeypatch.delenv("BRIDGE_KEY_CEN", raising=False)
    monkeypatch.delenv("BRIDGE_STORE", raising=False)
    return tmp_path


def locked(plain: bytes, name: str = NAME, key: keys.Key | None = None) -> bytes:
    """The encrypted bytes."""
    out = io.BytesIO()
    encrypted.write(io.BytesIO(plain), out, key or keys.current("cen"), name)
    return out.getvalue()


def opened(sealed: bytes, name: str = NAME) -> bytes:
    """The plain bytes."""
    return b"".join(encrypted.read(io.BytesIO(sealed), name, "a file"))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_file_of_any_size_opens_as_it_was(size: int) -> None:
    plain = os.urandom(size)
    sealed = locked(plain)
    assert opened(sealed) == plain
    assert len(sealed) == encrypted.size_of(size, keys.current("cen").id)
    assert size < 64 or plain[:64] not in sealed


def harmed() -> dict[str, bytes]:
    """A file of three chunks, harmed in every way that keeps its chunks whole, and some that do not."""
    sealed = locked(os.urandom(2 * CHUNK + 5))
    other = locked(os.urandom(2 * CHUNK + 5))
    head = len(MAGIC) + len(keys.current("cen").id) + 1 + 32
    one, two, three = (slice(head + n * (CHUNK + TAG), head + (n + 1) * (CHUNK + TAG)) for n in range(3))
    return {
        "cut after a chunk": sealed[: two.stop],
        "cut after the first": sealed[: one.stop],
        "nothing after the head": sealed[:head],
        "cut in a chunk": sealed[:-1],
        "chunks in another order": sealed[:head] + sealed[two] + sealed[one] + sealed[three],
        "a chunk left out": sealed[:head] + sealed[two] + sealed[three],
        "a chunk twice": sealed[:head] + sealed[one] + sealed[one] + sealed[two] + sealed[three],
        "a chunk of another file": sealed[:head] + other[one] + sealed[two] + sealed[three],
        "more at its end": sealed + b"x",
        "the head of another file": other[:head] + sealed[head:],
    }


@pytest.mark.parametrize("harm", list(range(10)))
def test_a_file_that_is_not_whole_does_not_open(harm: int) -> None:
    sealed = list(harmed().values())[harm]
    with pytest.raises(Stop, match="BROKEN_CIPHERTEXT"):
        opened(sealed)


def test_a_file_under_another_name_does_not_open() -> None:
    with pytest.raises(Stop, match="BROKEN_CIPHERTEXT"):
        opened(locked(b"text"), "1" * 64)


@given(st.lists(st.text(), max_size=20), st.data())
def test_texts_open_for_their_owners_and_any_changed_bit_is_found(texts: list[str], data: st.DataObject) -> None:
    key = keys.current("cen")
    owners = [owner(bytes([n]) * 16, n) for n in range(len(texts))]
    sealed = encrypt(key, texts, owners)
    opener = Opener()
    assert [opener.text(key.id, *pair) for pair in zip(sealed, owners, strict=True)] == texts
    if texts:
        place = data.draw(st.integers(0, len(texts) - 1))
        bit = data.draw(st.integers(0, 8 * len(sealed[place]) - 1))
        changed = bytearray(sealed[place])
        changed[bit // 8] ^= 1 << bit % 8
        for wrong in (
            (bytes(changed), owners[place]),
            (sealed[place], owner(bytes(16), 99)),
            (sealed[place], order(bytes([place]) * 16, place)),
            (b"", owners[place]),
        ):
            with pytest.raises(Stop, match="BROKEN_CIPHERTEXT"):
                opener.text(key.id, *wrong)


def test_a_key_is_made_once_and_only_its_owner_can_read_it(home: Path) -> None:
    first = keys.current("cen")
    assert keys.current("cen") == first != keys.current("cis")
    assert (home / "keys" / "cen.key").stat().st_mode & 0o777 == 0o600
    assert repr(first) == f"Key({first.id})"
    (home / "keys" / "cen.key").chmod(0o640)
    with pytest.raises(Misconfigured, match="OPEN_KEY"):
        keys.current("cen")


def test_what_was_written_under_an_earlier_key_still_opens(home: Path) -> None:
    before, sealed = keys.current("cen"), locked(b"text")
    after = keys.renew("cen", "A. Officer", "yearly")
    assert keys.keys_of("cen") == [after, before]
    assert opened(sealed) == b"text"
    assert keys.current("cen") == after
    assert "A. Officer: yearly" in (home / "keys" / "cen.key").read_text(encoding="ascii")
    with pytest.raises(Misconfigured, match="NO_REASON"):
        keys.renew("cen", "", "yearly")


def test_a_key_that_is_gone_is_named(home: Path) -> None:
    key, sealed = keys.current("cen"), locked(b"text")
    (home / "keys" / "cen.key").unlink()
    with pytest.raises(Misconfigured, match=f"NO_KEY at {key.id}"):
        opened(sealed)
    for strange in ("../../etc/passwd", "cen", "CEN/000000000000", ""):
        with pytest.raises(Misconfigured, match="NO_KEY"):
            keys.named(strange)


def test_keys_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = os.urandom(32), os.urandom(32)
    told = [base64.b64encode(one).decode() for one in (new, old)]
    monkeypatch.setenv("BRIDGE_KEY_CEN", ", ".join(told))
    assert [key.secret for key in keys.keys_of("cen")] == [new, old]
    with pytest.raises(Misconfigured, match="KEY_FROM_ENVIRONMENT"):
        keys.renew("cen", "A. Officer", "yearly")
    monkeypatch.setenv("BRIDGE_KEY_CEN", "c2hvcnQ=")
    with pytest.raises(Misconfigured, match="BAD_KEY"):
        keys.current("cen")


@pytest.mark.parametrize(("name", "value"), [("BRIDGE_MODE", "production"), ("BRIDGE_STORE", "/store")])
def test_where_others_need_the_key_none_is_made_in_silence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, home: Path
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=r"NO_KEY.*bridge keys cen --new"):
        keys.current("cen")
    assert not (home / "keys").exists()
    keys.renew("cen", "A. Officer", "first key")
    assert opened(locked(b"text")) == b"text"


def test_a_file_in_plain_says_what_to_do() -> None:
    with pytest.raises(Stop, match=r"NOT_ENCRYPTED.*bridge keys --renew"):
        opened(b"<CEN/>")


def test_keys_made_at_once_are_all_there(home: Path) -> None:
    """Whatever is encrypted under one must open ever after."""
    made: list[str] = []

    def work(number: int) -> None:
        made.append((keys.current("cen") if number % 4 == 0 else keys.renew("cen", "A. Officer", "test")).id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 12
    assert set(made) <= {key.id for key in keys.keys_of("cen")}


def test_a_file_brought_under_another_key_is_never_plain_on_disk(home: Path) -> None:
    """A process that is killed meanwhile leaves nothing that can be read."""
    with archive.copies("test") as copies:
        plain = copies.folder / "plain"
        plain.write_bytes(b"<name>Josefina</name>" * 90_000)
        sha256 = hashlib.sha256(plain.read_bytes()).hexdigest()
        one = Input("one", sha256, plain.stat().st_size, datetime.now(UTC), plain)
        copies.keep(one, "cen")
    place = archive.path_of(sha256)
    key = keys.renew("cen", "A. Officer", "test")
    opened: list[str] = []

    def watch(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and watching:
            opened.append(str(args[0]))

    watching = True
    sys.addaudithook(watch)
    try:
        assert archive.reencrypt(place, key)
    finally:
        watching = False
    assert {Path(path).name for path in opened if sha256 in path} == {place.name}
    assert not [path for path in opened if Path(path).name == place.name and Path(path) != place]
    with archive.copies("test") as copies:
        assert copies.open(replace(one, path=place)).path.read_bytes().startswith(b"<name>")
    assert not archive.reencrypt(place, key)
