"""Shapes read from schema files of each kind, with what they say of a field beside its type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.shape import Class, Field, Sensitivity, Shape, Type
from bridge.shapes import assigned_fields, read_shape

XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:b="urn:bridge:field" xmlns="urn:t" targetNamespace="urn:t"
           elementFormDefault="qualified">
  <xs:simpleType name="country"><xs:restriction base="xs:string">
    <xs:enumeration value="FR"/><xs:enumeration value="TR"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="weight"><xs:restriction base="xs:decimal"><xs:fractionDigits value="3"/></xs:restriction></xs:simpleType>
  <xs:complexType name="person">
    <xs:annotation><xs:appinfo><b:field class="person" sensitivity="NOMINAL"/></xs:appinfo></xs:annotation>
    <xs:sequence>
      <xs:element name="Name"><xs:simpleType><xs:restriction base="xs:string">
        <xs:maxLength value="10"/><xs:pattern value="[A-Z]+"/></xs:restriction></xs:simpleType></xs:element>
      <xs:element name="Count" type="xs:int" minOccurs="0">
        <xs:annotation><xs:appinfo><b:field sensitivity="NON_NOMINAL"/></xs:appinfo></xs:annotation></xs:element>
      <xs:element name="Alias" type="xs:string" minOccurs="0" maxOccurs="9"/>
    </xs:sequence>
  </xs:complexType>
  <xs:element name="Note" type="xs:string"/>
  <xs:element name="All"><xs:complexType><xs:sequence><xs:element name="Case" maxOccurs="unbounded">
    <xs:complexType><xs:sequence>
      <xs:element name="Day" type="xs:date">
        <xs:annotation><xs:documentation>The day of it</xs:documentation>
          <xs:appinfo><b:field class="event" sensitivity="NON_NOMINAL" cite="Art. 1"/></xs:appinfo></xs:annotation></xs:element>
      <xs:element name="Month" type="xs:gYearMonth" minOccurs="0"/>
      <xs:element name="At" type="xs:dateTime" minOccurs="0"/>
      <xs:element name="Land" type="country" minOccurs="0">
        <xs:annotation><xs:appinfo><b:field codes="country"/></xs:appinfo></xs:annotation></xs:element>
      <xs:element ref="Note" minOccurs="0"/>
      <xs:choice><xs:element name="Yes" type="xs:boolean"/><xs:element name="No" type="xs:string"/></xs:choice>
      <xs:element name="Place"><xs:complexType><xs:sequence>
        <xs:element name="Town" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
      <xs:element name="Goods"><xs:complexType><xs:sequence><xs:element name="Item" maxOccurs="unbounded">
        <xs:complexType><xs:sequence>
          <xs:element name="Qty"><xs:complexType><xs:simpleContent><xs:extension base="weight">
            <xs:attribute name="unit" type="xs:string" use="required"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
        </xs:sequence><xs:attribute name="no" type="xs:positiveInteger"/></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
      <xs:element name="Person" type="person" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="Risks" minOccurs="0"><xs:complexType><xs:sequence>
        <xs:element name="Risk" type="country" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
    </xs:sequence><xs:attribute name="ref" use="required" type="xs:string"/></xs:complexType>
  </xs:element></xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""  # noqa: E501


def read(tmp_path: Path, name: str, text: str, record: str | None = None) -> Shape:
    """The shape of a schema with this text."""
    (tmp_path / "mappings").mkdir(exist_ok=True)
    (tmp_path / "schemas").mkdir(exist_ok=True)
    (tmp_path / "schemas" / name).write_text(text, encoding="utf-8")
    return read_shape(Content((tmp_path,)), name, record)


def field(shape: Shape, path: str) -> Field:
    """The field at a path."""
    found = shape.find(path)
    assert found is not None, [one.path for one in shape]
    return found


@pytest.fixture
def xsd(tmp_path: Path) -> Shape:
    return read(tmp_path, "t.xsd", XSD, "/All/Case")


def test_an_xsd_gives_paths_in_its_own_order(xsd: Shape) -> None:
    assert [one.path for one in xsd] == [
        "@ref", "Day", "Month", "At", "Land", "Note", "Yes", "No", "Place/Town", "Goods/Item/@no", "Goods/Item/Qty",
        "Goods/Item/Qty/@unit", "Person/Name", "Person/Count", "Person/Alias", "Risks/Risk",
    ]  # fmt: skip
    assert dict(xsd.lists) == {"Goods/Item": True, "Person": False}


@pytest.mark.parametrize(
    ("path", "type_", "required"),
    [
        ("@ref", Type.TEXT, True),
        ("Day", Type.DATE, True),
        ("Month", Type.DATE, False),
        ("At", Type.DATETIME, False),
        ("Land", Type.CODE, False),
        ("Note", Type.TEXT, False),
        ("Yes", Type.BOOLEAN, False),
        ("No", Type.TEXT, False),
        ("Place/Town", Type.TEXT, True),
        ("Goods/Item/@no", Type.INTEGER, False),
        ("Goods/Item/Qty", Type.DECIMAL, True),
        ("Goods/Item/Qty/@unit", Type.TEXT, True),
        ("Person/Count", Type.INTEGER, False),
        ("Person/Alias", Type.LIST, False),
        ("Risks/Risk", Type.LIST, False),
    ],
)
def test_an_xsd_gives_types_and_what_is_required(xsd: Shape, path: str, type_: Type, required: bool) -> None:
    assert (field(xsd, path).type, field(xsd, path).required) == (type_, required)


def test_an_xsd_gives_limits_codes_and_annotations(xsd: Shape) -> None:
    day = field(xsd, "Day")
    assert (day.cls, day.sensitivity, day.cite, day.description) == (
        Class.EVENT,
        Sensitivity.NON_NOMINAL,
        "Art. 1",
        "The day of it",
    )
    assert field(xsd, "Land").codes == ("FR", "TR")
    assert field(xsd, "Land").code_list == "country"
    assert field(xsd, "Risks/Risk").codes == ("FR", "TR")
    assert field(xsd, "Goods/Item/Qty").scale == 3
    assert field(xsd, "Person/Name").max_length == 10
    assert (field(xsd, "Person/Name").cls, field(xsd, "Person/Name").sensitivity) == (Class.PERSON, Sensitivity.NOMINAL)
    assert (field(xsd, "Person/Count").cls, field(xsd, "Person/Count").sensitivity) == (
        Class.PERSON,
        Sensitivity.NON_NOMINAL,
    )
    assert (field(xsd, "Note").cls, field(xsd, "Note").sensitivity) == (Class.FREE_TEXT, Sensitivity.FREE_TEXT)


def test_a_pattern_of_an_xsd_binds_the_whole_text(xsd: Shape) -> None:
    from bridge.mapping.conform import schema_pattern

    pattern = schema_pattern(field(xsd, "Person/Name").pattern)
    assert [bool(pattern.search(text)) for text in ("ABC", "AbC", "ABC\n", "xABC")] == [True, False, False, False]


def test_the_read_of_an_xsd_is_kept_until_the_file_changes(tmp_path: Path) -> None:
    first = read(tmp_path, "t.xsd", XSD, "/All/Case")
    assert read_shape(Content((tmp_path,)), "t.xsd", "/All/Case") == first
    changed = read(tmp_path, "t.xsd", XSD.replace('name="Month"', 'name="Moon"'), "/All/Case")
    assert changed.find("Moon") is not None


NESTED = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="A"><xs:complexType><xs:sequence>
<xs:element name="B" maxOccurs="2"><xs:complexType><xs:sequence><xs:element name="C" maxOccurs="2"><xs:complexType>
<xs:attribute name="d"/></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>
"""
SELF = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="A" type="a"/>
<xs:complexType name="a"><xs:sequence>
<xs:element name="B" type="a" minOccurs="0"/></xs:sequence></xs:complexType></xs:schema>
"""


@pytest.mark.parametrize(
    ("name", "text", "record", "says"),
    [
        ("t.xsd", XSD, "/All/Cases", "no element Cases"),
        ("t.xsd", XSD, None, "which element is the record"),
        ("t.xsd", "<a/>", "/a", "not usable as an XML schema"),
        ("t.xsd", NESTED, "/A", "a list of groups inside a list"),
        ("t.xsd", SELF, "/A", "holds itself"),
        ("t.xsd", XSD.replace('class="event"', 'class="evnt"'), "/All/Case", "evnt is no class"),
        ("t.json", '{"type": "object"}', None, "does not describe an object"),
        ("t.json", "{", None, "not readable as JSON"),
        ("t.json", '{"properties": {"a": {"$ref": "#/$defs/b"}}}', None, "leads nowhere"),
        (
            "t.json",
            '{"$defs": {"b": {"$ref": "#/$defs/b"}}, "properties": {"a": {"$ref": "#/$defs/b"}}}',
            None,
            "circle",
        ),
        ("t.json", '{"properties": {"a": {"x-class": "evnt"}}}', None, "evnt is no class"),
        ("t.sql", "CREATE TABLE a (b text);", "c", "no table c"),
        ("t.sql", "CREATE TABLE a (b text", "a", "cannot be parsed"),
        ("t.sql", "CREATE TABLE a (b text); COMMENT ON COLUMN a.b IS 'x [class=event lost]';", "a", "not understood"),
        ("t.csv", "name\nx\n", None, "headings are not understood"),
        ("t.csv", "column\nx\nx\n", None, "two columns are named x"),
        ("t.txt", "x", None, "no shape can be read"),
    ],
)
def test_a_schema_that_cannot_be_read_is_refused(
    tmp_path: Path, name: str, text: str, record: str | None, says: str
) -> None:
    with pytest.raises(Misconfigured, match=says):
        read(tmp_path, name, text, record)


def test_a_json_schema_gives_dotted_names_lists_and_inherited_annotations(tmp_path: Path) -> None:
    schema = {
        "x-class": "event",
        "x-sensitivity": "NON_NOMINAL",
        "required": ["id", "home", "people"],
        "$defs": {"day": {"type": "string", "format": "date"}},
        "properties": {
            "id": {"type": "string", "maxLength": 8, "x-assigned": "exchange", "title": "Id"},
            "day": {"$ref": "#/$defs/day", "description": "which"},
            "about": {"type": "string", "x-type": "date"},
            "land": {"enum": ["A", "B"], "x-codes": "country"},
            "worth": {"type": "string", "x-type": "decimal", "x-scale": 2},
            "size": {"type": ["number", "null"]},
            "home": {"type": "object", "required": ["town"], "properties": {"town": {}, "n": {"type": "integer"}}},
            "work": {"type": "object", "required": ["town"], "properties": {"town": {"type": "string"}}},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["x"], "maxLength": 1}},
            "people": {
                "type": "array", "minItems": 1, "x-class": "person", "x-sensitivity": "NOMINAL",
                "items": {
                    "required": ["name"],
                    "properties": {"name": {}, "sex": {"x-sensitivity": "QUASI_NOMINAL"}, "also": {"type": "array"}},
                },
            },
        },
    }  # fmt: skip
    shape = read(tmp_path, "t.json", json.dumps(schema))
    assert [(one.path, one.type.value, one.required) for one in shape] == [
        ("id", "text", True),
        ("day", "date", False),
        ("about", "date", False),
        ("land", "code", False),
        ("worth", "decimal", False),
        ("size", "decimal", False),
        ("home.town", "text", True),
        ("home.n", "integer", False),
        ("work.town", "text", False),
        ("tags", "list", False),
        ("people.name", "text", True),
        ("people.sex", "text", False),
        ("people.also", "list", False),
    ]
    assert dict(shape.lists) == {"people": True}
    assert (field(shape, "id").max_length, field(shape, "id").title) == (8, "Id")
    assert (field(shape, "day").pattern != "", field(shape, "about").pattern) == (True, "")
    assert (field(shape, "land").codes, field(shape, "land").code_list) == (("A", "B"), "country")
    assert (field(shape, "tags").codes, field(shape, "tags").max_length) == (("x",), 1)
    assert field(shape, "worth").scale == 2
    assert (field(shape, "home.town").cls, field(shape, "people.name").cls) == (Class.EVENT, Class.PERSON)
    assert field(shape, "people.sex").sensitivity is Sensitivity.QUASI_NOMINAL
    assert assigned_fields(Content((tmp_path,)), "t.json") == {"id"}


def test_a_json_schema_may_refer_to_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "parts.json").write_text(
        '{"$defs": {"code": {"enum": ["A"]}, "both": {"$ref": "#/$defs/code"}}}'
    )
    shape = read(tmp_path, "t.json", '{"properties": {"a": {"$ref": "parts.json#/$defs/both", "maxLength": 1}}}')
    assert (field(shape, "a").codes, field(shape, "a").max_length) == (("A",), 1)


SQL = """\
CREATE SCHEMA s;
CREATE TABLE s.main (
    ref varchar(12) PRIMARY KEY, n serial, day date NOT NULL, at timestamptz DEFAULT now() NOT NULL, sum numeric(12, 2),
    free numeric, land char(2) CHECK (land ~ '^[A-Z]{2}$' AND land NOT IN ('XX')), ok boolean, tags text[],
    kind text NOT NULL CHECK (kind IN ('A', 'B')), made text GENERATED ALWAYS AS (upper(kind)) STORED
);
COMMENT ON COLUMN s.main.day IS 'The day [class=event sensitivity=NON_NOMINAL codes=x cite="Art. 1, 2"]';
COMMENT ON COLUMN s.main.kind IS 'Unannotated';
CREATE TABLE s.entry (
    ref varchar(12) NOT NULL REFERENCES s.main ON DELETE CASCADE, cat char(1), PRIMARY KEY (ref, cat)
);
CREATE TABLE s.line (
    main_ref varchar(12), cat char(1), no smallint NOT NULL, text text,
    FOREIGN KEY (main_ref, cat) REFERENCES s.entry (ref, cat)
);
CREATE TABLE other.far (id bigint, ref varchar(12), FOREIGN KEY (ref) REFERENCES s.main (ref));
CREATE TABLE s.apart (x text);
CREATE FUNCTION s.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := now(); RETURN NEW; END $$;
GRANT SELECT ON s.main TO PUBLIC;
"""


def test_ddl_gives_the_root_table_and_the_tables_that_lead_to_it(tmp_path: Path) -> None:
    shape = read(tmp_path, "t.sql", SQL, "s.main")
    assert [(one.path, one.type.value, one.required) for one in shape] == [
        ("ref", "text", True),
        ("day", "date", True),
        ("at", "datetime", False),
        ("sum", "decimal", False),
        ("free", "decimal", False),
        ("land", "text", False),
        ("ok", "boolean", False),
        ("tags", "list", False),
        ("kind", "code", True),
        ("entry.cat", "text", True),
        ("line.cat", "text", False),
        ("line.no", "integer", True),
        ("line.text", "text", False),
        ("other.far.id", "integer", False),
    ]
    assert list(shape.lists) == ["entry", "line", "other.far"]
    day = field(shape, "day")
    assert (day.description, day.cls, day.sensitivity, day.code_list, day.cite) == (
        "The day", Class.EVENT, Sensitivity.NON_NOMINAL, "x", "Art. 1, 2",
    )  # fmt: skip
    assert (field(shape, "ref").max_length, field(shape, "sum").scale, field(shape, "free").scale) == (12, 2, None)
    assert (field(shape, "land").pattern, field(shape, "land").max_length) == ("^[A-Z]{2}$", 2)
    assert field(shape, "kind").codes == ("A", "B")
    assert (field(shape, "kind").description, field(shape, "kind").sensitivity) == (
        "Unannotated",
        Sensitivity.FREE_TEXT,
    )


def test_a_table_of_columns_describes_a_sheet(tmp_path: Path) -> None:
    headings = "column,type,required,class,sensitivity,codes,max_length,cite"
    shape = read(tmp_path, "t.csv", f"{headings}\nDay,date,yes,event,NON_NOMINAL,,10,Art. 1\nWho,,,,,,,\n")
    assert (field(shape, "Day").type, field(shape, "Day").required, field(shape, "Day").max_length) == (
        Type.DATE,
        True,
        10,
    )
    assert (field(shape, "Who").type, field(shape, "Who").sensitivity) == (Type.TEXT, Sensitivity.FREE_TEXT)


def test_the_header_of_a_workbook_gives_free_texts(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Control No.", "Qty ", None, "Country"])
    sheet.append(["1", "2", "3", "TR"])
    (tmp_path / "mappings").mkdir()
    (tmp_path / "schemas").mkdir()
    book.save(tmp_path / "schemas" / "t.xlsx")
    shape = read_shape(Content((tmp_path,)), "t.xlsx")
    assert [one.name for one in shape] == ["Control No.", "Qty", "Country"]
    assert {one.sensitivity for one in shape} == {Sensitivity.FREE_TEXT}
