"""The CIS profile: every item of the Regulation once, the same in tables and documents, and a database that refuses."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest
from lxml import etree

from bridge.content import Content
from bridge.shape import Class, Field, Sensitivity, Shape, Type
from bridge.shapes import read_shape

CONTENT = Content.find()
SQL = CONTENT.path("schemas/cis/cis.sql")
XSD = CONTENT.path("schemas/cis/cis.xsd")
Row = dict[str, Any]
KEYS = {"entry_no", "category"}
KEPT_BY_THE_DATABASE = {"created_at", "updated_at"}
# How many items the Annex lists under each heading; the Regulation does not number them, so they were counted in it.
PER_SECTION = {
    "1 CASE REFERENCE": 7, "2 BASIC INFORMATION": 4, "3 DOCUMENTS": 5, "4 PERSONS": 42, "5 BUSINESSES": 13,
    "6 MEANS OF TRANSPORT": 49, "7 ROUTING": 8, "8 COMMODITIES": 28, "9 SEIZURE/DETENTION/CONFISCATION": 11,
    "10 ACTION": 6, "11 RISK INDICATORS": 1, "12 COMMENT": 1, "13 ATTACHMENT": 1, "14 FRAUD TRENDS": 1,
    "15 EXPERTISE": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def items() -> list[dict[str, str]]:
    with CONTENT.path("schemas/cis/items.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tables() -> Shape:
    return read_shape(CONTENT, "cis/cis.sql", "cis.case")


@pytest.fixture(scope="module")
def documents() -> Shape:
    return read_shape(CONTENT, "cis/cis.xsd", "/CISCases/CISCase")


@pytest.fixture
def cis(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute(SQL.read_text(encoding="utf-8"))
        connection.commit()
        yield connection


# --- the items of the Regulation -------------------------------------------------------------------------------------


def test_the_178_items_are_there_once_each(items: list[dict[str, str]]) -> None:
    assert len(items) == 178
    assert Counter(item["section"] for item in items) == PER_SECTION
    assert max(Counter((item["section"], item["group"], item["item"]) for item in items).values()) == 1


def test_every_item_has_its_column_and_no_column_is_without_an_item(items: list[dict[str, str]], tables: Shape) -> None:
    named = Counter((item["table"], column) for item in items for column in item["column"].split())
    assert max(named.values()) == 1
    columns = {(f.list or "case", f.name) for f in tables}
    assert set(named) <= columns
    extra = {name for table, name in columns - set(named)}
    assert {name for name in extra if not name.endswith("_precision")} == KEYS | KEPT_BY_THE_DATABASE


def test_a_columns_comment_names_its_item(items: list[dict[str, str]], tables: Shape) -> None:
    for item in items:
        for column in item["column"].split():
            field = tables.find(column if item["table"] == "case" else f"{item['table']}.{column}")
            assert field is not None
            heading = item["section"] + (f", {item['group']}" if item["group"] else "")
            assert field.description == f"Reg. (EU) 2016/346, Annex, {heading}: {item['item']}"
            number = item["group"].split()[0] if item["group"][:1].isdigit() else item["section"].split()[0]
            assert field.cite == f"Reg. (EU) 2016/346, Annex, {number}"


def test_a_section_stands_only_in_the_categories_that_article_1_gives_it(
    items: list[dict[str, str]], tables: Shape
) -> None:
    for table in tables.lists:
        allowed = tables.find(f"{table}.category")
        said = {item["categories"] for item in items if item["table"] == table} or {"abcdefgh"}
        assert allowed is not None
        assert {"".join(allowed.codes)} == said


def test_every_column_says_what_it_is_about(tables: Shape) -> None:
    text = SQL.read_text(encoding="utf-8")
    commented = set(re.findall(r"COMMENT ON COLUMN cis\.(\w+\.\w+) IS", text))
    columns = {f"{f.list or 'case'}.{f.name}" for f in tables} | {f"{table}.case_reference" for table in tables.lists}
    assert commented == columns
    assert len(re.findall(r"COMMENT ON TABLE", text)) == len(tables.lists) + 1
    # A column without class and sensitivity would count as free text, so none may be left unsaid.
    assert len(re.findall(r"\[class=[a-z_]+ sensitivity=[A-Z_]+", text)) == len(commented)


def test_persons_and_only_persons_are_nominal(tables: Shape) -> None:
    for field in tables:
        if field.list == "person" and field.name not in KEYS:
            assert (field.cls, field.sensitivity) == (Class.PERSON, Sensitivity.NOMINAL)
    nominal = {f.path for f in tables if f.sensitivity is Sensitivity.NOMINAL and f.list != "person"}
    assert nominal <= {"action.reason_for_action"}


# --- tables and documents --------------------------------------------------------------------------------------------


def test_tables_and_documents_have_the_same_fields(
    items: list[dict[str, str]], tables: Shape, documents: Shape
) -> None:
    seen: set[str] = set()
    for item in items:
        for column, element in zip(item["column"].split(), item["element"].split(), strict=True):
            here = tables.find(column if item["table"] == "case" else f"{item['table']}.{column}")
            there = documents.find(element)
            assert here is not None, column
            assert there is not None, element
            assert said(here) == said(there), f"{column} and {element}"
            seen.add(element)
    keys = {f.path for f in documents if f.name in ("@category", "@no", ".")}
    assert {f.path for f in documents} - seen == keys
    assert len(documents.lists) == len(tables.lists)


def said(field: Field) -> tuple[object, ...]:
    """What both notations can say of a field: a number in text form and a code without its list are texts in both."""
    kind = Type.TEXT if field.type is Type.CODE and not field.codes else field.type
    length = None if field.codes else field.max_length  # where the values are listed, their length says nothing more
    return kind, field.required, field.codes, length, field.cls, field.sensitivity, field.code_list, field.cite


# --- the database ----------------------------------------------------------------------------------------------------

CASE: Row = {
    "case_reference": "c1", "document_reference": "CEN:1", "summary": "Seizure of 2025-03 in EL", "service": "EL",
    "date_of_case": "2025-03-01", "type_of_fraud": "SMUGGLING", "report_type": "NEW", "information_quality": "X4",
}  # fmt: skip


def put(cis: psycopg.Connection, table: str, **row: object) -> None:
    """Insert a row; a section's belongs to case c1 and stands first."""
    if table not in ("case", "entry"):
        row = {"case_reference": "c1", "entry_no": 1, **row}
    cis.execute(f"INSERT INTO cis.{table} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", [*row.values()])


def entered(cis: psycopg.Connection, *categories: str) -> None:
    """A case with entries in these categories."""
    put(cis, "case", **CASE)
    for category in categories:
        put(cis, "entry", case_reference="c1", category=category)
    cis.commit()


def value(field: Field) -> object:
    """A value that the field takes."""
    match field.type:
        case Type.DATE:
            return "2025-03-01"
        case Type.INTEGER | Type.DECIMAL:
            return 1
        case Type.BOOLEAN:
            return True
        case Type.DATETIME:
            return "2025-03-01T00:00:00Z"
    by_list = {"cis_country": "EL", "iso_4217": "EUR", "unece_rec20": "KGM"}
    return field.codes[0] if field.codes else by_list.get(field.code_list, "240220" if "hs_cn" in field.name else "A")


def test_a_record_with_every_column_filled_goes_in_and_comes_out(cis: psycopg.Connection, tables: Shape) -> None:
    filled = 0
    for table in tables.tables:
        row = {f.name: value(f) for f in tables.table(table) if f.name not in KEPT_BY_THE_DATABASE}
        if table == "entry":
            for category in "abcdefgh":
                put(cis, "entry", case_reference="c1", category=category)
            continue
        put(cis, table or "case", **{**row, "case_reference": "c1"})
        back = cis.execute(f"SELECT * FROM cis.{table or 'case'}").fetchone()
        assert back is not None
        assert None not in back
        filled += len(row)
    assert filled > 200


SEIZED: Row = {"category": "g", "status": "SEIZED", "date_of_seizure": "2025-03-01", "country": "EL"}
GOODS: Row = {"category": "a", "commodity_category": "DRUGS"}
REFUSED: dict[str, tuple[str, Row]] = {
    "a person outside category d": ("person", {"category": "a"}),
    "a section of a category not entered": ("business", {"category": "c", "name": "N"}),
    "a comment under g": ("comment", {"category": "g", "comment": "T"}),
    "Greece as GR": ("seizure", {**SEIZED, "country": "GR"}),
    "the United Kingdom as GB": ("routing", {"category": "b", "step": 1, "country": "GB"}),
    "a status outside Art. 24(g)": ("seizure", {**SEIZED, "status": "RELEASED"}),
    "a seizure without a date": ("seizure", {**SEIZED, "date_of_seizure": None}),
    "a latitude beyond the pole": ("routing", {"category": "b", "step": 1, "latitude": "90.5"}),
    "a quantity of nothing": ("commodity", {**GOODS, "quantity": 0, "unit": "KGM"}),
    "an HS code of four digits": ("commodity", {**GOODS, "hs_cn_taric_code": "2402"}),
    "a place before the first": ("routing", {"category": "b", "step": 1, "entry_no": 0}),
    "a precision of no date": ("routing", {"category": "b", "step": 1, "date_of_step_precision": "M"}),
    "a case of nothing known": ("case", {"case_reference": "c2"}),
    "a case there already": ("case", CASE),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_database_refuses(cis: psycopg.Connection, what: str) -> None:
    entered(cis, "a", "b", "g")
    table, row = REFUSED[what]
    with pytest.raises(psycopg.IntegrityError):
        put(cis, table, **row)
    cis.rollback()


@pytest.mark.parametrize(("table", "row"), [("seizure", SEIZED), ("commodity", {**GOODS, "quantity": "6.577089365"})])
def test_the_database_takes_what_is_sound_and_loses_no_decimal(cis: psycopg.Connection, table: str, row: Row) -> None:
    entered(cis, "a", "g")
    put(cis, table, **row)
    assert cis.execute(f"SELECT {', '.join(f'{name}::text' for name in row)} FROM cis.{table}").fetchone() == tuple(
        str(one) for one in row.values()
    )


def test_a_change_of_a_case_moves_its_updated_at_and_no_others(cis: psycopg.Connection) -> None:
    entered(cis, "a", "b")
    put(cis, "case", **{**CASE, "case_reference": "c2"})
    cis.commit()
    before = moved(cis)
    cis.execute(
        "UPDATE cis.case SET contact_person = 'duty desk', updated_at = '1999-01-01' WHERE case_reference = 'c1'"
    )
    cis.commit()
    after = moved(cis)
    assert after[0] > before[0]
    assert after[1] == before[1]


def test_a_section_goes_with_its_entry(cis: psycopg.Connection) -> None:
    entered(cis, "a", "b")
    put(cis, "routing", category="b", step=1)
    put(cis, "commodity", **GOODS)
    cis.execute("DELETE FROM cis.entry WHERE category = 'b'")
    left = cis.execute("SELECT (SELECT count(*) FROM cis.routing), (SELECT count(*) FROM cis.commodity)").fetchone()
    assert left == (0, 1)


def moved(cis: psycopg.Connection) -> tuple[datetime, datetime]:
    """updated_at of the two cases."""
    first, second = cis.execute("SELECT updated_at FROM cis.case ORDER BY case_reference").fetchall()
    return first[0], second[0]


def test_deleting_a_case_leaves_nothing_of_it(cis: psycopg.Connection) -> None:
    entered(cis, "a", "g")
    put(cis, "commodity", **GOODS)
    cis.execute("DELETE FROM cis.case")
    left = cis.execute("SELECT (SELECT count(*) FROM cis.entry) + (SELECT count(*) FROM cis.commodity)").fetchone()
    assert left == (0,)


# --- the documents ---------------------------------------------------------------------------------------------------

DOCUMENT = """<CISCases><CISCase>
  <CaseReference><CaseIdentificationNumber>c1</CaseIdentificationNumber><DocumentReference>CEN:1</DocumentReference>
    <Summary>Seizure of 2025-03 in EL</Summary><Service>EL Customs</Service><Date>2025-03</Date></CaseReference>
  <BasicInformation><TypeOfFraud>SMUGGLING</TypeOfFraud><ReportType>NEW</ReportType>
    <InformationQuality>X4</InformationQuality></BasicInformation>
  <Entry category="a"/><Entry category="g"/>
  <Commodity no="1" category="a"><Category>TOBACCO</Category><Quantity>12.5</Quantity><Unit>MIL</Unit>
    <Tobacco><ProductType>CIGARETTES</ProductType></Tobacco></Commodity>
  <Seizure no="1" category="g"><Status>SEIZED</Status><Date>2025-03</Date><Country>EL</Country></Seizure>
</CISCase></CISCases>"""


@pytest.mark.parametrize(
    ("old", "new", "sound"),
    [
        ("", "", True),
        ("2025-03<", "2025<", True),
        ("2025-03<", "2025-13<", False),
        ("2025-03<", "2025-03-09Z<", False),
        ('<Entry category="g"/>', "", False),
        ('no="1" category="a"', 'no="1" category="b"', False),
        ("<Quantity>12.5", "<Quantity>0", False),
        ("<Status>SEIZED", "<Status>RELEASED", False),
        ("<ReportType>NEW</ReportType>", "", False),
    ],
)
def test_the_document_schema_takes_what_the_tables_take(old: str, new: str, sound: bool) -> None:
    schema = etree.XMLSchema(etree.parse(str(XSD)))
    assert schema.validate(etree.fromstring(DOCUMENT.replace(old, new, 1) if old else DOCUMENT)) is sound
