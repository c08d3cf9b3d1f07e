"""What is common to every way of loading: one order per key, the rows it carries, and receipts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import INDEX, POSITION, RESERVED, ROW, Batch
from bridge.connector import ORDERS, RECEIPTS
from bridge.errors import Misconfigured
from connectors.sql.tables import Table

VERSION: Final = ("withdraw", "source_version", "revision", "content_hash", "recall")
"""Columns that place an order among the versions of its key; the highest wins, whatever the order of arrival."""

OUTCOME: Final = pa.schema([("key", pa.string()), ("effect", pa.string()), ("proof", pa.binary())])
"""What happened to each key, and the idempotency key that stands at the partner for it now."""


@dataclass(frozen=True, slots=True)
class Fence:
    """Which loader this is and its epoch; a lower epoch than one already seen is refused. None takes no part.

    Args:
        attempt: when it began, in nanoseconds; of two with one epoch, the later ends the sessions of the earlier.
        checkpoint: of the exchange when the epoch began, kept once beside it where the partner can show it.
    """

    loader: str
    epoch: int | None
    attempt: int
    checkpoint: str = ""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Orders with one per key picked out.

    Args:
        all: every order, by key and then from the highest version to the lowest.
        first: the highest order of each key, ordered by the key's bytes.
        place: for every row of ``all``, which row of ``first`` has its key.
    """

    all: pa.Table
    first: pa.Table
    place: pa.Array


def sort(orders: pa.Table) -> Sorted:
    """Orders by key and version. Keys ascend by their bytes, the one order in which every loader takes its locks."""
    table = orders.select(ORDERS.names).cast(ORDERS)
    where = table.column_names.index("content_hash")
    plain = table.set_column(where, "content_hash", table.column("content_hash").cast(pa.binary()))
    by = [("key", "ascending"), *((name, "descending") for name in VERSION), (ROW, "ascending")]
    table = plain.take(pc.sort_indices(plain, sort_keys=by)).combine_chunks()
    key = table.column("key")
    new = np.ones(len(table), bool)
    if len(table) > 1:
        new[1:] = pc.not_equal(key.slice(1), key.slice(0, len(table) - 1)).to_numpy()
    return Sorted(table, table.filter(pa.array(new)), pa.array(np.cumsum(new) - 1, pa.int64()))


def receipts(orders: Sorted, outcome: pa.Table, inbox: str) -> pa.Table:
    """RECEIPTS, one row per order. An order that a higher one of the same batch covers is superseded, an equal
    one unchanged."""
    where = pc.index_in(orders.first.column("key"), value_set=outcome.column("key").combine_chunks())
    if where.null_count:
        raise Misconfigured("NO_OUTCOME", inbox, "a key has no outcome", "Report this: the loader is wrong")
    effects = outcome.column("effect").take(where)
    proofs = _hex(outcome.column("proof").take(where))
    led = orders.first.take(orders.place)
    own = pc.equal(orders.all.column(ROW), led.column(ROW))
    same = pc.equal(orders.all.column(VERSION[0]), led.column(VERSION[0]))
    for name in VERSION[1:]:
        same = pc.and_(same, pc.equal(orders.all.column(name), led.column(name)))
    # The winner is the first row of its key; another row with its number would be the same order twice.
    own = pc.and_(own, pa.array(_is_first(orders.place)))
    effect = pc.if_else(own, effects.take(orders.place), pc.if_else(same, "unchanged", "superseded"))
    receipt = pc.binary_join_element_wise(inbox, proofs.take(orders.place), "/")
    return pa.table([orders.all.column(ROW), effect, receipt], schema=RECEIPTS)


def _is_first(place: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    numbers = place.to_numpy()
    return np.concatenate(([True], numbers[1:] != numbers[:-1])) if len(numbers) else np.zeros(0, bool)


def _hex(values: pa.ChunkedArray) -> pa.Array:
    return pa.array([value.hex() for value in values.to_pylist()], pa.string())


def rows_of(batch: Batch, table: Table, chosen: pa.Table) -> pa.Table:
    """Rows of one table for the chosen orders, by key and place in the list, with the key column filled.

    Raises:
        Misconfigured: an order has no record in the batch, or its record names another key.
    """
    source = batch.tables.get(table.list)
    if source is None:
        return pa.table({})
    names = source.column_names
    place = pc.index_in(source.column(ROW), value_set=chosen.column(ROW).combine_chunks())
    found = pc.is_valid(place)
    source, place = source.filter(found), place.filter(found)
    inner = source.column(INDEX) if INDEX in names else pa.nulls(len(source), pa.int64())
    order = pc.sort_indices(
        pa.table({"place": place, "i": inner}), sort_keys=[("place", "ascending"), ("i", "ascending")]
    )
    rows = source.take(order).drop_columns([name for name in RESERVED if name in names])
    keys = chosen.column("key").take(place.take(order))
    if not table.list:
        _same_keys(rows, table, keys, chosen)
    if table.key in rows.column_names:
        return rows.set_column(rows.column_names.index(table.key), table.key, keys)
    return rows.append_column(table.key, keys)


def _same_keys(rows: pa.Table, table: Table, keys: pa.ChunkedArray, chosen: pa.Table) -> None:
    if len(rows) != len(chosen):
        what = f"{len(chosen)} orders have {len(rows)} records in the batch"
        raise Misconfigured("ORDER_WITHOUT_RECORD", table.full, what, "Give the batch that the orders were made from")
    if table.key in rows.column_names:
        told = rows.column(table.key).cast(pa.string())
        if pc.any(pc.fill_null(pc.not_equal(told, keys), True)).as_py():
            what = f"records carry another {table.key} than the key they are ordered under"
            raise Misconfigured("KEY_DIFFERS", table.full, what, f"Map {table.key} from what the release calls the key")


def given(rows: pa.Table, table: Table) -> pa.Table:
    """The rows without columns that are empty throughout and that the database fills by itself."""
    left_out = [
        name
        for name in rows.column_names
        if name in table.columns and table.columns[name].filled and rows.column(name).null_count == len(rows)
    ]
    return rows.drop_columns(left_out)


__all__ = ["OUTCOME", "POSITION", "VERSION", "Fence", "Sorted", "given", "receipts", "rows_of", "sort"]
