# ruff: noqa: E501 -- each case stands on one line
"""The derived reverse: what each word of the vocabulary gives back, and what it says that it loses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.mapping import forward
from bridge.mapping.back import Reverse, reverse_of
from bridge.mapping.letters import never_holds
from bridge.mapping.samples import batch_of
from bridge.shape import Field, Type
from tests.mapping.world import TEXT, World, item

DATE = {"type": "string", "x-type": "date"}
MOMENT = {"type": "string", "x-type": "datetime"}
DECIMAL = {"type": "string", "x-type": "decimal"}
COUNTRY = {"type": "string", "pattern": "^[A-Z]{2}$"}
MONTH = {"type": "string", "enum": ["JAN", "OCT"]}
SOURCE = {
    "a*": TEXT, "b": TEXT, "c": COUNTRY, "m": MONTH, "on": DATE, "kind": {"type": "string", "enum": ["X", "Y", "Z"]},
    "some": {"type": "array", "items": COUNTRY}, "words": {"type": "array", "items": TEXT},
    "list": item(x=TEXT, y=TEXT, kind={"type": "string", "enum": ["P", "Q"]}),
}  # fmt: skip
TARGET = {
    "t": TEXT, "u": TEXT, "day": DATE, "day_precision": TEXT, "at": MOMENT, "n": DECIMAL, "flag": {"type": "boolean"},
    "many": {"type": "array", "items": TEXT}, "lines": item(x=TEXT, y=TEXT, z=TEXT), "others": item(x=TEXT, y=TEXT),
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, SOURCE, TARGET)
    made.codes("one", "X,ex,exact", "Y,ypsilon,renamed", "Z,zed,exact")
    made.codes("alias", "X,ex,exact", "Y,ex,alias", "Z,zed,exact")
    made.codes("lossy", "X,ex,exact", "Y,ex,broader,because", "Z,zed,exact")
    made.codes("place", "x,42", "y,43", headings="source,column")
    return made


def reverse(world: World, rules: str, more: str = "") -> Reverse:
    world.write(rules, more)
    mapping = world.load()
    assert not mapping.faults, mapping.faults
    return reverse_of(mapping)


def home(turned: Reverse, record: dict[str, Any]) -> dict[str, Any]:
    """What a source record is after there and back, without what is absent."""
    mapped = forward(turned.mapping, batch_of([record], turned.mapping.source_shape, "x"))
    assert mapped.problems == []
    returned = turned.back(mapped.batch)
    assert returned.refused == []
    found: dict[str, Any] = {}
    for path, table in returned.batch.tables.items():
        for row in table.to_pylist():
            entry = {name: value for name, value in row.items() if value is not None and not name.startswith("_")}
            if path:
                found.setdefault(path, []).append(entry)
            else:
                found |= entry
    return found


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        ("t: {from: a}", {"a": " as it is "}, {"a": " as it is "}),
        ("t: {from: a, text: [trim, upper]}", {"a": " ab "}, {"a": "AB"}),
        ("t: {from: kind, codes: one}", {"kind": "Y"}, {"kind": "Y"}),
        ("t: {from: kind, codes: alias}", {"kind": "Y"}, {"kind": "X"}),
        ("t: {from: a, lookup: place.column}", {"a": "x"}, {"a": "x"}),
        ("t: {from: a, default: none}", {}, {"a": "none"}),
        ("t: {first_of: [a]}", {"a": "x"}, {"a": "x"}),
        ('t: {concat: [c, ":", a]}', {"c": "FR", "a": "x:y"}, {"c": "FR", "a": "x:y"}),
        ('day: {from: a, date: ["%d/%m/%Y", "%m/%Y", "%Y"]}', {"a": "03/2025"}, {"a": "03/2025"}),
        ('day: {from: a, date: "%-d %b %y", pivot: 1950}', {"a": "9 mar 49"}, {"a": "9 Mar 49"}),
        ("day: {from: on, date: start}\nday_precision: {from: on, date: precision}", {"on": "2025-03"}, {"on": "2025-03"}),
        ("day: {date: {fiscal_year: a, month: m, starts: 10}}", {"a": "2024", "m": "OCT"}, {"a": "2024", "m": "OCT"}),
        ("at: {from: a, datetime: iso}", {"a": "2025-03-09T12:00:00+02:00"}, {"a": "2025-03-09T10:00:00Z"}),
        ('at: {from: a, datetime: "%d.%m.%Y %H:%M", zone: Europe/Brussels}', {"a": "09.07.2025 12:30"}, {"a": "09.07.2025 12:30"}),
        ('n: {from: a, number: {decimal: ",", thousands: "."}}', {"a": "1.234,50"}, {"a": "1234,5"}),
        ('many: {from: a, split: ";"}', {"a": "x; y;;"}, {"a": "x;y"}),
        ('t: {from: some, join: "-"}', {"some": ["FR", "DE"]}, {"some": ["FR", "DE"]}),
        ("t: {from: list.x, take: only}", {"list": [{"x": "1"}]}, {"list": [{"x": "1"}]}),
        ("many: {from: list.x}", {"list": [{"x": "1"}, {"y": "-"}, {"x": "2"}]}, {"list": [{"x": "1"}, {"x": "2"}]}),
        ("lines: {each: list, map: {x: {from: x}, y: {from: ^b}}}", {"b": "r", "list": [{"x": "1"}, {}]}, {"b": "r", "list": [{"x": "1"}, {}]}),
        ("lines: {each: ., when: {b: present}, map: {x: {from: b}}}", {"b": "r"}, {"b": "r"}),
        ("lines: {each: ., map: {x: {const: k}, y: {from: b}}}", {"b": "r"}, {"b": "r"}),
        ("lines: {each: list, when: {kind: [P]}, map: {x: {from: x}}}\nothers: {each: list, when: {kind: [Q]}, map: {y: {from: x}}}", {"list": [{"x": "1", "kind": "Q"}, {"x": "2", "kind": "P"}]}, {"list": [{"x": "2", "kind": "P"}, {"x": "1", "kind": "Q"}]}),
        ("lines: {each: list, map: {x: {from: x}}}\nothers: {each: list, map: {y: {from: y}}}", {"list": [{"x": "1", "y": "a"}, {"x": "2", "y": "b"}]}, {"list": [{"x": "1", "y": "a"}, {"x": "2", "y": "b"}]}),
    ],
)  # fmt: skip
def test_what_was_said_comes_back(world: World, rule: str, given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert home(reverse(world, rule), given) == expected


def test_rows_of_a_group_come_back_with_what_they_have_in_common(world: World) -> None:
    world.schema("source", {"a*": TEXT, "b": TEXT, "c": TEXT})
    turned = reverse(
        world,
        "t: {from: a}\nu: {from: b}\nlines: {each: lines, map: {x: {from: c}}}",
        "group_by: {key: [a], conflict: hold}",
    )
    records = [{"a": "1", "b": "h", "c": "x"}, {"a": "2", "b": "i", "c": "y"}, {"a": "1", "b": "h", "c": "z"}]
    mapped = forward(turned.mapping, batch_of(records, turned.mapping.source_shape, "x"))
    rows = [{name: row[name] for name in "abc"} for row in turned.back(mapped.batch).batch.root.to_pylist()]
    assert rows == [records[0], records[2], records[1]]


def test_an_entry_is_not_put_into_a_list_that_must_be_empty(world: World) -> None:
    world.schema("source", {"a*": TEXT, "list": item(x=TEXT, y=TEXT), "more": item(x=TEXT)})
    turned = reverse(
        world,
        "t: {from: a}\n"
        "lines: [{each: list, map: {x: {from: x}, y: {from: y}}}, {each: more, map: {x: {from: x}}}]\n"
        "others: [{each: ., when: {list: present}, map: {x: {const: full}}},"
        " {each: ., when: {list: absent}, map: {x: {const: bare}}}]",
    )
    bare = {"a": "k", "more": [{"x": "1"}]}
    assert home(turned, bare) == bare
    full = {"a": "k", "list": [{"x": "1"}]}
    assert home(turned, full) == full


def test_what_no_source_says_is_refused_and_not_made_up(world: World) -> None:
    turned = reverse(
        world,
        't: {const: k}\nu: {from: kind, codes: one}\nday: {from: a, date: "%d/%m/%Y"}\nlines: {each: list, map: {x: {from: x}}}',
    )
    held = {"t": "other", "u": "nobody", "day": "2025", "lines": [{"x": "1", "y": "nothing makes this"}]}
    returned = turned.back(batch_of([held], turned.mapping.target_shape, "x"))
    assert returned.refused == [(0, "t"), (0, "u"), (0, "day"), (0, "lines.0")]
    assert returned.batch.root.column("kind").null_count == 1


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("t: {hash: {of: [a]}}", "a hash cannot be turned back"),
        ("t: {first_of: [a, b]}", "which of a, b the value came from is not told"),
        ("t: {concat: [a, b]}", "where a ends and b begins is not told"),
        ('t: {concat: [a, ":", b]}', "a may itself hold ':', so it cannot be told from b"),
        ('t: {concat: [c, ":", a]}', "if one of c and a is missing, the other may be either"),
        ("n: {from: a, number: {decimal: '.', round: 2}}", "digits after the first 2 are rounded away"),
        ("day: {from: on, date: start}", "the first day does not tell how exact the date was"),
        ("day_precision: {from: on, date: precision}", "how exact a date is does not tell the date"),
        ('day: {from: a, date: "%Y-%m-%dT%H:%M"}', "the time of the day is left out"),
        ("t: {from: kind, codes: lossy}", "Y becomes ex in codes/lossy.csv, as others do"),
        ("t: {from: words, join: \", \"}", "a value of words may itself hold ', ', so they cannot be told apart"),
        ("t: {from: list.x, take: first}", "only the first of several values is kept"),
        ("t: {from: a, when: {kind: [X]}}", "it is left out unless kind X"),
        ("lines: {each: list, when: {kind: [P]}, map: {x: {from: x}}}", "nothing takes an entry with kind Q"),
        ("lines: {each: list, map: {x: {from: x}}}\nothers: {each: list, when: {x: present}, map: {y: {from: y}}}", "an entry with x any value becomes several"),
        ("lines: {each: ., when: {kind: [X]}, map: {x: {from: b}}}", "nothing reads it of what has kind Y"),
    ],
)  # fmt: skip
def test_what_loses_something_says_what(world: World, rule: str, why: str) -> None:
    assert any(one.why.startswith(why) for one in reverse(world, rule).losses()), [
        one.why for one in reverse(world, rule).losses()
    ]


def test_a_code_without_a_counterpart_is_lost_only_where_the_record_is_not_held(world: World) -> None:
    world.codes("holes", "X,ex,exact", "Y,ypsilon,exact", "Z,,none,because")
    assert [one.why for one in reverse(world, "t: {from: kind, codes: holes}").losses()] == [
        "Z has no counterpart in codes/holes.csv"
    ]
    world.schema("target", {"t*": TEXT})
    assert list(reverse(world, "t: {from: kind, codes: holes}").losses()) == []


@pytest.mark.parametrize(
    ("field", "mark", "never"),
    [
        (Field("", "x", pattern="^[A-Z]{2}$"), ":", True),
        (Field("", "x", pattern="^[A-Z]{2,3}$"), ",", True),
        (Field("", "x", pattern="^[A-Z ]+$"), ", ", True),
        (Field("", "x", pattern="^[A-Z ,]+$"), ", ", False),
        (Field("", "x", pattern="^[^,]+$"), ",", True),
        (Field("", "x", pattern="^.+$"), ",", False),
        (Field("", "x", pattern=r"^\S+$"), " ", True),
        (Field("", "x", pattern="[A-Z]{2}"), ":", False),
        (Field("", "x", codes=("A B", "C")), " ", False),
        (Field("", "x", Type.DATE), "/", True),
        (Field("", "x"), "/", False),
    ],
)  # fmt: skip
def test_whether_a_field_can_hold_a_mark_is_told_by_its_schema(field: Field, mark: str, never: bool) -> None:
    assert never_holds(field, mark) is never
