"""Shapes kept from an earlier process are the shapes that the files have now, or they are not used."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge.content import Content
from bridge.shape import Shape
from bridge.shapes import kept, read_shape
from bridge.shapes import xsd as reader
from bridge.shapes.kept import hash_of, keep_shape, kept_shape

OUTER = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="inner.xsd"/>
<xs:element name="A"><xs:complexType><xs:sequence>
<xs:element name="B" type="kind"/></xs:sequence></xs:complexType></xs:element></xs:schema>
"""
INNER = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:simpleType name="kind"><xs:restriction base="xs:string">
<xs:enumeration value="X"/></xs:restriction></xs:simpleType></xs:schema>
"""


@pytest.fixture
def outer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An XSD that includes another, read once; the home is the test's own."""
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path / "home"))
    for folder in ("mappings", "schemas"):
        (tmp_path / folder).mkdir()
    (tmp_path / "schemas" / "inner.xsd").write_text(INNER)
    path = tmp_path / "schemas" / "outer.xsd"
    path.write_text(OUTER)
    read_shape(Content((tmp_path,)), "outer.xsd", "/A")
    return path


def again(outer: Path) -> Shape | None:
    return kept_shape(outer, "outer.xsd", "/A")


def files(outer: Path) -> list[Path]:
    return list((outer.parents[1] / "home" / "shapes").iterdir())


@pytest.mark.parametrize(("name", "record"), [("cen/cen.xsd", "/CEN/Seizure"), ("cis/cis.sql", "cis.case")])
def test_what_is_kept_is_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, record: str) -> None:
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path))
    content = Content.find()
    shape, path = read_shape(content, name, record), content.path(f"schemas/{name}")
    keep_shape(path, record, shape, [path], hash_of(path), time.time())
    assert kept_shape(path, name, record) == shape


def test_a_file_that_another_includes_counts_as_the_other_does(outer: Path) -> None:
    assert again(outer) == reader.xsd_shape(outer, "outer.xsd", "/A")[0]
    inner = outer.with_name("inner.xsd")
    inner.write_text(INNER.replace('"X"', '"Y"'))
    assert again(outer) is None
    inner.unlink()
    assert again(outer) is None
    inner.write_text(INNER)
    assert again(outer) is not None
    outer.write_text(OUTER.replace('"B"', '"C"'))
    assert again(outer) is None


def test_what_others_could_have_written_is_not_believed(outer: Path) -> None:
    (only,) = files(outer)
    assert again(outer) is not None
    only.chmod(0o666)
    assert again(outer) is None


def test_half_a_file_is_as_none(outer: Path) -> None:
    (only,) = files(outer)
    only.write_bytes(only.read_bytes()[:-9])
    assert again(outer) is None


def test_no_more_are_kept_than_are_used(outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MOST", 3)
    shape = again(outer)
    assert shape is not None
    for number in range(6):
        keep_shape(outer, f"/{number}", shape, [outer], hash_of(outer), time.time())
    assert len(files(outer)) == 3
    assert kept_shape(outer, "outer.xsd", "/5") == shape


def test_a_home_that_cannot_be_written_costs_only_time(outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_HOME", str(outer))  # a file, below which nothing can be
    assert again(outer) is None
    keep_shape(outer, "/A", Shape("outer.xsd", ()), [outer], hash_of(outer), time.time())
    assert again(outer) is None


def test_a_file_that_changed_under_its_reader_is_not_kept(outer: Path) -> None:
    shape = reader.xsd_shape(outer, "outer.xsd", "/A")[0]
    for file in files(outer):
        file.unlink()
    before, begun = hash_of(outer), time.time()
    outer.write_text(OUTER.replace('"B"', '"C"'))
    keep_shape(outer, "/A", shape, [outer], before, begun)
    assert again(outer) is None
    outer.write_text(OUTER)
    outer.with_name("inner.xsd").write_text(INNER.replace('"X"', '"Z"'))
    keep_shape(outer, "/A", shape, [outer, outer.with_name("inner.xsd")], hash_of(outer), begun)
    assert again(outer) is None
