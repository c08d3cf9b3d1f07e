"""Whether several rows of a sheet are one record: told by what rows with the same key have in common."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from bridge.authoring.sample import Column

_AGREE: Final = 0.9
"""Share of the keys with several rows in whose rows a column of the record has one value; what differs in fewer is a
slip of the source, and such a record is held."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Rows with the same key as lines of one record.

    Args:
        varying: paths of the columns that differ between the lines of a record.
        why: what shows it.
    """

    key: Column
    varying: frozenset[str]
    why: str


def only_twins(key: Column, columns: list[Column]) -> bool:
    """Whether rows with the same key are the same in every column, so that each after the first changes nothing."""
    places = _several(key)
    return bool(places) and all(len({one.cells[at] for at in some}) == 1 for one in columns for some in places)


def lines_of(key: Column, columns: list[Column], steady: list[Column]) -> Lines | None:
    """How the rows of a sheet belong together by a key; None if each row has a key of its own, or if they rather seem
    to be versions of one record.

    Args:
        steady: columns that versions of a record would differ in, and its lines have in common: when the case was, and
            when the record was changed.
    """
    several = _several(key)
    if not several:
        return None
    varying = frozenset(one.path for one in columns if one is not key and _agreement(one, several) < _AGREE)
    if not varying or any(one.path in varying for one in steady):
        return None
    shared = [one.path for one in columns if one is not key and one.path not in varying]
    why = (
        f"{len(key.distinct)} values on {len(key.cells)} rows; rows with the same value agree in {len(shared)} columns "
        f"and differ in {len(varying)}, so they seem to be lines of one record"
    )
    return Lines(key, varying, why)


def _several(key: Column) -> list[list[int]]:
    """The places of rows that share a key."""
    rows = defaultdict(list)
    for place, value in enumerate(key.cells):
        if value:
            rows[value].append(place)
    return [places for places in rows.values() if len(places) > 1]


def _agreement(column: Column, several: list[list[int]]) -> float:
    agree = sum(len({column.cells[place] for place in places} - {""}) <= 1 for places in several)
    return agree / len(several)
