"""The columnar reader of XML against another parser, on generated documents and windows of every size."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.batch import ROOT
from bridge.connector import Window
from bridge.shape import Field, Type, shape_of
from connectors.files import FilesSource

SHAPE = shape_of(
    "laws",
    [
        Field("", "@ref"),
        Field("", "Date"),
        Field("", "Date/@zone"),
        Field("", "Place/Name"),
        Field("", "Place/@code"),
        Field("", "Seal", Type.LIST),
        Field("", "Marks/Mark", Type.LIST),
        Field("Goods/Item", "@no"),
        Field("Goods/Item", "Name"),
        Field("Goods/Item", "Serial", Type.LIST),
        Field("Person", "Role"),
        Field("Photo", "."),
        Field("Photo", "@kind"),
    ],
)
LISTS = {"Goods/Item": ("@no", "Name", "Serial"), "Person": ("Role",), "Photo": (".", "@kind")}
ALWAYS = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))

DECLARATIONS = {
    "utf-8": "",
    "utf-8-sig": "<?xml version='1.0' encoding='UTF-8'?>\n",
    "utf-16": "<?xml version='1.0' encoding='UTF-16'?>\n",
    "iso-8859-1": "<?xml version='1.0' encoding='ISO-8859-1'?>",
    "cp1252": "<?xml version='1.0' encoding='windows-1252' ?>",
}

text = st.text(st.sampled_from("ab <>&\"'é€𝄞\n\t ]"), max_size=6)
blank = st.sampled_from(["", "", "", " ", "\n  ", "\r\n"])


def escaped(value: str, style: str) -> str:
    if style == "cdata" and "]]>" not in value:
        return f"<![CDATA[{value}]]>"
    value = value.replace("&", "&amp;").replace("<", "&lt;")
    if style == "references":
        return "".join(f"&#{ord(c)};" if c in "\n\té" else f"&#x{ord(c):x};" if c == "€" else c for c in value).replace(
            "]]>", "]]&gt;"
        )
    return value.replace("]]>", "]]&gt;")


@st.composite
def leaf(draw: Any, name: str, attributes: str = "") -> str:
    value: str = draw(text)
    if not value:
        empty = [f"<{name}{attributes}/>", f"<{name}{attributes} />", f"<{name}{attributes}></{name}>"]
        return str(draw(st.sampled_from(empty)))
    style = draw(st.sampled_from(["plain"] * 6 + ["references", "cdata"]))
    note = draw(st.sampled_from([""] * 8 + ["<!-- <Record ref='x'> -->", "<?note <Record>?>"]))
    return f"<{name}{attributes}>{escaped(value, style)}{note}</{name}{draw(st.sampled_from(['', '', ' ']))}>"


@st.composite
def attribute(draw: Any, name: str) -> str:
    value: str = draw(text).replace("&", "&amp;").replace("<", "&lt;")
    quote = draw(st.sampled_from('"""\''))
    value = value.replace(quote, "&quot;" if quote == '"' else "&apos;")
    space = draw(st.sampled_from([" ", " ", " ", "\n", "  "]))
    equals = draw(st.sampled_from(["=", "=", "=", " = "]))
    return f"{space}{name}{equals}{quote}{value}{quote}"


@st.composite
def entry(draw: Any, name: str, parts: list[Any], attributes: list[str]) -> str:
    inner = [draw(part) for part in parts]
    head = "".join(draw(attribute(a)) for a in attributes if draw(st.booleans()))
    gap = draw(blank)
    return f"<{name}{head}>{gap}{gap.join(inner)}{gap}</{name}>" if inner or draw(st.booleans()) else f"<{name}{head}/>"


@st.composite
def record(draw: Any) -> str:
    parts = []
    if draw(st.booleans()):
        parts.append(draw(leaf("Date", draw(st.one_of(st.just(""), attribute("zone"))))))
    if draw(st.booleans()):
        parts.append(draw(entry("Place", [leaf("Name")][: draw(st.integers(0, 1))], ["code"])))
    parts += [draw(leaf("Seal")) for _ in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        parts.append(draw(entry("Marks", [leaf("Mark")] * draw(st.integers(0, 2)), [])))
    if draw(st.booleans()):
        items = [
            entry(
                "Item", [leaf("Name")][: draw(st.integers(0, 1))] + [leaf("Serial")] * draw(st.integers(0, 2)), ["no"]
            )
        ]
        parts.append(draw(entry("Goods", items * draw(st.integers(0, 3)), [])))
    parts += [
        draw(entry("Person", [leaf("Role")][: draw(st.integers(0, 1))], [])) for _ in range(draw(st.integers(0, 2)))
    ]
    parts += [
        draw(leaf("Photo", draw(st.one_of(st.just(""), attribute("kind"))))) for _ in range(draw(st.integers(0, 2)))
    ]
    if draw(st.integers(0, 9)) == 0:  # what the schema does not allow
        parts.append(
            draw(
                st.sampled_from(
                    [
                        "<Record>x</Record>",
                        "<Date>1</Date><Date/>",
                        "<Place/><Place/>",
                        "loose",
                        "<Goods/><Goods/>",
                        "<Place><Code>1</Code></Place>",
                        "<Marks mood='x'/>",
                        "<Role/>",
                        "<Name/>",
                    ]
                )
            )
        )
    parts = draw(st.permutations(parts))
    gap = draw(blank)
    between = draw(st.sampled_from([gap] * 9 + ["<!-- </Record> -->"]))
    head = "".join(draw(attribute(a)) for a in ["ref"] if draw(st.booleans()))
    return f"<Record{head}>{gap}{between.join(parts)}{gap}</Record{draw(st.sampled_from(['', '', ' ']))}>"


documents = st.builds(
    lambda records, gaps, head, tail: head + "".join(r + g for r, g in zip(records, gaps, strict=True)) + tail,
    st.shared(st.lists(record(), max_size=6), key="records"),
    st.shared(st.lists(record(), max_size=6), key="records").flatmap(
        lambda r: st.lists(blank, min_size=len(r), max_size=len(r))
    ),
    st.sampled_from(
        [
            "<Root>",
            "<Root\n>\n",
            "<!-- <Root> --><Root a='>'><Head><Record/></Head>",
            "<Root ><Other>t</Other>\n",
        ]
    ),
    st.sampled_from(["</Root>", "<Tail><Record><x/></Record></Tail></Root>\n", "<Record/></Root><!-- end -->"]),
)


def oracle(document: str) -> list[dict[str, Any] | None]:
    """Each record's values by list, or None where the schema refuses it, by way of ElementTree."""
    known = {
        "": {"Date", "Place", "Seal", "Marks", "Goods", "Person", "Photo"},
        "Place": {"Name"},
        "Marks": {"Mark"},
        "Goods": {"Item"},
        "Goods/Item": {"Name", "Serial"},
        "Person": {"Role"},
    }
    attributes = {"": {"ref"}, "Date": {"zone"}, "Place": {"code"}, "Goods/Item": {"no"}, "Photo": {"kind"}}
    many = {"Seal", "Marks/Mark", "Goods/Item", "Goods/Item/Serial", "Person", "Photo"}
    texts = {"Date", "Place/Name", "Seal", "Marks/Mark", "Goods/Item/Name", "Goods/Item/Serial", "Person/Role", "Photo"}

    def read(element: ET.Element, path: str, out: dict[str, list[dict[str, Any]]]) -> bool:
        table = next((one for one in LISTS if path == one or path.startswith(one + "/")), ROOT)
        if path in LISTS:
            out[table].append({})
        values = out[table][-1]
        name = path[len(table) :].lstrip("/") if table else path
        for key, value in element.items():
            if key not in attributes.get(path, ()):
                return False
            values[f"{name}/@{key}" if name else f"@{key}"] = value or None
        inside = element.text or ""
        if path in texts:
            if path in many and path not in LISTS:
                if inside:
                    values.setdefault(name, []).append(inside)
            else:
                values[name or "."] = inside or None
        elif inside.strip():
            return False
        seen = set()
        for child in element:
            below = f"{path}/{child.tag}".lstrip("/")
            if (
                child.tag not in known.get(path, ())
                or (below in seen and below not in many)
                or (child.tail or "").strip()
            ):
                return False
            seen.add(below)
            if not read(child, below, out):
                return False
        return True

    records: list[dict[str, Any] | None] = []
    for element in ET.fromstring(document).findall("Record"):  # noqa: S314 - our own document
        out: dict[str, list[dict[str, Any]]] = {ROOT: [{}], **{path: [] for path in LISTS}}
        records.append(out if read(element, "", out) else None)
    return records


@settings(max_examples=100, deadline=None)
@given(documents, st.integers(30, 3000), st.sampled_from([*DECLARATIONS]))
def test_every_record_is_read_as_another_parser_reads_it(document: str, window: int, encoding: str) -> None:
    raw = (DECLARATIONS[encoding] + document).encode(encoding, "xmlcharrefreplace")
    expected = oracle(raw.decode(encoding).removeprefix(DECLARATIONS[encoding]))
    with TemporaryDirectory() as folder:
        drop = Path(folder, "drop")
        drop.mkdir()
        (drop / "a.xml").write_bytes(raw)
        source = FilesSource(os.fspath(drop), {"record": "/Root/Record", "chunk_bytes": window}, SHAPE)
        (offer,) = source.offers(ALWAYS)
        fetched = source.fetch(offer, Path(folder, "archive"))
        assert fetched.problem is None
        assert fetched.counted == len(expected)
        batches = list(source.read(fetched))
    found: dict[int, dict[str, list[dict[str, Any]]]] = {}
    problems = {}
    for batch in batches:
        for problem in batch.problems:
            problems[problem.row] = problem
        for row in batch.root.to_pylist():
            begin = raw[row["_pos"] :].decode({"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding))
            assert begin.startswith("<Record")
            found[row["_row"]] = {ROOT: [row], **{path: [] for path in LISTS}}
        for path in LISTS:
            for row in batch.tables[path].to_pylist():
                entries = found[row["_row"]][path]
                assert row["_i"] == len(entries)
                entries.append(row)
    assert sorted([*found, *problems]) == list(range(len(expected)))
    for row, want in enumerate(expected):
        assert (row in problems) == (want is None), (row, problems.get(row))
        if want is not None:
            for path, entries in want.items():
                names = [f.name for f in SHAPE.table(path)]
                assert [{n: e[n] for n in names} for e in found[row][path]] == [
                    {n: e.get(n) for n in names} for e in entries
                ]
