"""Units of measure: which dimension a code of UNECE Recommendation 20 has, and how much of its base unit it is."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure.

    Args:
        dimension: mass, length, area, volume, count or activity; only within one is anything converted.
        factor: how many kilograms, metres, square metres, cubic metres, pieces or becquerel it is.
    """

    code: str
    name: str
    dimension: str
    factor: Decimal


@cache
def units() -> Mapping[str, Unit]:
    """The units that a seizure may be counted in, by their code.

    Source:
        UNECE Recommendation 20, whose factors for these are exact by definition; the pound is that of the
        international yard and pound agreement of 1959.
    """
    with Path(__file__).with_name("rec20.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["code"]: Unit(row["code"], row["name"], row["dimension"], Decimal(row["factor"])) for row in rows}


def exact_factor(unit: Unit, into: Unit) -> Fraction | None:
    """What a quantity is multiplied by; None between dimensions, where there is no such number."""
    return Fraction(unit.factor) / Fraction(into.factor) if unit.dimension == into.dimension else None
