"""The way of each value of one record: from the place in its file through rule and code row to what partners got."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa

from bridge import document
from bridge.authoring.asking import reading
from bridge.authoring.trying import common_batch
from bridge.batch import POSITION, Batch
from bridge.content import COLLECT, SHARE, Content
from bridge.errors import BridgeError, Misconfigured
from bridge.exchange import Hop, authorisations, current, decisions, explain
from bridge.flow.joining import join
from bridge.flow.rereading import archived, batches
from bridge.ledger import Delivery, Effect
from bridge.mapping import Mapping, forward
from bridge.mapping.trace import Way, masked, trace
from bridge.mapping.versions import Versions, load_versions
from bridge.onward import Authorisation
from bridge.policy import Decided
from bridge.release import Released, release
from bridge.shapes import read_shape

COMMON = "common/seizure.json"
_HAS = (Delivery.DELIVERED, Delivery.UNCHANGED)
"""Dispositions after which the partner has the version offered."""


@dataclass
class Side:
    """The values at one place: in the exchange, or at a partner.

    Args:
        at: ``common`` or the partner.
        mapping: name, version and fingerprint of the mapping by which the ways are told.
        unsure: what cannot be told, and why; "" if all can.
    """

    at: str
    mapping: str = ""
    ways: list[Way] = field(default_factory=list)
    unsure: str = ""


@dataclass
class Explained:
    """All that is known of a record.

    Args:
        record: the row of the exchange.
        origin: input, position and record number of its current version.
    """

    record: Any
    origin: str
    sides: list[Side]
    hops: list[Hop]
    problems: list[Any]


def explain_record(content: Content, said: str) -> Explained:
    """What is known of the record of this bridge id or origin identifier.

    Raises:
        Misconfigured: the exchange knows none, or several, of this name.
    """
    with reading() as connection:
        found = explain.records(connection, said)
        if len(found) != 1:
            what = "the exchange knows no such record" if not found else "several records are called so"
            names = ", ".join(f"{one.origin_system}:{one.origin_record_id}" for one in found)
            fix = (
                f"Name one of {names}" if found else "Write SYSTEM:ID or the bridge id; bridge held lists what was held"
            )
            raise Misconfigured("NO_SUCH_RECORD", said, what, fix)
        record = found[0]
        hops = explain.explain(connection, record.bridge_id)
        problems = explain.problems(connection, record.bridge_id)
        origin = explain.came_from(connection, record.bridge_id)
        partners = list(dict.fromkeys(hop.name for hop in hops if hop.side == "delivery"))
        row = current.one(connection, "explain", record.bridge_id)
        authorised = {partner: authorisations.now(connection, partner) for partner in partners}
        decided = {partner: decisions.of_page(connection, partner, [row] if row else []) for partner in partners}
        later = {one: decisions.of_reports(connection, one, _later(said)) for one, said in decided.items()}
    place, common = _common(content, origin, row)
    joins = {one: partial(_joined, authorised[one], decided[one], later[one]) for one in partners}
    sides = [common, *(_partner(content, one, row, hops, joins[one]) for one in partners)]
    return Explained(record, place, sides, hops, problems)


def _common(content: Content, origin: Any, row: dict[str, Any] | None) -> tuple[str, Side]:
    side = Side("common")
    if origin is None or row is None:
        side.unsure = "the exchange has no version of it"
        return "-", side
    place = f"{origin.name}, record {origin.ordinal}, sha256 {origin.sha256}"
    try:
        versions = load_versions(content, origin.source, COLLECT)
        mapping = versions.on(origin.arrival)
    except Misconfigured as gone:
        side.unsure = f"cannot tell: {gone.what}"
        side.ways = stored(content, row)
        return place, side
    side.mapping = _named(mapping)
    one = archived(origin)
    if one is None:
        side.unsure = "cannot tell where values come from: the bytes of the input are no longer kept"
        side.ways = stored(content, row)
        return place, side
    try:
        for batch in batches(mapping, one):
            if origin.ordinal in batch.rows().to_pylist():
                only = pa.array([origin.ordinal], pa.int64())
                mine = batch if mapping.grouped else batch.only(only)
                made = forward(mapping, mine)
                side.ways = trace(mapping, mine, made.batch).get(origin.ordinal, [])
                at = dict(zip(batch.rows().to_pylist(), batch.root.column(POSITION).to_pylist(), strict=True))
                place += f", position {at[origin.ordinal]}" if at[origin.ordinal] is not None else ""
                side.unsure = _since(versions, origin.fingerprint, made.batch, mapping, origin.ordinal, row)
                return place, side
    except BridgeError as bad:
        side.unsure = f"cannot tell: {bad.what}"
        return place, side
    side.unsure = "cannot tell: the input no longer shows this record by the mapping as it is now"
    return place, side


def _since(
    versions: Versions, fingerprint: str, made: Batch, mapping: Mapping, ordinal: int, row: dict[str, Any]
) -> str:
    """Whether what the exchange keeps is what this mapping makes."""
    if versions.fingerprint == fingerprint:
        return ""
    documents = document.encode(made.only(pa.array([ordinal], pa.int64())), mapping.target_shape)
    same = (
        documents.num_rows == 1
        and documents.column("payload").to_pylist() == [row["payload"]]
        and documents.column("nominal").to_pylist() == [row["nominal"]]
    )
    return (
        ""
        if same
        else "the mapping has changed since this version was taken in; the ways are those of today's, values may differ"
    )


def stored(content: Content, row: dict[str, Any]) -> list[Way]:
    """The values that the exchange keeps, without their ways."""
    from bridge.mapping.model import Rule

    shape = read_shape(content, COMMON)
    batch = common_batch([row], shape)
    ways = []
    for field_ in shape:
        table = batch.tables[field_.list]
        for place, value in enumerate(table.column(field_.name).to_pylist()):
            shown = masked(field_, value)
            path = f"{field_.list}.{place}.{field_.name}" if field_.list else field_.name
            if shown is not None:
                ways.append(Way(path, field_, shown, Rule(field_.name, 0, "unknown"), ()))
    return ways


def _partner(
    content: Content,
    partner: str,
    row: dict[str, Any] | None,
    hops: Sequence[Hop],
    joined: Callable[[Mapping, Batch], tuple[Released, Batch]],
) -> Side:
    """What the partner's mapping as it is now makes of what the partner last got; no value of what it has not."""
    side = Side(partner)
    if row is None:
        side.unsure = "the exchange has no version of it"
        return side
    had = [hop for hop in hops if hop.side == "delivery" and hop.name == partner and hop.disposition in _HAS]
    side.unsure = _not_now(had[-1] if had else None, row["version"])
    if side.unsure:
        return side
    last = had[-1]
    try:
        versions = load_versions(content, partner, SHARE)
        mapping = versions.all[0] if len(versions.all) == 1 else versions.on(last.at)
    except Misconfigured as gone:
        side.unsure = f"cannot tell: {gone.what}"
        return side
    side.mapping = _named(mapping)
    common = common_batch([row], mapping.source_shape)
    released, leaves = joined(mapping, common)
    if released.withheld.num_rows:
        rule = released.withheld.column("rule")[0].as_py()
        side.unsure = f"withheld by rule {rule} as it is now: cannot tell what the partner got on {_when(last)}"
        return side
    made = forward(mapping, leaves)
    side.ways = trace(mapping, leaves, made.batch).get(0, [])
    if last.fingerprint != versions.fingerprint:
        side.unsure = f"the mapping has changed since {_when(last)}, when the partner last got it; values may differ"
    return side


def _later(decided: dict[int, Decided]) -> set[uuid.UUID]:
    return {one for said in decided.values() for one in said.later}


def _joined(
    authorised: Sequence[Authorisation],
    decided: dict[int, Decided],
    later: tuple[list[dict[str, Any]], dict[int, Decided]],
    mapping: Mapping,
    common: Batch,
) -> tuple[Released, Batch]:
    """What is released of a record, and what leaves with all that later reports of the seizure add to it."""
    released = release(mapping.release, mapping.source_shape, common, decided, authorised)
    return released, join(mapping, common, released, decided, authorised, lambda _: later).batch


def _not_now(last: Hop | None, version: int) -> str:
    """Why the partner does not have this version of the record; "" if it does.

    Args:
        last: the hop by which it last got one.
    """
    if last is None:
        return "the partner has not got it"
    if last.effect == Effect.WITHDRAW:
        return f"the partner does not have it: it was taken back on {_when(last)}"
    if last.version != version:
        has = f"the partner has version {last.version}, got on {_when(last)}; the exchange has version {version}"
        return f"cannot tell the partner's values: {has}"
    return ""


def _when(hop: Hop) -> str:
    return f"{hop.at:%Y-%m-%d %H:%M}"


def _named(mapping: Mapping) -> str:
    return f"{mapping.name} {mapping.version}, {mapping.where}, {mapping.fingerprint[:12]}"
