"""Keys under which what suppliers sent is kept: one for each supplier, and those that were in use before it.

A key is 32 random bytes. Its id is the supplier and the first bytes of a hash of it; the id stands beside everything
that is encrypted, so that a supplier's key can be changed and what was written before still opens.

They stand, newest first, in BRIDGE_KEY_<SUPPLIER> (base64, with commas between), or in the file
``keys/<supplier>.key`` in BRIDGE_HOME, one a line. That file is made on first use where this machine alone keeps
everything; where a store is shared, or in production, a key that is missing is an error and never made in silence.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bridge import settings
from bridge.errors import Misconfigured

SIZE: Final = 32
"""Bytes of a key: AES-256."""
PREFIX: Final = "BRIDGE_KEY_"
_SUPPLIER: Final = re.compile(r"[a-z][a-z0-9_]*")
_ID: Final = re.compile(r"([a-z][a-z0-9_]*)/[0-9a-f]{12}")
_READABLE_BY_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a supplier; what is secret of it is never shown."""

    supplier: str
    secret: bytes

    @property
    def id(self) -> str:
        """What stands beside what it encrypted."""
        return f"{self.supplier}/{hashlib.sha256(b'bridge key id' + self.secret).hexdigest()[:12]}"

    def __repr__(self) -> str:
        return f"Key({self.id})"


def current(supplier: str) -> Key:
    """The key under which is encrypted now.

    Raises:
        Misconfigured: NO_KEY where there is none and none may be made, or a key that cannot be used.
    """
    known = keys_of(supplier)
    if known:
        return known[0]
    if settings.mode() == settings.PRODUCTION or os.environ.get("BRIDGE_STORE"):
        what = f"{supplier} has no key, and one made here would be known to this machine alone"
        variable = PREFIX + supplier.upper()
        fix = f"Type bridge keys {supplier} --new on one machine, or set {variable}, and give it to every worker"
        raise Misconfigured("NO_KEY", f"keys of {supplier}", what, fix)
    _write(supplier, _line(_fresh(), "made on first use"), first=True)
    return keys_of(supplier)[0]


def named(key_id: str) -> Key:
    """The key of this id.

    Raises:
        Misconfigured: NO_KEY names the id.
    """
    found = _ID.fullmatch(key_id)
    for key in keys_of(found[1]) if found else ():
        if key.id == key_id:
            return key
    what = f"what was encrypted under {key_id} cannot be opened without that key"
    fix = f"Put it back, after the newer ones, in {PREFIX}<SUPPLIER> or in {settings.home() / 'keys'}"
    raise Misconfigured("NO_KEY", key_id, what, fix)


def keys_of(supplier: str) -> list[Key]:
    """The supplier's keys, newest first.

    Raises:
        Misconfigured: BAD_KEY, OPEN_KEY.
    """
    if not _SUPPLIER.fullmatch(supplier):
        raise Misconfigured("BAD_KEY", supplier, "this is no name of a supplier", "Name a source")
    told = os.environ.get(PREFIX + supplier.upper())
    if told:
        return [_key(supplier, one.strip(), PREFIX + supplier.upper()) for one in told.split(",")]
    path = _path(supplier)
    try:
        with path.open(encoding="ascii") as file:
            if os.fstat(file.fileno()).st_mode & _READABLE_BY_OTHERS:
                what, fix = "others may read the keys of this supplier", f"chmod 600 {path}"
                raise Misconfigured("OPEN_KEY", str(path), what, fix)
            lines = [line.split()[0] for line in file if line.strip() and not line.startswith("#")]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        what = f"the keys of this supplier cannot be read ({type(error).__name__})"
        raise Misconfigured("BAD_KEY", str(path), what, "Put the file back as it was") from None
    return [_key(supplier, line, str(path)) for line in lines]


def suppliers() -> list[str]:
    """Suppliers that have a key here."""
    there = {path.stem for path in (settings.home() / "keys").glob("*.key")}
    told = {name.removeprefix(PREFIX).lower() for name in os.environ if name.startswith(PREFIX)}
    return sorted(there | told)


def renew(supplier: str, by: str, reason: str) -> Key:
    """Give the supplier a new key; what is encrypted from now on is under it. The file keeps who asked, and why.

    Raises:
        Misconfigured: NO_REASON; KEY_FROM_ENVIRONMENT where the file would not be looked at.
    """
    if not by.strip() or not reason.strip():
        raise Misconfigured(
            "NO_REASON", f"keys of {supplier}", "a key is changed by a named person, for a reason", "Give both"
        )
    if os.environ.get(PREFIX + supplier.upper()):
        what = f"the keys of {supplier} come from the environment"
        fix = "Put 32 new random bytes in base64 (openssl rand -base64 32) and a comma before what stands there"
        raise Misconfigured("KEY_FROM_ENVIRONMENT", PREFIX + supplier.upper(), what, fix)
    keys_of(supplier)
    secret = _fresh()
    _write(supplier, _line(secret, " ".join(f"{by}: {reason}".split())), first=False)
    return Key(supplier, secret)


def _key(supplier: str, text: str, where: str) -> Key:
    with suppress(ValueError, binascii.Error):
        secret = base64.b64decode(text, validate=True)
        if len(secret) == SIZE:
            return Key(supplier, secret)
    raise Misconfigured("BAD_KEY", where, "this is not 32 bytes in base64", "Make one: openssl rand -base64 32")


def _fresh() -> bytes:
    return os.urandom(SIZE)


def _line(secret: bytes, why: str) -> str:
    said = why.encode("ascii", "backslashreplace").decode()
    return f"{base64.b64encode(secret).decode()} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {said}\n"


def _path(supplier: str) -> Path:
    return settings.home() / "keys" / f"{supplier}.key"


def _write(supplier: str, line: str, *, first: bool) -> None:
    """Put the line before those that are there, durably; of two that make a first key at once, one wins, and two new
    ones are both kept."""
    path = _path(supplier)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(path.parent):
        if first and path.exists():
            return
        with tempfile.NamedTemporaryFile(
            "w", encoding="ascii", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(line + (path.read_text(encoding="ascii") if path.exists() else ""))
            file.flush()
            os.fsync(file.fileno())
        try:
            Path(file.name).replace(path)
            handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(handle)
            os.close(handle)
        finally:
            Path(file.name).unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While the block runs no other process writes keys here (flock(2))."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
