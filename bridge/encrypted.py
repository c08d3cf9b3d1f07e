"""Encryption at rest: short texts of a table's rows, and whole files in chunks.

AES-256-GCM (NIST SP 800-38D) throughout. A text is bound to what it belongs to, so that one that is put beside
another record does not open; a file to its name, to the order of its chunks and to its end, so that one that
was cut short, re-ordered or renamed does not open.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.errors import Stop
from bridge.keys import Key, named

NONCE: Final = 12
TAG: Final = 16
MAGIC: Final = b"bridge encrypted 1\n"
CHUNK: Final = 1 << 20
"""Bytes of plain text in a chunk."""
_SALT: Final = 32


def encrypt(key: Key, texts: Sequence[str], owners: Sequence[bytes]) -> list[bytes]:
    """Each text as nonce and ciphertext, bound to its owner.

    Nonces are random: under one key no more than 2^32 texts (SP 800-38D, 8.3); rotate long before.
    """
    seal = AESGCM(key.secret).encrypt
    drawn = os.urandom(NONCE * len(texts))
    out = []
    for place, (text, owner) in enumerate(zip(texts, owners, strict=True)):
        nonce = drawn[NONCE * place : NONCE * (place + 1)]
        out.append(nonce + seal(nonce, text.encode(), owner))
    return out


class Opener:
    """Opens texts under whatever keys they were encrypted, each key looked up once."""

    def __init__(self) -> None:
        self._known: dict[str, Callable[[bytes, bytes, bytes], bytes]] = {}

    def text(self, key_id: str, sealed: bytes, owner: bytes) -> str:
        """The plain text.

        Raises:
            Misconfigured: NO_KEY.
            Stop: BROKEN_CIPHERTEXT, it was changed or belongs to another.
        """
        decrypt = self._known.get(key_id)
        if decrypt is None:
            decrypt = self._known[key_id] = AESGCM(named(key_id).secret).decrypt
        try:
            return decrypt(sealed[:NONCE], sealed[NONCE:], owner).decode()
        except (InvalidTag, ValueError):
            raise _broken(f"a text of {owner[-20:-4].hex()}") from None


def owner(bridge_id: bytes, version: int) -> bytes:
    """What the nominal part of a record's version is bound to."""
    return bridge_id + version.to_bytes(4, "big")


def order(bridge_id: bytes, version: int) -> bytes:
    """What the message of an order about a record's version is bound to: it opens in the place of no nominal part."""
    return b"message" + owner(bridge_id, version)


class Readable(Protocol):
    """What gives bytes, so many at a time and fewer only at its end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; none at the end."""
        ...


class Chunks:
    """What read() gives, to be encrypted anew: chunk by chunk, so that nothing of it need lie on a disk in plain."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, size: int, /) -> bytes:  # noqa: ARG002 - chunks are as long as write() asks for
        """The next chunk."""
        return next(self._chunks, b"")


def write(plain: Readable, out: BinaryIO, key: Key, name: str) -> None:
    """Encrypt a stream into another.

    Each file has a key of its own, derived from the supplier's and a random salt (HKDF, RFC 5869), so that counters may
    serve as nonces; the last chunk's nonce says that it is the last (the STREAM construction of Hoang, Reyhanitabar,
    Rogaway and Vizár, 2015).

    Args:
        name: what the file is known by, without which it does not open.
    """
    salt = os.urandom(_SALT)
    header = MAGIC + key.id.encode() + b"\n" + salt
    out.write(header)
    seal = _of_file(key, header).encrypt
    bound = name.encode()
    block = plain.read(CHUNK)
    for number in range(1 << 32):
        following = plain.read(CHUNK)
        out.write(seal(_nonce(number, last=not following), block, bound))
        if not following:
            return
        block = following


def read(source: BinaryIO, name: str, where: str) -> Iterator[bytes]:
    """The plain chunks of what write() wrote; nothing is given of a chunk that was changed.

    Args:
        where: what messages call it.

    Raises:
        Misconfigured: NO_KEY.
        Stop: NOT_ENCRYPTED, BROKEN_CIPHERTEXT.
    """
    key_id, header = _header(source, where)
    open_ = _of_file(named(key_id), header).decrypt
    bound = name.encode()
    block = source.read(CHUNK + TAG)
    for number in range(1 << 32):
        following = source.read(CHUNK + TAG)
        try:
            yield open_(_nonce(number, last=not following), block, bound)
        except (InvalidTag, ValueError):
            raise _broken(where) from None
        if not following:
            return
        block = following


def key_of(path: Path) -> str | None:
    """Id of the key that the file was encrypted under; None if it is not encrypted."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return None
        return file.readline(100).strip().decode("ascii", "replace")


def size_of(size: int, key_id: str) -> int:
    """Bytes of the encrypted file of so many plain ones."""
    chunks = max(1, -(-size // CHUNK))
    return len(MAGIC) + len(key_id) + 1 + _SALT + size + TAG * chunks


def _header(source: BinaryIO, where: str) -> tuple[str, bytes]:
    if source.read(len(MAGIC)) != MAGIC:
        what = "the file is not encrypted, as it was before suppliers had keys"
        raise Stop("NOT_ENCRYPTED", where, what, "Encrypt what was kept before: bridge keys --renew")
    line = source.readline(100)
    salt = source.read(_SALT)
    return line.strip().decode("ascii", "replace"), MAGIC + line + salt


def _of_file(key: Key, header: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=header[-_SALT:], info=header).derive(key.secret))


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes(NONCE - 5) + number.to_bytes(4, "big") + bytes([last])


def _broken(where: str) -> Stop:
    what = "what was encrypted does not open: it was changed, cut short, or put in another's place"
    return Stop("BROKEN_CIPHERTEXT", where, what, "Take it from a backup, and find out who changed it")
