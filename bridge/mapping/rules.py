"""The closed vocabulary, one plain function a word: text in, value or refusal out.

These functions alone decide what a rule means and word every reason; the columns
around them only spare calling them twice for the same text. None knows of records,
columns or files. Numbers never pass through floats, dates never through leniency.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from typing import Final

from bridge.mapping.model import Number

PROBLEMS: Final = {
    "MISSING": "The target requires the field and the source does not give it.",
    "UNKNOWN_CODE": "The code list has no row for this code; nothing is guessed.",
    "NO_COUNTERPART": "The code list says that this code has no counterpart, and the target requires one.",
    "NOT_ALLOWED": "The value is none of those that the target's schema names.",
    "BAD_DATE": "The text is no calendar date of the form that the mapping names.",
    "BAD_DATETIME": "The text is no moment of the form that the mapping names, or its zone is not known.",
    "BAD_NUMBER": "The text is no plain decimal number written with the marks that the mapping names.",
    "BAD_BOOLEAN": "The text is neither true nor false.",
    "BAD_TEXT": "The text holds a character that no text may hold.",
    "NO_UNIT": "A quantity came without its unit, so it cannot be converted.",
    "TOO_LONG": "The text is longer than the target can keep.",
    "TOO_PRECISE": "The number has more digits after the point than the target can keep.",
    "PATTERN": "The text does not have the form that the target's schema demands.",
    "SEVERAL": "The source gives several values where the target takes one.",
    "BAD_VALUE": "A Python function of the mapping does not take this text.",
    "FUNCTION_FAILED": "A Python function of the mapping broke off with an error of its own.",
    "HEADER_CONFLICT": "Rows of one record differ in a field that the record can have once.",
    "TWIN_ROWS": "Rows of one record are the same in every column: two lines, or one entered twice.",
}
"""Every code that a problem found by a mapping may carry, and what it means."""

VALUE: Final = "{value}"
"""Stands in a reason for the refused text, which the caller puts in or masks."""
WHITE: Final = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Refused:
    """A text that a rule does not take. ``reason`` holds VALUE where the text belongs and ends in what to do."""

    code: str
    rule: str
    reason: str
    text: str = ""
    """The refused text, where it is only a part of what the rule was given."""


Step = Callable[[str], "str | Refused | None"]
"""Text to text; None if there is no value."""


# --- texts -----------------------------------------------------------------------------------------------------------

_WORD = re.compile(r"[^\s-]+")
_NO_DIGIT = re.compile(r"[^0-9]+")
_SPACES = re.compile(r"[ \t\r\n]+")
TEXT_STEPS: Final[dict[str, Callable[[str], str]]] = {
    "upper": str.upper,
    "lower": str.lower,
    "trim": lambda text: text.strip(WHITE),
    "collapse": lambda text: _SPACES.sub(" ", text).strip(WHITE),
    "digits": lambda text: _NO_DIGIT.sub("", text),
    "title": lambda text: _WORD.sub(lambda word: word[0][:1].upper() + word[0][1:].lower(), text),
}
"""``trim`` drops outer white space, ``collapse`` also makes inner white space one space, ``digits`` keeps 0-9 alone."""


def text_step(kind: str) -> Step:
    """``text: <kind>``; a text of which nothing is left is absent."""
    change = TEXT_STEPS[kind]
    return lambda text: change(text) or None


def split_text(text: str, separator: str) -> list[str]:
    """``split``: the parts between separators without outer white space; empty parts are left out."""
    return [part for part in (piece.strip(WHITE) for piece in text.split(separator)) if part]


def concat_text(parts: Sequence[str | None], literal: Sequence[bool]) -> str | None:
    """``concat``: the parts one after the other.

    A literal stands only if the field before it and the field after it (each if there is one) have a value, so no
    separator is left alone. Without any field's value there is no text.
    """
    if not any(part is not None for part, fixed in zip(parts, literal, strict=True) if not fixed):
        return None
    kept: list[str] = []
    fields = [place for place, fixed in enumerate(literal) if not fixed]
    for place, part in enumerate(parts):
        if part is None:
            continue
        if literal[place]:
            before = [parts[at] for at in fields if at < place][-1:]
            after = [parts[at] for at in fields if at > place][:1]
            if None in before or None in after:
                continue
        kept.append(part)
    return "".join(kept)


def hash_texts(parts: Sequence[str | None], occurrence: int | None) -> str:
    """``hash``: sha256 in hex over the values, each with its length so that no two lists of values look alike;
    ``occurrence`` (from 0) tells apart records whose values are all the same."""
    total = hashlib.sha256()
    for part in parts:
        data = (part or "").encode()
        total.update(f"{len(data)}:".encode() + data)
    if occurrence is not None:
        total.update(f"#{occurrence}".encode())
    return total.hexdigest()


# --- numbers ---------------------------------------------------------------------------------------------------------

_EXACT = Context(prec=120, traps=[Inexact])
_ROUNDING = Context(prec=120, rounding=ROUND_HALF_EVEN)
_CANONICAL = re.compile(r"-?[1-9][0-9]{0,17}|0|-?(?:[1-9][0-9]{0,17}|0)\.[0-9]{0,17}[1-9]")
_PLAIN = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")
_MAX_DIGITS = 38


def plain_number(text: str) -> str | None:
    """Canonical decimal text of a number written with a point, or None if it is not one: ``007.50`` is ``7.5``."""
    if _CANONICAL.fullmatch(text):
        return text
    match = _PLAIN.fullmatch(text)
    if match is None or not (match[2] or match[3]) or len(match[2]) + len(match[3] or "") > _MAX_DIGITS:
        return None
    whole, fraction = match[2].lstrip("0") or "0", (match[3] or "").rstrip("0")
    number = f"{whole}.{fraction}" if fraction else whole
    return f"-{number}" if match[1] == "-" and number != "0" else number


def number_step(how: Number) -> Step:
    """``number``: canonical decimal text. Exponents, inf, nan, underscores, and marks not named are refused."""
    rule = f"number:{how.decimal}"
    grouped = re.compile(
        rf"[+-]?[0-9]{{1,3}}(?:{re.escape(how.thousands)}[0-9]{{3}})+(?:{re.escape(how.decimal)}[0-9]*)?"
    )
    marks = f"the decimal mark {how.decimal!r}" + (f" and {how.thousands!r} between thousands" if how.thousands else "")
    refused = Refused(
        "BAD_NUMBER", rule, f"{VALUE} is no number with {marks}; correct it at the source, or number: in the mapping"
    )

    def step(text: str) -> str | Refused | None:
        bare = text.strip(WHITE)
        if how.thousands and how.thousands in bare:
            if not grouped.fullmatch(bare):
                return refused
            bare = bare.replace(how.thousands, "")
        if how.decimal != ".":
            if "." in bare:
                return refused
            bare = bare.replace(how.decimal, ".", 1)
        number = plain_number(bare)
        if number is None:
            return refused
        return number if how.round is None else round_number(number, how.round)

    return step


def round_number(number: str, digits: int) -> str:
    """The number with at most ``digits`` digits after the point; a half goes to the even neighbour."""
    if len(number.partition(".")[2]) <= digits:
        return number
    return plain_number(f"{Decimal(number).quantize(Decimal(1).scaleb(-digits), context=_ROUNDING):f}") or number


def scale_number(number: str, factor: Decimal, digits: int | None) -> str | Refused:
    """The number times ``factor``, exactly; rounded to ``digits`` after the point only if that is said."""
    product = plain_number(f"{_EXACT.multiply(Decimal(number), factor):f}")
    if product is None:
        return Refused("BAD_NUMBER", "unit", f"{VALUE} has too many digits to be converted; correct it at the source")
    return product if digits is None else round_number(product, digits)
