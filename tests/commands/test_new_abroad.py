"""bridge new source with what other administrations send: their encodings, their words, several rows a case."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.authoring.encodings import decoded
from bridge.content import Content
from bridge.mapping import check, load
from bridge.mapping.model import Literal
from tests.commands.conftest import Bridge

HEADER = (
    "BrojPredmeta;Status;DatumOtkrivanja;CarinskiUred;VrstaPrevoza;Izmijenjeno;SifraRobe;Kolicina;JM;Prezime;"
    "DatumRođenja;Napomena"
)


def rows() -> list[str]:
    """Twenty cases of two goods lines, in the words of an office between the Una and the Drina; people are invented."""
    made = []
    for number in range(20):
        clock = f" 0{number % 10}:30" if number % 3 else ""
        case = f"PP-{number:03}/25;{'storniran' if number == 7 else 'aktivan'};{number + 1:02}.03.2025{clock}"
        person = f"Žunićak{chr(65 + number)};{number + 1:02}.07.{1950 + 2 * number}"
        for line, goods in enumerate(("HER;1,5;g", "CIG;2.000,5;libras")):
            note = "oduzeto" if line else "đak s čaršije"
            made.append(f"{case};BA0{number % 4};pješak;03.04.2025 10:00;{goods};{person};{note}")
    return made


@pytest.fixture
def told(root: Path, tmp_path: Path, bridge: Bridge) -> str:
    """What the command says of such a file; what it wrote stands below the root."""
    path = tmp_path / "predmeti.csv"
    path.write_bytes("\r\n".join([HEADER, *rows()]).encode("cp1250"))
    return bridge("new", "source", "ured", "--sample", str(path))


def rule(root: Path, field: str) -> str:
    text = (root / "mappings/ured/collect.yaml").read_text(encoding="utf-8")
    return next(line for line in text.splitlines() if line.lstrip().startswith(f"{field}:"))


def codes(root: Path, name: str) -> list[str]:
    return (root / f"mappings/codes/ured_{name}.csv").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("GP Bijača;Šabanagić;Đorđe", "cp1250"),
        ("Wręczył;Łódź;sprawę;zażalenie", "cp1250"),
        ("Świecko;Ilość;sprawę", "cp1250"),
        ("Manœuvre;Œuvres;fœtus;bœuf", "cp1252"),
        ("Coruña;São Paulo;Genève;Müller", "cp1252"),
        ("Gümrük;dağ;şüpheli;İzmir", "cp1254"),
        ("Ægir;Sæmundur;Þórður", "cp1252"),
        ("Пиштољ;Цигарете;Граница", "cp1251"),
    ],
)
def test_an_encoding_is_told_by_the_letters_that_stand_together(text: str, encoding: str) -> None:
    read, name, said, question = decoded(text.encode(encoding))
    assert (read, name) == (text, encoding)
    assert said.startswith(f"encoding {encoding}: byte 0x")
    assert bool(question) == (encoding != "cp1252")


def test_what_the_office_says_in_its_own_words_is_understood(root: Path, told: str) -> None:
    assert "encoding: is the file written in cp1250" in told
    assert rule(root, "encoding") == "  encoding: cp1250"
    assert "12 columns, 9 used" in told
    assert "{from: BrojPredmeta, " in rule(root, "origin_record_id")
    assert "{from: VrstaPrevoza, codes: ured_conveyance" in rule(root, "transport_mode")
    assert 'from: DatumOtkrivanja, date: ["%d.%m.%Y %H:%M", "%d.%m.%Y"]' in rule(root, "seizure_date")
    # What it loses is said although it was also asked which zone the clocks of another column show.
    assert 'one_way: "the time of the day is left out"' in rule(root, "seizure_date")
    assert "Izmijenjeno: which zone do its clocks show?" in told
    assert "storniran,CANCELLED,alias,seen 2 times; by its word,,,," in codes(root, "record_status")
    # A unit of another size comes with its factor.
    assert "libras,KGM,unit:0.45359237,seen 20 times; as LBR,,,," in codes(root, "unit")
    assert "g,GRM,alias,seen 20 times; by its word,,,," in codes(root, "unit")


def test_rows_that_agree_but_in_their_goods_are_lines_of_one_record_and_persons_stay_out(
    root: Path, told: str, bridge: Bridge
) -> None:
    mapping = load(Content.find(), "ured", "collect")
    assert mapping.spec.group is not None
    group = mapping.spec.group
    assert (group.key, group.conflict, group.twins) == (("BrojPredmeta",), "hold", "hold")
    assert next(block for block in mapping.spec.blocks if block.list == "goods").each == "lines"
    assert "it differs between the lines of a record, and the record has comment once" in rule(root, "Napomena"), told
    marked = "group_by: {key: [BrojPredmeta], conflict: hold, twins: hold, suggested: "
    assert rule(root, "group_by").startswith(marked)
    bridge("confirm", "ured", "group_by")
    assert rule(root, "group_by") == "group_by: {key: [BrojPredmeta], conflict: hold, twins: hold}"
    written = b"".join(one.read_bytes() for one in root.rglob("*") if one.is_file()).decode() + told
    for value in ("Žunićak", "1950", "1988", "čaršije"):
        assert value not in written
    mapping = load(Content.find(), "ured", "collect")
    persons = {one.name for one in mapping.source_shape if one.cls == "person"}
    assert persons == {"Prezime", "DatumRođenja"}


def test_rows_that_differ_in_the_day_are_no_lines(root: Path, tmp_path: Path, bridge: Bridge) -> None:
    """They may be versions of one record, so a person is asked."""
    path = tmp_path / "versions.csv"
    lines = [f"A{number // 2};{number + 10}.03.2025;COCAINE;{number + 1}" for number in range(8)]
    path.write_text("\n".join(["case number;seizure date;goods;quantity", *lines]))
    told = bridge("new", "source", "ured", "--sample", str(path))
    assert "case number: 4 values on 8 rows: are rows with the same value lines of one record?" in told
    assert load(Content.find(), "ured", "collect").spec.group is None


def test_days_of_birth_never_fill_the_day_of_the_seizure(root: Path, tmp_path: Path, bridge: Bridge) -> None:
    """Also where their header says nothing known, and where no other column has days."""
    path = tmp_path / "births.csv"
    lines = [f"A{number};{number + 10}.03.{1950 + 2 * number};FR" for number in range(20)]
    path.write_text("\n".join(["case number;datum x;country", *lines]))
    told = bridge("new", "source", "ured", "--sample", str(path))
    assert "no column looked like the day of the seizure" in told
    mapping = load(Content.find(), "ured", "collect")
    assert "personal data" in mapping.spec.ignore["datum x"].why
    assert next(one for one in mapping.source_shape if one.name == "datum x").sensitivity == "NOMINAL"


def repeated() -> list[str]:
    """Thirty cases of up to three goods, each in columns of its own; months first, one day is none, one row a twin."""
    made = []
    for number in range(30):
        goods = [f"{code},{word},{number + 1}.5,{unit},10.50" for code, word, unit in GOODS[: number % 3 + 1]]
        goods += [",,,,"] * (3 - len(goods))
        day = "13/45/2025" if number == 4 else f"06/{number + 1:02}/2025"
        made.append(",".join([f"ANA-{number:03}", day, "Colombia", "Panamá", *goods]))
    return [*made, made[-1]]


GOODS = [("COC", "Cocaína en polvo", "lb"), ("CIG", "Cigarrillos", "und"), ("ZZZ", "Otros", "und")]


def test_columns_that_repeat_under_a_number_are_entries_of_their_own(
    root: Path, tmp_path: Path, bridge: Bridge
) -> None:
    path = tmp_path / "decomisos.csv"
    names = [
        f"{one} {number}" for number in (1, 2, 3) for one in ("Mercancía", "Detalle", "Cantidad", "Unidad", "Valor")
    ]
    header = ",".join(["No. Caso", "Fecha Decomiso", "País Destino", "País Origen", *names])
    path.write_bytes("\n".join([header, *repeated()]).encode("cp1252"))
    told = bridge("new", "source", "ured", "--sample", str(path))
    assert "19 columns, 19 used" in told
    assert "are rows with the same value lines of one record?" not in told, "a twin changes nothing"
    # What has no month in either place is no date, and leaves no question about the others.
    assert 'from: Fecha Decomiso, date: "%m/%d/%Y"' in rule(root, "seizure_date")
    mapping = load(Content.find(), "ured", "collect")
    goods = [block for block in mapping.spec.blocks if block.list == "goods"]
    assert [block.when[0].field if block.when else "" for block in goods] == ["", "Mercancía 2", "Mercancía 3"]
    read = [{name for one in block.rules for name in one.fields} for block in goods]
    assert read == [{f"{one} {number}" for one in names_of(names)} for number in (1, 2, 3)]
    assert all(block.one_way for block in goods[1:]), "what is lost without a leading column is said"
    # The steps of the route stand in the order in which the goods went.
    blocks = [block.rules for block in mapping.spec.blocks if block.list == "route"]
    said = [{one.target: one.inputs[0] for one in rules} for rules in blocks]
    steps = [(step["step"], step["role"]) for step in said]
    assert steps == [(Literal("1"), Literal("ORIGIN")), (Literal("2"), Literal("INTENDED_DESTINATION"))]
    # Codes of the goods mean what the words beside them say; each list is there once.
    assert "COC,COCAINE,alias,seen 31 times; by the word that stands beside it most,,,," in codes(
        root, "commodity_type"
    )
    assert "COC,DRG,broader,the group of COCAINE,,,," in codes(root, "commodity_group")
    assert sum(line.startswith("CIG,") for line in codes(root, "commodity_type")) == 1
    assert {one.code for one in check(mapping)} == {"M070", "M022", "M021", "M011"}


def names_of(numbered: list[str]) -> set[str]:
    return {one.rpartition(" ")[0] for one in numbered}
