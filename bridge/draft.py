"""Files under a temporary name until they are whole, and what is left of those whose writer was killed."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

ABANDONED: Final = 24 * 3600
"""Seconds without a write after which a draft that nobody has locked is removed: far longer than any write pauses."""


def draft(folder: Path, prefix: str) -> tuple[int, Path]:
    """A new file in the folder, open for writing and locked, once drafts that killed writers left are removed.

    The lock (flock(2)) lasts until the handle is closed, and the system releases it when the process dies.

    Args:
        prefix: with which the names of all drafts of this kind begin, and no other file's name does.
    """
    _sweep(folder, prefix)
    handle, name = tempfile.mkstemp(prefix=prefix, dir=folder)
    with suppress(OSError):  # a file system without locks, on which nothing is ever swept
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle, Path(name)


def _sweep(folder: Path, prefix: str) -> None:
    """Remove drafts that are old and that no living process has locked; what cannot be removed stays."""
    for path in folder.glob(f"{prefix}*"):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime < ABANDONED:
                continue
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(handle)
