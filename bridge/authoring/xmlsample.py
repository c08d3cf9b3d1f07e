"""The shape of XML documents from a sample: which element is the record, what it holds, and an XSD that says so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree

from bridge.authoring.sample import MOST_ROWS, Column, Sample
from bridge.errors import Misconfigured
from bridge.shape import Field, Type


class _Node:
    """An element as far as the sample shows it."""

    def __init__(self) -> None:
        self.count = 0
        self.parents = 0
        self.many = False
        self.text: list[str] = []
        self.attributes: dict[str, list[str]] = {}
        self.children: dict[str, _Node] = {}

    def add(self, element: Any) -> None:
        self.count += 1
        for name, value in element.attrib.items():
            self.attributes.setdefault(_local(name), []).append(value.strip())
        inner = [child for child in element if isinstance(child.tag, str)]
        if (element.text or "").strip() and not inner:
            self.text.append(element.text.strip())
        times = Counter(_local(child.tag) for child in inner)
        for name, count in times.items():
            node = self.children.setdefault(name, _Node())
            node.many |= count > 1
            node.parents += 1
        for child in inner:
            self.children[_local(child.tag)].add(child)


def xml_sample(path: Path, record: str = "") -> Sample:
    """Fields, lists and values of the sample's records.

    The record is the element that repeats right below the root, unless ``record`` says otherwise.

    Raises:
        Misconfigured: not XML, a DOCTYPE, or no element that can be the record.
    """
    data = path.read_bytes()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as bad:
        raise Misconfigured("BAD_SAMPLE", path.name, f"not XML: {bad.msg}", "Correct the sample") from None
    if b"<!DOCTYPE" in data:
        raise Misconfigured("BAD_SAMPLE", path.name, "it has a DOCTYPE", "Give a sample without one")
    names = Counter(_local(child.tag) for child in root if isinstance(child.tag, str))
    if not names:
        raise Misconfigured("BAD_SAMPLE", path.name, "the root has no elements", "Give a sample with some records")
    name, times = names.most_common(1)[0]
    said = f"record /{_local(root.tag)}/{name}: {times} of them below the root"
    if record:
        parts = record.strip("/").split("/")
        name, said = parts[-1], f"record {record}, as it was said"
        if parts[0] != _local(root.tag) or len(parts) != 2 or name not in names:
            what = f"{record} is no element right below the root"
            raise Misconfigured("BAD_SAMPLE", path.name, what, f"Use /{_local(root.tag)}/{names.most_common(1)[0][0]}")
    where = f"/{_local(root.tag)}/{name}"
    top = _Node()
    for element in [one for one in root if isinstance(one.tag, str) and _local(one.tag) == name][:MOST_ROWS]:
        top.add(element)
    found = Sample("xml", [], record=where, schema=_xsd(_local(root.tag), name, top, root), suffix=".xsd")
    lists: list[str] = []
    _columns(top, "", "", found.columns, lists, top.count)
    found.lists = tuple(lists)
    found.options = {"format": "xml", "pattern": "*.xml"}
    found.said = [said]
    return found


def _columns(node: _Node, list_: str, prefix: str, columns: list[Column], lists: list[str], rows: int) -> None:
    for name, values in node.attributes.items():
        columns.append(Column(Field(list_, f"{prefix}@{name}", required=len(values) == rows), values, rows))
    for name, child in node.children.items():
        at = f"{prefix}{name}"
        parts = bool(child.children or child.attributes)
        if child.many and parts and not list_:
            lists.append(at)
            _columns(child, at, "", columns, lists, child.count)
            if child.text:
                columns.append(Column(Field(at, "."), child.text, child.count))
        elif parts:
            if child.text:
                columns.append(Column(Field(list_, at), child.text, rows))
            _columns(child, list_, f"{at}/", columns, lists, rows)
        else:
            kind = Type.LIST if child.many else Type.TEXT
            must = len(child.text) == rows and not child.many
            columns.append(Column(Field(list_, at, kind, required=must), child.text, rows))


def _xsd(root: str, record: str, node: _Node, element: Any) -> str:
    space = etree.QName(element).namespace
    named = (
        f' targetNamespace={quoteattr(space)} xmlns={quoteattr(space)} elementFormDefault="qualified"' if space else ""
    )
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"{named}>',
        f"  <xs:element name={quoteattr(root)}><xs:complexType><xs:sequence>",
        *_element(record, node, "    ", 'minOccurs="0" maxOccurs="unbounded"'),
        "  </xs:sequence></xs:complexType></xs:element>",
        "</xs:schema>",
    ]
    return "\n".join(lines) + "\n"


def _element(name: str, node: _Node, pad: str, occurs: str) -> list[str]:
    head = f"{pad}<xs:element name={quoteattr(name)}{' ' if occurs else ''}{occurs}"
    if not node.children and not node.attributes:
        return [f'{head} type="xs:string"/>']
    must = ' use="required"'
    attributes = [
        f'{pad}  <xs:attribute name={quoteattr(one)} type="xs:string"{must if len(values) == node.count else ""}/>'
        for one, values in node.attributes.items()
    ]
    if not node.children:
        return [
            f"{head}><xs:complexType><xs:simpleContent><xs:extension base=\"xs:string\">", *attributes,
            f"{pad}</xs:extension></xs:simpleContent></xs:complexType></xs:element>",
        ]  # fmt: skip
    lines = [f"{head}><xs:complexType><xs:sequence>"]
    for child, inner in node.children.items():
        least = 'minOccurs="0"' if inner.parents < node.count else ""
        most = 'maxOccurs="unbounded"' if inner.many else ""
        lines += _element(child, inner, pad + "  ", " ".join(filter(None, (least, most))))
    return [*lines, f"{pad}</xs:sequence>", *attributes, f"{pad}</xs:complexType></xs:element>"]


def _local(name: str) -> str:
    return str(name).rpartition("}")[2]
