"""A mapping applied to batches: what records it makes, and every reason why another is not made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.errors import Problem
from bridge.mapping import check, forward
from bridge.mapping.samples import batch_of
from tests.mapping.world import PERSONAL, TEXT, World, item, problems, values

LIST = {"type": "array", "items": TEXT}
SOURCE: dict[str, Any] = {
    "ref": TEXT, "day": TEXT, "place": TEXT, "port": TEXT, "country": TEXT, "name": {**TEXT, **PERSONAL}, "signs": LIST,
    "goods": item(kind=TEXT, quantity=TEXT, unit=TEXT, role=TEXT, marks=LIST),
    "stops": item(country=TEXT, role=TEXT),
}  # fmt: skip
TARGET: dict[str, Any] = {
    "id*": {"type": "string", "maxLength": 64}, "seizure_date": {"type": "string", "x-type": "date"}, "place": TEXT,
    "country": {"type": "string", "enum": ["TR", "FR"]}, "who": {**TEXT, **PERSONAL}, "signs": LIST, "text": TEXT,
    "count": {"type": "integer"}, "flag": {"type": "boolean"},
    "lines": item(
        no={"type": "integer"}, kind=TEXT, quantity={"type": "string", "x-type": "decimal"}, unit=TEXT, of=TEXT
    ),
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, SOURCE, TARGET)
    made.codes("country", "TR,TR,exact", "FRA,FR,alias", "XZ,,none,no country")
    made.codes("unit", "LB,KGM,unit:0.45359237", "KG,KGM,exact", "BOX,,none,boxes differ")
    return made


def test_each_word_fills_its_field(world: World) -> None:
    world.codes("flag", "Izmir,true,exact")
    mapped = world.run(
        """
        id: {from: ref, text: [trim, upper]}
        seizure_date: {from: day, date: ["%d/%m/%Y", "%m/%Y"]}
        place: {first_of: [place, port, {text: nowhere}]}
        country: {from: country, codes: country}
        text: {concat: [place, ", ", port]}
        signs: {from: signs, text: lower}
        count: {const: 3}
        flag: {from: port, codes: flag, default: false}
        """,
        [
            {"ref": " a1 ", "day": "09/03/2025", "place": " ", "port": "Izmir", "country": "TR", "signs": ["A", "B"]},
            {"ref": "a2", "day": "03/2025", "place": "P", "country": "FRA", "signs": []},
            {"ref": "a3"},
        ],
    )
    assert mapped.problems == []
    assert values(mapped, "id") == ["A1", "A2", "A3"]
    assert values(mapped, "seizure_date") == ["2025-03-09", "2025-03", None]
    assert values(mapped, "place") == ["Izmir", "P", "nowhere"]
    assert values(mapped, "country") == ["TR", "FR", None]
    assert values(mapped, "text") == ["Izmir", "P", None]
    assert values(mapped, "signs") == [["a", "b"], None, None]
    assert values(mapped, "count") == [3, 3, 3]
    assert values(mapped, "flag") == [True, False, False]


def test_the_batch_has_every_table_and_column_of_the_target_with_its_type(world: World) -> None:
    mapped = world.run("id: {from: ref}", [{"ref": "a"}])
    target = world.load().target_shape
    assert set(mapped.batch.tables) == {ROOT, "lines"}
    assert mapped.batch.root.column_names == [ROW, POSITION, *(field.name for field in target.table())]
    assert mapped.batch.tables["lines"].column_names == [ROW, INDEX, *(field.name for field in target.table("lines"))]
    for field in target:
        assert mapped.batch.tables[field.list].schema.field(field.name).type == field.arrow, field.path


def test_every_problem_of_a_record_is_told_and_the_record_is_left_out(world: World) -> None:
    mapped = world.run(
        """
        id: {from: ref}
        seizure_date: {from: day, date: "%d/%m/%Y"}
        country: {from: country, codes: country}
        lines:
          each: goods
          map: {kind: {from: kind}, quantity: {from: quantity, number: "."}}
        """,
        [
            {"ref": "good", "day": "01/01/2025", "country": "TR", "goods": [{"kind": "k", "quantity": "1.50"}]},
            {
                "day": "31/02/2025",
                "country": "ZZ",
                "goods": [{"quantity": "1"}, {"quantity": "1e3"}, {"quantity": "x"}],
            },
        ],
    )
    assert problems(mapped) == [
        (1, "MISSING", "id"),
        (1, "BAD_DATE", "seizure_date"),
        (1, "UNKNOWN_CODE", "country"),
        (1, "BAD_NUMBER", "lines.1.quantity"),
        (1, "BAD_NUMBER", "lines.2.quantity"),
    ]
    assert [problem.position for problem in mapped.problems] == [2] * 5
    assert values(mapped, "id") == ["good"]
    assert values(mapped, "quantity", "lines") == ["1.5"]
    assert values(mapped, ROW, "lines") == [0]
    assert mapped.rows.to_pylist() == [{ROW: 0, "rows": 1}, {ROW: 1, "rows": 1}]


def test_a_reason_names_the_source_the_value_and_what_to_do(world: World) -> None:
    mapped = world.run("id: {from: ref}\ncountry: {from: country, codes: country}", [{"ref": "a", "country": "ZZ"}])
    assert mapped.problems == [
        Problem(
            0, 1, "UNKNOWN_CODE", "country", "codes:country",
            'country: "ZZ" is not in codes/country.csv; add a row for it, or correct it at the source',
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        "{from: name}",
        "{concat: [ref, name]}",
        "{first_of: [name, ref]}",
        "{from: name, codes: country}",
        '{from: name, date: "%Y"}',
        '{from: name, number: "."}',
    ],
)
def test_what_is_made_of_a_personal_field_is_never_shown(world: World, rule: str) -> None:
    mapped = world.run(f"id: {{const: x}}\ncountry: {rule}", [{"name": "Canary Surname", "ref": "r"}])
    assert len(mapped.problems) == 1
    assert "Canary" not in mapped.problems[0].reason
    assert "<masked>" in mapped.problems[0].reason


def test_a_long_value_is_cut_in_a_reason(world: World) -> None:
    mapped = world.run("id: {from: ref}", [{"ref": "x" * 500}])
    assert mapped.problems[0].code == "TOO_LONG"
    assert len(mapped.problems[0].reason) < 200


def test_a_code_without_counterpart_is_absent_and_counted_and_held_only_where_required(world: World) -> None:
    rules = "id: {from: ref}\ncountry: {from: country, codes: country}"
    records = [{"ref": "a", "country": "XZ"}, {"ref": "b", "country": "XZ"}, {"ref": "c", "country": "TR"}]
    mapped = world.run(rules, records)
    assert values(mapped, "country") == [None, None, "TR"]
    assert mapped.filtered == {"country codes:country none": 2}
    world.schema("target", {"id*": TEXT, "country*": TEXT})
    mapped = world.run(rules, [*records, {"ref": "d"}])
    assert problems(mapped) == [
        (0, "NO_COUNTERPART", "country"),
        (1, "NO_COUNTERPART", "country"),
        (3, "MISSING", "country"),
    ]


def test_a_default_fills_what_is_absent_but_never_an_unknown_code(world: World) -> None:
    mapped = world.run(
        "id: {from: ref}\ncountry: {from: country, codes: country, default: FR}",
        [{"ref": "a"}, {"ref": "b", "country": "XZ"}, {"ref": "c", "country": "??"}],
    )
    assert values(mapped, "country") == ["FR", "FR"]
    assert problems(mapped) == [(2, "UNKNOWN_CODE", "country")]


def test_a_rule_with_a_condition_fills_only_where_it_holds_and_refuses_nothing_elsewhere(world: World) -> None:
    mapped = world.run(
        """
        id: {from: ref}
        seizure_date: {from: day, date: "%Y", when: {country: [TR, FR]}, default: "1900"}
        place: {const: sea, when: {port: present, place: absent}}
        """,
        [
            {"ref": "a", "day": "2020", "country": " TR ", "port": "x"},
            {"ref": "b", "day": "no year", "country": "DE", "port": "x", "place": "y"},
            {"ref": "c", "country": "FR"},
        ],
    )
    assert mapped.problems == []
    assert values(mapped, "seizure_date") == ["2020", None, "1900"]
    assert values(mapped, "place") == ["sea", None, None]


def test_blank_texts_are_absent(world: World) -> None:
    mapped = world.run(
        'id: {from: ref}\ncount: {from: port, number: ".", blank: ["0", "n/a"]}',
        [{"ref": "a", "port": " 0 "}, {"ref": "b", "port": "n/a"}, {"ref": "c", "port": "00"}],
    )
    assert values(mapped, "count") == [None, None, 0]


# --- lists -----------------------------------------------------------------------------------------------------------


GOODS = [
    {"kind": "a", "quantity": "14", "unit": "LB", "role": "in"},
    {"kind": "b", "quantity": "2", "unit": "KG", "role": "out"},
    {"kind": "c", "quantity": "", "unit": "", "role": "in"},
]


def test_entries_keep_their_order_and_are_counted_where_a_condition_leaves_them_out(world: World) -> None:
    mapped = world.run(
        """
        id: {from: ref}
        lines:
          each: goods
          when: {role: [in]}
          map:
            no: {index: 1}
            kind: {from: kind}
            of: {from: ^ref}
            quantity: {from: quantity, number: ".", unit: unit, codes: unit}
            unit: {from: unit, codes: unit}
        """,
        [{"ref": "r0", "goods": GOODS}, {"ref": "r1"}, {"ref": "r2", "goods": GOODS[1:]}],
    )
    assert mapped.problems == []
    assert mapped.batch.tables["lines"].to_pylist() == [
        {ROW: 0, INDEX: 0, "no": 1, "kind": "a", "quantity": "6.35029318", "unit": "KGM", "of": "r0"},
        {ROW: 0, INDEX: 1, "no": 2, "kind": "c", "quantity": None, "unit": None, "of": "r0"},
        {ROW: 2, INDEX: 0, "no": 1, "kind": "c", "quantity": None, "unit": None, "of": "r2"},
    ]
    assert mapped.filtered == {"lines when role in": 2}


def test_several_blocks_fill_one_list_in_their_order(world: World) -> None:
    mapped = world.run(
        """
        id: {from: ref}
        lines:
          - {each: ., when: {port: present}, map: {kind: {const: port}, of: {from: port}, no: {index: 0}}}
          - {each: goods, map: {kind: {from: kind}, no: {index: 0}}}
          - {each: ., when: {stops: present}, map: {kind: {const: stops}, no: {index: 0}}}
        """,
        [{"ref": "a", "port": "P", "goods": GOODS[:2], "stops": [{}]}, {"ref": "b", "goods": GOODS[:1]}],
    )
    lines = mapped.batch.tables["lines"].to_pylist()
    assert [(line[ROW], line[INDEX], line["no"], line["kind"], line["of"]) for line in lines] == [
        (0, 0, 0, "port", "P"),
        (0, 1, 1, "a", None),
        (0, 2, 2, "b", None),
        (0, 3, 3, "stops", None),
        (1, 0, 0, "a", None),
    ]
    assert mapped.filtered == {}


def test_a_problem_names_the_entry_in_the_target_list(world: World) -> None:
    mapped = world.run(
        """
        id: {from: ref}
        lines:
          - {each: ., map: {kind: {const: first}}}
          - {each: goods, when: {role: [in]}, map: {kind: {from: kind}, quantity: {from: quantity, number: ","}}}
        """,
        [{"ref": "a", "goods": [{"role": "out"}, {"role": "in", "quantity": "1"}, {"role": "in", "quantity": "1.5"}]}],
    )
    assert problems(mapped) == [(0, "BAD_NUMBER", "lines.2.quantity")]


def test_a_quantity_without_a_unit_or_with_an_odd_one_is_held(world: World) -> None:
    lines = [
        {"quantity": "1"}, {"quantity": "2", "unit": "BOX"}, {"quantity": "3", "unit": "STONE"},
        {"quantity": "4", "unit": "KG"},
    ]  # fmt: skip
    mapped = world.run(
        """
        id: {from: ref}
        lines: {each: goods, map: {quantity: {from: quantity, number: ".", unit: unit, codes: unit}}}
        """,
        [{"ref": "a", "goods": lines}],
    )
    assert problems(mapped) == [
        (0, "NO_UNIT", "lines.0.quantity"),
        (0, "NO_COUNTERPART", "lines.1.quantity"),
        (0, "UNKNOWN_CODE", "lines.2.quantity"),
    ]
    assert [problem.reason.partition(";")[0] for problem in mapped.problems] == [
        'quantity, unit: the quantity "1" has no unit in unit',
        'quantity, unit: "BOX": codes/unit.csv says that this unit has no counterpart',
        'quantity, unit: "STONE" is not in codes/unit.csv',
    ]


def test_a_block_refuses_nothing_where_its_condition_does_not_hold(world: World) -> None:
    mapped = world.run(
        """
        id: {from: ref}
        lines:
          - {each: ., when: {country: [TR]}, map: {quantity: {from: port, number: "."}}}
          - {each: goods, when: {role: [in]}, map: {quantity: {from: quantity, number: "."}}}
        """,
        [
            {"ref": "a", "country": "FR", "port": "no number", "goods": [{"role": "out", "quantity": "x"}]},
            {"ref": "b", "country": "TR", "port": "1", "goods": [{"role": "in", "quantity": "2"}]},
        ],
    )
    assert mapped.problems == []
    assert values(mapped, "quantity", "lines") == ["1", "2"]


def test_a_required_list_without_an_entry_holds_the_record(world: World) -> None:
    lines = item(kind=TEXT)
    world.schema("target", {"id*": TEXT, "lines*": {**lines, "minItems": 1}})
    mapped = world.run(
        "id: {from: ref}\nlines: {each: goods, when: {role: [in]}, map: {kind: {from: kind}}}",
        [{"ref": "a", "goods": GOODS}, {"ref": "b", "goods": GOODS[1:2]}, {"ref": "c"}],
    )
    assert problems(mapped) == [(1, "MISSING", "lines"), (2, "MISSING", "lines")]
    assert values(mapped, "id") == ["a"]


STOPS = [{"country": "TR", "role": "from"}, {"country": "FRA", "role": "via"}, {"country": "ZZ", "role": "to"}]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{from: stops.country, take: first, codes: country, when: {stops.role: [from]}}", "TR"),
        ("{from: stops.country, take: last, codes: country, when: {stops.role: [from, via]}}", "FR"),
        ("{from: stops.country, take: only, codes: country, when: {stops.role: [via]}}", "FR"),
        ("{from: stops.country, take: first, codes: country, when: {stops.role: [none]}}", None),
    ],
)
def test_a_record_takes_one_value_of_a_list(world: World, rule: str, expected: str | None) -> None:
    mapped = world.run(f"id: {{from: ref}}\ncountry: {rule}", [{"ref": "x"}, {"ref": "a", "stops": STOPS}])
    assert mapped.problems == []
    assert values(mapped, "country") == [None, expected]


@pytest.mark.parametrize(
    ("take", "text", "expected"),
    [
        ("first", "TR>FRA>FRA", "TR"),
        ("last", "TR > FRA>", "FR"),
        ("only", " FRA ", "FR"),
        ("first", " > ", None),
    ],
)
def test_a_record_takes_one_part_of_a_text(world: World, take: str, text: str, expected: str | None) -> None:
    """The way back says what was lost, and nothing where one part is all there is."""
    why = "" if take == "only" else ", one_way: the countries between are not told"
    rules = f'id: {{from: ref}}\ncountry: {{from: place, split: ">", take: {take}, codes: country{why}}}'
    mapped = world.run(rules, [{"ref": "x"}, {"ref": "a", "place": text}])
    assert mapped.problems == []
    assert values(mapped, "country") == [None, expected]


def test_a_field_that_takes_all_parts_does_not_choose_one(world: World) -> None:
    world.write('id: {from: ref}\nsigns: {from: place, split: ";", take: first}')
    (said,) = [one.message for one in check(world.load()) if one.code == "M014"]
    assert said == "signs: take chooses one of the parts, and the field takes all of them. Delete take:."


def test_a_part_that_no_list_knows_and_several_where_one_is_meant_hold_the_record(world: World) -> None:
    rules = 'id: {from: ref}\ncountry: {from: place, split: ">", take: only, codes: country}'
    mapped = world.run(rules, [{"ref": "a", "place": "TR>FRA"}, {"ref": "b", "place": "TR>XX"}])
    assert problems(mapped) == [(0, "SEVERAL", "country"), (1, "UNKNOWN_CODE", "country")]


def test_several_values_where_one_is_meant_hold_the_record(world: World) -> None:
    mapped = world.run("id: {from: ref}\nplace: {from: stops.country, take: only}", [{"ref": "a", "stops": STOPS}])
    assert problems(mapped) == [(0, "SEVERAL", "place")]


def test_values_are_joined_split_and_gathered_into_lists(world: World) -> None:
    mapped = world.run(
        """
        id: {from: ref}
        text: {from: stops.country, join: " > ", when: {port: present}}
        signs: {from: place, split: ";", text: upper}
        place: {from: signs, join: "+"}
        lines: {each: goods, map: {kind: {from: marks, join: "/"}, of: {from: ^stops.country, join: "-"}}}
        """,
        [
            {
                "ref": "a", "port": "p", "stops": STOPS, "place": "x; y ;", "signs": ["1", "2"],
                "goods": [{"marks": ["m", "n"]}, {}],
            },
            {"ref": "b", "stops": STOPS, "signs": [], "goods": [{}]},
        ],
    )  # fmt: skip
    assert mapped.problems == []
    assert values(mapped, "text") == ["TR > FRA > ZZ", None]
    assert values(mapped, "signs") == [["X", "Y"], None]
    assert values(mapped, "place") == ["1+2", None]
    assert values(mapped, "kind", "lines") == ["m/n", None, None]
    assert values(mapped, "of", "lines") == ["TR-FRA-ZZ"] * 3


def test_lists_inside_entries_are_gathered_for_the_record(world: World) -> None:
    goods = [
        {"marks": ["m", "n"], "role": "in"},
        {"role": "in"},
        {"marks": ["o"], "role": "out"},
        {"marks": ["p"], "role": "in"},
    ]
    mapped = world.run(
        "id: {from: ref}\nsigns: {from: goods.marks, text: upper, when: {goods.role: [in]}}",
        [{"ref": "a"}, {"ref": "b", "goods": goods}, {"ref": "c", "goods": [{"marks": ["q"], "role": "in"}]}],
    )
    assert values(mapped, "signs") == [None, ["M", "N", "P"], ["Q"]]


def test_a_bad_element_of_a_list_field_holds_the_record_once_for_each(world: World) -> None:
    world.schema("target", {"id*": TEXT, "signs": {"type": "array", "items": {"type": "string", "enum": ["A"]}}})
    mapped = world.run(
        "id: {from: ref}\nsigns: {from: signs}", [{"ref": "a", "signs": ["A", "B", "C"]}, {"ref": "b", "signs": ["A"]}]
    )
    assert problems(mapped) == [(0, "NOT_ALLOWED", "signs"), (0, "NOT_ALLOWED", "signs")]
    assert values(mapped, "signs") == [["A"]]


def test_a_condition_on_several_values_holds_if_one_does(world: World) -> None:
    mapped = world.run(
        "id: {from: ref}\ntext: {const: yes, when: {signs: [B]}}\nplace: {const: yes, when: {stops.country: [ZZ]}}",
        [{"ref": "a", "signs": ["A", "B"]}, {"ref": "b", "stops": STOPS}],
    )
    assert values(mapped, "text") == ["yes", None]
    assert values(mapped, "place") == [None, "yes"]


# --- rows and records ------------------------------------------------------------------------------------------------


def test_rows_outside_the_scope_are_told_with_the_rule(world: World) -> None:
    mapped = world.run(
        "id: {from: ref}",
        [{"ref": "a", "port": "S"}, {"ref": "b", "port": "C"}, {"ref": "c", "port": "S", "place": "x"}, {"ref": "d"}],
        "scope: {port: [S, R], place: absent}",
    )
    assert values(mapped, "id") == ["a"]
    assert mapped.out_of_scope.to_pylist() == [
        {ROW: 1, POSITION: 2, "rule": "scope.port"},
        {ROW: 2, POSITION: 3, "rule": "scope.place"},
        {ROW: 3, POSITION: 4, "rule": "scope.port"},
    ]
    assert mapped.rows.to_pylist() == [{ROW: 0, "rows": 1}]


FLAT = {"ref": TEXT, "place": TEXT, "kind": TEXT, "quantity": TEXT}


def test_rows_with_one_key_are_one_record_with_lines(tmp_path: Path) -> None:
    world = World(tmp_path, FLAT, TARGET)
    mapped = world.run(
        """
        id: {from: ref}
        place: {from: place}
        lines:
          each: lines
          map:
            no: {index: 1}
            kind: {from: kind}
            of: {from: ^place}
            quantity: {from: quantity, number: "."}
        """,
        [
            {"ref": "b", "place": "P", "kind": "1", "quantity": "1"},
            {"ref": "a", "kind": "2", "quantity": "2"},
            {"ref": "b", "kind": "3", "quantity": "3"},
            {"ref": "a", "place": "Q", "kind": "4", "quantity": "x"},
            {"ref": " ", "place": "R", "kind": "5"},
        ],
        "group_by: {key: [ref], conflict: hold}",
    )
    assert values(mapped, "id") == ["b"]
    assert values(mapped, "place") == ["P"]
    assert [(line["no"], line["kind"], line["of"]) for line in mapped.batch.tables["lines"].to_pylist()] == [
        (1, "1", "P"),
        (2, "3", "P"),
    ]
    assert [(p.row, p.position, p.code, p.field) for p in mapped.problems] == [
        (1, 4, "BAD_NUMBER", "lines.1.quantity"),
        (4, 5, "MISSING", "id"),
        (4, 5, "MISSING", ""),
    ]
    assert mapped.rows.to_pylist() == [{ROW: 0, "rows": 2}, {ROW: 1, "rows": 2}, {ROW: 4, "rows": 1}]


@pytest.mark.parametrize(("conflict", "held"), [("hold", [(0, "HEADER_CONFLICT", "place")]), ("first", [])])
def test_rows_that_differ_in_a_field_of_the_record_are_held_or_the_first_stands(
    tmp_path: Path, conflict: str, held: list[tuple[int, str, str]]
) -> None:
    world = World(tmp_path, FLAT, TARGET)
    records = [{"ref": "a"}, {"ref": "a", "place": "P"}, {"ref": "a", "place": "Q"}, {"ref": "b", "place": "P"}]
    mapped = world.run(
        "id: {from: ref}\nplace: {from: place}", records, f"group_by: {{key: [ref], conflict: {conflict}}}"
    )
    assert problems(mapped) == held
    assert values(mapped, "place") == (["P"] if held else ["P", "P"])


@pytest.mark.parametrize(("twins", "held"), [("hold", [(0, "TWIN_ROWS", "")]), ("keep", [])])
def test_rows_that_are_the_same_in_every_column_are_held_or_are_lines_of_their_own(
    tmp_path: Path, twins: str, held: list[tuple[int, str, str]]
) -> None:
    """A column that no rule reads tells twins apart, too; and rows of two records are none."""
    world = World(tmp_path, FLAT, TARGET)
    twice = {"ref": "a", "kind": "1", "quantity": "5"}
    other = [{"ref": "b", "kind": "1", "quantity": "5"}, {"ref": "b", "kind": "1", "quantity": "6"}]
    mapped = world.run(
        "id: {from: ref}\nlines: {each: lines, map: {kind: {from: kind}}}", [twice, *other, twice],
        f"group_by: {{key: [ref], conflict: hold, twins: {twins}}}",
    )  # fmt: skip
    assert problems(mapped) == held
    assert values(mapped, "id") == (["b"] if held else ["a", "b"])


def test_a_field_that_no_rule_reads_cannot_conflict(tmp_path: Path) -> None:
    world = World(tmp_path, FLAT, TARGET)
    records = [{"ref": "a", "kind": "1"}, {"ref": "a", "kind": "2"}]
    mapped = world.run("id: {from: ref}", records, "group_by: {key: [ref], conflict: hold}")
    assert mapped.problems == []


def test_a_hash_with_occurrence_tells_equal_rows_apart_by_their_order(tmp_path: Path) -> None:
    world = World(tmp_path, FLAT, TARGET)
    same = {"ref": "a", "place": "P"}
    rules = 'id: {hash: {of: "*", occurrence: true}}'
    ids = values(world.run(rules, [same, {"ref": "b"}, same, same]), "id")
    assert len(set(ids)) == 4
    assert world.load().grouped
    again = values(world.run(rules, [same, same, same, {"ref": "b"}]), "id")
    assert again == [ids[0], ids[2], ids[3], ids[1]]


def test_a_hash_over_named_fields_looks_at_nothing_else(tmp_path: Path) -> None:
    world = World(tmp_path, FLAT, TARGET)
    ids = values(
        world.run("id: {hash: {of: [ref, place]}}", [{"ref": "a", "kind": "1"}, {"ref": "a", "kind": "2"}]), "id"
    )
    assert ids[0] == ids[1]
    assert not world.load().grouped


# --- code rows that hold for a time ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2024-12-31", "old"),
        ("2025-01-01", "new"),
        ("2024", "old"),
        ("2025-06", "new"),
        ("2023-12-31", None),
        ("2023", None),
        ("", None),
    ],
)
def test_the_event_date_chooses_among_code_rows(world: World, day: str, expected: str | None) -> None:
    world.codes(
        "kind", "k,old,renamed,,office,2026-01-31,2024-01-01,2024-12-31", "k,new,renamed,,office,2026-01-31,2025-01-01,"
    )
    mapped = world.run(
        """
        id: {from: ref}
        seizure_date: {from: day, date: iso}
        lines: {each: goods, map: {kind: {from: kind, codes: kind}}}
        """,
        [{"ref": "a", "day": day, "goods": [{"kind": "k"}]}],
    )
    assert values(mapped, "kind", "lines") == ([expected] if expected else [])
    assert problems(mapped) == ([] if expected else [(0, "UNKNOWN_CODE", "lines.0.kind")])


def test_another_field_may_tell_the_day_of_the_event(world: World) -> None:
    world.codes("kind", "k,old,renamed,,office,2026-01-31,,2024-12-31", "k,new,renamed,,office,2026-01-31,2025-01-01,")
    mapped = world.run(
        "id: {from: ref}\ntext: {from: port, codes: kind}",
        [{"ref": "a", "day": day, "port": "k"} for day in ("2024-05", "2025", "abcdefg", "2025-13", "")],
        "codes_on: day",
    )
    assert values(mapped, "text") == ["old", "new"]
    assert problems(mapped) == [(row, "UNKNOWN_CODE", "text") for row in (2, 3, 4)]


def test_an_event_known_to_the_year_is_held_where_rows_change_within_it(world: World) -> None:
    world.codes("kind", "k,old,renamed,,office,2026-01-31,,2024-06-30", "k,new,renamed,,office,2026-01-31,2024-07-01,")
    mapped = world.run(
        "id: {from: ref}\nseizure_date: {from: day, date: iso}\ntext: {from: port, codes: kind}",
        [{"ref": "a", "day": "2024", "port": "k"}, {"ref": "b", "day": "2024-06", "port": "k"}],
    )
    assert problems(mapped) == [(0, "UNKNOWN_CODE", "text")]
    assert values(mapped, "text") == ["old"]


# --- batches as they come --------------------------------------------------------------------------------------------


def test_columns_with_types_are_read_as_their_canonical_text(world: World) -> None:
    world.schema("source", {"ref": TEXT, "n": {"type": "integer"}, "b": {"type": "boolean"}})
    mapped = world.run(
        "id: {from: n}\ncount: {from: n}\nflag: {from: b}\ntext: {from: b}",
        [{"n": 7, "b": True}, {"n": -1, "b": False}],
    )
    assert values(mapped, "id") == ["7", "-1"]
    assert values(mapped, "count") == [7, -1]
    assert values(mapped, "flag") == [True, False]
    assert values(mapped, "text") == ["true", "false"]


@pytest.mark.parametrize(
    ("text", "several"),
    [
        (pa.large_string(), pa.large_list(pa.large_string())),
        (pa.string_view(), pa.list_(pa.string_view())),
        (pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.string())),
        (pa.string(), pa.null()),
    ],
)
def test_columns_of_any_kind_of_text_are_read(world: World, text: pa.DataType, several: pa.DataType) -> None:
    world.write("id: {from: ref, when: {port: absent}}\nsigns: {from: signs}\ntext: {from: signs, join: '+'}")
    signs = [None, None] if pa.types.is_null(several) else [["a", "b"], None]
    root = pa.table({ROW: pa.array([0, 1]), "ref": pa.array(["x", "y"]).cast(text), "signs": pa.array(signs, several)})
    mapped = forward(world.load(), Batch({ROOT: root}, "x", "0"))
    assert values(mapped, "id") == ["x", "y"]
    assert values(mapped, "signs") == ([None, None] if pa.types.is_null(several) else [["a", "b"], None])
    assert mapped.batch.root.schema.field("signs").type == pa.list_(pa.string())


def test_missing_columns_and_tables_are_absent_values(world: World) -> None:
    world.write(
        "id: {from: ref}\nplace: {from: place}\nsigns: {from: signs}\nlines: {each: goods, map: {kind: {from: kind}}}"
    )
    root = pa.table({ROW: pa.array([5, 7]), "ref": ["a", "b"]})
    mapped = forward(world.load(), Batch({ROOT: root}, "x", "0"))
    assert mapped.problems == []
    assert mapped.batch.root.to_pylist()[1][ROW] == 7
    assert values(mapped, "place") == [None, None]
    assert values(mapped, POSITION) == [None, None]


def test_a_record_with_a_problem_from_reading_is_left_out_and_its_problem_comes_first(world: World) -> None:
    world.write("id: {from: ref}")
    mapping = world.load()
    batch = batch_of([{"ref": "a"}, {"ref": "b"}, {}], mapping.source_shape, "x")
    read = Problem(1, 2, "DUPLICATE", "ref", "xml", "it stands twice; correct it")
    mapped = forward(mapping, Batch(batch.tables, "x", "0", (read,)))
    assert problems(mapped) == [(1, "DUPLICATE", "ref"), (2, "MISSING", "id")]
    assert values(mapped, "id") == ["a"]
    assert mapped.batch.problems == ()
    assert mapped.rows.num_rows == 3


def test_an_empty_batch_gives_empty_tables(world: World) -> None:
    mapped = world.run("id: {from: ref}\nlines: {each: goods, map: {kind: {from: kind}}}", [])
    assert len(mapped.batch) == 0
    assert mapped.problems == []
    assert mapped.rows.num_rows == 0
    assert mapped.out_of_scope.num_rows == 0


def test_entries_may_stand_in_any_order_of_records(world: World) -> None:
    world.write("id: {from: ref}\nlines: {each: goods, map: {kind: {from: kind}}}\ntext: {from: goods.kind, join: ','}")
    mapping = world.load()
    root = pa.table({ROW: pa.array([0, 1]), "ref": ["a", "b"]})
    goods = pa.table({ROW: pa.array([1, 0, 1]), INDEX: pa.array([0, 0, 1]), "kind": ["b0", "a0", "b1"]})
    mapped = forward(mapping, Batch({ROOT: root, "goods": goods}, "x", "0"))
    assert values(mapped, "kind", "lines") == ["a0", "b0", "b1"]
    assert values(mapped, INDEX, "lines") == [0, 0, 1]
    assert values(mapped, "text") == ["a0", "b0,b1"]


def test_two_mappings_in_one_process_share_nothing(tmp_path: Path) -> None:
    one = World(tmp_path / "one", FLAT, TARGET)
    two = World(tmp_path / "two", FLAT, TARGET)
    one.codes("c", "a,ONE,exact")
    two.codes("c", "a,TWO,exact")
    rules = "id: {from: ref, codes: c}"
    assert values(one.run(rules, [{"ref": "a"}]), "id") == ["ONE"]
    assert values(two.run(rules, [{"ref": "a"}]), "id") == ["TWO"]
    assert values(one.run(rules, [{"ref": "a"}]), "id") == ["ONE"]
