"""Which Arrow values a PostgreSQL column holds exactly, and the casts that bring them there.

PostgreSQL takes a binary COPY column by column as the bytes of its own types,
without a parse and without a second guess: an int4 column wants four bytes.
So a column is cast to the type that the live table has, and a cast that would
change a value is refused; the server would round or cut in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bridge.errors import Misconfigured

UTC: Final = pa.timestamp("us", tz="UTC")
_TEXT: Final = frozenset({"text", "varchar", "bpchar", "citext", "name", "enum", "json", "jsonb", "xml"})
_FIXED: Final[Mapping[str, pa.DataType]] = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": UTC,
    "timestamp": pa.timestamp("us"),
    "uuid": pa.binary(16),
    "bytea": pa.binary(),
    "_text": pa.list_(pa.string()),
}
_INTEGER: Final = r"^-?[0-9]{1,19}$"
CANONICAL: Final[Mapping[str, str]] = {
    "int2": _INTEGER,
    "int4": _INTEGER,
    "int8": _INTEGER,
    "float4": r"^-?[0-9]+(\.[0-9]+)?$",
    "float8": r"^-?[0-9]+(\.[0-9]+)?$",
    "numeric": r"^-?[0-9]+(\.[0-9]+)?$",
    "bool": r"^(true|false)$",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "timestamptz": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$",
    "timestamp": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$",
    "uuid": r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
    "bytea": r"^([0-9a-fA-F]{2})*$",
}
"""Canonical text that a column of this type accepts; Arrow's own parsers also take 0x1F, 1e5 and nan."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a live PostgreSQL table.

    Args:
        type: internal name of the type (int4, numeric, timestamptz, _text for text[]); of the base type for a
            domain, and ``enum`` for any enumeration.
        filled: the server gives a value when none is sent (default, identity, generated).
        generated: the server always computes the value; none may be sent.
        length: of varchar and char, in characters.
        precision: of numeric in digits, of timestamps in digits of a second.
    """

    name: str
    type: str
    nullable: bool = True
    filled: bool = False
    generated: bool = False
    length: int | None = None
    precision: int | None = None
    scale: int | None = None


def cast_text(text: pa.ChunkedArray | pa.Array, column: Column, where: str = "") -> pa.ChunkedArray:
    """A column as the Arrow type that the PostgreSQL column takes, every value exact.

    Text is canonical: ISO dates and UTC timestamps with Z, plain decimals, true and false, hyphenated uuid, hex for
    bytea. A column that is no text goes through Arrow's checked casts. Raises Misconfigured naming the column,
    never a value, if one value does not fit.
    """
    values = _plain(pa.chunked_array([text]) if isinstance(text, pa.Array) else text)
    cast = _fitted(values, column)
    if cast is None:
        raise _unfit(values, column, where, len(misfits(values, column)))
    return cast


def misfits(values: pa.ChunkedArray, column: Column) -> pa.Array:
    """Indices (int64, ascending) of the values that the column cannot hold exactly; nulls always fit here."""
    if values.null_count == len(values):
        return pa.array([], pa.int64())
    values = _plain(values)
    if _fitted(values, column) is not None:
        return pa.array([], pa.int64())
    encoded = values.combine_chunks().dictionary_encode() if not pa.types.is_list(values.type) else None
    if encoded is None:
        wrong = [i for i in range(len(values)) if _fitted(values.slice(i, 1), column) is None]
        return pa.array(wrong, pa.int64())
    distinct = encoded.dictionary
    bad = [i for i in range(len(distinct)) if _fitted(pa.chunked_array([distinct.slice(i, 1)]), column) is None]
    hit = pc.fill_null(pc.is_in(encoded.indices, value_set=pa.array(bad, encoded.indices.type)), False)
    return pc.cast(pc.indices_nonzero(hit), pa.int64())


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text in the one of Arrow's forms that the rest handles; an all-null column is text."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _plain(values.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return values.cast(pa.string())
    if pa.types.is_large_list(kind):
        return values.cast(pa.list_(pa.string()))
    return values


def _fitted(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray | None:
    """The column in the type that its encoder takes; None if one value does not fit."""
    if has_nul(values) or not _canonical(values, column):
        return None
    try:
        cast = _cast(values, column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    if column.type in ("timestamp", "timestamptz") and column.precision is not None:
        step = 10 ** (6 - column.precision)
        if not _all(pc.equal(pc.floor_temporal(cast, multiple=step, unit="microsecond"), cast)):
            return None
    return cast


def _canonical(values: pa.ChunkedArray, column: Column) -> bool:
    """Whether text has the form and the length that the type wants; JSON is left to the server, which parses it."""
    if not pa.types.is_string(values.type) or values.null_count == len(values):
        return True
    if column.type in CANONICAL and not _all(pc.match_substring_regex(values, CANONICAL[column.type])):
        return False
    if column.type == "numeric":
        kind = _decimal(values, column)
        before, after = kind.precision - kind.scale, kind.scale
        # Arrow's own parser wraps around in silence at 2^127 instead of refusing 39 digits.
        return _all(pc.match_substring_regex(values, rf"^-?0*[0-9]{{0,{before}}}(\.[0-9]{{0,{after}}}0*)?$"))
    # No text has more characters than bytes, and bytes need not be counted.
    return (
        column.length is None
        or _longest(values) <= column.length
        or _all(pc.less_equal(pc.utf8_length(values), column.length))
    )


def _longest(values: pa.ChunkedArray) -> int:
    """Bytes of the longest text."""
    most = 0
    for chunk in values.chunks:
        if len(chunk):
            ends = np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
            most = max(most, int((ends[1:] - ends[:-1]).max()))
    return most


def _all(mask: pa.ChunkedArray) -> bool:
    return pc.all(mask, min_count=0).as_py() is not False


def has_nul(values: pa.ChunkedArray) -> bool:
    """Whether a text has a NUL character, which PostgreSQL stores nowhere and which aborts a whole COPY."""
    if pa.types.is_list(values.type):
        values = pa.chunked_array([chunk.flatten() for chunk in values.chunks], values.type.value_type)
    if not pa.types.is_string(values.type):
        return False
    for chunk in values.chunks:
        _, offsets, data = chunk.buffers()
        if data is None or not len(chunk):
            continue
        ends = np.frombuffer(offsets, np.int32)[[chunk.offset, chunk.offset + len(chunk)]]
        body = np.frombuffer(data, np.uint8)[ends[0] : ends[1]]
        # The minimum of the bytes is one vector instruction per 32 of them; a search only follows a zero.
        if len(body) and body.min() == 0 and pc.any(pc.match_substring(chunk, "\0")).as_py():
            return True
    return False


def _cast(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """The column in the type that its encoder takes. Raises pa.ArrowInvalid if a value would change."""
    kind = column.type
    if kind in _TEXT:
        return values.cast(pa.string())
    if kind == "numeric":
        return values.cast(_decimal(values, column))
    if kind not in _FIXED:
        raise pa.ArrowNotImplementedError("no binary form")
    wanted = _FIXED[kind]
    if pa.types.is_string(values.type):
        if kind in ("uuid", "bytea"):
            return _from_hex(values, wanted)
        if kind == "timestamp":
            values = values.cast(UTC)
    return values.cast(wanted)


def _decimal(values: pa.ChunkedArray, column: Column) -> pa.DataType:
    if column.precision is not None:
        return pa.decimal128(min(column.precision, 38), column.scale)
    if pa.types.is_decimal(values.type):
        return pa.decimal128(38, values.type.scale)
    if not pa.types.is_string(values.type):
        return pa.decimal128(38, 0)
    after = pc.utf8_length(pc.replace_substring_regex(values, r"^[^.]*\.?", ""))
    return pa.decimal128(38, min(pc.max(after).as_py() or 0, 38))


def _from_hex(values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    chunks = []
    for chunk in values.chunks:
        plain = pc.replace_substring(chunk, "-", "")
        joined = bytes.fromhex("".join(pc.drop_null(plain).to_pylist()))
        ends = np.zeros(len(chunk) + 1, np.int32)
        np.cumsum(pc.fill_null(pc.utf8_length(plain), 0).to_numpy(zero_copy_only=False) // 2, out=ends[1:])
        valid = pc.is_valid(chunk).buffers()[1] if chunk.null_count else None
        raw = pa.Array.from_buffers(pa.binary(), len(chunk), [valid, pa.py_buffer(ends), pa.py_buffer(joined)])
        chunks.append(raw.cast(wanted))
    return pa.chunked_array(chunks, wanted)


def _unfit(values: pa.ChunkedArray, column: Column, where: str, count: int) -> Misconfigured:
    shown = column.type
    if column.scale is not None:
        shown += f"({column.precision},{column.scale})"
    elif column.length is not None:
        shown += f"({column.length})"
    what = f"{count} values of column {column.name} do not fit its type {shown}"
    if has_nul(values):
        what = f"column {column.name} has text with NUL characters, which PostgreSQL cannot store"
    fix = "Mend the mapping or the column, or hold those records before they are delivered"
    return Misconfigured("COLUMN_TYPE", where or column.name, what, fix)
