"""One value of a database as canonical text, and back: the scalar definition that every faster way agrees with.

| type | canonical text | in Python |
|---|---|---|
| text, code | as it is | str |
| date | 2025-03-09 | date |
| datetime | 2025-03-09T12:00:00.5Z, in UTC, no needless zeros | aware datetime |
| decimal | 12.5, no exponent, no needless zeros | Decimal |
| integer, boolean | 12, true | int, bool |
| list | a list of texts | list |
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from bridge.pgtypes import CANONICAL
from bridge.shape import Type
from connectors.sql.tables import Live


def canonical(value: Any, kind: Type | None) -> Any:
    """A value as a driver gives it, as text; a list of texts for a list; None stays. ``kind`` is the field's type."""
    if value is None:
        return None
    if kind is Type.LIST:
        entries = json.loads(value) if isinstance(value, str) else value
        return [None if entry is None else str(entry) for entry in entries]
    if kind is Type.BOOLEAN and value in (0, 1):
        value = bool(value)
    if kind is Type.DECIMAL and not isinstance(value, Decimal | bool):
        # repr is the shortest text that gives the same float again, so nothing is made up.
        value = _decimal(repr(value) if isinstance(value, float) else str(value))
    return next((text for sort, text in _TEXTS if isinstance(value, sort)), str)(value)


def _decimal(text: str) -> Decimal | str:
    """The number, or the text itself if it is none: the mapping then says so, with the record."""
    try:
        return Decimal(text)
    except ArithmeticError:
        return text


def plain(value: Decimal) -> str:
    """A decimal without exponent and without zeros after the last digit; -0 is 0."""
    if not value.is_finite():
        return str(value)
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def moment(value: datetime) -> str:
    """A moment in UTC with Z; one without a time zone is taken to be in UTC."""
    utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    text = utc.replace(tzinfo=None).isoformat(timespec="microseconds")
    return text.rstrip("0").rstrip(".") + "Z"


_SQLITE_DIGITS: Final = 15
_TEXTS: Final[tuple[tuple[Any, Callable[[Any], str]], ...]] = (
    (bool, lambda value: "true" if value else "false"),
    (Decimal, plain),
    (datetime, moment),
    (date, date.isoformat),
    ((bytes, memoryview), lambda value: bytes(value).hex()),
)
"""Text of each type, the narrower before the wider: a datetime is a date, too."""


def to_bind(live: Live, kind: Type | None, dialect: str) -> tuple[Any, Callable[[Any], Any]]:
    """How to send a field to this column portably: SQLAlchemy's type, and a function from the batch's value.

    SQLite has no decimals, only floats, which hold 15 digits for certain: a longer number is refused there. Where a
    database has no lists, a list is sent as JSON text.
    """
    if kind is Type.LIST and live.type is not Type.LIST:
        return sa.String(), lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if live.type is Type.DECIMAL:
        exact = _exact(live, _SQLITE_DIGITS if dialect == "sqlite" else None)
        return (sa.String(), lambda value: str(exact(value))) if dialect == "sqlite" else (live.sql, exact)
    by_sort: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
        (sa.Uuid, uuid.UUID),
        (sa.LargeBinary, bytes.fromhex),
        (sa.JSON, json.loads),
    )
    by_type: dict[Type | None, Callable[[Any], Any]] = {
        Type.DATE: lambda text: date.fromisoformat(_strict(text, "date")),
        Type.DATETIME: lambda text: _moment(text, bool(getattr(live.sql, "timezone", False))),
        Type.INTEGER: lambda value: int(_strict(str(value), "int8")),
        Type.BOOLEAN: lambda value: value if isinstance(value, bool) else {"true": True, "false": False}[value],
    }
    convert = next((convert for sort, convert in by_sort if isinstance(live.sql, sort)), None)
    return live.sql, convert or by_type.get(live.type, lambda value: value)


def _strict(text: str, kind: str) -> str:
    """The text, if it is canonical; Python's own parsers take more."""
    if not re.fullmatch(CANONICAL[kind].strip("^$"), text):
        raise ValueError(kind)
    return text


def _moment(text: str, aware: bool) -> datetime:
    utc = datetime.fromisoformat(_strict(text, "timestamptz"))
    return utc if aware else utc.replace(tzinfo=None)


def _exact(live: Live, digits: int | None) -> Callable[[Any], Decimal]:
    """Text to a decimal that the column holds digit for digit; the database would round what is longer."""
    precision = getattr(live.sql, "precision", None)

    def exact(value: Any) -> Decimal:
        found = Decimal(_strict(str(value), "numeric"))
        if live.scale is not None and -int(found.normalize().as_tuple().exponent) > live.scale:
            raise ValueError("too many digits after the point")
        if precision is not None and found and found.adjusted() + 1 > precision - (live.scale or 0):
            raise ValueError("too many digits before the point")
        if digits is not None and len(found.normalize().as_tuple().digits) > digits:
            raise ValueError("too many digits")
        return found

    return exact
