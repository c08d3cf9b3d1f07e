"""Which letters the texts of a field can hold, told from its schema alone."""

from __future__ import annotations

import re
from functools import lru_cache

from bridge.shape import Field, Type

_REPEAT = re.compile(r"\{[0-9,]+\}")
_PARTS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_MARKS = frozenset("^$()|?*+")
_PLAIN = {
    Type.DATE: "0123456789-",
    Type.DATETIME: "0123456789-:.TZ",
    Type.DECIMAL: "0123456789-.",
    Type.INTEGER: "0123456789-",
    Type.BOOLEAN: "truefals10",
}


def never_holds(field: Field, mark: str) -> bool:
    """Whether no text of the field can hold ``mark``; False also where the schema does not say enough to tell."""
    if not mark:
        return False
    if field.codes:
        return not any(mark in code for code in field.codes)
    if field.type in _PLAIN:
        return any(letter not in _PLAIN[field.type] for letter in mark)
    return bool(field.pattern) and any(not _takes(field.pattern, letter) for letter in mark)


@lru_cache(maxsize=1024)
def _takes(pattern: str, letter: str) -> bool:
    """Whether some part of an expression takes the letter; True also of what is not understood here."""
    if "(?" in pattern.replace("(?:", "(") or not pattern.startswith("^") or not pattern.endswith(("$", r"\Z")):
        return True
    for part in _PARTS.findall(_REPEAT.sub("", pattern.removesuffix(r"\Z"))):
        if part in _MARKS:
            continue
        if re.fullmatch(part if len(part) > 1 or part == "." else re.escape(part), letter):
            return True
    return False
