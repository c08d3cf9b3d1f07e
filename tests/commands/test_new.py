"""What bridge new finds out, what it asks, what it never does; and what a person's confirmation changes."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import openpyxl
import pytest

from bridge.authoring import evidence
from bridge.authoring.creating import create, given_by
from bridge.content import Content
from bridge.mapping import check, load
from tests.commands.conftest import NAME, SECTIONS, Bridge, answer


def drafted(root: Path, name: str, path: Path) -> str:
    """The mapping that is drafted from a sample."""
    create(Content.find(), "source", name, given_by("", str(path), "", "", name))
    return (root / "mappings" / name / "collect.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("values", "pattern", "says"),
    [
        (["05/07/2026", "23/08/2026"], "%d/%m/%Y", "day first, as 1 values have a day above 12 there"),
        (["7.5.2026", "23.8.2026"], "%-d.%-m.%Y", "day first"),
        (["07-05-2026", "08-23-2026"], "%m-%d-%Y", "month first"),
        (["2026-07-05", "2026-08-23"], "%Y-%m-%d", "year first"),
        (["20260705", "20260823"], "%Y%m%d", "year first"),
        (["05/07/2026 10:15", "23/08/2026 11:15"], "%d/%m/%Y %H:%M", "day first"),
        (["2026-07-05T10:15:00Z"], "%Y-%m-%dT%H:%M:%S%z", "year first"),
        (["5 Jul 2026", "23 Aug 2026"], "%-d %b %Y", "English month names"),
        (["05/07/26", "23/08/26"], "", "years have two digits"),
        (["23/08/2026", "08/23/2026"], "", "ask the supplier which"),
        ([*["08/23/2026"] * 19, "13/45/2026"], "%m/%d/%Y", "19 of 20 values are dates; month first"),
        (["5.7.2026 10:15", "23.8.2026"], "%-d.%-m.%Y %H:%M", "1 of them with a time"),
    ],
)
def test_dates_are_told_by_what_shows_them(values: list[str], pattern: str, says: str) -> None:
    found = evidence.dates(values)
    assert found is not None
    assert (found.pattern, found.open) == (pattern, False)
    assert says in found.says


def test_digits_in_the_form_of_a_date_are_none_if_no_calendar_has_them() -> None:
    assert evidence.dates(["24022090", "22083030", "30049000"]) is None


def test_what_can_be_read_two_ways_is_asked() -> None:
    open_ = evidence.dates(["01/02/2024", "03/04/2024"])
    assert open_ is not None
    assert open_.open
    assert "day or month first?" in open_.says
    numbers = evidence.numbers(["1.500", "2.250"])
    assert numbers is not None
    assert numbers.decimal == ""
    exact = evidence.numbers(["1.250,00", "3,5"])
    assert exact is not None
    assert (exact.decimal, exact.thousands) == (",", ".")


def test_an_ambiguous_date_stands_as_a_question_until_a_person_answers(
    root: Path, tmp_path: Path, bridge: Bridge
) -> None:
    path = tmp_path / "two_ways.csv"
    path.write_text("ref,seizure date,country\nA1,01/02/2024,FR\nA2,03/04/2024,DE\n", encoding="utf-8")
    told = bridge("new", "source", "two_ways", "--sample", str(path))
    assert 'say date: "%d/%m/%Y" or "%m/%d/%Y"' in told
    assert "date:" not in next(
        line for line in (root / "mappings/two_ways/collect.yaml").read_text().splitlines() if "seizure_date:" in line
    ).partition("suggested")[0].replace("seizure_date:", "").replace("seizure date", "")
    told = bridge("check", "two_ways", code=1)
    assert "M010 seizure_date: seizure date gives text, seizure_date wants a date. Say date:." in told


def test_a_column_that_shows_the_order_speaks_for_the_file(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("ref,seizure date,report date,country\nA1,01/02/2024,23/02/2024,FR\nA2,03/04/2024,28/04/2024,DE\n")
    text = drafted(root, "shown", path)
    assert 'seizure_date:     {from: seizure date, date: "%d/%m/%Y"' in text
    assert "as in report date of the same file" in text


def test_a_decimal_mark_is_told_by_the_file_or_asked(root: Path, tmp_path: Path, bridge: Bridge) -> None:
    """1,500 alone is a question and no rule, also beside a unit; with 12,5 in another column it is told."""
    path = tmp_path / "marks.csv"
    path.write_text("ref;seizure date;country;quantity;unit\nA1;2026-01-02;FR;1,500;KGM\nA2;2026-01-03;FR;2,250;KGM\n")
    bridge("new", "source", "marks", "--sample", str(path))
    assert "a quantity with a unit needs number: and codes:. Add them." in bridge("check", "marks", code=1)
    path.write_text(
        "ref;seizure date;country;quantity;unit;value\n"
        "A1;2026-01-02;FR;1,500;KGM;12,5\nA2;2026-01-03;FR;2,250;KGM;3,75\n"
    )
    assert 'quantity:          {from: quantity, number: ",", unit: unit' in drafted(root, "told", path)


def test_every_line_is_marked_and_nothing_runs_before_it_is_confirmed(root: Path, sheet: Path, bridge: Bridge) -> None:
    """Confirmed section by section, until the mapping may run; the rest of the file stays as it is."""
    bridge("new", "source", NAME, "--sample", str(sheet))
    answer(root)
    mapping = load(Content.find(), NAME, "collect")
    codes = {one.code for one in check(mapping)}
    assert {"M070", "M022"} <= codes
    marked = {one.field for one in mapping.suggestions}
    rules = {f"{list_}.{rule.target}" if list_ else rule.target for list_, _, rule in mapping.spec.rules_of()}
    assert rules <= marked
    assert {f"absent.{name}" for name in mapping.spec.absent} | {
        f"ignore.{name}" for name in mapping.spec.ignore
    } <= marked
    before = mapping.file.read_text(encoding="utf-8")
    assert "no suggestion is called" in bridge("confirm", NAME, "colour", code=2)
    assert "Say --by" in bridge("confirm", NAME, "codes", code=2)
    assert mapping.file.read_text(encoding="utf-8") == before
    bridge("confirm", NAME, "seizure_date", "goods.quantity")
    left = {one.field for one in load(Content.find(), NAME, "collect").suggestions}
    assert marked - left == {"seizure_date", "goods.quantity"}
    told = bridge("confirm", NAME, *SECTIONS, "--by", "data@office.example")
    assert "0 open" in told
    assert "2 examples hold" in bridge("check", NAME)
    text = mapping.file.read_text(encoding="utf-8")
    assert "suggested" not in text
    assert text.count("\n") == before.count("\n") - before.count("\n  suggested:") - before.count("\n    suggested:")


def test_values_of_persons_are_written_nowhere_and_nothing_is_overwritten(
    root: Path, sheet: Path, bridge: Bridge
) -> None:
    bridge("new", "source", NAME, "--sample", str(sheet))
    written = b"".join(one.read_bytes() for one in root.rglob("*") if one.is_file()).decode()
    for value in ("Fictief", "Voorbeeld", "1-ABC-234", "BX-99-KL", "Tölz", "HV-2026-1001", "Noordkaai"):
        assert value not in written
    mapping = load(Content.find(), NAME, "collect")
    driver = next(one for one in mapping.source_shape if one.name == "Bestuurder (naam)")
    assert (driver.cls, driver.sensitivity) == ("person", "NOMINAL")
    assert "Bestuurder (naam)" in mapping.spec.ignore
    assert "Lfd-Nr." in mapping.spec.ignore, "a number of rows names no record"
    before = {one: one.read_bytes() for one in root.rglob("*") if one.is_file()}
    assert "EXISTS" in bridge("new", "source", NAME, "--sample", str(sheet), code=2)
    assert {one: one.read_bytes() for one in root.rglob("*") if one.is_file()} == before


def test_the_shape_comes_from_one_place(root: Path, sheet: Path, bridge: Bridge) -> None:
    assert "ONE_SHAPE" in bridge("new", "source", NAME, code=2)
    assert "ONE_SHAPE" in bridge("new", "source", NAME, "--sample", str(sheet), "--table", "x", code=2)
    assert not list(root.rglob("*.yaml"))


XML = """<Report><Seizure ref="A1"><Date>2026-01-25</Date><Country>FR</Country><Goods><Item><Product>Heroin</Product>
<Qty>12.5</Qty><Unit>KGM</Unit></Item><Item><Product>Cocaine</Product><Qty>3</Qty><Unit>KGM</Unit></Item></Goods></Seizure>
<Seizure ref="A2"><Date>2026-01-06</Date><Country>BE</Country><Goods><Item><Product>Heroin</Product><Qty>4</Qty>
<Unit>GRM</Unit></Item></Goods></Seizure></Report>"""
JSON = [
    {"ref": "A1", "date": "2026-01-25", "country": "FR", "items": [{"product": "Heroin", "qty": 1.5, "unit": "KGM"}]},
    {"ref": "A2", "date": "2026-01-06", "country": "BE", "items": [{"product": "Cocaine", "qty": 2, "unit": "GRM"}]},
]


@pytest.mark.parametrize("kind", ["xml", "jsonl", "xlsx", "table"])
def test_other_samples_lead_to_mappings_whose_only_findings_are_a_persons(
    kind: str, root: Path, tmp_path: Path, bridge: Bridge
) -> None:
    path = tmp_path / f"seizures.{kind}"
    given = ["--sample", str(path)]
    match kind:
        case "xml":
            path.write_text(XML, encoding="utf-8")
        case "jsonl":
            path.write_text("\n".join(map(json.dumps, JSON)), encoding="utf-8")
        case "xlsx":
            book = openpyxl.Workbook()
            page = book.create_sheet("List", 0)
            for row in (["Seizures"], [], ["Ref", "Date", "Country", "Product", "Qty", "Unit"]):
                page.append(row)
            page.append(["A1", "2026-01-25", "FR", "Heroin", 1.5, "KGM"])
            page.append(["A2", "2026-01-06", "BE", "Cocaine", 2.5, "GRM"])
            book.save(path)
        case "table":
            with sqlite3.connect(path) as session:
                session.execute(
                    "CREATE TABLE seizure (ref varchar(9) PRIMARY KEY, seized_on date NOT NULL, country varchar(2),"
                    " product varchar(9), qty numeric(9,3), unit varchar(3), updated_at timestamp)"
                )
                session.execute(
                    "INSERT INTO seizure VALUES ('A1', '2026-01-25', 'FR', 'Heroin', 1.5, 'KGM', '2026-01-26 10:00:00')"
                )
            given = ["--table", f"sqlite:///{path}#seizure"]
    bridge("new", "source", "other", *given)
    bridge("confirm", "other", *SECTIONS, "source", "--by", "data@office.example")
    mapping = load(Content.find(), "other", "collect")
    made = {rule.target: rule for _, _, rule in mapping.spec.rules_of()}
    assert {"origin_record_id", "seizure_date", "seizure_country", "commodity_type", "quantity", "unit"} <= made.keys()
    assert "2 examples hold" in bridge("check", "other")


def test_a_partner_gets_nothing_until_its_grounds_are_given(root: Path, tmp_path: Path, bridge: Bridge) -> None:
    path = tmp_path / "euro.sql"
    path.write_text(
        "CREATE TABLE euro.seizure (ref varchar(64) PRIMARY KEY, seized_on date NOT NULL, country char(2),"
        " transport varchar(20) CHECK (transport IN ('ROAD', 'AIR', 'OTHER')));"
        "CREATE TABLE euro.goods (seizure_ref varchar(64) REFERENCES euro.seizure (ref), n int, product varchar(64),"
        " PRIMARY KEY (seizure_ref, n));",
        encoding="utf-8",
    )
    assert "NO_RECORD" in bridge("new", "partner", "euro", "--schema", str(path), code=2)
    bridge("new", "partner", "euro", "--schema", str(path), "--record", "euro.seizure")
    told = bridge("check", "euro", code=1)
    assert "M040 country: seizure_country is event data: no legal ground is given for EURO" in told
    mapping = load(Content.find(), "euro", "share")
    assert mapping.release is not None
    assert dict(mapping.release.allow) == {}
    assert mapping.deliver is not None
    assert mapping.deliver["key"] == "ref"
    rules = {(list_, rule.target): rule for list_, _, rule in mapping.spec.rules_of()}
    assert rules["", "seized_on"].date == ("start",)
    assert rules["", "transport"].codes == "euro_conveyance"
    assert rules["goods", "n"].combine == "index"
    rows = (root / "mappings/codes/euro_conveyance.csv").read_text().splitlines()
    assert "ROAD,ROAD,exact,by its word,,,," in rows
    assert "PEDESTRIAN,,,no word is like it,,,," in rows
