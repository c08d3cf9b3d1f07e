"""The common document: one record as two pieces of JSON, and back.

A record is written down once, and the same bytes are validated, hashed, stored
and sent. What is not personal stands in ``payload``; everything else stands in
``nominal``, which has the same structure, so that another schema with another
role and key can hold it and either half can be read without the other.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from bridge.batch import INDEX, ROOT, ROW, Batch
from bridge.jsontext import Tree, frames_of, personal, piece, tree_of
from bridge.shape import Field, Shape

PAYLOAD: Final = "payload"
NOMINAL: Final = "nominal"
HASH: Final = "content_hash"
DOCUMENTS: Final = pa.schema(
    [
        pa.field(ROW, pa.int64(), False),
        pa.field(PAYLOAD, pa.string(), False),
        pa.field(NOMINAL, pa.string()),
        pa.field(HASH, pa.binary(32), False),
    ]
)

_BLOCK: Final = 8_000_000
"""Bytes of JSON that decode() hands to the parser at once; bounds memory, and larger is no faster."""


def encode(batch: Batch, shape: Shape) -> pa.Table:
    """The records as canonical JSON, in batch order: DOCUMENTS.

    ``payload`` has the fields with sensitivity NON_NOMINAL, ``nominal`` all others, null if a record
    has none. Keys stand in the shape's order; absent values, empty lists and empty objects are left
    out, except the entries of a list: in both pieces it keeps its length with ``{}``, so that entries
    join by position (in ``nominal`` a list without any value is left out whole). UTF-8, no white
    space. ``content_hash`` is sha256 over payload, a zero byte, and nominal or nothing.

    Raises:
        ValueError: records are not in order of their numbers, an entry belongs to none of them, or the
            shape has a field name that cannot be a JSON key as it stands.
    """
    frames = frames_of(batch, shape)
    payload, nominal = (
        piece(frames, shape, hidden).alias(name) for name, hidden in ((PAYLOAD, False), (NOMINAL, True))
    )
    both = pl.DataFrame([frames[ROOT][ROW], payload, nominal])
    both = both.with_columns(pl.when(pl.col(NOMINAL) != "{}").then(NOMINAL))
    hashed = both.select(pl.concat_str(PAYLOAD, pl.lit("\0"), pl.col(NOMINAL).fill_null(""))).to_series()
    return pa.table(
        [
            both[ROW].to_arrow(),
            both[PAYLOAD].to_arrow().cast(pa.string()),
            both[NOMINAL].to_arrow().cast(pa.string()),
            pa.array(_digests(hashed), pa.binary(32)),
        ],
        schema=DOCUMENTS,
    )


def decode(documents: pa.Table, shape: Shape, where: str = "", sha256: str = "") -> Batch:
    """The batch that encode() was given: dotted columns, child tables with _row and _i, typed columns.

    Args:
        documents: ``_row``, ``payload`` and, where it may be read, ``nominal``. Without ``nominal`` the
            fields that it would hold are null; lists keep their length.

    A list of texts that was empty comes back as null, and entries are numbered from 0 without gaps.
    """
    rows = documents.column(ROW).combine_chunks().cast(pa.int64())
    found = _read(documents.column(PAYLOAD), rows, shape, False)
    if NOMINAL in documents.column_names:
        text = documents.column(NOMINAL)
        known = text.is_valid()
        hidden = _read(text.filter(known), rows.filter(known.combine_chunks()), shape, True)
        found = {name: _joined(table, hidden[name]) for name, table in found.items()}
    return Batch({name: _typed(table, shape, name) for name, table in found.items()}, where, sha256)


def merge(payload: dict[str, Any], nominal: Mapping[str, Any]) -> dict[str, Any]:
    """One record's two pieces as one document: objects are merged by key, list entries by position.

    ``payload`` is changed and returned. Key order inside objects is that of payload, then nominal.
    """
    for key, theirs in nominal.items():
        ours = payload.get(key)
        if ours is None:
            payload[key] = theirs
        elif isinstance(ours, dict):
            merge(ours, theirs)
        elif isinstance(ours, list):
            for entry, more in zip(ours, theirs, strict=True):
                merge(entry, more)
        else:
            raise ValueError(f"{key} stands in both pieces of one document")
    return payload


def whole(documents: pa.Table) -> Iterator[dict[str, Any]]:
    """Each record's document with both its pieces, in order."""
    for payload, nominal in zip(
        documents.column(PAYLOAD).to_pylist(), documents.column(NOMINAL).to_pylist(), strict=True
    ):
        document = orjson.loads(payload)
        yield merge(document, orjson.loads(nominal)) if nominal is not None else document


def _digests(text: pl.Series) -> list[bytes]:
    array = text.to_arrow().cast(pa.large_string())
    if len(array) == 0:
        return []
    _, offsets, data = array.buffers()
    ends = memoryview(offsets).cast("q")[array.offset : array.offset + len(array) + 1]
    octets = memoryview(data)
    return [hashlib.sha256(octets[start:end]).digest() for start, end in pairwise(ends)]


def _json_type(tree: Tree) -> list[pa.Field]:
    return [
        pa.field(key, pa.struct(_json_type(below)) if isinstance(below, dict) else below.arrow)
        for key, below in tree.items()
    ]


def _read(text: pa.ChunkedArray, rows: pa.Array, shape: Shape, hidden: bool) -> dict[str, pa.Table]:
    """One piece of the documents as a table per list, with the columns of that piece."""
    trees = {name: tree_of([f for f in shape.table(name) if personal(f) is hidden]) for name in shape.tables}
    schema = pa.schema(_json_type(trees[ROOT]))
    for name in shape.lists:
        schema = schema.append(pa.field(name, pa.list_(pa.struct(_json_type(trees[name])))))
    record = _parse(text.combine_chunks(), schema)
    found = {ROOT: _flat({ROW: rows}, record, trees[ROOT])}
    for name in shape.lists:
        column = record.field(name)
        of = pc.list_parent_indices(column)
        place = pc.subtract(pa.array(range(len(of)), pa.int64()), pc.take(column.offsets, of).cast(pa.int64()))
        found[name] = _flat({ROW: rows.take(of), INDEX: place}, column.flatten(), trees[name])
    return found


def _parse(text: pa.StringArray, schema: pa.Schema) -> pa.StructArray:
    """The documents as one struct array; text is read where it lies, a block of documents at a time."""
    parsed: list[pa.RecordBatch] = []
    _, offsets, data = text.buffers()
    ends = memoryview(offsets).cast("i")[text.offset : text.offset + len(text) + 1] if len(text) else [0]
    start = 0
    while start < len(text):
        stop = max(start + 1, bisect_right(ends, ends[start] + _BLOCK) - 1)
        size = ends[stop] - ends[start]
        table = pyarrow.json.read_json(
            pa.BufferReader(data.slice(ends[start], size)),
            read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=size + 1),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=schema, newlines_in_values=True, unexpected_field_behavior="ignore"
            ),
        )
        if table.num_rows != stop - start:
            raise ValueError(f"{stop - start} documents were read as {table.num_rows}")
        parsed += table.to_batches()
        start = stop
    return pa.Table.from_batches(parsed, schema).combine_chunks().to_struct_array().combine_chunks()


def _flat(keys: Mapping[str, pa.Array], record: pa.StructArray, tree: Tree) -> pa.Table:
    columns = dict(keys)
    for path, field in _leaves(tree):
        columns[field.name] = pc.struct_field(record, path)
    return pa.table(columns)


def _leaves(tree: Tree, above: tuple[str, ...] = ()) -> Iterator[tuple[list[str], Field]]:
    for key, below in tree.items():
        if isinstance(below, dict):
            yield from _leaves(below, (*above, key))
        else:
            yield [*above, key], below


def _joined(open_: pa.Table, hidden: pa.Table) -> pa.Table:
    """Both pieces of one table side by side; hidden has the rows of open_, in order, without those of some records."""
    present = pc.is_in(open_.column(ROW), value_set=hidden.column(ROW).combine_chunks())
    if pc.sum(present).as_py() not in (hidden.num_rows, None):
        raise ValueError("the two pieces of a document differ in the length of a list")
    place = pc.subtract(pc.cumulative_sum(present.cast(pa.int64())), 1)
    found = hidden.take(pc.if_else(present, place, None))
    for name in hidden.column_names:
        if name not in (ROW, INDEX):
            open_ = open_.append_column(name, found.column(name))
    return open_


def _typed(table: pa.Table, shape: Shape, name: str) -> pa.Table:
    keys = [ROW] if name == ROOT else [ROW, INDEX]
    columns = {key: table.column(key) for key in keys}
    for field in shape.table(name):
        known = field.name in table.column_names
        columns[field.name] = table.column(field.name) if known else pa.nulls(table.num_rows, field.arrow)
    return pa.table(columns)
