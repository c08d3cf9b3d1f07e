"""Onward transfer: which records a supplier has authorised to go to a partner, under which conditions.

Use beyond the aim for which a record was supplied, and any transfer to a third country, an organisation or another
body, need the supplier's prior authorisation, with its conditions (Reg. (EC) No 515/97, Art. 30; Council Decision
2009/917/JHA, Art. 8). Where a rule of release says ``unless: authorised``, a record leaves only if one covers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl
import pyarrow as pa

from bridge.batch import ROOT, ROW, Batch

CONDITIONS: Final = "conditions_of_use"
"""Field of the common schema in which an authorisation's conditions travel with the record."""
_GOODS, _GROUP = "goods", "commodity_group"


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What a supplier lets go to one partner, while it is in force.

    Args:
        number: its number in the exchange; of several that cover a record, the lowest is the one it goes under.
        supplier: the country that supplied the record; of a record that names none, the system it came from.
        groups: commodity groups; every goods line must be of one of them. Empty for all.
        operation: the joint operation; "" for any.
        record: the bridge id of the one record meant; "" for any.
        conditions: the supplier's conditions, in words.
    """

    number: int
    supplier: str
    groups: tuple[str, ...] = ()
    operation: str = ""
    record: str = ""
    conditions: str = ""


def covered(batch: Batch, authorisations: Sequence[Authorisation]) -> pl.Series:
    """For each record of a common batch, the number of the authorisation that covers it; null if none does."""
    found = pl.Series([None] * len(batch), dtype=pl.Int64)
    country = _text(batch, "supplier_country")
    supplier = country.zip_with(country.is_not_null(), _text(batch, "origin_system"))
    for one in sorted(authorisations, key=lambda each: each.number):
        holds = (supplier == one.supplier).fill_null(value=False)
        for name, wanted in (("operation_code", one.operation), ("bridge_id", one.record)):
            if wanted:
                holds &= (_text(batch, name) == wanted).fill_null(value=False)
        if one.groups:
            holds &= _within(batch, one.groups)
        found = pl.select(pl.coalesce(found, pl.when(holds).then(pl.lit(one.number, pl.Int64)))).to_series()
    return found


def with_conditions(batch: Batch, under: Mapping[int, int], authorisations: Sequence[Authorisation]) -> Batch:
    """The batch with the conditions under which records go, where the authorisation has any.

    Args:
        under: by row of the batch, the number of the authorisation.
    """
    said = {one.number: one.conditions or None for one in authorisations}
    place = batch.root.schema.get_field_index(CONDITIONS)
    if place < 0:
        return batch
    texts = [said[under[row]] if row in under else None for row in batch.rows().to_pylist()]
    root = batch.root.set_column(place, CONDITIONS, pa.array(texts, pa.string()))
    return replace(batch, tables={**batch.tables, ROOT: root})


def _text(batch: Batch, name: str) -> pl.Series:
    root = batch.root
    if name in root.column_names:
        return pl.Series(root.column(name)).cast(pl.String)
    return pl.Series([None] * len(batch), dtype=pl.String)


def _within(batch: Batch, groups: Sequence[str]) -> pl.Series:
    """Whether a record has goods lines, all of them of these groups."""
    rows = pl.Series(batch.rows())
    goods = batch.tables.get(_GOODS)
    if goods is None or _GROUP not in goods.column_names:
        return pl.Series([False] * len(batch), dtype=pl.Boolean)
    owners = pl.Series(goods.column(ROW))
    inside = pl.Series(goods.column(_GROUP)).cast(pl.String).is_in(list(groups)).fill_null(value=False)
    return rows.is_in(owners.implode()) & ~rows.is_in(owners.filter(~inside).implode())
