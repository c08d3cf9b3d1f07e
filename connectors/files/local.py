"""A folder of this machine."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from bridge.errors import Misconfigured, TryLater
from connectors.files.archive import sync_folder
from connectors.files.place import Entry, Opened, Status, unspell


class LocalPlace:
    """Files below a folder; links are neither listed nor followed."""

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self._folder = folder

    def walk(self) -> Iterator[Entry]:
        """Regular files below the folder, in no order."""
        pending = [self._folder]
        while pending:
            for entry in self._list(pending.pop()):
                if entry.name.startswith(".") or entry.is_symlink():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    try:
                        status = _status(entry.stat(follow_symlinks=False))
                    except FileNotFoundError:  # taken away since it was listed
                        continue
                    yield Entry(str(Path(entry.path).relative_to(self._folder)), status)

    def _list(self, path: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(path) as entries:
                return list(entries)
        except FileNotFoundError:
            if path != self._folder:  # taken away since its own folder was listed
                return []
            raise TryLater("NO_FOLDER", str(path), "the drop folder is not there now", "Check the mount") from None
        except PermissionError:
            fix = "Let the bridge's account read the drop folder"
            raise Misconfigured("NO_ACCESS", str(path), "the folder may not be listed", fix) from None
        except OSError as bad:
            what = f"the folder cannot be listed now ({bad.strerror})"
            raise TryLater("UNREADABLE", str(path), what, "Check the mount") from None

    @contextmanager
    def open(self, name: str) -> Iterator[Opened]:
        """The file of that name, opened without following links and without waiting for a pipe's writer."""
        with self._open(name) as stream:
            yield Opened(stream, _status(os.fstat(stream.fileno())))

    def status(self, opened: Opened) -> Status:
        """How it stands now."""
        return _status(os.fstat(opened.stream.fileno()))

    def _open(self, name: str) -> BinaryIO:
        try:
            handle = os.open(self._locate(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            what = "the file is no longer in the drop folder"
            raise TryLater("VANISHED", name, what, "List the folder again") from None
        except PermissionError:
            fix = "Let the bridge's account read the drop folder"
            raise Misconfigured("NO_ACCESS", name, "the file may not be read", fix) from None
        except OSError as bad:
            if bad.errno not in (errno.ELOOP, errno.ENXIO):
                what = f"the file cannot be read now ({bad.strerror})"
                raise TryLater("UNREADABLE", name, what, "Check the mount") from None
            handle = -1
        if handle < 0 or not stat.S_ISREG(os.fstat(handle).st_mode):
            if handle >= 0:
                os.close(handle)
            raise Misconfigured("NOT_A_FILE", name, "a link, pipe, socket or folder", "Drop regular files only")
        return os.fdopen(handle, "rb")

    def _locate(self, name: str) -> Path:
        below = Path(unspell(name).replace("\0", "/../"))
        path = self._folder / below
        if below.is_absolute() or ".." in below.parts or path.parent.resolve() != path.parent:
            raise Misconfigured(
                "OUTSIDE", name, "the name leads out of the drop folder", "Fetch only what offers() gave"
            )
        return path

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return (self._folder / name).exists()

    def workshop(self) -> Path:
        """The folder itself: only within one file system is a rename whole or nothing."""
        return self._folder

    def put(self, draft: Path, name: str) -> None:
        """Rename a draft, which is durable already, and make that durable."""
        draft.chmod(0o644)
        draft.replace(self._folder / name)
        sync_folder(self._folder)


def _status(found: os.stat_result) -> Status:
    seconds, nanoseconds = divmod(found.st_mtime_ns, 1_000_000_000)
    changed = datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)
    return Status(changed, found.st_mtime_ns, found.st_size)
