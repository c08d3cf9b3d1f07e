"""FilesTarget writes whole, valid, deterministic documents, or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.connector import ORDERS, RECEIPTS, Target
from bridge.content import Content
from bridge.errors import Misconfigured, TryLater
from bridge.shape import Field, Shape, Type, shape_of
from bridge.shapes import read_shape
from bridge.testing_target import CANARY, Version, orders, words
from connectors.files import FilesSource, FilesTarget
from tests.connectors.test_files_hostile_xml import ALWAYS

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" %s>
  <xs:element name="CEN"><xs:complexType><xs:choice minOccurs="0" maxOccurs="unbounded">
    <xs:element name="Seizure"><xs:complexType><xs:sequence>
      <xs:element name="Date" minOccurs="0"/>
      <xs:element name="Weight" minOccurs="0"><xs:complexType><xs:simpleContent><xs:extension base="xs:string">
        <xs:attribute name="unit"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
      <xs:element name="Goods" minOccurs="0"><xs:complexType><xs:sequence>
        <xs:element name="Item" maxOccurs="unbounded"><xs:complexType><xs:sequence>
          <xs:element name="HS" minOccurs="0"/><xs:element name="Serial" minOccurs="0" maxOccurs="unbounded"/>
        </xs:sequence><xs:attribute name="no" type="xs:integer"/></xs:complexType></xs:element>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="Place" minOccurs="0"><xs:complexType><xs:sequence>
        <xs:element name="Name" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string">
          <xs:maxLength value="20"/></xs:restriction></xs:simpleType></xs:element>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="Open" type="xs:boolean" minOccurs="0"/>
      <xs:element name="Seal" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="Status" minOccurs="0"/>
    </xs:sequence><xs:attribute name="ref" use="required"/></xs:complexType></xs:element>
    <xs:element name="Withdrawal"><xs:complexType>
      <xs:attribute name="ref" use="required"/></xs:complexType></xs:element>
  </xs:choice></xs:complexType></xs:element>
</xs:schema>"""
SHAPE = shape_of(
    "cen.xsd",
    [
        Field("", "@ref", required=True),
        Field("", "Date"),
        Field("", "Weight"),
        Field("", "Weight/@unit"),
        Field("Goods/Item", "@no", Type.INTEGER),
        Field("Goods/Item", "HS"),
        Field("Goods/Item", "Serial", Type.LIST),
        Field("", "Place/Name"),
        Field("", "Open", Type.BOOLEAN),
        Field("", "Seal", Type.LIST),
        Field("", "Status"),
    ],
)
WITHDRAW = {"element": "Withdrawal", "key": "@ref"}
Record = dict[str, Any]


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "partner"
    folder.mkdir()
    (tmp_path / "cen.xsd").write_text(XSD % "")
    return folder


def opened(drop: Path, shape: Shape = SHAPE, **options: object) -> FilesTarget:
    schema = os.fspath(drop.parent / "cen.xsd")
    return FilesTarget(os.fspath(drop), {"schema": schema, "record": "/CEN/Seizure", **options}, shape)


def batch_of(records: list[Record], shape: Shape = SHAPE) -> Batch:
    """Records as dictionaries by field name; a list's entries stand under the list's path."""
    tables = {}
    for path in shape.tables:
        if path == ROOT:
            rows: list[tuple[int, int | None, Record]] = [(row, None, record) for row, record in enumerate(records)]
        else:
            rows = [
                (row, i, entry) for row, record in enumerate(records) for i, entry in enumerate(record.get(path, []))
            ]
        columns = {
            ROW: pa.array([row for row, _, _ in rows], pa.int64()),
            (POSITION if path == ROOT else INDEX): pa.array([i for _, i, _ in rows], pa.int64()),
        }
        for f in shape.table(path):
            columns[f.name] = pa.array([values.get(f.name) for _, _, values in rows], f.arrow)
        tables[path] = pa.table(columns)
    return Batch(tables, "batch 1", "0" * 64)


def ordered(
    records: list[Record],
    known: list[str] | None = None,
    withdraw: tuple[str, ...] = (),
    recall: tuple[str, ...] = (),
    version: int = 1,
) -> pa.Table:
    table = orders(
        [Version(str(r["@ref"]), version) for r in records]
        + [Version(key, version, withdraw=True) for key in withdraw]
        + [Version(key, version, recall=True) for key in recall]
    )
    if known is not None:
        table = table.append_column("known", pa.array(known + [None] * len(withdraw + recall), pa.string()))
    return table


def files(drop: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in drop.iterdir()}


def document(drop: Path) -> bytes:
    (path,) = drop.glob("*.xml")
    return path.read_bytes()


def test_a_document_has_the_schemas_order_and_nothing_empty(drop: Path) -> None:
    records: list[Record] = [
        {
            "@ref": 'A"1',
            "Date": "2025-03-09",
            "Weight": "12.5",
            "Weight/@unit": "KGM",
            "Place/Name": "Kapiküle <& 'x'>",
            "Open": False,
            "Seal": ["a", "b & c"],
            "Goods/Item": [{"@no": 1, "HS": "240220", "Serial": ["x", "y"]}, {}],
        },
        {"@ref": "B", "Weight/@unit": "KGM"},
    ]
    opened(drop).deliver(batch_of(records), ordered(records))
    assert document(drop).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<CEN>\n'
        '<Seizure ref="A&quot;1"><Date>2025-03-09</Date><Weight unit="KGM">12.5</Weight>'
        '<Goods><Item no="1"><HS>240220</HS><Serial>x</Serial><Serial>y</Serial></Item><Item/></Goods>'
        "<Place><Name>Kapiküle &lt;&amp; 'x'&gt;</Name></Place><Open>false</Open>"
        "<Seal>a</Seal><Seal>b &amp; c</Seal></Seizure>\n"
        '<Seizure ref="B"><Weight unit="KGM"/></Seizure>\n'
        "</CEN>\n"
    )


def test_the_manifest_says_what_the_document_holds(drop: Path) -> None:
    records: list[Record] = [{"@ref": "A"}, {"@ref": "B"}]
    receipts = opened(drop, withdraw=WITHDRAW).deliver(
        batch_of(records), ordered(records, ["insert", "update"], withdraw=("C",), recall=("D",))
    )
    content = document(drop)
    sha256 = hashlib.sha256(content).hexdigest()
    (name,) = (path.name for path in drop.glob("seizure-*.xml"))
    assert set(files(drop)) == {name, f"{name}.manifest.json"}
    assert json.loads(files(drop)[f"{name}.manifest.json"]) == {
        "file": name,
        "sha256": sha256,
        "bytes": len(content),
        "records": 4,
        "inserts": 1,
        "updates": 1,
        "withdrawals": 2,
        "schema": "cen.xsd",
    }
    assert receipts.schema == RECEIPTS
    assert receipts.to_pydict() == {
        "_row": [0, 1, 2, 3],
        "effect": ["insert", "update", "withdraw", "withdraw"],
        "receipt": [f"{name} sha256:{sha256}"] * 4,
    }


def test_the_same_orders_again_change_nothing_even_when_the_partner_took_the_document(drop: Path) -> None:
    records: list[Record] = [{"@ref": "A"}, {"@ref": "B", "Goods/Item": [{"HS": "1"}]}]
    first = opened(drop).deliver(batch_of(records), ordered(records))
    before = {path.name: path.stat().st_mtime_ns for path in drop.iterdir()}
    again = opened(drop).deliver(batch_of(records), ordered(records))
    assert again.column("effect").to_pylist() == ["unchanged", "unchanged"]
    assert again.column("receipt") == first.column("receipt")
    assert {path.name: path.stat().st_mtime_ns for path in drop.iterdir()} == before
    (taken,) = drop.glob("*.xml")
    taken.unlink()
    assert opened(drop).deliver(batch_of(records), ordered(records)).column("effect").to_pylist() == ["unchanged"] * 2
    assert [path.suffix for path in drop.iterdir()] == [".json"]


def test_a_recalled_record_that_comes_again_is_a_document_of_its_own(drop: Path) -> None:
    records: list[Record] = [{"@ref": "A"}]
    target = opened(drop, withdraw=WITHDRAW)
    told = [
        (batch_of(records), ordered(records, version=1)),
        (batch_of([]), ordered([], recall=("A",), version=2)),
        (batch_of(records), ordered(records, version=3)),
        (batch_of([]), ordered([], recall=("A",), version=4)),
    ]
    for again in ([["insert"], ["withdraw"], ["insert"], ["withdraw"]], [["unchanged"]] * 4):
        assert [target.deliver(*one).column("effect").to_pylist() for one in told] == again
        documents = Counter(path.read_bytes() for path in drop.glob("*.xml"))
        assert sorted(documents.values()) == [2, 2]


def test_a_document_whose_manifest_was_lost_in_a_crash_is_finished(drop: Path) -> None:
    records: list[Record] = [{"@ref": "A"}]
    opened(drop).deliver(batch_of(records), ordered(records))
    whole = files(drop)
    (manifest,) = drop.glob("*.json")
    manifest.unlink()
    assert opened(drop).deliver(batch_of(records), ordered(records)).column("effect").to_pylist() == ["insert"]
    assert files(drop) == whole


def test_what_is_not_ordered_is_not_written(drop: Path) -> None:
    records: list[Record] = [{"@ref": "A"}, {"@ref": "B"}, {"@ref": "C"}]
    opened(drop).deliver(batch_of(records), ordered(records).slice(1, 1))
    assert etree.fromstring(document(drop)).xpath("//@ref") == ["B"]


def test_no_orders_write_nothing(drop: Path) -> None:
    assert opened(drop).deliver(batch_of([]), ORDERS.empty_table()) == RECEIPTS.empty_table()
    assert files(drop) == {}


def test_an_order_without_its_record_is_refused(drop: Path) -> None:
    with pytest.raises(Misconfigured, match="NO_RECORD at batch 1: 2 records are ordered, 1 of them are there"):
        opened(drop).deliver(batch_of([{"@ref": "A"}]), ordered([{"@ref": "A"}, {"@ref": "B"}]))
    assert files(drop) == {}


def test_a_withdrawal_by_the_records_own_element(drop: Path) -> None:
    own = opened(drop, withdraw={"key": "@ref", "set": {"Status": "CANCELLED"}})
    own.deliver(batch_of([]), ordered([], withdraw=("A", "B")))
    assert document(drop).decode().splitlines()[2:-1] == [
        '<Seizure ref="A"><Status>CANCELLED</Status></Seizure>',
        '<Seizure ref="B"><Status>CANCELLED</Status></Seizure>',
    ]


def test_a_withdrawal_that_nobody_said_how_to_tell_is_refused(drop: Path) -> None:
    with pytest.raises(Misconfigured, match="NO_WITHDRAWAL"):
        opened(drop).deliver(batch_of([]), ordered([], withdraw=("A",)))
    with pytest.raises(Misconfigured, match="the record has no Colour"):
        opened(drop, withdraw={"key": "@ref", "set": {"Colour": "red"}})
    assert files(drop) == {}


@pytest.mark.parametrize(
    ("record", "code", "told"),
    [
        ({"@ref": "B", "Place/Name": CANARY + CANARY}, "XSD_INVALID", "batch 1: /CEN/Seizure[2]/Place/Name"),
        ({"Date": CANARY}, "XSD_INVALID", "batch 1: /CEN/Seizure[2]"),
        ({"@ref": "B", "Date": CANARY + "\0"}, "ILLEGAL_CHARACTER", "record 1, Date"),
        ({"@ref": "B", "Goods/Item": [{}, {"HS": CANARY + "\x1f"}]}, "ILLEGAL_CHARACTER", "record 1, Goods/Item/HS"),
        ({"@ref": "B", "Seal": ["a", CANARY + "\ufffe"]}, "ILLEGAL_CHARACTER", "record 1, Seal"),
    ],
)
def test_what_the_partner_would_refuse_is_not_sent_and_no_value_is_told(
    drop: Path, record: Record, code: str, told: str
) -> None:
    records: list[Record] = [{"@ref": "A"}, record]
    with pytest.raises(Misconfigured) as refused:
        opened(drop).deliver(batch_of(records), ordered([{"@ref": "A"}, {"@ref": "B"}]))
    assert (refused.value.code, refused.value.where) == (code, told)
    assert CANARY not in words(refused.value)
    assert files(drop) == {}


def test_a_column_that_the_schema_does_not_have_is_refused(drop: Path) -> None:
    wider = shape_of("wider", [*SHAPE.fields, Field("", "Colour")])
    with pytest.raises(Misconfigured, match=r"NO_FIELD at cen\.xsd: Colour"):
        opened(drop).deliver(batch_of([{"@ref": "A", "Colour": "red"}], wider), ordered([{"@ref": "A"}]))


def test_a_folder_that_went_away_is_tried_later(drop: Path) -> None:
    target = opened(drop)
    drop.rmdir()
    with pytest.raises(TryLater, match="DROP_FOLDER"):
        target.deliver(batch_of([{"@ref": "A"}]), ordered([{"@ref": "A"}]))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"record": "Seizure"}, "BAD_OPTION"),
        ({"record": "/GTAS/Seizure"}, "BAD_OPTION"),
        ({"format": "csv"}, "BAD_OPTION"),
        ({"schema": "/nowhere.xsd"}, "NO_SCHEMA"),
        ({"withdraw": "delete"}, "BAD_OPTION"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_sent(drop: Path, options: dict[str, Any], code: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        opened(drop, **options)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("attributes", "opening", "record"),
    [
        ('targetNamespace="urn:c" elementFormDefault="qualified"', '<CEN xmlns="urn:c">', "<Seizure "),
        ('targetNamespace="urn:c"', '<p:CEN xmlns:p="urn:c">', "<Seizure "),
    ],
)
def test_namespaces_are_written_as_the_schema_wants_them(
    drop: Path, attributes: str, opening: str, record: str
) -> None:
    (drop.parent / "cen.xsd").write_text(XSD % attributes)
    opened(drop).deliver(batch_of([{"@ref": "A"}]), ordered([{"@ref": "A"}]))
    lines = document(drop).decode().splitlines()
    assert lines[1] == opening
    assert lines[2].startswith(record)


KILLED = """
import os, sys
from collections import Counter
from pathlib import Path
from tests.connectors.test_files_target import batch_of, opened, ordered

# The process dies at the n-th temporary file or rename that it asks for.
left = int(sys.argv[2])
def dying(event, args):
    global left
    if event == "os.rename" or (event == "open" and args[0] and ".delivering" in str(args[0])):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)
sys.addaudithook(dying)
records = [{"@ref": str(n)} for n in range(10)]
opened(Path(sys.argv[1])).deliver(batch_of(records), ordered(records))
"""


def test_killed_at_any_point_leaves_a_whole_document_or_none(drop: Path) -> None:
    records: list[Record] = [{"@ref": str(n)} for n in range(10)]
    deaths = 0
    for point in range(1, 10):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, os.fspath(drop), str(point)],
            check=False,
            env={**os.environ, "PYTHONPATH": "."},
        )
        for path in drop.glob("*.xml"):
            assert len(etree.fromstring(path.read_bytes())) == 10
        for path in drop.glob("*.json"):
            assert json.loads(path.read_bytes())["records"] == 10
        if done.returncode == 0:
            break
        assert done.returncode == -9
        deaths += 1
    assert deaths >= 4
    left = list(drop.glob(".delivering-*"))
    assert left
    for path in left:
        os.utime(path, (0, 0))
    assert opened(drop).deliver(batch_of(records), ordered(records)).column("effect").to_pylist() == ["unchanged"] * 10
    assert not list(drop.glob(".delivering-*")), "what the killed left is removed a day later"


text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=8,
) | st.sampled_from(["a\nb", "\t", " x ", "a\r\nb", "]]>", "&amp;", "<Seizure>"])
entries = st.fixed_dictionaries({"HS": st.none() | text, "Serial": st.none() | st.lists(text, min_size=1, max_size=2)})
records_of_any_kind = st.lists(
    st.fixed_dictionaries(
        {
            "@ref": text,
            "Date": st.none() | text,
            "Weight": st.none() | text,
            "Weight/@unit": st.none() | text,
            "Goods/Item": st.lists(entries, max_size=2),
            "Place/Name": st.none() | text,
            "Seal": st.none() | st.lists(text, min_size=1, max_size=2),
        }
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(records_of_any_kind)
def test_what_is_written_is_read_back_the_same(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    folder = tmp_path_factory.mktemp("law")
    (folder / "partner").mkdir()
    (folder / "cen.xsd").write_text(XSD % "")
    target: Target = opened(folder / "partner")
    target.deliver(batch_of(records), ordered(records))
    source = FilesSource(os.fspath(folder / "partner"), {"record": "/CEN/Seizure"}, SHAPE)
    (offer,) = source.offers(ALWAYS)
    (found,) = source.read(source.fetch(offer, folder / "archive"))
    assert found.problems == ()
    sent = batch_of(records)
    for path, table in sent.tables.items():
        names = [name for name in table.column_names if name not in (POSITION, "@no", "Open")]
        assert found.tables[path].select(names).to_pydict() == table.select(names).to_pydict()


def test_every_sample_of_cen_can_be_read_written_validated_and_read_back(tmp_path: Path) -> None:
    content = Content.find()
    shape = read_shape(content, "cen/cen.xsd", "/CEN/Seizure")
    samples = content.path("mappings/cen/samples/tobacco.xml").parent
    options = {"schema": os.fspath(content.path("schemas/cen/cen.xsd")), "record": "/CEN/Seizure", "withdraw": WITHDRAW}
    count = 0
    for number, batch in enumerate(everything(samples, tmp_path, shape)):
        folder = tmp_path / f"partner {number}"
        folder.mkdir()
        told = orders([Version(ref) for ref in batch.root.column("@ref").to_pylist()] + [Version("X", withdraw=True)])
        FilesTarget(os.fspath(folder), options, shape).deliver(batch, told)
        (again,) = everything(folder, tmp_path, shape)
        for path, table in batch.tables.items():
            names = [name for name in table.column_names if name != POSITION]
            assert again.tables[path].select(names) == table.select(names)
        count += len(batch)
    assert count >= 15


def everything(folder: Path, archive: Path, shape: Shape) -> list[Batch]:
    """All batches of a folder of CEN files, none with a problem."""
    source = FilesSource(os.fspath(folder), {"record": "/CEN/Seizure"}, shape)
    batches = [
        batch for offer in source.offers(ALWAYS) for batch in source.read(source.fetch(offer, archive / "archive"))
    ]
    assert [problem for batch in batches for problem in batch.problems] == []
    return batches
