"""Proof of an XML file: one streaming pass with expat, and a count of its records apart from the decoder."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from connectors.files.common import MIB, Proof, whole
from connectors.files.xmlcount import count_bytes

SEPARATOR: Final = " "
TRUNCATED: Final = {
    "XML_ERROR_NO_ELEMENTS",
    "XML_ERROR_UNCLOSED_TOKEN",
    "XML_ERROR_PARTIAL_CHAR",
    "XML_ERROR_UNCLOSED_CDATA_SECTION",
}
AGAIN: Final = "Have the supplier send the file again"


def prove_xml(path: Path, name: str, record: tuple[str, ...], namespace: str) -> Proof:
    """Prove a file well-formed, whole and free of a document type, and count the elements at the path ``record``.

    Where nothing but elements stands in the file, the tags of records are counted in its bytes and must follow one
    another; otherwise every element is followed through expat, which is slower.
    """
    encoding = sniff(path)
    if not encoding:
        return whole(
            "ENCODING",
            name,
            0,
            "byte 0",
            "a byte order mark says UTF-32, which XML readers need not know",
            "Have the supplier write UTF-8",
        )
    counted = None if encoding.startswith("utf-16") else count_bytes(path, record[-1])
    pass_ = _Pass(record, follow=counted is None)
    wrong = pass_.run(path, name, encoding) or _refuse_content(name, pass_, record, namespace)
    if wrong:
        return wrong
    if counted and pass_.first != record:  # tags of that name stand elsewhere too: follow the elements
        pass_ = _Pass(record, follow=True)
        pass_.run(path, name, encoding)
        counted = None
    total = pass_.records if counted is None else counted
    return Proof(
        total, None, {"encoding": pass_.encoding or encoding, **({"namespace": pass_.home} if pass_.home else {})}
    )


def sniff(path: Path) -> str:
    """The encoding that the first bytes tell: utf-8 (or one like it), utf-16-le or utf-16-be; "" for UTF-32."""
    with path.open("rb") as file:
        start = file.read(4)
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return ""
    if start.startswith(codecs.BOM_UTF16_LE) or start[1:2] == b"\0":
        return "utf-16-le"
    if start.startswith(codecs.BOM_UTF16_BE) or start[:1] == b"\0":
        return "utf-16-be"
    return "utf-8"


def declared(path: Path, found: str) -> str:
    """The Python codec of a proven file: what its bytes tell, or else what it declares."""
    if found != "utf-8":
        return found
    with path.open("rb") as file:
        match = re.match(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", file.read(1024))
    encoding = codecs.lookup(match[1].decode()).name if match else "utf-8"
    return "utf-8" if encoding == "ascii" else encoding


class _Halt(Exception):
    """The pass found something that no file may have."""


class _Pass:
    """expat over the whole file. Elements after the first record are not looked at, unless all are followed."""

    def __init__(self, record: tuple[str, ...], follow: bool) -> None:
        self.record, self.follow = record, follow
        self.encoding = ""
        self.root = ""
        self.home = ""
        self.first: tuple[str, ...] = ()
        self.records = 0
        self._stack: list[str] = []
        self._parser = expat.ParserCreate(namespace_separator=SEPARATOR)
        self._parser.buffer_text = False
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.encoding = (encoding or "").lower()

    def _doctype(self, *_: object) -> None:
        raise _Halt

    def _start(self, name: str, _attributes: Any) -> None:
        namespace, _, local = name.rpartition(SEPARATOR)
        self._stack.append(local)
        self.root = self.root or local
        if local == self.record[-1]:
            path = tuple(self._stack)
            if not self.first:
                self.first, self.home = path, namespace
            self.records += path == self.record
            if not self.follow:
                self._parser.StartElementHandler = None
                self._parser.EndElementHandler = None

    def _end(self, _name: str) -> None:
        self._stack.pop()

    def run(self, path: Path, name: str, encoding: str) -> Proof | None:
        parser = self._parser
        with path.open("rb") as file:
            try:
                while block := file.read(MIB):
                    parser.Parse(block, False)
                parser.Parse(b"", True)
            except _Halt:
                at, line = _doctype_at(path, parser.CurrentByteIndex, parser.CurrentLineNumber, encoding)
                return whole(
                    "DOCTYPE",
                    name,
                    at,
                    f"line {line}, byte {at}",
                    "a document type declaration, which can draw in other files and blow up memory",
                    "Have the supplier send the file without <!DOCTYPE",
                )
            except (ValueError, LookupError) as bad:
                return whole(
                    "ENCODING",
                    name,
                    0,
                    "line 1",
                    f"the declared encoding {self.encoding or '?'} is not one that can be read ({bad})",
                    "Have the supplier write UTF-8",
                )
            except expat.ExpatError:
                return self._refusal(path, name, encoding)
        return _refuse_disguised(path, name, self.encoding)

    def _refusal(self, path: Path, name: str, encoding: str) -> Proof:
        parser = self._parser
        at, code = parser.ErrorByteIndex, parser.ErrorCode
        where = _place(at, parser.ErrorLineNumber, parser.ErrorColumnNumber)
        said = expat.ErrorString(code) or "not well-formed"
        if code == expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING]:
            return whole(
                "ENCODING",
                name,
                at,
                where,
                f"the file declares {self.encoding or 'no encoding'} and is written in {encoding}",
                "Have the supplier correct the declaration",
            )
        byte = _not_utf8(path, at) if encoding == "utf-8" and self.encoding in ("", "utf-8") else None
        if byte is not None:
            return whole(
                "ENCODING",
                name,
                at,
                where,
                f"byte 0x{byte:02X} is not UTF-8, which the file "
                f"{'declares' if self.encoding else 'is in where it declares nothing'}",
                "Have the supplier write UTF-8, or declare the encoding that the file is in",
            )
        if code in {expat.errors.codes[getattr(expat.errors, one)] for one in TRUNCATED}:
            return whole("TRUNCATED", name, at, where, f"the file ends before its root element does ({said})", AGAIN)
        return whole(
            "NOT_WELL_FORMED",
            name,
            at,
            where,
            said,
            "Have the supplier write it with an XML library, then send it again",
        )


def _place(at: int, line: int, column: int) -> str:
    return f"line {line}, column {column + 1}, byte {at}"


def _doctype_at(path: Path, seen: int, line: int, encoding: str) -> tuple[int, int]:
    """Byte and line where the declaration begins; expat tells where it has read to."""
    with path.open("rb") as file:
        begin = max(seen - MIB, 0)
        file.seek(begin)
        text = file.read(seen - begin)
    at = text.rfind("<!DOCTYPE".encode(encoding))
    return begin + at, line - text[at:].count("\n".encode(encoding))


def _not_utf8(path: Path, at: int) -> int | None:
    with path.open("rb") as file:
        file.seek(at)
        window = file.read(64)
    try:
        window.decode()
    except UnicodeDecodeError as bad:
        return (
            window[bad.start] if bad.start == 0 or (bad.reason != "unexpected end of data" and bad.start < 4) else None
        )
    return None


def _refuse_disguised(path: Path, name: str, encoding: str) -> Proof | None:
    """A file that declares a one-byte encoding and is UTF-8: expat accepts it, and accents become two letters."""
    if encoding in ("", "utf-8", "us-ascii") or encoding.startswith("utf-16"):
        return None
    decoder = codecs.getincrementaldecoder("utf-8")()
    high = -1
    offset = 0
    with path.open("rb") as file:
        while block := file.read(MIB):
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                return None
            if high < 0 and not block.isascii():
                high = offset + next(i for i, byte in enumerate(block) if byte > 127)
            offset += len(block)
    if high < 0 or decoder.getstate()[0]:
        return None
    return whole(
        "ENCODING",
        name,
        high,
        f"byte {high}",
        f"the file declares {encoding} and is written in UTF-8 throughout",
        "Have the supplier correct the declaration",
    )


def _refuse_content(name: str, pass_: _Pass, record: tuple[str, ...], namespace: str) -> Proof | None:
    if pass_.root != record[0]:
        return whole(
            "ROOT",
            name,
            -1,
            "",
            f"the root element is {pass_.root[:60]}, where {record[0]} is expected",
            "Drop the file where its own kind is collected, or correct record",
        )
    if namespace and pass_.first and pass_.home != namespace:
        return whole(
            "NAMESPACE",
            name,
            -1,
            "",
            f"{record[-1]} is in the namespace {pass_.home or '(none)'}, where {namespace} is expected",
            "Have the supplier write the agreed version, or change namespace with the schema",
        )
    return None
