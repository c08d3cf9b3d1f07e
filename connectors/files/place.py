"""Where files lie: a folder of this machine, or one on a server that is reached by SFTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from connectors.files.common import folder


@dataclass(frozen=True, slots=True)
class Status:
    """What tells a file from what it was.

    Args:
        changed: when it was last written, aware, UTC.
        mark: the same as exactly as the place tells.
    """

    changed: datetime
    mark: int
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file, by its path below the place."""

    name: str
    status: Status


@dataclass(frozen=True, slots=True)
class Opened:
    """A file being read; ``status`` tells how it stands now."""

    stream: BinaryIO
    status: Status


class Place(Protocol):
    """A folder. All methods raise TryLater when it is not there now, and Misconfigured when we may not use it."""

    where: str
    """How messages call it, without a login."""

    def walk(self) -> Iterator[Entry]:
        """Regular files below it, but none that is hidden or in a hidden folder, and no links."""
        ...

    def open(self, name: str) -> AbstractContextManager[Opened]:
        """The regular file that spell() calls so, for reading; a name that leads out of the place is refused."""
        ...

    def status(self, opened: Opened) -> Status:
        """How an opened file stands now."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...

    def workshop(self) -> Path:
        """The local folder in which a file is written before put() takes it."""
        ...

    def put(self, draft: Path, name: str) -> None:
        """Make a file from the workshop visible under its name: whole or not at all, and durable as far as is known."""
        ...


def spell(name: str) -> str:
    """A file name as printable text: what cannot be printed, bytes that are no UTF-8 and % stand as %XX."""
    out: list[str] = []
    for char in name:
        if char == "%" or not char.isprintable():
            out.extend(f"%{byte:02X}" for byte in os.fsencode(char))
        else:
            out.append(char)
    return "".join(out)


def unspell(name: str) -> str:
    """The file name that spell() wrote."""
    return os.fsdecode(unquote_to_bytes(os.fsencode(name)))


def place(connection: str) -> Place:
    """The place that a connection names: a path, a ``file://`` URL or an ``sftp://`` URL.

    Raises:
        Misconfigured: another scheme, no such folder, or a server that cannot be known again.
    """
    if urlsplit(connection).scheme == "sftp":
        from connectors.files.sftp import SftpPlace

        return SftpPlace(connection)
    from connectors.files.local import LocalPlace

    return LocalPlace(folder(connection))
