"""Sample files read the plain way: what examples run on, and what the fast readers are compared with."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bridge.batch import INDEX, POSITION, ROOT, ROW
from bridge.errors import Misconfigured
from bridge.mapping.examples import find_field
from bridge.mapping.samples import read_sample
from bridge.shape import Field, Shape, Type, shape_of

XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<n:All xmlns:n="urn:n"><n:Case ref="1" n:also="x"><n:Place><n:Town> Izmir </n:Town></n:Place>
  <n:Goods><n:Item no="1"><n:Qty unit="KG">1.5</n:Qty><n:Mark>a</n:Mark><n:Mark>b</n:Mark></n:Item><n:Item/></n:Goods>
  <n:Risk>r</n:Risk></n:Case>
  <n:Other/><n:Case ref="2"><n:Place/></n:Case></n:All>
"""


@pytest.fixture
def shape() -> Shape:
    return shape_of(
        "t.xsd",
        [
            Field("", "@ref"),
            Field("", "@also"),
            Field("", "Place/Town"),
            Field("", "Risk", Type.LIST),
            Field("Goods/Item", "@no", Type.INTEGER),
            Field("Goods/Item", "Qty", Type.DECIMAL),
            Field("Goods/Item", "Qty/@unit"),
            Field("Goods/Item", "Mark", Type.LIST),
        ],
    )


def test_xml_gives_texts_as_received_by_local_names(tmp_path: Path, shape: Shape) -> None:
    (tmp_path / "s.xml").write_bytes(XML)
    batch = read_sample(tmp_path / "s.xml", shape, "/All/Case")
    assert (batch.where, batch.sha256) == ("s.xml", hashlib.sha256(XML).hexdigest())
    assert batch.tables[ROOT].to_pylist() == [
        {ROW: 0, POSITION: 1, "@ref": "1", "@also": "x", "Place/Town": " Izmir ", "Risk": ["r"]},
        {ROW: 1, POSITION: 2, "@ref": "2", "@also": None, "Place/Town": None, "Risk": None},
    ]
    assert batch.tables["Goods/Item"].to_pylist() == [
        {ROW: 0, INDEX: 0, "@no": "1", "Qty": "1.5", "Qty/@unit": "KG", "Mark": ["a", "b"]},
        {ROW: 0, INDEX: 1, "@no": None, "Qty": None, "Qty/@unit": None, "Mark": None},
    ]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("s.xml", b"<All><Case>", "not readable"),
        ("s.xml", b'<!DOCTYPE a [<!ENTITY e "x">]><All><Case ref="&e;"/></All>', "DOCTYPE"),
        ("s.xml", b"<All><Case><Place><Town>a</Town><Town>b</Town></Place></Case></All>", "Place/Town stands 2 times"),
        ("s.json", b"{", "not readable"),
        ("s.json", b'{"Place/Town": ["a", {"b": 1}]}', "not readable"),
        ("s.csv", b"a,b\nx,\xe8\n", "line 2 is not UTF-8, in which samples are written"),
        ("s.pdf", b"", "no sample is read from .pdf"),
    ],
)
def test_a_sample_that_cannot_be_read_is_refused(
    tmp_path: Path, shape: Shape, name: str, data: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Misconfigured, match=says):
        read_sample(tmp_path / name, shape, "/All/Case")


def test_csv_gives_a_record_a_line(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_bytes('\ufeffa;b\n"1;2";x\n;y\n'.encode())
    batch = read_sample(tmp_path / "s.csv", shape_of("t", [Field("", "a"), Field("", "b")]), None, ";")
    assert batch.root.to_pylist() == [
        {ROW: 0, POSITION: 1, "a": "1;2", "b": "x"},
        {ROW: 1, POSITION: 2, "a": "", "b": "y"},
    ]


def test_json_gives_typed_values_by_dotted_name(tmp_path: Path) -> None:
    shape = shape_of(
        "t",
        [
            Field("", "n", Type.INTEGER), Field("", "at.town"), Field("", "tags", Type.LIST),
            Field("people", "name.first"), Field("people", "ok", Type.BOOLEAN),
        ],
    )  # fmt: skip
    text = '{"n": 3, "at": {"town": "Izmir"}, "tags": ["a"], "people": [{"name": {"first": "x"}, "ok": true}, {}]}'
    for name, data in (("s.json", text), ("s.jsonl", f"{text}\n\n")):
        (tmp_path / name).write_text(data)
        batch = read_sample(tmp_path / name, shape, None)
        assert batch.root.to_pylist() == [{ROW: 0, POSITION: 1, "n": 3, "at.town": "Izmir", "tags": ["a"]}]
        assert batch.tables["people"].to_pylist() == [
            {ROW: 0, INDEX: 0, "name.first": "x", "ok": True},
            {ROW: 0, INDEX: 1, "name.first": None, "ok": None},
        ]


@pytest.mark.parametrize(
    ("name", "path", "place"),
    [
        ("@ref", "@ref", None),
        ("Goods/Item/Qty", "Goods/Item/Qty", None),
        ("Goods/Item.1.Qty", "Goods/Item/Qty", 1),
        ("Goods/Item/0/Qty/@unit", "Goods/Item/Qty/@unit", 0),
    ],
)
def test_a_path_names_a_field_and_perhaps_an_entry(shape: Shape, name: str, path: str, place: int | None) -> None:
    found, at = find_field(shape, name)
    assert (found.path, at) == (path, place)


@pytest.mark.parametrize("name", ["Goods", "Goods/Item.x.Qty", "Goods/Item.0.Gone", "ref"])
def test_a_path_that_names_nothing_is_told(shape: Shape, name: str) -> None:
    with pytest.raises(KeyError, match="there is no field"):
        find_field(shape, name)
