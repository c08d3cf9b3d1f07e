"""The last step of every rule: whether a value fits its target field."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from bridge.mapping.dates import ISO, date_step, datetime_step
from bridge.mapping.rules import VALUE, WHITE, Refused, plain_number
from bridge.shape import Field, Type

Value = str | int | bool | Refused
_INT64 = 2**63
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")
_SHOWN = 12


@lru_cache(maxsize=1024)
def schema_pattern(pattern: str) -> re.Pattern[str]:
    """A schema's pattern, searched for; its ``$`` is the end of the text and not the line break before it."""
    ends = pattern.endswith("$") and not pattern.endswith(r"\$")
    return re.compile(pattern[:-1] + r"\Z" if ends else pattern)


def conform(field: Field) -> Callable[[str], Value]:
    """A function that gives a text as the field keeps it (int64, bool, or the text itself), or refuses it.

    For a field of type list it judges one element.
    """
    allowed = frozenset(field.codes)
    pattern = schema_pattern(field.pattern) if field.pattern else None
    some = ", ".join(field.codes[:_SHOWN]) + (", ..." if len(field.codes) > _SHOWN else "")
    form = _form(field)
    bad_text = Refused("BAD_TEXT", "text", f"{VALUE} holds a NUL or half a character; correct it at the source")
    not_allowed = Refused(
        "NOT_ALLOWED", "schema", f"{VALUE} is not allowed here; say codes: to bring it to one of {some}"
    )
    too_long = Refused(
        "TOO_LONG",
        f"max_length:{field.max_length}",
        f"{VALUE} is longer than the {field.max_length} characters that the target keeps; shorten it at the source",
    )
    unlike = Refused(
        "PATTERN", "schema", f"{VALUE} is not of the form {field.pattern}; correct it at the source, or the rule"
    )

    def check(text: str) -> Value:
        if _FORBIDDEN.search(text):
            return bad_text
        if allowed and text not in allowed:
            return not_allowed
        if field.max_length is not None and len(text) > field.max_length:
            return too_long
        if pattern is not None and not pattern.search(text):
            return unlike
        return form(text)

    return check


def _form(field: Field) -> Callable[[str], Value]:
    match field.type:
        case Type.DATE:
            return _same(date_step((ISO,)), "BAD_DATE", "a date such as 2025-03-09; say date:")
        case Type.DATETIME:
            return _same(
                datetime_step((ISO,), ""), "BAD_DATETIME", "a moment in UTC such as 2025-03-09T12:00:00Z; say datetime:"
            )
        case Type.DECIMAL:
            return _decimal(field.scale)
        case Type.INTEGER:
            return _integer
        case Type.BOOLEAN:
            bad = Refused("BAD_BOOLEAN", "boolean", f"{VALUE} is neither true nor false; say codes:")
            return lambda text: _BOOLEANS.get(text, bad)
    return lambda text: text


def _same(canonical: Callable[[str], str | Refused | None], code: str, wanted: str) -> Callable[[str], Value]:
    refused = Refused(code, "canonical", f"{VALUE} is not {wanted}")

    def check(text: str) -> Value:
        found = canonical(text)
        return refused if found is None or isinstance(found, Refused) else found

    return check


def _decimal(scale: int | None) -> Callable[[str], Value]:
    bad = Refused("BAD_NUMBER", "canonical", f"{VALUE} is no plain number such as 12.5; say number:")
    fine = Refused(
        "TOO_PRECISE",
        f"scale:{scale}",
        f"{VALUE} has more than {scale} digits after the point; say number: {{round: {scale}}}",
    )

    def check(text: str) -> Value:
        number = plain_number(text.strip(WHITE))
        if number is None:
            return bad
        return fine if scale is not None and len(number.partition(".")[2]) > scale else number

    return check


def _integer(text: str) -> Value:
    number = plain_number(text.strip(WHITE))
    if number is None or "." in number or not -_INT64 <= int(number) < _INT64:
        return Refused("BAD_NUMBER", "integer", f"{VALUE} is no whole number such as 12; say number:")
    return int(number)
