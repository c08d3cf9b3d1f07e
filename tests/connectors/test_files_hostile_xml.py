"""Hostile and broken XML: what is said of it, and that nothing else is touched."""

from __future__ import annotations

import os
import resource
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.batch import Batch
from bridge.connector import Input, Window
from bridge.errors import Misconfigured, Problem
from bridge.shape import Field, Type, shape_of
from connectors.files import FilesSource

SHAPE = shape_of(
    "cen.xsd",
    [
        Field("", "@ref"),
        Field("", "Date"),
        Field("", "Place/Name"),
        Field("", "Seal", Type.LIST),
        Field("Goods/Item", "HS"),
        Field("Goods/Item", "HS/@edition"),
    ],
)
ALWAYS = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
XSI = "http://www.w3.org/2001/XMLSchema-instance"
AGAIN = "Have the supplier send the file again"


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def fetch(drop: Path, content: bytes | str | None, **options: object) -> tuple[FilesSource, Input]:
    if content is not None:
        (drop / "a.xml").write_bytes(content if isinstance(content, bytes) else content.encode())
    source = FilesSource(os.fspath(drop), {"record": "/CEN/Seizure", **options}, SHAPE)
    (offer,) = source.offers(ALWAYS)
    return source, source.fetch(offer, drop.parent / "archive")


def refusal(drop: Path, content: bytes | str, **options: object) -> tuple[str, int, str]:
    source, fetched = fetch(drop, content, **options)
    assert fetched.problem is not None
    assert fetched.counted is None
    assert fetched.path.read_bytes() == (drop / "a.xml").read_bytes()
    with pytest.raises(Misconfigured, match="nothing may be read"):
        source.read(fetched)
    assert fetched.problem.row == -1
    return fetched.problem.code, fetched.problem.position, fetched.problem.reason


def read(drop: Path, content: bytes | str | None, **options: object) -> tuple[list[str], list[Problem]]:
    """References of the sound records, and the problems, of a file that must be readable."""
    source, fetched = fetch(drop, content, **options)
    assert fetched.problem is None
    batches: list[Batch] = list(source.read(fetched))
    problems = [problem for batch in batches for problem in batch.problems]
    found = [ref for batch in batches for ref in batch.root.column("@ref").to_pylist()]
    assert fetched.counted == len(found) + len(problems)
    return found, problems


def cen(*records: str, head: str = "") -> str:
    return f"{head}<CEN>\n{''.join(f'<Seizure{record}</Seizure>{chr(10)}' for record in records)}</CEN>\n"


@pytest.mark.parametrize(
    ("content", "code", "position", "reason"),
    [
        (b"", "EMPTY", 0, f"a.xml, byte 0: 0 bytes, none of them content. {AGAIN}"),
        (b" \n\t\r\n", "EMPTY", 0, f"a.xml, byte 0: 5 bytes, none of them content. {AGAIN}"),
        (b"\xef\xbb\xbf\n", "EMPTY", 0, f"a.xml, byte 0: 4 bytes, none of them content. {AGAIN}"),
        (
            b"<CEN>\n<Seizure><Date>x</Date></Seizure>\n<Seizure><Da",
            "TRUNCATED",
            49,
            f"a.xml, line 3, column 10, byte 49: the file ends before its root element does (unclosed token). {AGAIN}",
        ),
        (
            b"<CEN>\n<Seizure>",
            "TRUNCATED",
            15,
            "a.xml, line 2, column 10, byte 15: the file ends before its root element does (no element found). "
            f"{AGAIN}",
        ),
        (
            b"<CEN><Seizure></CEN>",
            "NOT_WELL_FORMED",
            16,
            "a.xml, line 1, column 17, byte 16: mismatched tag. Have the supplier write it with an XML library, "
            "then send it again",
        ),
        (
            b"<CEN><Seizure><Date>&#0;</Date></Seizure></CEN>",
            "NOT_WELL_FORMED",
            20,
            "a.xml, line 1, column 21, byte 20: reference to invalid character number. "
            "Have the supplier write it with an XML library, then send it again",
        ),
        (
            b"<CEN><Seizure><Date>\0</Date></Seizure></CEN>",
            "NOT_WELL_FORMED",
            20,
            "a.xml, line 1, column 21, byte 20: not well-formed (invalid token). "
            "Have the supplier write it with an XML library, then send it again",
        ),
        (
            b"<CEN>&secret;</CEN>",
            "NOT_WELL_FORMED",
            5,
            "a.xml, line 1, column 6, byte 5: undefined entity. Have the supplier write it with an XML library, "
            "then send it again",
        ),
        (
            b"<CEN><x:Seizure/></CEN>",
            "NOT_WELL_FORMED",
            5,
            "a.xml, line 1, column 6, byte 5: unbound prefix. Have the supplier write it with an XML library, "
            "then send it again",
        ),
        (
            b'<!DOCTYPE CEN SYSTEM "file:///etc/passwd"><CEN/>',
            "DOCTYPE",
            0,
            "a.xml, line 1, byte 0: a document type declaration, which can draw in other files and blow up memory. "
            "Have the supplier send the file without <!DOCTYPE",
        ),
        (
            "<?xml version='1.0' encoding='UTF-8'?><CEN><Seizure><Date>Saône</Date></Seizure></CEN>".encode("latin-1"),
            "ENCODING",
            60,
            "a.xml, line 1, column 61, byte 60: byte 0xF4 is not UTF-8, which the file declares. "
            "Have the supplier write UTF-8, or declare the encoding that the file is in",
        ),
        (
            b"<?xml version='1.0' encoding='UTF-16'?><CEN/>",
            "ENCODING",
            30,
            "a.xml, line 1, column 31, byte 30: the file declares utf-16 and is written in utf-8. Have the "
            "supplier correct the declaration",
        ),
        (
            "<?xml version='1.0' encoding='UTF-8'?><CEN/>".encode("utf-16"),
            "ENCODING",
            62,
            "a.xml, line 1, column 32, byte 62: the file declares utf-8 and is written in utf-16-le. Have the "
            "supplier correct the declaration",
        ),
        (
            "<?xml version='1.0' encoding='ISO-8859-1'?><CEN><Seizure><Date>Saône</Date></Seizure></CEN>".encode(),
            "ENCODING",
            65,
            "a.xml, byte 65: the file declares iso-8859-1 and is written in UTF-8 throughout. Have the supplier "
            "correct the declaration",
        ),
        (
            b"<?xml version='1.0' encoding='Shift_JIS'?><CEN/>",
            "ENCODING",
            0,
            "a.xml, line 1: the declared encoding shift_jis is not one that can be read (multi-byte encodings "
            "are not supported). "
            "Have the supplier write UTF-8",
        ),
        (
            "<CEN/>".encode("utf-32"),
            "ENCODING",
            0,
            "a.xml, byte 0: a byte order mark says UTF-32, which XML readers need not know. Have the supplier "
            "write UTF-8",
        ),
        (
            b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
            "PACKED",
            0,
            "a.xml, byte 0: a gzip file, where xml is expected. Unpack it, then drop its content",
        ),
        (
            b"<Orders><Seizure/></Orders>",
            "ROOT",
            -1,
            "a.xml: the root element is Orders, where CEN is expected. Drop the file where its own kind is "
            "collected, or correct record",
        ),
    ],
)
def test_a_file_that_is_none_is_refused_as_one(
    drop: Path, content: bytes, code: str, position: int, reason: str
) -> None:
    assert refusal(drop, content) == (code, position, reason)


def test_a_billion_laughs_is_refused_before_it_is_read(drop: Path) -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    declaration = f'<!DOCTYPE CEN [<!ENTITY l0 "lol">{entities}]>'
    bomb = f'<?xml version="1.0"?>\n{declaration}<CEN><Seizure><Date>&l9;</Date></Seizure></CEN>'
    code, position, reason = refusal(drop, bomb)
    assert (code, position) == ("DOCTYPE", 22)
    assert reason.startswith("a.xml, line 2, byte 22: ")
    assert refusal(drop, bomb.encode("utf-16"))[:2] == ("DOCTYPE", 46)


def test_another_namespace_than_the_agreed_one_is_refused(drop: Path) -> None:
    content = '<c:CEN xmlns:c="urn:cen:3"><c:Seizure ref="1"/></c:CEN>'
    code, _, reason = refusal(drop, content, namespace="urn:cen:2")
    assert code == "NAMESPACE"
    assert reason == (
        "a.xml: Seizure is in the namespace urn:cen:3, where urn:cen:2 is expected. "
        "Have the supplier write the agreed version, or change namespace with the schema"
    )
    assert read(drop, content, namespace="urn:cen:3") == (["1"], [])


def test_a_file_larger_than_allowed_is_archived_and_not_read(drop: Path) -> None:
    code, _, reason = refusal(drop, cen(' ref="1">'), max_input_bytes=20)
    assert code == "TOO_LARGE"
    assert reason == (
        "a.xml: 41 bytes, more than max_input_bytes allows (20). "
        "Have the supplier send smaller files, or raise max_input_bytes"
    )


@pytest.mark.parametrize(
    ("inner", "code", "field", "reason"),
    [
        (
            "><Date>1</Date><Date>2</Date>",
            "REPEATED",
            "Date",
            "the element Date stands twice in one record, and the schema allows it once. Have the supplier send "
            "one, or declare it a list",
        ),
        (
            "><Goods><Item><HS>1</HS><HS/></Item></Goods>",
            "REPEATED",
            "Goods/Item/HS",
            "the element Goods/Item/HS stands twice in one Goods/Item, and the schema allows it once. Have the "
            "supplier send one, or declare it a list",
        ),
        (
            "><Place><Name>a</Name></Place><Place/>",
            "REPEATED",
            "Place",
            "the element Place stands twice in one record, and the schema allows it once. Have the supplier send "
            "one, or declare it a list",
        ),
        (
            "><Colour>red</Colour>",
            "UNKNOWN_ELEMENT",
            "Colour",
            "the element Colour is not in the schema. Have it left out, or add it to the schema and the mapping",
        ),
        (
            "><Goods><Item><Name>a</Name></Item></Goods>",
            "UNKNOWN_ELEMENT",
            "Goods/Item/Name",
            "the element Goods/Item/Name is not in the schema. Have it left out, or add it to the schema and the "
            "mapping",
        ),
        (
            "><d:Date xmlns:d='urn:d'>1</d:Date>",
            "UNKNOWN_ELEMENT",
            "Date",
            "the element Date is not in the schema, nor its namespace. Have it left out, or add it to the schema "
            "and the mapping",
        ),
        (
            " mood='x'>",
            "UNKNOWN_ATTRIBUTE",
            "@mood",
            "the attribute @mood is not in the schema. Have it left out, or add it to the schema and the mapping",
        ),
        (
            '><Date zone="x">1</Date>',
            "UNKNOWN_ATTRIBUTE",
            "Date/@zone",
            "the attribute Date/@zone is not in the schema. Have it left out, or add it to the schema and the mapping",
        ),
        (
            "><Place>Zebedee<Name>a</Name></Place>",
            "MIXED",
            "Place",
            "text stands directly in Place, which holds elements only. Have the supplier send the record as the "
            "schema says",
        ),
        (
            "><Date>9 <b>March</b> 2025</Date>",
            "UNKNOWN_ELEMENT",
            "Date/b",
            "the element Date/b is not in the schema. Have it left out, or add it to the schema and the mapping",
        ),
        (
            '><Date xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">1</Date>',
            "NIL",
            "Date",
            "Date is said to be nil and has content. Have the supplier send one of the two",
        ),
        (
            ">" + "<a>" * 300 + "</a>" * 300,
            "TOO_DEEP",
            "",
            "elements nested more than 256 deep. Have the supplier send the record as the schema says",
        ),
        (
            f"><Date>{'x' * 5000}</Date>",
            "TOO_LARGE",
            "",
            "longer than max_record_bytes allows (4096). Have the record split, or raise max_record_bytes",
        ),
    ],
)
@pytest.mark.parametrize("chunk", [1 << 25, 1000])
def test_one_bad_record_among_a_thousand_stops_no_other(
    drop: Path, inner: str, code: str, field: str, reason: str, chunk: int
) -> None:
    records = [f' ref="{n}"><Date>x</Date><Seal>a</Seal><Seal>b</Seal>' for n in range(1000)]
    records[500] = inner
    content = cen(*records)
    found, (problem,) = read(drop, content, chunk_bytes=chunk, max_record_bytes=4096)
    assert found == [str(n) for n in range(1000) if n != 500]
    at = content.encode().index(b"</Seizure>\n<Seizure" + inner[:12].encode()) + 11
    assert problem == Problem(500, at, code, field, "xml", f"record at byte {at}: {reason}")


def test_a_comment_or_cdata_that_holds_a_record_is_none(drop: Path) -> None:
    content = cen(
        ' ref="1"><Date><![CDATA[</Seizure><Seizure ref="no">]]></Date>',
        ' ref="2"><!-- </Seizure><Seizure ref="no"/> --><Date>x</Date>',
        ' ref="3">',
        head="<!-- <CEN><Seizure ref='no'/> -->",
    )
    assert read(drop, content) == (["1", "2", "3"], [])


def test_elements_of_the_records_name_elsewhere_are_no_records(drop: Path) -> None:
    content = '<CEN><Head><Seizure ref="no"/></Head><Seizure ref="1"/><Seizure ref="2"/><Tail><Seizure/></Tail></CEN>'
    assert read(drop, content) == (["1", "2"], [])


def test_one_huge_record_is_refused_in_bounded_memory(drop: Path) -> None:
    path = drop / "a.xml"
    with path.open("wb") as file:
        file.write(b'<CEN><Seizure ref="1"/><Seizure><Date>')
        for _ in range(32):
            file.write(b"<x>x</x>" * (1 << 17))
        file.write(b'</Date></Seizure><Seizure ref="3"/></CEN>')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found, (problem,) = read(drop, None, max_record_bytes=1 << 20)
    assert found == ["1", "3"]
    assert (problem.row, problem.position, problem.code) == (1, 23, "TOO_LARGE")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


@pytest.mark.parametrize(
    "content",
    [
        '<CEN xmlns="urn:c"><Seizure ref="1"><Date>x</Date></Seizure><Seizure ref="2"/></CEN>',
        '<c:CEN xmlns:c="urn:c"><c:Seizure ref="1"><c:Date>x</c:Date></c:Seizure><c:Seizure ref="2"/></c:CEN>',
        '<c:CEN xmlns:c="urn:c"><Seizure ref="1"><Date>x</Date></Seizure><Seizure ref="2"/></c:CEN>',
        '<c:CEN xmlns:c="urn:c"><c:Seizure ref="1"><Date>x</Date></c:Seizure>'
        '<d:Seizure xmlns:d="urn:c" ref="2"/></c:CEN>',
        '<CEN><Seizure xmlns="urn:c" ref="1"><Date>x</Date></Seizure><c:Seizure xmlns:c="urn:c" ref="2"/></CEN>',
        f'<CEN><Head/><Seizure ref="1"><Date xmlns:i="{XSI}" i:type="s">x</Date></Seizure>'
        '<Seizure xml:lang="en" ref="2"/></CEN>',
        f'<CEN xmlns:i="{XSI}" i:noNamespaceSchemaLocation="x.xsd"><Seizure ref="1"><Date i:type="s">x</Date>'
        '<Place i:nil="true"/></Seizure><Seizure ref="2"><Date i:nil="true"/></Seizure></CEN>',
    ],
)
def test_the_records_namespace_may_be_written_in_any_way(drop: Path, content: str) -> None:
    source, fetched = fetch(drop, content)
    assert fetched.counted == 2
    (batch,) = source.read(fetched)
    assert batch.problems == ()
    assert batch.root.select(["@ref", "Date"]).to_pydict() == {"@ref": ["1", "2"], "Date": ["x", None]}


def test_an_element_of_another_records_namespace_is_not_known(drop: Path) -> None:
    content = (
        '<CEN xmlns:a="urn:a" xmlns:b="urn:b"><b:Seizure ref="1"/><a:Seizure ref="2"><b:Date>x</b:Date></a:Seizure>'
        '<a:Seizure ref="3"><a:Date>x</a:Date></a:Seizure></CEN>'
    )
    found, problems = read(drop, content)
    assert found == ["1", "3"]
    assert [(problem.row, problem.code, problem.field) for problem in problems] == [(1, "UNKNOWN_ELEMENT", "Date")]


def test_records_may_stand_in_many_parents_and_be_the_root(drop: Path) -> None:
    batches = "".join(
        f'<Batch xmlns:p{n}="urn:{n}"><Seizure ref="{n}a"/><Other/><Seizure ref="{n}b"/></Batch><Batch/>'
        for n in range(3)
    )
    options = {"record": "/CEN/Batch/Seizure"}
    assert read(drop, f'<CEN><Seizure ref="no"/>{batches}</CEN>', **options) == (
        ["0a", "0b", "1a", "1b", "2a", "2b"],
        [],
    )
    assert read(drop, '<Seizure ref="only"/>', record="/Seizure") == (["only"], [])
