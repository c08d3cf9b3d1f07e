"""The source: files that a system drops into a folder."""

from __future__ import annotations

import errno
import fnmatch
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import unquote_to_bytes

from bridge.batch import Batch
from bridge.connector import Input, Offer, Window
from bridge.errors import Misconfigured, TryLater
from bridge.shape import Shape
from connectors.files import archive as archives
from connectors.files.common import Format, Proof, folder, number_option, text_option, whole
from connectors.files.csv import Csv
from connectors.files.jsonl import JsonLines
from connectors.files.xlsx import Xlsx
from connectors.files.xml import Xml

FORMATS: Final[Mapping[str, type[Csv] | type[JsonLines] | type[Xlsx] | type[Xml]]] = {
    "xml": Xml,
    "csv": Csv,
    "xlsx": Xlsx,
    "jsonl": JsonLines,
}
UNFINISHED: Final = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
"""Endings that tools give a file while they write it."""
PACKED: Final = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
MAX_INPUT: Final = 4 << 30


class FilesSource:
    """Files below a drop folder, each one input; nothing in the folder is ever changed.

    Args:
        connection: the folder, as a path or ``file://`` URL.
        options: ``format`` xml | csv | xlsx | jsonl (xml); ``pattern`` glob on the file's name, or on its path below
            the folder if it holds a slash (``*`` and the format's suffix); ``max_input_bytes`` (4 GiB); and those of
            the format: see Xml, Csv, Xlsx, JsonLines.
        shape: the fields and lists that the mapping declares.

    Raises:
        Misconfigured: no such folder, format, or an option of the wrong kind.
    """

    def __init__(self, connection: str, options: Mapping[str, Any], shape: Shape) -> None:
        name = text_option(options, "format", "xml")
        if name not in FORMATS:
            raise Misconfigured(
                "BAD_OPTION", "option format", f"there is no format {name!r}", f"Say one of {', '.join(FORMATS)}"
            )
        self._folder = folder(connection)
        self._format: Format = FORMATS[name](options, shape)
        self._pattern = text_option(options, "pattern", f"*{self._format.suffix}")
        self._max = number_option(options, "max_input_bytes", MAX_INPUT)
        self._packed = "" if name == "xlsx" else name
        self._shape = shape

    def fields(self) -> Shape:
        """The declared shape: a folder cannot tell more than its files, and those are held against it one by one."""
        return self._shape

    def offers(self, window: Window) -> list[Offer]:
        """Regular files that came before the window's end, by time of last change, then name.

        Hidden files, links and names that tools use while they write are passed over.

        Raises:
            TryLater: the folder cannot be listed now.
            Misconfigured: it may not be.
        """
        found: list[Offer] = []
        pending = [self._folder]
        while pending:
            for entry in self._list(pending.pop()):
                if entry.name.startswith(".") or entry.is_symlink():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False) and self._wanted(entry.path):
                    found.extend(self._offer(entry, window))
        return sorted(found, key=lambda offer: (offer.arrival, offer.name))

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

    def _wanted(self, path: str) -> bool:
        below = Path(path).relative_to(self._folder)
        if below.name.startswith("~$") or below.name.lower().endswith(UNFINISHED):
            return False
        # Suffixes come in capitals too; a file passed over for that would be lost without a word.
        name = str(below) if "/" in self._pattern else below.name
        return fnmatch.fnmatchcase(name.casefold(), self._pattern.casefold())

    def _offer(self, entry: os.DirEntry[str], window: Window) -> Iterator[Offer]:
        try:
            arrival = _moment(entry.stat(follow_symlinks=False))
        except FileNotFoundError:  # taken away since it was listed
            return
        if arrival < window.until:
            yield Offer(spell(str(Path(entry.path).relative_to(self._folder))), arrival)

    def fetch(self, offer: Offer, archive: Path) -> Input:
        """Archive the file under its hash, prove it complete and count its records.

        What is wrong with the file as a whole stands in Input.problem, never in an exception.

        Raises:
            TryLater: the file went away or changed while it was read.
            Misconfigured: the name leads out of the folder, or may not be read.
        """
        with self._open(offer.name) as stream:
            before = os.fstat(stream.fileno())
            try:
                sha256, size, kept = archives.keep(stream, archive)
            except OSError as bad:
                what = f"the file cannot be copied into the archive ({bad.strerror})"
                raise TryLater("NOT_COPIED", offer.name, what, "Check both disks and their free space") from None
            after = os.fstat(stream.fileno())
        changed = (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or size != after.st_size
        if changed or _moment(after) != offer.arrival:
            raise TryLater(
                "GROWING",
                offer.name,
                "the file changed after it was offered or while it was read",
                "List the folder again",
            )
        proof = self._prove(kept, size, offer.name)
        return Input(offer.name, sha256, size, offer.arrival, kept, proof.counted, proof.problem, proof.notes)

    def prove(self, known: Input) -> Input:
        """The archived file proven and counted anew, as the schema and the options are now."""
        proof = self._prove(known.path, known.size, known.name)
        return replace(known, counted=proof.counted, problem=proof.problem, notes=proof.notes)

    def _open(self, name: str) -> BinaryIO:
        """The file of that name, opened without following links and without waiting for a pipe's writer."""
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

    def _prove(self, path: Path, size: int, name: str) -> Proof:
        if size > self._max:
            return whole(
                "TOO_LARGE",
                name,
                -1,
                "",
                f"{size} bytes, more than max_input_bytes allows ({self._max})",
                "Have the supplier send smaller files, or raise max_input_bytes",
            )
        if _blank(path):
            return whole(
                "EMPTY",
                name,
                0,
                "byte 0",
                f"{size} bytes, none of them content",
                "Have the supplier send the file again",
            )
        with path.open("rb") as file:
            start = file.read(8)
        packed = next((kind for magic, kind in PACKED.items() if start.startswith(magic)), "")
        if packed and self._packed:
            return whole(
                "PACKED",
                name,
                0,
                "byte 0",
                f"a {packed} file, where {self._packed} is expected",
                "Unpack it, then drop its content",
            )
        return self._format.prove(path, name)

    def read(self, source_input: Input) -> Iterator[Batch]:
        """The records of a fetched input, in batches of bounded memory.

        Raises:
            Misconfigured: the input is one with a problem, of which nothing may flow.
        """
        if source_input.problem is not None:
            raise Misconfigured(
                source_input.problem.code,
                source_input.name,
                "nothing may be read from an input that has a problem",
                "Hold it as one",
            )
        return self._format.read(source_input)


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


def _moment(status: os.stat_result) -> datetime:
    seconds, nanoseconds = divmod(status.st_mtime_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)


def _blank(path: Path) -> bool:
    """Whether a file has nothing but white space, a byte order mark or NUL bytes in it."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if block.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
                return False
    return True
