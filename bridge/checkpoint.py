"""A checkpoint: the newest head of the chain of seals, signed, to be kept where the operator cannot change it.

Its form is that of a signed note (C2SP signed-note): what it is, the seal's number, its head and the public key in
base64, an empty line, and a line with a name, the key's hash and the Ed25519 signature (RFC 8032) over the text.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bridge import settings
from bridge.errors import Misconfigured

ORIGIN: Final = "enforcement-bridge seals"
"""What is signed, in words: nothing else that the key may sign begins so."""
_ED25519: Final = b"\x01"
_MARK: Final = "\u2014 "
_KEY_HASH: Final = 4
_LINES: Final = 7


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One head of the chain.

    Args:
        number: the seal's number; every seal up to it is fixed by the head.
        head: 32 bytes.
        signer: the public key that signed, 32 bytes.
    """

    number: int
    head: bytes
    signer: bytes
    signature: bytes

    @property
    def holds(self) -> bool:
        """Whether the signature is the signer's over this number and head."""
        try:
            Ed25519PublicKey.from_public_bytes(self.signer).verify(
                self.signature, text(self.number, self.head, self.signer)
            )
        except (InvalidSignature, ValueError):  # a key of another length
            return False
        return True

    def __str__(self) -> str:
        mark = base64.b64encode(_key_hash(self.signer) + self.signature).decode()
        return f"{text(self.number, self.head, self.signer).decode()}\n{_MARK}bridge {mark}\n"

    @classmethod
    def parse(cls, note: str, where: str = "checkpoint") -> Self:
        """What str() gave; its signature is not yet checked.

        Raises:
            Misconfigured: NOT_A_CHECKPOINT.
        """
        lines = note.split("\n")
        if len(lines) == _LINES and lines[0] == ORIGIN and not lines[4] and lines[5].startswith(f"{_MARK}bridge "):
            with suppress(ValueError):  # binascii.Error is one
                head, signer, mark = (
                    base64.b64decode(one, validate=True) for one in (lines[2], lines[3], lines[5].rpartition(" ")[2])
                )
                found = cls(int(lines[1]), head, signer, mark[_KEY_HASH:])
                if str(found) == note and (len(head), len(signer), len(mark)) == (32, 32, _KEY_HASH + 64):
                    return found
        what = "this is no checkpoint of the bridge, or it was damaged"
        fix = "Give the file as `bridge verify --save` wrote it, or as it stands on a run's page"
        raise Misconfigured("NOT_A_CHECKPOINT", where, what, fix)


def text(number: int, head: bytes, signer: bytes) -> bytes:
    """What is signed."""
    return f"{ORIGIN}\n{number}\n{base64.b64encode(head).decode()}\n{base64.b64encode(signer).decode()}\n".encode()


def sign(number: int, head: bytes, key: Ed25519PrivateKey) -> Checkpoint:
    """The checkpoint of this head."""
    signer = key.public_key().public_bytes_raw()
    return Checkpoint(number, head, signer, key.sign(text(number, head, signer)))


def seal_key() -> Ed25519PrivateKey:
    """The key that signs seals: the PEM file that $BRIDGE_SEAL_KEY names, else one in BRIDGE_HOME, made when missing.

    Raises:
        Misconfigured: the file cannot be read, holds another kind of key, or may be read by others.
    """
    named = os.environ.get("BRIDGE_SEAL_KEY")
    path = Path(named) if named else settings.home() / "keys" / "seal.pem"
    if not named and not path.exists():
        _make(path)
    try:
        if path.stat().st_mode & 0o077:
            what, fix = "others may read the key that signs seals", f"chmod 600 {path}"
            raise Misconfigured("OPEN_KEY", str(path), what, fix)
        found = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        what = f"the key that signs seals cannot be read ({type(error).__name__})"
        raise Misconfigured("BAD_KEY", str(path), what, "Name an Ed25519 key in PEM without a password") from None
    if not isinstance(found, Ed25519PrivateKey):
        what = "the key that signs seals is not an Ed25519 key"
        raise Misconfigured("BAD_KEY", str(path), what, f"openssl genpkey -algorithm ed25519 -out {path}")
    return found


def trusted(path: Path) -> bytes:
    """The public key of a PEM file, 32 bytes.

    Raises:
        Misconfigured: BAD_KEY.
    """
    try:
        found = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        what = "this is no public Ed25519 key in PEM"
        raise Misconfigured("BAD_KEY", str(path), what, "openssl pkey -in seal.pem -pubout -out seal.pub")
    return found.public_bytes_raw()


def _make(path: Path) -> None:
    """Write a new key under a name of this process, then give it its place unless another was first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:  # mode 600
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)


def _key_hash(signer: bytes) -> bytes:
    return hashlib.sha256(b"bridge\n" + _ED25519 + signer).digest()[:_KEY_HASH]
