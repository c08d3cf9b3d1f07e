"""What a sample shows and bridge new must not write: first records, keys that are values, values that are no codes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import openpyxl
import pytest

from bridge.authoring import evidence
from bridge.authoring.creating import create, given_by
from bridge.authoring.drafting import Draft
from bridge.authoring.invented import invented
from bridge.authoring.newsource import draft_source
from bridge.authoring.sample import Column, read_sample
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.mapping import load
from bridge.shape import Field
from bridge.shapes import assigned_fields, read_shape
from tests.commands.conftest import Bridge

COMMON = "common/seizure.json"
RECORDS = [
    ["HV-2026-1", "2026-03-02", "Jan Fictief", "BE", "12.5"],
    ["HV-2026-2", "2026-03-05", "Piet Bedacht", "NL", "3"],
]
SECRETS = ("Fictief", "Bedacht", "HV-2026", "jan@office.example", "Anna", "Zoe")


def said(root: Path) -> str:
    """Everything that stands below the root."""
    return b"".join(one.read_bytes() for one in root.rglob("*") if one.is_file()).decode()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_without_a_header_is_refused_and_no_value_is_told(
    kind: str, root: Path, tmp_path: Path, bridge: Bridge
) -> None:
    path = tmp_path / f"bare.{kind}"
    if kind == "csv":
        path.write_text("\n".join(",".join(row) for row in RECORDS), encoding="utf-8")
    else:
        book = openpyxl.Workbook()
        page = book.create_sheet("List", 0)
        for row in RECORDS:
            page.append(row)
        book.save(path)
    told = bridge("new", "source", "bare", "--sample", str(path), code=2)
    assert "NO_HEADER" in told
    assert "Does the system send a header?" in told
    assert not [secret for secret in SECRETS if secret in told]
    assert said(root) == ""


@pytest.mark.parametrize(
    ("lines", "cell"),
    [
        ("ref,02/03/2026\nA1,04/05/2026\nA2,05/06/2026", 2),
        ("ref,5 Jul 2026\nA1,6 Jul 2026", 2),
        ("ref,12.5\nA1,13\nA2,14", 2),
        ("ref,jan@office.example\nA1,x\nA2,y", 2),
        ("ref,+32 475 12 34 56\nA1,x\nA2,y", 2),
        ("HV-2026-17,place\nHV-2026-1017,Port\nHV-2026-18,Post", 1),
        ("Anna Fictief,BE\nJan Bedacht,NL\nPiet Bedacht,FR", 1),
        ("Anna,BE,BE\nJan,NL,FR", 1),
    ],
)
def test_a_first_line_that_is_a_record_is_refused(lines: str, cell: int, tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(Misconfigured, match="NO_HEADER") as refused:
        read_sample(path)
    assert f"cell {cell} of" in refused.value.what
    assert not [secret for secret in (*SECRETS, "BE") if secret in str(refused.value)]


@pytest.mark.parametrize(
    "lines",
    [
        "UOM,CUR,QTY\nKGM,EUR,12\nLTR,USD,13",
        "Name,Country,Product\nJan,France,Heroin\nPiet,Spain,Cocaine",
        "HS6,unit,seizure date\n240220,unit,2026-01-02\n240230,kg,2026-01-03",
    ],
)
def test_a_header_that_looks_like_its_values_is_one_where_something_shows_it(lines: str, tmp_path: Path) -> None:
    path = tmp_path / "sound.csv"
    path.write_text(lines, encoding="utf-8")
    assert [column.path for column in read_sample(path).columns] == lines.partition("\n")[0].split(",")


def test_names_that_stand_twice_in_a_header_are_told_by_their_places(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("date,Anna,Anna\n2026-01-02,x,y\n2026-01-03,x,y", encoding="utf-8")
    with pytest.raises(Misconfigured, match="columns 2, 3 of the header") as refused:
        read_sample(path)
    assert "Anna" not in str(refused.value)


KEYED = (
    [{"HV-2026-1": {"date": "x", "place": "y"}, "HV-2026-2": {"date": "x", "place": "y"}}],
    [{"Anna Fictief": {"age": 4}, "Jan Bedacht": {"age": 5}}],
    [{"ref": "a", "by": {"Anna": {"age": 4}}}, {"ref": "b", "by": {"Zoe": {"age": 4, "sex": "F"}}}],
    [{"ref": "a", "by": {"Anna": [{"age": 4}]}}, {"ref": "b", "by": {"Zoe": [{"age": 4}]}}],
    [{"ref": "a", "by": {"Anna": 1, "Zoe": 2}}, {"ref": "b", "by": {"Bedacht": 1, "Fictief": 2}}],
    [{"ref": "a", "by": {"jan@office.example": 1}}],
    [{"ref": "a", "on": {"2026-01-02": {"n": 1}}}],
)


@pytest.mark.parametrize("records", KEYED)
def test_objects_keyed_by_data_are_refused_and_no_key_is_told(
    records: list[object], root: Path, tmp_path: Path, bridge: Bridge
) -> None:
    path = tmp_path / "keyed.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    told = bridge("new", "source", "keyed", "--sample", str(path), code=2)
    assert "KEYED_BY_DATA" in told
    assert not [secret for secret in (*SECRETS, "2026") if secret in told]
    assert said(root) == ""


def test_objects_of_one_shape_with_names_of_their_own_are_read(tmp_path: Path) -> None:
    path = tmp_path / "route.jsonl"
    way = {"from": {"country": "NL", "place": "x"}, "to": {"country": "GB", "place": "y"}}
    records = [{"ref": "a", "way": way}, {"ref": "b", "way": way | {"via": {"country": "BE", "place": "z"}}}]
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    assert "way.via.place" in [column.path for column in read_sample(path).columns]


def drafted(path: Path, name: str = "some") -> Draft:
    """What is drafted from a sample, before it is written."""
    content = Content.find()
    return draft_source(name, read_sample(path), content, read_shape(content, COMMON), assigned_fields(content, COMMON))


def test_only_codes_and_known_words_come_into_a_code_list(root: Path, tmp_path: Path) -> None:
    """A remark and a name in a column of codes, and a column of names that a header calls codes."""
    path = tmp_path / "codes.csv"
    rows = [["ref", "seizure date", "country", "transport mode", "concealment"]]
    seen = [*["Truck"] * 3, *["Carriole"] * 2, "Airplane", "ask Jan Bedacht of the night shift", *["Q7"] * 2, "Zoe"]
    people = [*["Anna Fictief"] * 4, *["Jan Bedacht"] * 4, *["Zoe"] * 2]
    rows += [[f"R-{n}", f"2026-01-{n + 13}", "FR", mode, people[n]] for n, mode in enumerate(seen)]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    create(Content.find(), "source", "some", given_by("", str(path), "", "", "some"))
    lists = {one.stem: one.read_text(encoding="utf-8") for one in root.glob("mappings/codes/*.csv")}
    assert [line.split(",")[0] for line in lists["some_conveyance"].splitlines()] == [
        "source", "Truck", "Carriole", "Q7", "Airplane",
    ]  # fmt: skip
    assert lists["some_concealment"].count("\n") == 1
    assert not [secret for secret in SECRETS if secret in said(root)]
    asked = [one for one in drafted(path).questions if "are known to no list" in one]
    assert ["2 of 6 distinct values" in one or "3 of 3 distinct values" in one for one in asked] == [True, True]
    mapping = load(Content.find(), "some", "collect")
    assert mapping.faults == ()


def test_the_sample_holds_no_value_that_is_only_seen(root: Path, tmp_path: Path) -> None:
    """The most frequent value of a coded column is no known code: it is not the sample's."""
    path = tmp_path / "often.csv"
    rows = "".join(f"R-{n},2026-01-{n + 13},FR,{'ZQX' if n % 3 else 'Truck'}\n" for n in range(9))
    path.write_text("ref,seizure date,country,transport mode\n" + rows, encoding="utf-8")
    create(Content.find(), "source", "often", given_by("", str(path), "", "", "often"))
    sample = (root / "mappings/often/samples/invented.csv").read_text(encoding="utf-8")
    assert "ZQX" not in sample
    assert sample.splitlines()[1].endswith(",Truck")


def test_of_several_known_codes_in_a_cell_the_sample_takes_one() -> None:
    several = Column(Field("", "countries"), ["NL;FR", "BE"], 2)
    assert invented(several, {"from": "countries", "split": ";", "codes": "country"}, {}) == "NL"


@pytest.mark.parametrize(
    ("values", "named"),
    [(["Anna", "Zoe", "Jan"], False), (["Jan 1", "Jan 2", "Jan 4"], False), (["K7", "K9", "K4"], True)],
)
def test_a_column_of_names_does_not_name_the_record(values: list[str], named: bool, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "who.csv"
    path.write_text(
        "xyzzy,seizure date,country\n" + "".join(f"{one},2026-01-1{n},FR\n" for n, one in enumerate(values)),
        encoding="utf-8",
    )
    made = drafted(path)
    assert ("xyzzy" in made.classes, "hash" in made.rules["origin_record_id"]) == (named, not named)


@pytest.mark.parametrize(
    ("values", "mark"),
    [
        (["1.234", "950000", "12"], "."),
        (["1,234", "950000", "12"], ","),
        (["1.234", "12", "n/a", *["7"] * 18], "."),
    ],
)
def test_a_mark_that_no_value_explains_is_asked(values: list[str], mark: str) -> None:
    found = evidence.numbers(values)
    assert found is not None
    assert (found.decimal, found.thousands) == ("", mark)
    assert "1 of" in found.says


@pytest.mark.parametrize(
    ("values", "how"), [(["1.234", "950000", "12.5"], (".", "")), (["1.234", "950000", "1,5"], (",", "."))]
)
def test_one_value_that_can_be_read_one_way_speaks_for_all(values: list[str], how: tuple[str, str]) -> None:
    found = evidence.numbers(values)
    assert found is not None
    assert (found.decimal, found.thousands) == how
