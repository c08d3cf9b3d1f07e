"""Reports of one seizure held against one another, and what their suppliers are asked for it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from bridge import document
from bridge.batch import ROOT, ROW
from bridge.comparing import EMPTY, Compared, Entries, Spot, compare, entries, told
from bridge.content import Content
from bridge.exchange import Exchange
from bridge.exchange.corrections import Asked
from bridge.exchange.current import documents
from bridge.shape import Field, Shape
from bridge.shapes import read_shape

COMMON: Final = "common/seizure.json"
DIFFERS, UNMATCHED = "differs", "unmatched"
_PAGE: Final = 1_000


def compare_cases(exchange: Exchange, content: Content, records: Collection[uuid.UUID] = ()) -> int:
    """Hold later reports against the first ones and ask suppliers about what differs; gives how many requests wait.

    Args:
        records: only the cases of these; all if empty.
    """
    pairs, concerned = exchange.case_pairs(records)
    asked: list[Asked] = []
    for start in range(0, len(pairs), _PAGE):
        shape = read_shape(content, COMMON)
        page = pairs[start : start + _PAGE]
        found = read(exchange.reports({one for pair in page for one in pair}), shape)
        for first, later in page:
            if first in found and later in found:
                asked += _questions(shape, found[first], found[later])
    exchange.ask(asked, concerned)
    return exchange.requests_waiting()


def read(rows: list[dict[str, Any]], shape: Shape) -> dict[uuid.UUID, tuple[Mapping[str, Any], Entries]]:
    """Rows of records with their plain half as values, by bridge id."""
    if not rows:
        return {}
    table = documents(rows)
    values = entries(document.decode(table.select([ROW, "payload"]), shape))
    return {row["bridge_id"]: (row, values[place]) for place, row in enumerate(rows)}


def values(
    shape: Shape, compared: Compared, path: str, first: Entries, later: Entries
) -> Iterator[tuple[str, Any, Any]]:
    """What both reports say at the path of a request: field, value of the first, value of the later."""
    for spot in (*compared.differs, *compared.strange):
        if spot.path == path:
            yield from _values(shape, spot, first, later)


def field_of(shape: Shape, path: str) -> Field | None:
    """The field that values() tells of by this path."""
    return shape.find(".".join(part for part in path.split(".") if not part.isdigit()))


def _questions(
    shape: Shape, one: tuple[Mapping[str, Any], Entries], other: tuple[Mapping[str, Any], Entries]
) -> Iterator[Asked]:
    (row, first), (later_row, later) = one, other
    compared = compare(shape, first, later)
    both = (row["bridge_id"], row["version"], later_row["bridge_id"], later_row["version"])
    names = (_supplier(first), _supplier(later))
    for kind, spots in ((DIFFERS, compared.differs), (UNMATCHED, compared.strange)):
        for spot in spots:
            said = [list(one) for one in _values(shape, spot, first, later)]
            yield Asked(kind, *both, spot.path, said, *names)


def _supplier(record: Entries) -> str:
    (root,) = record[ROOT]
    return str(root.get("supplier_country") or root["origin_system"])


def _values(shape: Shape, spot: Spot, first: Entries, later: Entries) -> Iterator[tuple[str, Any, Any]]:
    if spot.name:
        mine, theirs = first[spot.list][spot.first or 0], later[spot.list][spot.later or 0]
        yield spot.path, mine.get(spot.name), theirs.get(spot.name)
        return
    mine_all, theirs_all = first.get(spot.list, []), later.get(spot.list, [])
    yield from _listed(shape, spot.list, enumerate(mine_all), mine=True)
    chosen = enumerate(theirs_all) if spot.later is None else [(spot.later, theirs_all[spot.later])]
    yield from _listed(shape, spot.list, chosen, mine=False)


def _listed(
    shape: Shape, name: str, found: Iterable[tuple[int, Mapping[str, Any]]], *, mine: bool
) -> Iterator[tuple[str, Any, Any]]:
    for place, entry in found:
        for field in told(shape, name):
            value = entry.get(field.name)
            if value not in EMPTY:
                yield f"{name}.{place + 1}.{field.name}", value if mine else None, None if mine else value
