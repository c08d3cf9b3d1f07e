"""What the exchange is told of each record: where it came from, its place in the order of versions, its disposition.

Pure tables in, tables out; the steps of a collect run stage them as they are.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import INDEX, POSITION, ROW, Batch
from bridge.connector import Input
from bridge.errors import Problem
from bridge.exchange import CANDIDATES, HOLDS, OUT_OF_SCOPE, STAGING

NAMESPACE: Final = uuid.UUID("6f0f8a52-0a55-5b3c-9d1e-5a6a2b1c7e10")
"""Namespace of bridge ids."""


def bridge_id(origin_system: str, origin_record_id: str) -> uuid.UUID:
    """The record's identity everywhere: UUIDv5 of origin system and record id (RFC 9562, 5.5)."""
    return uuid.uuid5(NAMESPACE, f"{origin_system}:{origin_record_id}")


def _bridge_ids(systems: Sequence[str], ids: Sequence[str]) -> pa.Array:
    """bridge_id() of each pair, as 16 bytes."""
    names = (f"{system}:{name}".encode() for system, name in zip(systems, ids, strict=True))
    known = hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False)
    digests = []
    for name in names:
        one = known.copy()
        one.update(name)
        digests.append(one.digest()[:16])
    octets = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 16).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | 0x50  # version 5
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80  # the variant of RFC 9562
    return pa.Array.from_buffers(pa.binary(16), len(digests), [None, pa.py_buffer(octets.tobytes())])


def joined(batches: Sequence[Batch]) -> Batch:
    """All batches of one input as one."""
    names = list(dict.fromkeys(name for batch in batches for name in batch.tables))
    tables = {
        name: pa.concat_tables([b.tables[name] for b in batches if name in b.tables], promote_options="default")
        for name in names
    }
    problems = tuple(problem for batch in batches for problem in batch.problems)
    return Batch(tables, batches[0].where, batches[0].sha256, problems)


def candidates(batch: Batch, documents: pa.Table, rows: pa.Table, positions: pa.Table, one: Input) -> pa.Table:
    """CANDIDATES of a common batch and its documents, which stand in the same order.

    The source version is updated_at, or entered_at, or the input's arrival where the source says neither.
    """
    root = batch.root
    systems = root.column("origin_system").to_pylist()
    ids = root.column("origin_record_id").to_pylist()
    identities = _bridge_ids(systems, ids)
    version = pc.coalesce(
        _moments(root, "updated_at"),
        _moments(root, "entered_at"),
        pa.scalar(one.arrival, pa.timestamp("us", tz="UTC")),
    )
    return pa.Table.from_arrays(
        [
            pa.array([one.sha256] * len(root), pa.string()),
            root.column(ROW),
            _beside(root, positions, POSITION),
            _beside(root, rows, "rows").cast(pa.int32()),
            identities,
            root.column("origin_system"),
            root.column("origin_record_id"),
            version,
            root.column("record_status"),
            root.column("seizure_date"),
            root.column("seizure_country"),
            _first(batch, "goods", "commodity_group"),
            root.column("operation_code"),
            documents.column("payload"),
            documents.column("nominal"),
            documents.column("content_hash"),
            root.column("supplier_country"),
        ],
        schema=CANDIDATES,
    )


def staging(batch: Batch, accepted: pa.Table) -> pa.Table:
    """STAGING of the same records: the columns that a window's quality is judged by, none of them personal."""
    root = batch.root
    taken = {name: accepted.column(name) for name in ("input_sha256", "ordinal", "source_version", "commodity_group")}
    date = root.column("seizure_date")
    whole = pc.equal(pc.utf8_length(date), 10)
    counts = {
        "seizure_day": pc.if_else(whole, date, pa.scalar(None, pa.string())).cast(pa.date32()),
        "goods_lines": _count(batch, "goods"),
        "goods_without_quantity": _count(batch, "goods", lambda t: pc.is_null(t.column("quantity"))),
        "goods_without_unit": _count(batch, "goods", lambda t: pc.is_null(t.column("unit"))),
        "route_steps": _count(batch, "route"),
        "conveyances": _count(batch, "conveyances"),
        "persons": _count(batch, "persons"),
    }
    columns = [taken.get(f.name, counts.get(f.name)) for f in STAGING]
    return pa.Table.from_arrays(
        [root.column(f.name) if c is None else c for f, c in zip(STAGING, columns, strict=True)], schema=STAGING
    )


def holds(problems: Sequence[Problem], rows: pa.Table, one: Input) -> pa.Table:
    """HOLDS of an input's problems: several rows where a record has several."""
    many = dict(zip(rows.column(ROW).to_pylist(), rows.column("rows").to_pylist(), strict=True))
    listed = [
        {
            "input_sha256": one.sha256,
            "ordinal": p.row,
            "position": None if p.position < 0 else p.position,
            "rows": 0 if p.row < 0 else many.get(p.row, 1),
            "code": p.code,
            "field": p.field,
            "rule": p.rule,
            "reason": p.reason,
            "origin_record_id": None,
            "bridge_id": None,
        }
        for p in problems
    ]
    return pa.Table.from_pylist(listed, schema=HOLDS)


def outside(rows: pa.Table, one: Input) -> pa.Table:
    """OUT_OF_SCOPE of the source rows that are no records of this kind."""
    n = rows.num_rows
    return pa.Table.from_arrays(
        [
            pa.array([one.sha256] * n, pa.string()),
            rows.column(ROW),
            rows.column(POSITION).cast(pa.int64()),
            pa.array([1] * n, pa.int32()),
            rows.column("rule").cast(pa.string()),
        ],
        schema=OUT_OF_SCOPE,
    )


def _moments(root: pa.Table, name: str) -> pa.ChunkedArray:
    """A column of canonical datetimes (UTC, Z) as timestamps."""
    return pc.cast(root.column(name), pa.timestamp("us", tz="UTC"))


def _beside(root: pa.Table, other: pa.Table, name: str) -> pa.ChunkedArray:
    """The other table's column, in the order of the root's records."""
    where = pc.index_in(root.column(ROW), value_set=other.column(ROW).combine_chunks())
    return other.column(name).combine_chunks().take(where.combine_chunks())


def _first(batch: Batch, name: str, column: str) -> pa.ChunkedArray:
    """The column's value in the first entry of each record's list, null where it has none."""
    table = batch.tables[name]
    return _beside(batch.root, table.filter(pc.equal(table.column(INDEX), 0)).select([ROW, column]), column)


def _count(batch: Batch, name: str, where: Callable[[pa.Table], pa.ChunkedArray] | None = None) -> pa.ChunkedArray:
    """How many entries each record's list has, or how many of them are so."""
    table = batch.tables.get(name)
    if table is None:
        return pa.array([0] * len(batch), pa.int32())
    kept = table if where is None else table.filter(where(table))
    counts = kept.select([ROW]).group_by(ROW).aggregate([([], "count_all")])
    found = _beside(batch.root, counts, "count_all")
    return pc.fill_null(found, 0).cast(pa.int32())
