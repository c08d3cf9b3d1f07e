# ruff: noqa: E501 -- each case stands on one line
"""Units: conversion within a dimension only, exactly, by the row that says so, and with the unit beside the quantity."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.content import Content
from bridge.mapping import check, load
from bridge.mapping.check_units import unit_findings
from bridge.mapping.codes import read_codes
from bridge.mapping.plan import mapping_plans
from bridge.mapping.rules import Refused, plain_number, scale_number
from bridge.mapping.units import exact_factor, units
from tests.mapping.world import TEXT, World, item

CONTENT = Content((Path(__file__).resolve().parents[2],))
ROWS = read_codes(CONTENT, "unit").rows  # type: ignore[union-attr]
QUANTITY = next(plan for plan in mapping_plans(load(CONTENT, "cen", "collect")).values() if plan.quantity is not None)
NUMBERS = st.decimals("0.000001", 10**12, places=6, allow_nan=False, allow_infinity=False)
DECIMAL = {"type": "string", "x-type": "decimal"}
UNIT = {**TEXT, "x-codes": "unit"}


@given(NUMBERS, st.sampled_from(sorted(ROWS)))
def test_a_quantity_is_converted_exactly_and_only_by_its_row(number: Decimal, unit: str) -> None:
    text = plain_number(f"{number:f}")
    (row,) = ROWS[unit]
    assert text is not None
    assert QUANTITY.quantity is not None
    made = QUANTITY.quantity(text, unit, None)
    if row.target is None:
        assert isinstance(made, Refused)
        assert made.code == "NO_COUNTERPART"
    elif row.factor is None:
        assert made == text
    else:
        assert Fraction(made) == Fraction(number) * Fraction(row.factor)


@given(NUMBERS, st.sampled_from(sorted(units())), st.sampled_from(sorted(units())))
def test_a_conversion_there_and_back_is_the_same_quantity(number: Decimal, one: str, other: str) -> None:
    there = exact_factor(units()[one], units()[other])
    home = exact_factor(units()[other], units()[one])
    if units()[one].dimension != units()[other].dimension:
        assert there is None
        assert home is None
    else:
        assert there is not None
        assert home is not None
        assert Fraction(number) * there * home == Fraction(number)


@given(NUMBERS)
def test_no_conversion_passes_through_a_binary_float(number: Decimal) -> None:
    made = scale_number(f"{number:f}".rstrip("0").rstrip("."), Decimal("0.45359237"), None)
    assert isinstance(made, str)
    assert Fraction(made) == Fraction(number) * Fraction(45359237, 10**8)


def test_every_row_of_our_unit_list_stays_within_its_dimension_and_has_the_exact_factor() -> None:
    """Every unit of Rec. 20 that we know of has a row, by the factor that the Recommendation gives it."""
    for code, unit in units().items():
        (row,) = ROWS[code]
        assert row.target is not None
        assert Fraction(1 if row.factor is None else row.factor) == exact_factor(unit, units()[row.target])


@pytest.mark.parametrize("packed", ["XBX", "XCT", "XPK"])
def test_cartons_boxes_and_packages_are_never_converted_without_a_row_that_says_how(packed: str) -> None:
    assert QUANTITY.quantity is not None
    made = QUANTITY.quantity("10", packed, None)
    assert isinstance(made, Refused)
    assert made.code == "NO_COUNTERPART"


@pytest.mark.parametrize("word", ["plants", "tablets", "doses", "live animals", "cartons", "sticks"])
def test_what_is_counted_in_words_of_its_own_is_held_until_someone_says_what_it_is(word: str) -> None:
    assert QUANTITY.quantity is not None
    made = QUANTITY.quantity("10", word, None)
    assert isinstance(made, Refused)
    assert made.code == "UNKNOWN_CODE"


RULES = "goods: {each: goods, map: {quantity: {from: amount, number: '.', unit: unit, codes: units}, unit: {from: unit, codes: units}}}"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("LBR,KGM,unit:0.4536", "units.csv:2: M053 LBR: a pound is not 567/1250 of a kilogram. Correct the factor: unit:0.45359237."),
        ("GLL,KGM,unit:3.785411784", "units.csv:2: M053 GLL: gallon (US) is volume and kilogram is mass. Convert within one dimension."),
        ("LBR,KGM,alias", "a pound is not 1 of a kilogram"),
        ("LBR,KGM,exact", "a pound is not 1 of a kilogram"),
        ("LBR,XBX,exact", "XBX is no unit of measure. Write a code of UNECE Recommendation 20, such as KGM."),
    ],
)  # fmt: skip
def test_a_row_that_leaves_its_dimension_is_a_finding(tmp_path: Path, row: str, says: str) -> None:
    world = World(tmp_path, {"goods": item(amount=TEXT, unit=UNIT)}, {"goods": item(quantity=DECIMAL, unit=UNIT)})
    world.codes("units", row)
    world.write(RULES)
    assert any(says in str(one) for one in check(world.load())), [str(one) for one in check(world.load())]


def test_a_carton_may_be_said_to_hold_sticks_by_who_knows_it(tmp_path: Path) -> None:
    world = World(tmp_path, {"goods": item(amount=TEXT, unit=TEXT)}, {"goods": item(quantity=DECIMAL, unit=UNIT)})
    world.codes("units", "carton of 200,MIL,unit:0.2")
    mapped = world.run(RULES, [{"goods": [{"amount": "5", "unit": "carton of 200"}]}])
    assert mapped.batch.tables["goods"].column("quantity").to_pylist() == ["1"]
    assert list(unit_findings(world.load())) == []


@pytest.mark.parametrize(
    ("target", "rules", "says"),
    [
        (item(quantity=DECIMAL), "quantity: {from: amount, number: '.', unit: unit, codes: units}",
         "codes/units.csv gives quantities in KGM, LTR, and nothing beside the field tells which"),
        (item(quantity=DECIMAL, unit=UNIT), "quantity: {from: amount, number: '.', unit: unit, codes: units}, unit: {from: other}",
         "the quantity is converted by unit and codes/units.csv, and unit is made otherwise. Say unit: {from: unit, codes: units}."),
    ],
)  # fmt: skip
def test_a_quantity_away_from_its_unit_is_a_finding(tmp_path: Path, target: object, rules: str, says: str) -> None:
    world = World(tmp_path, {"goods": item(amount=TEXT, unit=TEXT, other=TEXT)}, {"goods": target})
    world.codes("units", "KG,KGM,alias", "L,LTR,alias")
    world.write(f"goods: {{each: goods, map: {{{rules}}}}}")
    assert any(says in str(one) for one in unit_findings(world.load()))


@pytest.mark.parametrize(
    "quantity",
    ["quantity: {from: amount, number: '.'}", "quantity: {from: amount, number: '.', unit: other, codes: units}"],
)
def test_a_unit_is_not_converted_where_its_quantity_stays(tmp_path: Path, quantity: str) -> None:
    world = World(
        tmp_path, {"goods": item(amount=TEXT, unit=TEXT, other=TEXT)}, {"goods": item(quantity=DECIMAL, unit=UNIT)}
    )
    world.codes("units", "LBR,KGM,unit:0.45359237")
    world.write(f"goods: {{each: goods, map: {{{quantity}, unit: {{from: unit, codes: units}}}}}}")
    says = "codes/units.csv converts quantities, and no quantity beside the unit is converted by it"
    assert any(says in str(one) for one in unit_findings(world.load()))
    world.codes("units", "KGM,KGM,exact")
    assert not any("converts quantities" in str(one) for one in unit_findings(world.load()))
