"""Bytes as received, encrypted in the archive; a plain copy lies on disk only while one step reads it.

Readers want a file in which they can go back and forth, so a step opens a working copy, in a folder that only
this account can enter and that is gone when the step ends. What a killed process leaves is swept a day later.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bridge import encrypted, keys, settings
from bridge.connector import Input
from bridge.draft import draft

PLAIN: Final = "plain-"
"""How names of folders with working copies begin."""
ABANDONED: Final = 24 * 3600
"""Seconds after which a folder of working copies has no owner any more."""
DRAFT: Final = ".encrypting-"


@dataclass(frozen=True, slots=True)
class Copies:
    """Working copies of inputs, in a folder of their own."""

    folder: Path

    def apart(self) -> Path:
        """A folder for one input that is fetched: two that are the same share no copy, which either would remove."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def keep(self, one: Input, supplier: str) -> None:
        """Put a fetched input into the archive, durably, under the supplier's key; what is there whole stays."""
        place = path_of(one.sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        there = encrypted.key_of(place) if place.is_file() else None
        # Not only there but whole: a file of another length was damaged after it was renamed.
        if there is not None and place.stat().st_size == encrypted.size_of(one.size, there):
            return
        with one.path.open("rb") as plain:
            _encrypt(plain, place, keys.current(supplier), one.sha256)

    def open(self, one: Input) -> Input:
        """The archived input with the path of a plain copy.

        Raises:
            FileNotFoundError: its bytes are no longer kept.
            Misconfigured: NO_KEY.
            Stop: BROKEN_CIPHERTEXT, NOT_ENCRYPTED.
        """
        copy = self.folder / one.sha256[:2] / one.sha256
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            with path_of(one.sha256).open("rb") as source, copy.open("xb") as out:
                out.writelines(encrypted.read(source, one.sha256, f"archive/{one.sha256[:12]}"))
        return replace(one, path=copy)

    def drop(self, one: Input) -> None:
        """Remove the copy; does nothing if there is none."""
        (self.folder / one.sha256[:2] / one.sha256).unlink(missing_ok=True)


@contextmanager
def copies(name: str) -> Iterator[Copies]:
    """A folder for working copies, in the stage of this source; gone at the end, whatever happens."""
    sweep()
    parent = settings.stage() / name
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=PLAIN, dir=parent))  # mode 700
    try:
        yield Copies(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> int:
    """Remove working copies that killed processes left; gives the number of folders."""
    removed = 0
    for folder in settings.stage().glob(f"*/{PLAIN}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > ABANDONED:
                shutil.rmtree(folder)
                removed += 1
    return removed


def path_of(sha256: str) -> Path:
    """Where the archive has the input with this hash of its plain bytes."""
    return settings.archive() / sha256[:2] / sha256


def reencrypt(path: Path, key: keys.Key) -> bool:
    """Bring an archived file under this key, from another or from none; False if it is under it already."""
    there = encrypted.key_of(path)
    if there == key.id:
        return False
    with path.open("rb") as source:
        if there is None:
            _encrypt(source, path, key, path.name)
        else:
            chunks = encrypted.read(source, path.name, f"archive/{path.name[:12]}")
            _encrypt(encrypted.Chunks(chunks), path, key, path.name)
    return True


def _encrypt(plain: encrypted.Readable, place: Path, key: keys.Key, name: str) -> None:
    """Write the encrypted file under a temporary name, then give it its place."""
    handle, temporary = draft(place.parent, DRAFT)
    try:
        with os.fdopen(handle, "wb") as out:
            encrypted.write(plain, out, key, name)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)
    for folder in (place.parent, place.parent.parent):
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
