"""The schema file of a new system: written for what has none, and with suggested classes where one was given."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from bridge.authoring.sample import Sample
from bridge.mapping.suggested import IN_SCHEMA, NOTHING_FOUND
from bridge.shape import Class, Sensitivity, Type

Classes = Mapping[str, tuple[Class, Sensitivity, str]]
"""By field path the class and sensitivity that are suggested, and why."""
_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_NOTE: Final = "{urn:bridge:field}field"
_TYPES: Final = {Type.BOOLEAN: "boolean", Type.INTEGER: "integer"}


def schema_text(name: str, sample: Sample, classes: Classes) -> str:
    """The text of the schema file."""
    match sample.suffix:
        case ".xsd":
            return _annotated_xsd(sample.schema, classes)
        case ".sql":
            return _annotated_sql(sample, classes)
    if sample.schema:
        document = json.loads(sample.schema)
        _annotate(document, "", classes)
        return _json(document)
    return _json(_written(name, sample, classes))


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _written(name: str, sample: Sample, classes: Classes) -> dict[str, Any]:
    """A JSON Schema of the columns; what nothing was suggested for is free text, which goes nowhere by itself."""
    root: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:bridge:schema:{name}:1",
        "title": name,
        "description": "Read from a sample: the columns are the system's, their classes have to be confirmed.",
        "type": "object",
        "properties": {},
    }
    for column in sample.columns:
        node: dict[str, Any] = {"type": _TYPES.get(column.field.type, "string")}
        if column.field.type is Type.LIST:
            node = {"type": "array", "items": {"type": "string"}}
        at = root
        if column.field.list:
            listed = root["properties"].setdefault(
                column.field.list, {"type": "array", "items": {"type": "object", "properties": {}}}
            )
            at = listed["items"]
        flat = sample.kind in ("csv", "xlsx")
        *above, last = [column.field.name] if flat else column.field.name.split(".")
        for part in above:
            at = at["properties"].setdefault(part, {"type": "object", "properties": {}})
        at["properties"][last] = node | _said(classes.get(column.path))
    return root


def _said(found: tuple[Class, Sensitivity, str] | None) -> dict[str, str]:
    """Annotations of a field. What nothing is suggested for says so: free text, the default that protects most."""
    cls, sensitivity, why = found or (Class.FREE_TEXT, Sensitivity.FREE_TEXT, NOTHING_FOUND)
    return {"x-class": cls.value, "x-sensitivity": sensitivity.value, IN_SCHEMA: why}


def _annotate(node: dict[str, Any], at: str, classes: Classes) -> None:
    for name, inner in node.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        if path in classes and "x-class" not in inner:
            inner.update(_said(classes[path]))
        _annotate(inner, path, classes)
        if isinstance(inner.get("items"), dict):
            _annotate(inner["items"], path, classes)


def _annotated_sql(sample: Sample, classes: Classes) -> str:
    out = [sample.schema.rstrip() + "\n"]
    for column in sample.columns:
        if column.path in classes and not re.search(
            rf"comment on column\s+\S*\b{re.escape(column.field.name)}\b", sample.schema, re.IGNORECASE
        ):
            cls, sensitivity, why = classes[column.path]
            schema = sample.record.rpartition(".")[0]
            table = column.field.list or sample.record
            table = f"{schema}.{table}" if schema and "." not in table else table
            said = f"suggested {why} [class={cls.value} sensitivity={sensitivity.value}]".replace("'", "''")
            out.append(f"COMMENT ON COLUMN {table}.\"{column.field.name}\" IS '{said}';\n")
    return "".join(out)


def _annotated_xsd(text: str, classes: Classes) -> str:
    """The XSD with the suggested classes as appinfo, wherever a name is declared once."""
    root = etree.fromstring(
        text.encode(), etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    )
    declared: dict[str, list[Any]] = {}
    for node in root.iter(f"{_XS}element", f"{_XS}attribute"):
        if node.get("name"):
            declared.setdefault(str(node.get("name")), []).append(node)
    for path, (cls, sensitivity, _) in classes.items():
        nodes = declared.get(re.split(r"[/@]", path)[-1], [])
        if len(nodes) == 1 and nodes[0].find(f"{_XS}annotation") is None:
            note = etree.Element(f"{_XS}annotation")
            info = etree.SubElement(etree.SubElement(note, f"{_XS}appinfo"), _NOTE)
            info.set("class", cls.value)
            info.set("sensitivity", sensitivity.value)
            nodes[0].insert(0, note)
    return str(etree.tostring(root, encoding="unicode", pretty_print=True))
