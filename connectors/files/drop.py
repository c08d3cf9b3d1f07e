"""The source: files that a system drops into a folder."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bridge.batch import Batch
from bridge.connector import Input, Offer, Window
from bridge.errors import Misconfigured, TryLater
from bridge.shape import Shape
from connectors.files import archive as archives
from connectors.files.common import Format, Proof, number_option, text_option, whole
from connectors.files.csv import Csv
from connectors.files.jsonl import JsonLines
from connectors.files.place import place, spell
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
        connection: the folder, as a path, ``file://`` URL or ``sftp://`` URL (see SftpPlace).
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
        self._place = place(connection)
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
        found = [
            Offer(spell(entry.name), entry.status.changed)
            for entry in self._place.walk()
            if entry.status.changed < window.until and self._wanted(entry.name)
        ]
        return sorted(found, key=lambda offer: (offer.arrival, offer.name))

    def _wanted(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        if name.startswith("~$") or name.lower().endswith(UNFINISHED):
            return False
        # Suffixes come in capitals too; a file passed over for that would be lost without a word.
        told = path if "/" in self._pattern else name
        return fnmatch.fnmatchcase(told.casefold(), self._pattern.casefold())

    def fetch(self, offer: Offer, archive: Path) -> Input:
        """Archive the file under its hash, prove it complete and count its records.

        What is wrong with the file as a whole stands in Input.problem, never in an exception.

        Raises:
            TryLater: the file went away or changed while it was read.
            Misconfigured: the name leads out of the folder, or may not be read.
        """
        with self._place.open(offer.name) as opened:
            try:
                sha256, size, kept = archives.keep(opened.stream, archive)
            except OSError as bad:
                what = f"the file cannot be copied into the archive ({bad.strerror})"
                raise TryLater("NOT_COPIED", offer.name, what, "Check both disks and their free space") from None
            after = self._place.status(opened)
        if opened.status != after or size != after.size or after.changed != offer.arrival:
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


def _blank(path: Path) -> bool:
    """Whether a file has nothing but white space, a byte order mark or NUL bytes in it."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if block.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
                return False
    return True
