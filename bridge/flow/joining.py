"""What leaves of a seizure that several suppliers reported: reads the later reports and has them add to the first."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from bridge import document
from bridge.batch import ROOT, ROW, Batch
from bridge.exchange.current import documents
from bridge.flow.settling import hyphenated
from bridge.mapping import Mapping as Model
from bridge.mapping import forward
from bridge.merging import Reports, merge, without
from bridge.onward import Authorisation
from bridge.policy import Decided
from bridge.release import Released

Fetch = Callable[[Collection[uuid.UUID]], tuple[list[dict[str, Any]], Mapping[int, Decided]]]
"""Gives the later reports of these ids, and by place what was decided about each."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What leaves, and what is to be kept of how it came to be.

    Args:
        contributions: rows of the exchange's table ``contribution`` but for the run.
        authorised: bridge id, version and authorisation of each report that added something under one.
    """

    batch: Batch
    contributions: Sequence[dict[str, Any]] = ()
    authorised: Sequence[tuple[bytes, int, int]] = ()


def join(
    mapping: Model,
    whole: Batch,
    released: Released,
    decided: Mapping[int, Decided],
    authorised: Sequence[Authorisation],
    fetch: Fetch,
    unfit: Callable[[Batch], set[int]] | None = None,
) -> Joined:
    """What is released of a batch, with what later reports of the same seizures add to it; nothing is read if none has.

    What the partner's mapping would hold for something that was added leaves without it.

    Args:
        whole: the batch before its release.
        unfit: gives rows of a batch that the partner cannot take although the mapping can make them.
    """
    stand = set(released.batch.rows().to_pylist()) if any(one.later for one in decided.values()) else set()
    wanted = {row: one.later for row, one in decided.items() if one.later and row in stand}
    if not wanted:
        return Joined(released.batch)
    rows, said = fetch({one for later in wanted.values() for one in later})
    places = {row["bridge_id"]: place for place, row in enumerate(rows)}
    of = {row: [places[one] for one in later if one in places] for row, later in wanted.items()}
    shape = mapping.source_shape
    table = documents(rows)
    batch = assigned(document.decode(table.select([ROW, "payload"]), shape), table)
    merged = merge(mapping.release, shape, whole, released, Reports(of, batch, said), decided, authorised)
    added = {one.row for one in merged.contributions if one.added}
    if added:
        made = forward(mapping, merged.batch.only(pa.array(sorted(added), pa.int64())))
        held = {one.row for one in made.problems} | (unfit(made.batch) if unfit else set())
        if held & added:
            merged = without(merged, released.batch, held & added)
    root = whole.root.select([ROW, "bridge_id", "version"]).to_pylist()
    firsts = {one[ROW]: (uuid.UUID(one["bridge_id"]), one["version"]) for one in root if one[ROW] in wanted}
    contributions = [
        {
            "bridge_id": rows[one.report]["bridge_id"],
            "version": rows[one.report]["version"],
            "first": firsts[one.row][0],
            "first_version": firsts[one.row][1],
            "added": list(one.added),
            "why": one.why,
        }
        for one in merged.contributions
    ]
    under = [(rows[n]["bridge_id"].bytes, rows[n]["version"], number) for n, number in merged.authorised.items()]
    return Joined(merged.batch, contributions, under)


def assigned(batch: Batch, chosen: pa.Table) -> Batch:
    """The common batch with the fields that the exchange, and no source, gives a record."""
    identities = [hyphenated(value) for value in chosen.column("bridge_id").to_pylist()]
    given = {
        "bridge_id": pa.array(identities, pa.string()),
        "version": chosen.column("version").cast(pa.int64()),
        "seen_by": chosen.column("seen_by"),
    }
    root = batch.root
    for name, values in given.items():
        root = root.set_column(root.schema.get_field_index(name), name, values)
    return Batch({**batch.tables, ROOT: root}, batch.where, batch.sha256, batch.problems)
