"""Which archived inputs hold a record though no entry says so: for it was held or out of scope there, or the input was
never taken in.

Where an input can be read, its source's mapping tells how each of its records is called, so that the same number in
another place, such as a quantity, is not taken for a name. Where it cannot, it is looked through for the name as a
value of its own.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final
from xml.sax.saxutils import escape

from bridge.connector import Input
from bridge.content import COLLECT, Content
from bridge.errors import BridgeError, Stop
from bridge.flow import archive, rereading
from bridge.mapping import Mapping as Model
from bridge.mapping import load_versions
from bridge.mapping.identify import identify, system_of

_BLOCK: Final = 8 << 20
_OVERLAP: Final = 4096
_ENCODINGS: Final = ("utf-8", "cp1252", "utf-16-le", "utf-16-be")
_BEFORE: Final = "<>\"',;|\t\r\n["
_AFTER: Final = "<>\"',;|\t\r\n]}"
"""What stands around a value in XML, CSV and JSON, beside the colon after a key."""


def _zip(path: Path) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as packed:
        for name in packed.namelist():
            with packed.open(name) as member:
                yield member


def _unpacked(by: Callable[[Path], Any]) -> Callable[[Path], Iterator[IO[bytes]]]:
    def opened(path: Path) -> Iterator[IO[bytes]]:
        with by(path) as file:
            yield file

    return opened


def _nothing(_: Path) -> Iterator[IO[bytes]]:
    raise EOFError  # no library here unpacks it


_PACKED: Final[Mapping[bytes, Callable[[Path], Iterator[IO[bytes]]]]] = {
    b"PK\x03\x04": _zip,
    b"\x1f\x8b": _unpacked(gzip.open),
    b"BZh": _unpacked(bz2.open),
    b"\xfd7zXZ": _unpacked(lzma.open),
    b"\x28\xb5\x2f\xfd": _nothing,
}
"""How what is in a packed file is opened, by its first bytes."""
_DAMAGED: Final = (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def holding(content: Content, record: Any, doubtful: Sequence[Any]) -> Iterator[Any]:
    """Those of the inputs that hold the record, as far as anybody can tell from their bytes.

    Args:
        record: bridge_id, origin_system and origin_record_id.
        doubtful: rows with sha256, name, source, size, arrival, and whether the input was held as a ``whole``.

    Raises:
        Misconfigured: NO_KEY.
    """
    for row in doubtful:
        one = rereading.archived(row)
        if one is not None and _holds(content, record, row, one):
            yield row


def _holds(content: Content, record: Any, row: Any, one: Input) -> bool:
    mapping = _mapping(content, row)
    if mapping is not None and not row.whole:
        try:
            found, unsure = _read(mapping, record, one)
        except BridgeError:
            found, unsure = False, True
        if found or not unsure:
            return found
    needles = {str(record.bridge_id)}
    if mapping is None or system_of(mapping) in ("", record.origin_system):
        needles.add(record.origin_record_id)
    with archive.copies("erasure") as copies:
        try:
            copy = copies.open(one)
        except Stop:  # damaged, so that nobody can read it ever again
            return True
        return _stands(copy.path, needles)


def _mapping(content: Content, row: Any) -> Model | None:
    """The version of the source's mapping that reads the input; None if there is none any more."""
    if row.source not in content.sources():
        return None
    try:
        return load_versions(content, row.source, COLLECT).on(row.arrival)
    except BridgeError:
        return None


def _read(mapping: Model, record: Any, one: Input) -> tuple[bool, bool]:
    """Whether one of the input's records is called so, and whether one could not be read."""
    unsure = False
    for batch in rereading.batches(mapping, one):
        named = identify(mapping, batch)
        unsure |= named.unsure
        if any(_is(record, *name) for name in named.names):
            return True, unsure
    return False, unsure


def _is(record: Any, system: str, number: str) -> bool:
    """Whether a record of this name is the one: by its own, or come back from a partner under the one that we gave."""
    if (system, number) == (record.origin_system, record.origin_record_id):
        return True
    try:
        return bool(uuid.UUID(number) == record.bridge_id)
    except ValueError:
        return False


def _stands(path: Path, needles: set[str]) -> bool:
    """Whether one of the names stands in the file as a value of its own, however it is encoded, escaped or packed; what
    does not unpack may hold any."""
    forms = {form for name in needles for form in (name, escape(name), json.dumps(name)[1:-1])}
    values = [one for form in sorted(forms) for encoding in _ENCODINGS if (one := _value(form, encoding))]
    with path.open("rb") as file:
        start = file.read(6)
        unpack = next((opened for magic, opened in _PACKED.items() if start.startswith(magic)), None)
        if unpack is None:
            file.seek(0)
            return _in(file, values)
    try:
        return any(_in(member, values) for member in unpack(path))
    except _DAMAGED:
        return True


def _in(stream: IO[bytes], values: Sequence[re.Pattern[bytes]]) -> bool:
    """Whether one of the values stands in a stream, which is read in blocks that overlap."""
    tail = b""
    while block := stream.read(_BLOCK):
        if any(value.search(tail + block) for value in values):
            return True
        tail = block[-_OVERLAP:]
    return False


def _value(name: str, encoding: str) -> re.Pattern[bytes] | None:
    """A value between what stands around values; a number may have been given a decimal point. None if the encoding
    has no such characters."""

    def one_of(chars: str) -> bytes:
        return b"(?:" + b"|".join(re.escape(char.encode(encoding)) for char in chars) + b")"

    try:
        said = re.escape(name.encode(encoding))
    except UnicodeEncodeError:
        return None
    blank, key = one_of(" \t\r\n") + b"*", one_of('"') + one_of(" \t\r\n") + b"*" + one_of(":")
    before = rb"(?:\A(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?|" + one_of(_BEFORE) + b"|" + key + b")"
    point = b"(?:" + one_of(".") + one_of("0") + b"+)?" if name.isdecimal() else b""
    after = rb"(?:\Z|" + one_of(_AFTER) + b")"
    return re.compile(before + blank + said + point + blank + after, re.IGNORECASE)
