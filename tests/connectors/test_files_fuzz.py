"""Whatever bytes a file holds, it is one problem, or its records are all accounted for; never an error or a loss."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.shape import Field, Shape, shape_of
from connectors.files import FilesSource
from tests.connectors.test_files_hostile_xml import ALWAYS

XML = shape_of("cen.xsd", [Field("", "@ref"), Field("", "Date"), Field("Goods/Item", "HS"), Field("Person", "Role")])
FLAT = shape_of("flat", [Field("", "ref"), Field("", "place")])
LISTED = shape_of("listed", [Field("", "ref"), Field("goods", "hs")])


def _xml() -> bytes:
    record = (
        '<Seizure ref="{n}"><Date>2025-03-09 &amp; <![CDATA[x]]></Date><!-- c --><Goods><Item><HS>24</HS></Item><Item/>'
        "</Goods><Person><Role>A</Role></Person></Seizure>\n"
    )
    body = "".join(record.replace("{n}", str(n)) for n in range(6))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<CEN>\n{body}</CEN>\n'.encode()


def _xlsx() -> bytes:
    book = openpyxl.Workbook()
    for row in (["ref", "place"], ["1", "x"], [2, None], [None, 2.5]):
        book.worksheets[0].append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


CASES: dict[str, tuple[bytes, Shape, dict[str, Any]]] = {
    "xml": (_xml(), XML, {"record": "/CEN/Seizure", "chunk_bytes": 100}),
    "xml whole": (_xml().replace(b"<!-- c -->", b"").replace(b"<![CDATA[x]]>", b""), XML, {"record": "/CEN/Seizure"}),
    "xml utf-16": (_xml().decode().replace("UTF-8", "UTF-16").encode("utf-16"), XML, {"record": "/CEN/Seizure"}),
    "csv": (b'ref,place\n1,"a\nb"\n2,"c""d"\n\n3,\n4,x\n', FLAT, {}),
    "jsonl": (b'{"ref": "1", "goods": [{"hs": 1.50}]}\n{"ref": "2"}\n{"ref": null, "goods": []}\n', LISTED, {}),
    "xlsx": (_xlsx(), FLAT, {}),
}
changes = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 12),
        st.sampled_from(
            b" < > \" ' & \0 \n \r , { \xff \xc3 <!-- ]]> <a> </a> <Seizure> </Seizure> <Item/> <?x?> / =".split(b" ")
        ),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=150, deadline=None)
@given(changes)
def test_damaged_files_are_accounted_for(
    case: str, tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[float, int, bytes]]
) -> None:
    content, shape, options = CASES[case]
    for place, removed, added in damage:
        at = int(place * len(content))
        content = content[:at] + added + content[at + removed :]
    folder = tmp_path_factory.mktemp("fuzz")
    kind = case.partition(" ")[0]
    drop = Path(folder, "drop")
    drop.mkdir()
    (drop / f"a.{kind}").write_bytes(content)
    source = FilesSource(os.fspath(drop), {"format": kind, **options}, shape)
    (offer,) = source.offers(ALWAYS)
    fetched = source.fetch(offer, folder / "archive")
    assert fetched.path.read_bytes() == content
    if fetched.problem is not None:
        assert fetched.problem.row == -1
        assert fetched.problem.reason.startswith(f"a.{kind}")
        return
    rows = []
    for batch in source.read(fetched):
        rows += batch.rows().to_pylist() + [problem.row for problem in batch.problems]
        for table in batch.tables.values():
            table.validate(full=True)
    assert sorted(rows) == list(range(fetched.counted or 0))
