"""In which encoding a file was written: told by what shows it, and asked where two readings are possible."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Final

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CARON: Final = (b"\xe8\xc8", b"\xe6\xc6", b"\xf0\xd0", b"\x9a\x8a", b"\x9e\x8e")
"""Letters of cp1250 that languages between the Elbe and the Vardar share: č, ć, đ, š and ž, small and capital."""
_TURKISH: Final = (b"\xf0\xd0", b"\xfd\xdd", b"\xfe\xde")
"""ğ, dotless i and ş of cp1254, where cp1252 has the ð, ý and þ that only Icelandic has, beside á, í and ó."""
_ICELANDIC: Final = b"\xe1\xed\xf3"
_NO_LETTER: Final = re.compile(rb"[A-Za-z][\xb9\xb3\xbf\xaa\xba][a-z]|[\x8c\x9c](?:[klmrw]|[\x80-\xff])")
"""Polish and Romanian letters of cp1250 inside a word, where cp1252 has raised figures, question marks, or an œ before
a letter that it never stands before."""
_HIGH: Final = re.compile(rb"[\xc0-\xff]{3,}")
_SHARED: Final = 3
"""So many of the five letters together stand in no language that cp1252 is made for."""


def decoded(data: bytes) -> tuple[str, str, str, str]:
    """The text, its encoding, what shows that it is this one, and the question that only a person can answer ("" if
    none is open).

    Source: the tables of windows-1250 to 1254 at unicode.org/Public/MAPPINGS/VENDORS/MICSFT/WINDOWS.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            codec = "utf-8-sig" if name == "utf-8" else name
            return data.decode(codec, "replace"), name, f"encoding {name}: the file begins with its byte order mark", ""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as bad:
        line = data.count(b"\n", 0, bad.start) + 1
        name, shown, question = _of_one_byte(data)
        said = f"encoding {name}: byte 0x{data[bad.start]:02X} on line {line} is not UTF-8; {shown}"
        return data.decode(name, "replace"), name, said, question
    plain = "only ASCII, which every encoding reads alike" if text.isascii() else "all of it is valid UTF-8"
    return text, "utf-8", f"encoding utf-8: {plain}", ""


def _of_one_byte(data: bytes) -> tuple[str, str, str]:
    """The likeliest encoding of one byte a letter, what shows it, and the question."""
    high = sum(byte >= 0xC0 for byte in data)
    if high and sum(map(len, _HIGH.findall(data))) > high / 2:
        what = "whole words are written in letters beyond ASCII, as in Cyrillic or Greek"
        return "cp1251", what, _asked("cp1251 (Cyrillic)", "cp1253 (Greek)")
    present = _present(_CARON, data)
    if present >= _SHARED or _NO_LETTER.search(data):
        what = f"{present} of č, ć, đ, š and ž are there" if present >= _SHARED else "cp1252 has signs inside its words"
        return "cp1250", what, _asked("cp1250 (č, ć, đ, ł)", "cp1252 (è, æ, ð, ³)")
    if _present(_TURKISH, data) > 1 and not any(byte in data for byte in _ICELANDIC):
        return "cp1254", "two of ğ, ş and the i without a dot are there", _asked("cp1254 (ğ, ş)", "cp1252 (ð, þ)")
    controls = sum(0x80 <= byte < 0xA0 for byte in data)
    return "cp1252", f"{controls} bytes stand where latin-1 has none" if controls else "latin-1 reads it alike", ""


def _present(letters: Sequence[bytes], data: bytes) -> int:
    """How many of these letters are there, small or capital."""
    return sum(any(byte in data for byte in letter) for letter in letters)


def _asked(one: str, other: str) -> str:
    return f"is the file written in {one} or in {other}? Look at some words in an editor; say encoding: in collect"
