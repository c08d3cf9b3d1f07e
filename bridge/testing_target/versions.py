"""Records of the conformance suite, and what a partner must hold after some versions of them, in any order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.connector import ORDERS
from bridge.shape import Field, Type, shape_of

SHAPE = shape_of(
    "conformance",
    [
        Field("", "case_reference", Type.TEXT, required=True, max_length=64),
        Field("", "summary", Type.TEXT, max_length=200),
        Field("", "amount", Type.DECIMAL, scale=4),
        Field("", "seized_on", Type.DATE),
        Field("", "changed_at", Type.DATETIME),
        Field("", "declared", Type.BOOLEAN),
        Field("goods", "line", Type.INTEGER, required=True),
        Field("goods", "description", Type.TEXT, max_length=200),
        Field("goods", "quantity", Type.DECIMAL, scale=6),
        Field("goods", "seals", Type.LIST),
    ],
)
"""The partner's tables or schema in the tests have these fields and refuse a negative ``amount``."""

CANARY = "Zebedee Canary-Quill"
"""An invented name that must turn up in no error."""
_DAY = datetime(2025, 1, 1, tzinfo=UTC)

Held = Mapping[str, tuple[Any, ...]]
"""All that the partner holds: by key (summary, amount, [(line, description), ...])."""


@dataclass(frozen=True)
class Version:
    """One version of one record, as the exchange would send it."""

    key: str
    version: int = 1
    summary: str | None = "two boxes of cigarettes"
    amount: str | None = "12.5"
    goods: tuple[str, ...] = ("cigarettes", "tobacco")
    withdraw: bool = False
    revision: int = 1
    recall: bool = False

    @property
    def gone(self) -> bool:
        """The partner holds nothing of the record while this version stands."""
        return self.withdraw or self.recall

    @property
    def content(self) -> bytes:
        told = () if self.gone else (self.summary, self.amount, self.goods)
        return hashlib.sha256(repr(told).encode()).digest()

    @property
    def order(self) -> tuple[Any, ...]:
        return (self.withdraw, self.version, self.revision, self.content, self.recall)

    @property
    def idempotency(self) -> bytes:
        return hashlib.sha256(repr((self.key, self.order)).encode()).digest()

    @property
    def held(self) -> tuple[Any, ...]:
        return (self.summary, self.amount, [(i, name) for i, name in enumerate(self.goods, 1)])


def orders(versions: Sequence[Version], first: int = 0) -> pa.Table:
    """ORDERS for these versions; their _row counts from ``first``."""
    rows = [
        (
            first + i,
            v.key,
            v.withdraw,
            v.recall,
            _DAY + timedelta(hours=v.version),
            v.revision,
            v.content,
            v.idempotency,
        )
        for i, v in enumerate(versions)
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(ORDERS)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, ORDERS, strict=True)], schema=ORDERS)


def batch(versions: Sequence[Version], first: int = 0) -> Batch:
    """The batch that belongs to ``orders``: a version that takes the record back has no row in it."""
    kept = [(first + i, v) for i, v in enumerate(versions) if not v.gone]
    root = pa.table(
        {
            ROW: pa.array([i for i, _ in kept], pa.int64()),
            POSITION: pa.nulls(len(kept), pa.int64()),
            "case_reference": pa.array([v.key for _, v in kept], pa.string()),
            "summary": pa.array([v.summary for _, v in kept], pa.string()),
            "amount": pa.array([v.amount for _, v in kept], pa.string()),
            "seized_on": pa.array(["2025-03-09" for _ in kept], pa.string()),
            "changed_at": pa.array(["2025-03-09T12:00:00.25Z" for _ in kept], pa.string()),
            "declared": pa.array([v.version % 2 == 0 for _, v in kept], pa.bool_()),
        }
    )
    lines = [(i, n, name) for i, v in kept for n, name in enumerate(v.goods)]
    goods = pa.table(
        {
            ROW: pa.array([i for i, _, _ in lines], pa.int64()),
            INDEX: pa.array([n for _, n, _ in lines], pa.int64()),
            "line": pa.array([n + 1 for _, n, _ in lines], pa.int64()),
            "description": pa.array([name for _, _, name in lines], pa.string()),
            "quantity": pa.array(["0.125" for _ in lines], pa.string()),
            "seals": pa.array([["a", "b c", 'd"e'] if n == 0 else None for _, n, _ in lines], pa.list_(pa.string())),
        }
    )
    return Batch({ROOT: root, "goods": goods}, "conformance", "0" * 64)


def highest(versions: Iterable[Version]) -> Held:
    """What the partner must hold after these versions, in whatever order and number they came."""
    last: dict[str, Version] = {}
    for v in versions:
        if v.key not in last or v.order > last[v.key].order:
            last[v.key] = v
    return {key: v.held for key, v in last.items() if not v.gone}


def any_version(*keys: str) -> st.SearchStrategy[Version]:
    """Versions of records with these keys: corrections, withdrawals and recalls among them."""
    return st.builds(
        Version,
        key=st.sampled_from(keys),
        version=st.integers(1, 4),
        summary=st.sampled_from(["one", "two"]),
        goods=st.sampled_from([(), ("a",), ("a", "b")]),
        withdraw=st.sampled_from([*[False] * 7, True]),
        revision=st.integers(1, 2),
        recall=st.sampled_from([False, False, True]),
    )
