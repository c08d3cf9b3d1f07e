"""The archived form of what no file was: parts that were asked for, in one file with the same bytes for the same parts.

A ZIP without compression. Readable with nothing but an unzipper in twenty years; not compressed, because a
compressor's bytes change with its version, and with them the hash of parts that did not.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bridge.draft import draft


@contextmanager
def writing(archive: Path, prefix: str) -> Iterator[Bundle]:
    """A bundle under a temporary name in the archive folder; gone unless Bundle.keep() gave it its place.

    Args:
        prefix: as draft().
    """
    archive.mkdir(parents=True, exist_ok=True)
    handle, path = draft(archive, prefix)
    try:
        yield Bundle(archive, path)
    finally:
        os.close(handle)
        path.unlink(missing_ok=True)


class Bundle:
    """Takes parts one after another, then is named by its hash."""

    def __init__(self, archive: Path, draft: Path) -> None:
        self._archive, self._draft = archive, draft
        self._zip = zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED)

    @contextmanager
    def member(self, name: str) -> Iterator[IO[bytes]]:
        """A part of this name, to be written."""
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.create_system, info.external_attr = 3, 0o600 << 16
        with self._zip.open(info, "w", force_zip64=True) as out:
            yield out

    def keep(self) -> tuple[str, int, Path]:
        """Finish, and move to archive/<2 hex>/<sha256>; gives hash, size in bytes and path."""
        self._zip.close()
        with self._draft.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
            os.fsync(written.fileno())
        path = self._archive / sha256[:2] / sha256
        size = self._draft.stat().st_size
        # Not only there but whole: a file of another length was damaged after it was renamed.
        if not path.exists() or path.stat().st_size != size:
            path.parent.mkdir(exist_ok=True)
            self._draft.replace(path)
        return sha256, size, path
