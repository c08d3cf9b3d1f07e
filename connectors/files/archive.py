"""Bytes as received, kept under their hash before anything is parsed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from bridge.draft import draft
from connectors.files.common import MIB


def keep(stream: BinaryIO, archive: Path) -> tuple[str, int, Path]:
    """Copy a stream to archive/<2 hex>/<sha256> and give hash, size and path; bytes already there stay as they are."""
    archive.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    size = 0
    handle, temporary = draft(archive, ".arriving-")
    try:
        with os.fdopen(handle, "wb") as out:
            while block := stream.read(MIB):
                digest.update(block)
                out.write(block)
                size += len(block)
            out.flush()
            os.fsync(out.fileno())
        sha256 = digest.hexdigest()
        path = archive / sha256[:2] / sha256
        # Not only there but whole: a file of another length was damaged after it was renamed.
        if path.exists() and path.stat().st_size == size:
            temporary.unlink()
        else:
            path.parent.mkdir(exist_ok=True)
            temporary.replace(path)
            sync_folder(path.parent)
            sync_folder(archive)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return sha256, size, path


def sync_folder(path: Path) -> None:
    """Make renames inside a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
