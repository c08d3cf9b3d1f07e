"""Code lists: every one of this repository is sound, and its meta schema says what the engine enforces."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema
import pytest

from bridge.content import Content
from bridge.mapping.codes import COLUMNS, Code, code_step, read_codes, read_lookup
from bridge.mapping.rules import Refused
from tests.mapping.world import TEXT, World

CONTENT = Content((Path(__file__).resolve().parents[2],))
META = json.loads(CONTENT.path("schemas/meta/codes.json").read_bytes())
ROWS = jsonschema.Draft202012Validator(META)
LISTS = sorted(path.stem for path in (CONTENT.roots[0] / "mappings" / "codes").glob("*.csv"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"a": TEXT}, {"b": TEXT})


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_this_repository_is_sound(name: str) -> None:
    with CONTENT.path(f"mappings/codes/{name}.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    if reader.fieldnames is None or tuple(reader.fieldnames) != COLUMNS:
        assert "source" in (reader.fieldnames or ())
        return
    codes = read_codes(CONTENT, name)
    assert codes is not None
    assert codes.faults == ()
    assert sum(map(len, codes.rows.values())) == len(rows) > 0
    assert [error.message for row in rows for error in ROWS.iter_errors(row)] == []


GOOD = "KG,KGM,exact,,office,2026-01-31,,"


@pytest.mark.parametrize(
    ("row", "sound"),
    [
        (GOOD, True),
        ("LB,KGM,unit:0.45359237,,office,2026-01-31,,", True),
        ("X,,none,no counterpart,office,2026-01-31,2020-01-01,2020-12-31", True),
        ("X,Y,broader,all of it,office,2026-01-31,,", True),
        ("X,Y,broader,,office,2026-01-31,,", False),
        ("X,Y,none,because,office,2026-01-31,,", False),
        ("X,,none,,office,2026-01-31,,", False),
        ("X,,exact,,office,2026-01-31,,", False),
        (" ,Y,exact,,office,2026-01-31,,", False),
        ("X,Y,similar,,office,2026-01-31,,", False),
        ("X,Y,unit:,,office,2026-01-31,,", False),
        ("X,Y,unit:0,,office,2026-01-31,,", False),
        ("X,Y,unit:-1,,office,2026-01-31,,", False),
        ("X,Y,unit:1e3,,office,2026-01-31,,", False),
        ("X,Y,exact,,,2026-01-31,,", False),
        ("X,Y,exact,,office,,,", False),
        ("X,Y,exact,,office,31.01.2026,,", False),
        ("X,Y,exact,,office,2026-01-31,2026,", False),
        ("X,Y,exact,,office,2026-01-31,,2026-13-01", False),
    ],
)
def test_the_engine_and_the_meta_schema_judge_a_row_alike(world: World, row: str, sound: bool) -> None:
    world.codes("one", row)
    codes = read_codes(world.content, "one")
    assert codes is not None
    assert (codes.faults == ()) is sound
    assert ROWS.is_valid(dict(zip(COLUMNS, row.split(","), strict=True))) is sound


def test_a_code_is_found_without_its_outer_white_space_and_case_counts(world: World) -> None:
    world.codes("one", " kg ,KGM,exact")
    codes = read_codes(world.content, "one")
    assert codes is not None
    step = code_step(codes)
    assert step("\tkg\n", None) == "KGM"
    assert isinstance(step("KG", None), Refused)


def test_rows_of_one_code_follow_one_another_in_time(world: World) -> None:
    review = "office,2026-01-31"
    world.codes(
        "one", f"k,new,renamed,,{review},2021-01-01,", f"k,old,renamed,,{review},,2020-12-31", f"s,S,exact,,{review},,"
    )
    codes = read_codes(world.content, "one")
    assert codes is not None
    assert codes.dated
    found = [codes.row("k", day) for day in ("1990", "2020-12-31", "2021-01", "2030-05-05")]
    assert [one.target for one in found if isinstance(one, Code)] == ["old", "old", "new", "new"]
    assert isinstance(codes.row("k", None), Refused)
    assert isinstance(codes.row("s", None), Code)


def test_a_change_of_the_file_is_seen(world: World) -> None:
    world.codes("one", "a,b,exact")
    before = read_codes(world.content, "one")
    world.codes("one", "a,b,exact", "c,d,exact")
    after = read_codes(world.content, "one")
    assert before is not None
    assert after is not None
    assert (list(before.rows), list(after.rows)) == (["a"], ["a", "c"])


def test_a_list_that_is_not_there_is_none(world: World) -> None:
    assert read_codes(world.content, "gone") is None
    assert read_lookup(world.content, "gone.column") is None


def test_a_look_up_gives_one_column_and_an_empty_cell_is_absent(world: World) -> None:
    world.codes("place", "IZM,TRIZM,Izmir", "XXX,,nowhere", headings="source,code,name")
    mapped = world.run("b: {from: a, lookup: place.code}", [{"a": " IZM "}, {"a": "XXX"}, {"a": "?"}])
    assert mapped.batch.root.column("b").to_pylist() == ["TRIZM", None]
    assert [(problem.code, problem.rule) for problem in mapped.problems] == [("UNKNOWN_CODE", "lookup:place.code")]


def test_a_look_up_with_two_rows_for_a_name_is_at_fault(world: World) -> None:
    world.codes("place", "a,1", "a,2", headings="source,code")
    table = read_lookup(world.content, "place.code")
    assert table is not None
    assert [(fault.code, fault.line) for fault in table.faults] == [("M022", 3)]
