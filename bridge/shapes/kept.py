"""Shapes that were read before, kept as JSON below BRIDGE_HOME, for reading them anew takes a second of libraries.

What is kept names the hash of every file it was read from and of the code that read it, so that it holds only as
long as none of them changes. Losing the folder costs nothing but the time to read again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import astuple
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bridge import settings
from bridge.draft import draft
from bridge.errors import Misconfigured
from bridge.shape import Class, Field, Sensitivity, Shape, Type

_LIBRARIES: Final = ("xmlschema", "sqlglot")
_MOST: Final = 64
"""Shapes that are kept; the ones written longest ago make room."""
_DRAFT: Final = ".shape-"
_OF_OTHERS: Final = 0o022


def kept_shape(path: Path, schema: str, record: str | None) -> Shape | None:
    """The shape as it was read from this very file and those that it includes; None if it has to be read anew."""
    with suppress(OSError, ValueError, Misconfigured):
        file = _place(path, schema, record)
        if not only_ours(file):
            return None
        said = json.loads(file.read_bytes())
        if all(hash_of(path.parent / name) == sha256 for name, sha256 in said["files"].items()):
            return Shape(schema, tuple(map(_field, said["fields"])), dict(said["lists"]))
    return None


def keep_shape(path: Path, record: str | None, shape: Shape, files: Iterable[Path], sha256: str, begun: float) -> None:
    """Keep a shape that was read from ``path`` and ``files``; where nothing can be written, nothing is kept.

    Nor is it where a file changed under the reader, for nobody knows then which content the shape is of.

    Args:
        sha256: of the path's content before it was read (hash_of).
        begun: when reading began, as the clock of files tells it.
    """
    with suppress(OSError, Misconfigured):
        files = tuple(files)
        if hash_of(path) != sha256 or any(one.stat().st_mtime >= begun for one in files):
            return
        file = _place(path, shape.name, record)
        said = {
            "files": {os.path.relpath(one, path.parent): hash_of(one) for one in files},
            "fields": [astuple(field) for field in shape],
            "lists": list(shape.lists.items()),
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = draft(file.parent, _DRAFT)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(said, out)
        temporary.replace(file)
        for old in sorted(file.parent.glob("*.json"), key=lambda one: one.stat().st_mtime)[:-_MOST]:
            old.unlink()


def only_ours(file: Path) -> bool:
    """Whether nobody else can have written a file of our home: what others can write is no memory of ours, for it could
    make a personal field look harmless.

    Raises:
        OSError: it is not there.
    """
    status = file.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & _OF_OTHERS


def _place(path: Path, schema: str, record: str | None) -> Path:
    key = json.dumps([_reader(), schema, record, hash_of(path)])
    return settings.home() / "shapes" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def hash_of(path: Path) -> str:
    """SHA-256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _reader() -> str:
    """What reads shapes: the code of this package, of Field, and the versions of their libraries."""
    here = Path(__file__).parent
    code = [hash_of(file) for file in (*sorted(here.glob("*.py")), here.parent / "shape.py")]
    return json.dumps([code, [version(name) for name in _LIBRARIES]])


def _field(said: list[Any]) -> Field:
    list_, name, kind, required, cls, sensitivity, length, scale, pattern, codes, *texts = said
    return Field(
        list_, name, Type(kind), required, Class(cls), Sensitivity(sensitivity), length, scale, pattern, tuple(codes),
        *texts,
    )  # fmt: skip
