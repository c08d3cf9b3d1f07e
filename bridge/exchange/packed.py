"""How many rows come out of PostgreSQL as Arrow columns without one Python object per value.

Each column is aggregated on the server into one byte string of values in
PostgreSQL's binary form, which is, but for the order of bytes, Arrow's own
layout. Half the cost of fetching rows and building columns from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import psycopg
import pyarrow as pa

_EPOCH: Final = 946_684_800_000_000
"""Microseconds from 1970 to 2000, where PostgreSQL's timestamps begin."""
_SENT: Final = {
    "int64": ("int8send(coalesce({0}, 0))", ">i8"),
    "int32": ("int4send(coalesce({0}, 0))", ">i4"),
    "bool": ("boolsend(coalesce({0}, false))", "?"),
    "timestamp[us, tz=UTC]": ("timestamptz_send({0})", ">i8"),
}


def fetch(
    session: psycopg.Connection[Any],
    columns: Mapping[str, str],
    schema: pa.Schema,
    rows: str,
    values: Mapping[str, Any],
) -> pa.Table:
    """The rows of a query as a table of this schema: int64, int32, bool, timestamp, string and binary.

    At most 1 GB in one column.

    Args:
        columns: for each field the SQL expression over ``rows``; a binary field's gives bytea.
        rows: what follows FROM.
    """
    chosen = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    sent = [expression for field in schema for expression in _expressions(field)]
    packed = ", ".join(f"coalesce(string_agg({expression}, ''::bytea), ''::bytea)" for expression in sent)
    # OFFSET 0 keeps the planner from merging the two levels, so that each expression is computed once.
    statement = f"SELECT count(*), {packed} FROM (SELECT {chosen} FROM {rows} OFFSET 0) chosen"  # noqa: S608
    with session.cursor(binary=True) as cursor:
        found = cursor.execute(statement, values).fetchone()
    if found is None:
        return schema.empty_table()
    count, parts = found[0], iter(found[1:])
    return pa.table([_array(field, count, parts) for field in schema], schema=schema)


def _expressions(field: pa.Field) -> list[str]:
    """What is aggregated for a field: its values, their lengths if they vary, and which are null if any may be."""
    out = []
    if pa.types.is_binary(field.type):
        out = [field.name, f"int4send(coalesce(octet_length({field.name}), 0))"]
    elif pa.types.is_string(field.type):
        out = [f"textsend({field.name})", f"int4send(coalesce(octet_length({field.name}), 0))"]
    elif pa.types.is_fixed_size_binary(field.type):
        out = [f"coalesce({field.name}, decode(repeat('00', {field.type.byte_width}), 'hex'))"]
    else:
        out = [_SENT[str(field.type)][0].format(field.name)]
    if field.nullable:
        out.append(f"boolsend({field.name} IS NOT NULL)")
    return out


def _array(field: pa.Field, count: int, parts: Any) -> pa.Array:
    kind, body = field.type, next(parts)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        ends = np.zeros(count + 1, np.int32)
        np.cumsum(np.frombuffer(next(parts), ">i4"), out=ends[1:])
        buffers = [pa.py_buffer(ends), pa.py_buffer(body)]
    elif pa.types.is_fixed_size_binary(kind):
        buffers = [pa.py_buffer(body)]
    elif pa.types.is_boolean(kind):
        buffers = [pa.py_buffer(np.packbits(np.frombuffer(body, np.uint8), bitorder="little"))]
    else:
        values = np.frombuffer(body, _SENT[str(kind)][1]).astype(f"<i{kind.bit_width // 8}")
        buffers = [pa.py_buffer(values + _EPOCH if pa.types.is_timestamp(kind) else values)]
    valid = None
    if field.nullable:
        mask = np.frombuffer(next(parts), np.uint8)
        if not mask.all():
            valid = pa.py_buffer(np.packbits(mask, bitorder="little"))
    return pa.Array.from_buffers(kind, count, [valid, *buffers])
