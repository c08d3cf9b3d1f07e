"""What a later report of a seizure adds to the first, where the two differ, and what nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.batch import ROOT
from bridge.comparing import OWN, TOGETHER, Compared, compare
from bridge.content import Content
from bridge.shape import Sensitivity
from bridge.shapes import read_shape

COMMON = read_shape(Content.find(), "common/seizure.json")


def compared(first: dict[str, Any], later: dict[str, Any]) -> dict[str, set[str]]:
    """Paths by what is found, of two records given as root fields and lists."""

    def whole(said: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        lists = {name: value for name, value in said.items() if name in COMMON.lists}
        return {ROOT: [{name: value for name, value in said.items() if name not in lists}], **lists}

    found: Compared = compare(COMMON, whole(first), whole(later))
    return {name: {spot.path for spot in getattr(found, name)} for name in ("adds", "differs", "strange")}


def line(group: str = "TOB", **said: Any) -> dict[str, Any]:
    return {"line": 1, "commodity_group": group, **said}


NOTHING: set[str] = set()


@pytest.mark.parametrize(
    ("first", "later", "adds", "differs", "strange"),
    [
        ({}, {"direction": "IMPORT"}, {"direction"}, NOTHING, NOTHING),
        ({"direction": "IMPORT"}, {"direction": "IMPORT"}, NOTHING, NOTHING, NOTHING),
        ({"direction": "IMPORT"}, {"direction": "EXPORT"}, NOTHING, {"direction"}, NOTHING),
        ({"direction": "IMPORT"}, {}, NOTHING, NOTHING, NOTHING),
        # Of the report, of persons, and texts.
        ({}, {"supplier_service": "B", "case_id": "7", "operation_code": "X"}, NOTHING, NOTHING, NOTHING),
        ({}, {"summary": "in words", "persons": [{"surname": "Maes"}]}, NOTHING, NOTHING, NOTHING),
        ({}, {"businesses": [{"involvement": "X"}], "documents": [{"type": "CMR"}]}, NOTHING, NOTHING, NOTHING),
        # A less exact date contradicts nothing.
        ({"seizure_date": "2026-03"}, {"seizure_date": "2026-03-05"}, NOTHING, NOTHING, NOTHING),
        ({"seizure_date": "2026-03-05"}, {"seizure_date": "2026"}, NOTHING, NOTHING, NOTHING),
        ({"seizure_date": "2026-03-05"}, {"seizure_date": "2026-03-06"}, NOTHING, {"seizure_date"}, NOTHING),
        # Lists of codes are one value.
        ({"risk_indicators": ["A", "B"]}, {"risk_indicators": ["B"]}, NOTHING, NOTHING, NOTHING),
        ({"risk_indicators": ["A"]}, {"risk_indicators": ["B"]}, NOTHING, {"risk_indicators"}, NOTHING),
        # A place is added to only by a report of the same place, as a whole.
        ({"place": "Gent"}, {"place": "Gent", "place_unlocode": "BEGNE"}, {"place_unlocode"}, NOTHING, NOTHING),
        ({"place": "Gent"}, {"place": "Brugge", "place_unlocode": "BEBGS"}, NOTHING, {"place"}, NOTHING),
        ({"place": "Gent"}, {"latitude": "51", "longitude": "3.7"}, NOTHING, NOTHING, NOTHING),
        # Conveyances go with the mode of transport.
        ({"transport_mode": "ROAD"}, {"conveyances": [{"mode": "AIR"}]}, NOTHING, NOTHING, NOTHING),
        (
            {"transport_mode": "ROAD"},
            {"transport_mode": "ROAD", "conveyances": [{"mode": "ROAD"}]},
            {"conveyances"},
            NOTHING,
            NOTHING,
        ),
        # Whole lists: added where there is none, else held against one another.
        ({}, {"route": [{"step": 1, "country": "MA"}]}, {"route"}, NOTHING, NOTHING),
        ({"route": [{"country": "MA"}]}, {"route": [{"step": 1, "country": "MA"}]}, NOTHING, NOTHING, NOTHING),
        ({"route": [{"country": "MA"}]}, {"route": [{"country": "ES"}]}, NOTHING, {"route"}, NOTHING),
        # Goods lines.
        ({}, {"goods": [line()]}, {"goods"}, NOTHING, NOTHING),
        ({"goods": [line()]}, {"goods": [line(hs_code="240220")]}, {"goods.1.hs_code"}, NOTHING, NOTHING),
        (
            {"goods": [line(quantity="5", unit="MIL")]},
            {"goods": [line(quantity="6", unit="MIL", brand="X")]},
            {"goods.1.brand"},
            {"goods.1.quantity"},
            NOTHING,
        ),
        # A unit without the quantity that it is of.
        ({"goods": [line(quantity="100")]}, {"goods": [line(unit="KGM")]}, NOTHING, NOTHING, NOTHING),
        (
            {"goods": [line(quantity="5")]},
            {"goods": [line(quantity="5", unit="MIL")]},
            {"goods.1.unit"},
            NOTHING,
            NOTHING,
        ),
        ({"goods": [line("DRG")]}, {"goods": [line("TOB")]}, NOTHING, NOTHING, {"goods.1"}),
        (
            {"goods": [line(hs_code="240220")]},
            {"goods": [line(hs_code="240319"), line("DRG")]},
            NOTHING,
            NOTHING,
            {"goods.1", "goods.2"},
        ),
        # Two could be meant.
        ({"goods": [line(), line()]}, {"goods": [line(brand="X")]}, NOTHING, NOTHING, {"goods.1"}),
        ({"goods": [line()]}, {"goods": [line(brand="X"), line(brand="Y")]}, NOTHING, NOTHING, {"goods.1", "goods.2"}),
        (
            {"goods": [line("DRG"), line("TOB")]},
            {"goods": [line("TOB", brand="X"), line("DRG", brand="Y")]},
            {"goods.1.brand", "goods.2.brand"},
            NOTHING,
            NOTHING,
        ),
        # How each supplier wrote it down.
        ({"goods": [line(reported_unit="box")]}, {"goods": [line(reported_unit="kg")]}, NOTHING, NOTHING, NOTHING),
    ],
)
def test_what_a_later_report_says_beside_the_first(
    first: dict[str, Any], later: dict[str, Any], adds: set[str], differs: set[str], strange: set[str]
) -> None:
    assert compared(first, later) == {"adds": adds, "differs": differs, "strange": strange}


def test_the_names_are_those_of_the_common_schema() -> None:
    for path in OWN | {one for group in TOGETHER for one in group}:
        field = COMMON.find(path)
        assert path in COMMON.lists or (field is not None and field.sensitivity is Sensitivity.NON_NOMINAL), path
