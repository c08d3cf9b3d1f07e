"""The authority on a single XML record: slow, strict, and the one that words every refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from lxml import etree

from bridge.batch import ROOT
from bridge.errors import Refused
from connectors.files.xmlplan import Node

BLANK: Final = " \t\r\n"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XML: Final = "http://www.w3.org/XML/1998/namespace"
MEND: Final = "Have it left out, or add it to the schema and the mapping"

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """Namespaces in force where records stand, by prefix; "" is the default one."""

    prefixes: Mapping[str, str] = field(default_factory=dict)

    def wrapper(self) -> bytes:
        """A start tag that puts the namespaces in force."""
        parts = [
            f" xmlns{':' * bool(prefix)}{prefix}={quoteattr(uri)}"
            for prefix, uri in self.prefixes.items()
            if prefix or uri
        ]
        return f"<_{''.join(parts)}>".encode()


@dataclass(slots=True)
class Record:
    """Values of a record by table: one entry for ROOT, as many as there are for a list."""

    entries: dict[str, list[Values]]


def read_record(raw: bytes, context: Context, root: Node, tables: tuple[str, ...]) -> Record:
    """The values of one record given as UTF-8 bytes.

    Raises:
        Refused: an element or attribute that the schema does not know, one that stands twice, text between elements,
            content in an element said to be nil, or nesting without end.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, encoding="utf-8"
    )
    try:
        element = etree.fromstring(context.wrapper() + raw + b"</_>", parser)[0]
    except etree.XMLSyntaxError as bad:
        if "depth" in str(bad):
            raise Refused(
                "TOO_DEEP",
                "",
                "elements nested more than 256 deep. Have the supplier send the record as the schema says",
            ) from None
        raise Refused(
            "NOT_WELL_FORMED", "", "the record is not well-formed by itself. Have the supplier send it again"
        ) from None
    record = Record({table: [] for table in tables})
    record.entries[ROOT].append({})
    _walk(element, root, str(etree.QName(element).namespace or ""), record)
    return record


def _walk(element: etree._Element, node: Node, home: str, record: Record) -> None:
    values = record.entries[node.table]
    if node.entry:
        values.append({})
    nil = _attributes(element, node, home, values[-1])
    text = element.text or ""
    if node.text is not None:
        if nil and text:
            raise Refused(
                "NIL",
                node.path,
                f"{_name(node)} is said to be nil and has content. Have the supplier send one of the two",
            )
        _put(values[-1], node, text)
    elif text.strip(BLANK):
        raise Refused(
            "MIXED",
            node.path,
            f"text stands directly in {_name(node)}, which holds elements only. Have the supplier send the record "
            "as the schema says",
        )
    seen: set[str] = set()
    for child in element:
        name = _local(child.tag, home)
        known = node.children.get(name) if name else None
        if known is None:
            shown = f"{node.path}/{etree.QName(child).localname}".lstrip("/")[:120]
            raise Refused(
                "UNKNOWN_ELEMENT",
                shown,
                f"the element {shown} is not in the schema{'' if name else ', nor its namespace'}. {MEND}",
            )
        if known.path in seen and not known.repeats:
            raise Refused(
                "REPEATED",
                known.path,
                f"the element {known.path} stands twice in one {node.path or 'record'}, and the schema allows it "
                "once. Have the supplier send one, or declare it a list",
            )
        seen.add(known.path)
        _walk(child, known, home, record)
        if child.tail and child.tail.strip(BLANK):
            raise Refused(
                "MIXED",
                node.path,
                f"text stands directly in {_name(node)}, which holds elements only. Have the supplier send the "
                "record as the schema says",
            )


def _attributes(element: etree._Element, node: Node, home: str, values: Values) -> bool:
    nil = False
    for name, value in element.items():
        namespace = etree.QName(name).namespace
        if namespace in (XSI, XML):
            nil = nil or (name == f"{{{XSI}}}nil" and value.strip() in ("true", "1"))
            continue
        local = _local(str(name), home)
        column = node.attributes.get(local) if local else None
        if column is None:
            shown = f"{node.path}/@{etree.QName(name).localname}".lstrip("/")[:120]
            raise Refused("UNKNOWN_ATTRIBUTE", shown, f"the attribute {shown} is not in the schema. {MEND}")
        values[column.name] = value or None
    return nil


def _put(values: Values, node: Node, text: str) -> None:
    column = node.text
    if column is not None and text:
        if column.many:
            values.setdefault(column.name, []).append(text)
        else:
            values[column.name] = text


def _local(tag: Any, home: str) -> str:
    """The name without namespace, or "" if it is in a namespace other than the record's."""
    name = etree.QName(tag)
    return name.localname if name.namespace in (None, "", home) else ""


def _name(node: Node) -> str:
    return node.path or "the record"
