"""Whether bytes are in the encoding that was declared, and where not."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Final

from connectors.files.common import MIB, Proof, whole

BOMS: Final = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def refuse_bytes(path: Path, name: str, encoding: str) -> Proof | None:
    """The first byte that is not in the declared encoding, with its line; NUL bytes are in none."""
    with path.open("rb") as file:
        start = file.read(4)
        mark = next((kind for bom, kind in BOMS.items() if start.startswith(bom)), "")
        if mark and not encoding.startswith(mark):
            return whole(
                "ENCODING",
                name,
                0,
                "byte 0",
                f"a byte order mark says {mark}, the mapping says {encoding}",
                f"Set encoding to {mark}, or have the supplier write {encoding}",
            )
        file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        offset, lines = 0, 1
        while True:
            block = file.read(MIB)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as bad:
                at = offset - pending + bad.start
                lines += _newlines(bad.object[: bad.start], encoding)
                return whole(
                    "ENCODING",
                    name,
                    at,
                    f"line {lines}, byte {at}",
                    f"byte 0x{bad.object[bad.start]:02X} is not {encoding}",
                    "Set encoding to what the file is written in, such as cp1252, or have the supplier write "
                    + encoding,
                )
            nul = text.find("\0")
            if nul >= 0:
                lines += text.count("\n", 0, nul)
                return whole(
                    "ENCODING",
                    name,
                    offset,
                    f"line {lines}",
                    "a NUL character, which no text has",
                    "Set encoding to utf-16 if that is what the file is written in, or have the supplier send text",
                )
            if not block:
                return None
            lines += text.count("\n")
            offset += len(block)


def _newlines(block: bytes, encoding: str) -> int:
    return block.decode(encoding, "replace").count("\n")
