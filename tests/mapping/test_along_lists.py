"""Rules that go along a list from outside it: concat entry by entry, split value by value, scope by a list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.mapping import check
from tests.mapping.world import TEXT, World, item, problems, values

LIST = {"type": "array", "items": TEXT}
SOURCE: dict[str, Any] = {
    "ref*": TEXT, "place": TEXT, "signs": LIST,
    "stops": item(day=TEXT, exact=TEXT, marks=TEXT),
    "goods": item(kind=TEXT),
}  # fmt: skip
TARGET: dict[str, Any] = {
    "id*": TEXT, "seizure_date": {"type": "string", "x-type": "date"}, "text": TEXT, "signs": LIST,
}  # fmt: skip
FORMS = '["%Y-%m-%d", "%Y-%m-%d/D", "%Y-%m-01/M", "%Y-01-01/Y"]'
DAY = f'{{concat: [stops.day, "/", stops.exact], date: {FORMS}, take: only}}'


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, SOURCE, TARGET)


def test_concat_goes_along_the_entries_of_one_list(world: World) -> None:
    mapped = world.run(
        f"{{id: {{from: ref}}, seizure_date: {DAY}}}",
        [
            {"ref": "month", "stops": [{"day": "2025-03-01", "exact": "M"}]},
            {"ref": "year", "stops": [{"day": "2025-01-01", "exact": "Y"}]},
            {"ref": "day", "stops": [{"day": "2025-03-09"}]},
            {"ref": "none", "stops": []},
            {"ref": "no month", "stops": [{"day": "2025-03-09", "exact": "M"}]},
            {"ref": "two", "stops": [{"day": "2025-03-09"}, {"day": "2025-03-10"}]},
        ],
    )
    assert values(mapped, "id") == ["month", "year", "day", "none"]
    assert values(mapped, "seizure_date") == ["2025-03", "2025", "2025-03-09", None]
    assert problems(mapped) == [(4, "BAD_DATE", "seizure_date"), (5, "SEVERAL", "seizure_date")]


def test_concat_puts_a_field_of_the_record_and_a_text_before_each_value(world: World) -> None:
    mapped = world.run(
        'id: {from: ref}\ntext: {concat: [place, {text: "="}, signs], join: ", "}',
        [{"ref": "a", "place": "P", "signs": ["x", "y"]}, {"ref": "b", "signs": ["z"]}, {"ref": "c", "place": "P"}],
    )
    assert values(mapped, "text") == ["P=x, P=y", "z", None]


def test_split_takes_the_values_of_several_entries_apart(world: World) -> None:
    mapped = world.run(
        'id: {from: ref}\nsigns: {from: stops.marks, split: ",", text: upper}',
        [
            {"ref": "a", "stops": [{"marks": "x, y"}, {"marks": None}, {"marks": "z,"}]},
            {"ref": "b", "stops": [{"marks": " , "}]},
            {"ref": "c"},
            {"ref": "d", "stops": [{"marks": "y"}]},
        ],
    )
    assert values(mapped, "signs") == [["X", "Y", "Z"], None, None, ["Y"]]


def test_scope_asks_whether_a_list_has_entries(world: World) -> None:
    rules = "{id: {from: ref}, text: {from: stops.marks, take: first}}"
    given: list[dict[str, Any]] = [{"ref": "a", "stops": []}, {"ref": "b", "stops": [{"marks": "m"}]}, {"ref": "c"}]
    mapped = world.run(rules, given, "scope: {stops: present}")
    assert values(mapped, "id") == ["b"]
    assert values(mapped, "text") == ["m"]
    assert mapped.out_of_scope.column("rule").to_pylist() == ["scope.stops"] * 2
    assert mapped.out_of_scope.column("_row").to_pylist() == [0, 2]


def test_a_constant_list_for_no_records(world: World) -> None:
    mapped = world.run("{id: {from: ref}, signs: {const: [A]}}", [{"ref": "a"}], "scope: {place: present}")
    assert values(mapped, "signs") == []


def test_fields_of_two_lists_do_not_go_along(world: World) -> None:
    world.write('id: {from: ref}\ntext: {concat: [stops.day, " ", goods.kind], join: ","}')
    assert [finding.code for finding in check(world.load()) if finding.field == "text"] == ["M014"]
