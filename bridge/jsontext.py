"""Columns as JSON text: one object per record, with the objects of its lists in it, a whole batch at a time.

Made by joining text, not by building objects, which takes several times as
long. A column is looked through once for what JSON must escape; nearly all have
nothing of the kind and are joined as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import INDEX, ROOT, ROW, Batch
from bridge.shape import Field, Sensitivity, Shape, Type

_SPACE, _QUOTE, _BACKSLASH = (pa.scalar(ord(c), pa.uint8()) for c in ' "\\')

Tree: TypeAlias = "dict[str, Field | Tree]"
"""JSON keys in the shape's order; a dotted name (address.city) makes an object inside the object."""

_KEY: Final = re.compile(r'[^"\\\x00-\x1f]+')


def frames_of(batch: Batch, shape: Shape) -> dict[str, pl.DataFrame]:
    """The batch's tables with the columns that hold any value, each value as JSON text, and entries in order.

    Raises:
        ValueError: records are not in the order of their numbers.
    """
    filled = [name for name in shape.tables if name == ROOT or (name in batch.tables and batch.tables[name].num_rows)]
    frames = {name: _frame(batch.tables[name], shape, name) for name in filled}
    if not (np.diff(frames[ROOT][ROW].to_numpy()) > 0).all():
        raise ValueError("records are not in input order")
    return frames


def piece(frames: Mapping[str, pl.DataFrame], shape: Shape, hidden: bool) -> pl.Series:
    """One JSON object for each record: of the personal fields if ``hidden``, else of the others.

    Raises:
        ValueError: an entry belongs to no record.
    """
    root = frames[ROOT]
    pieces: list[pl.Expr] = []
    for name, fields in _parts(shape, hidden):
        members = _members(tree_of(fields), frames[name]) if name in frames else []
        if name == ROOT:
            pieces += members
        elif name in frames and (members or not hidden):
            listed = _list(name, members, frames[name], frames[ROOT][ROW], hidden)
            root = root.with_columns(listed.alias(f"{name}\n"))  # no field's name has a line end
            pieces.append(pl.col(f"{name}\n").fill_null(""))
    return root.with_columns(_object(pieces).alias("\n"))["\n"]


def _parts(shape: Shape, hidden: bool) -> Iterator[tuple[str, list[Field]]]:
    """Runs of record fields ("") and lists, in the order in which the shape first names them."""
    seen: set[str] = set()
    run: list[Field] = []
    for field in shape:
        if field.list == ROOT:
            if personal(field) is hidden:
                run.append(field)
        elif field.list not in seen:
            seen.add(field.list)
            if run:
                yield ROOT, run
                run = []
            yield field.list, [f for f in shape.table(field.list) if personal(f) is hidden]
    if run:
        yield ROOT, run


def personal(field: Field) -> bool:
    """Whether the field stands in ``nominal``."""
    return field.sensitivity is not Sensitivity.NON_NOMINAL


def tree_of(fields: Sequence[Field]) -> Tree:
    """The fields of one table as their JSON objects nest.

    Raises:
        ValueError: a name cannot be a JSON key as it stands, or stands twice.
        TypeError: a name is a field and an object at once.
    """
    tree: Tree = {}
    for field in fields:
        *parents, leaf = field.name.split(".")
        node = tree
        for key in (*parents, leaf):
            if not _KEY.fullmatch(key):
                raise ValueError(f"{field.path}: {key!r} cannot be a JSON key as it stands")
        for key in parents:
            below = node.setdefault(key, {})
            if isinstance(below, Field):
                raise TypeError(f"{field.path}: {key} is a field and an object at once")
            node = below
        if leaf in node:
            raise ValueError(f"{field.path}: declared twice")
        node[leaf] = field
    return tree


def _frame(table: pa.Table, shape: Shape, name: str) -> pl.DataFrame:
    """The table's columns that hold any value, as JSON text without the quotes of strings; entries in order."""
    keys = [ROW] if name == ROOT else [ROW, INDEX]
    columns = {key: pl.Series(key, table.column(key), dtype=pl.Int64) for key in keys}
    for field in shape.table(name):
        if field.name in table.column_names and table.column(field.name).null_count < table.num_rows:
            columns[field.name] = _json_text(field, table.column(field.name))
    frame = pl.DataFrame(columns)
    return frame if name == ROOT or _ordered(frame) else frame.sort(keys)


def _ordered(entries: pl.DataFrame) -> bool:
    row, index = (np.diff(entries[name].to_numpy()) for name in (ROW, INDEX))
    return bool(((row > 0) | ((row == 0) & (index > 0))).all())


def _json_text(field: Field, column: pa.ChunkedArray) -> pl.Series:
    if pa.types.is_dictionary(column.type):
        column = column.cast(field.arrow)
    series = pl.Series(field.name, column)
    if field.type in (Type.INTEGER, Type.BOOLEAN):
        return series.cast(pl.String)
    if field.type is Type.LIST:
        given = series.list.drop_nulls()
        encoded = _encoded(given).str.strip_prefix('{"v":').str.strip_suffix("}")
        return pl.select(pl.when(given.list.len() > 0).then(encoded)).to_series()
    if _plain(column):
        return series
    encoded = _encoded(series).str.strip_prefix('{"v":"').str.strip_suffix('"}')
    return pl.select(pl.when(series.is_not_null()).then(encoded)).to_series()


def _encoded(series: pl.Series) -> pl.Series:
    return pl.select(pl.struct(series.alias("v")).struct.json_encode()).to_series()


def _plain(column: pa.ChunkedArray) -> bool:
    """Whether JSON writes every text of the column as it is: no quote, backslash or control character."""
    for chunk in column.chunks:
        data = chunk.buffers()[-1]
        if data is None or data.size == 0:
            continue
        octets = pa.Array.from_buffers(pa.uint8(), data.size, [None, data])
        for refused in (pc.less(octets, _SPACE), pc.equal(octets, _QUOTE), pc.equal(octets, _BACKSLASH)):
            if pc.any(refused).as_py():
                return False
    return True


def _members(tree: Tree, frame: pl.DataFrame) -> list[pl.Expr]:
    """Pieces of text that make up the object's members, each member with a comma before it."""
    pieces: list[pl.Expr] = []
    for key, below in tree.items():
        if isinstance(below, dict):
            inner = _members(below, frame)
            if inner:
                text = pl.concat_str(inner)
                made = pl.concat_str(pl.lit(f',"{key}":{{'), text.str.strip_prefix(","), pl.lit("}"))
                pieces.append(pl.when(text != "").then(made).otherwise(pl.lit("")))
        elif below.name in frame.columns:
            quote = "" if below.type in (Type.INTEGER, Type.BOOLEAN, Type.LIST) else '"'
            member = [pl.lit(f',"{key}":{quote}'), pl.col(below.name), *([pl.lit(quote)] if quote else [])]
            if frame[below.name].null_count():
                member = [pl.concat_str(member).fill_null("")]
            pieces += member
    return pieces


def _object(pieces: list[pl.Expr]) -> pl.Expr:
    """The JSON object of these members, "{}" where all are absent."""
    if not pieces:
        return pl.lit("{}")
    return pl.concat_str(pl.lit("{"), pl.concat_str(pieces).str.strip_prefix(","), pl.lit("}"))


def _list(name: str, members: list[pl.Expr], entries: pl.DataFrame, rows: pl.Series, hidden: bool) -> pl.Series:
    """``,"name":[...]`` by record, null for one without entries (or, if hidden, without any value in them)."""
    # In NumPy: each call of a Polars series plans a query, which for a small batch costs more than what it computes.
    owner, records = entries[ROW].to_numpy(), rows.to_numpy()
    first, last = np.searchsorted(owner, records, "left"), np.searchsorted(owner, records, "right")
    if (last - first).sum() != len(owner):
        raise ValueError(f"{name}: an entry belongs to no record of the batch")
    texts = entries.with_columns(_object(members).alias("e"))["e"].to_arrow().cast(pa.string())
    offsets = pa.array(np.concatenate(([0], last)), pa.int32())
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, texts), ",")
    known = last > first
    if hidden:
        filled = pc.not_equal(texts, "{}").to_numpy(zero_copy_only=False)
        before = np.concatenate(([0], np.cumsum(filled)))
        known = before[last] > before[first]
    text = pl.concat_str(pl.lit(f',"{name}":['), pl.Series(joined), pl.lit("]"))
    return pl.select(pl.when(pl.Series(known)).then(text)).to_series()
