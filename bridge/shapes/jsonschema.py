"""A shape from a JSON Schema (2020-12): objects are dotted names, arrays of objects are lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.errors import Misconfigured
from bridge.shape import Field, Shape, Type, shape_of
from bridge.shapes.notes import FULL_DATE, Notes

_TYPES = {"integer": Type.INTEGER, "number": Type.DECIMAL, "boolean": Type.BOOLEAN, "string": Type.TEXT}
_FORMATS = {"date": Type.DATE, "date-time": Type.DATETIME}
_KEYWORDS = {"x-class": "class", "x-sensitivity": "sensitivity", "x-codes": "codes", "x-type": "type", "x-cite": "cite"}
_DIGITS_AFTER_POINT = "x-scale"

Node = Mapping[str, Any]


def json_shape(path: Path, name: str) -> Shape:
    """The fields of the object that the schema at ``path`` describes.

    ``x-class``, ``x-sensitivity`` and ``x-cite`` hold for everything inside them until said anew; ``x-codes``
    names the code list, ``x-type`` a type that JSON lacks (date, datetime, decimal, code), ``x-scale`` the digits
    after the point. ``$ref`` may lead into the same file or one beside it.

    Raises:
        Misconfigured: not a schema of an object, a reference to nothing, or a list of objects inside a list.
    """
    reader = _Reader(name)
    root = reader.follow(reader.document(path), path)
    if "properties" not in root[0]:
        raise Misconfigured("BAD_SCHEMA", name, "the schema does not describe an object", "Give it properties")
    reader.object(root, "", "", Notes().read(_said(root[0]), name), True)
    return shape_of(name, reader.fields, reader.lists)


def json_assigned(path: Path, by: str) -> frozenset[str]:
    """Names of the record's own fields that are marked ``x-assigned``, with this word if one is given."""
    properties = json.loads(path.read_bytes()).get("properties", {})
    who = {name: node["x-assigned"] for name, node in properties.items() if "x-assigned" in node}
    return frozenset(name for name, one in who.items() if by in ("", one))


Place = tuple[Node, Path]


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: list[Field] = []
        self.lists: dict[str, bool] = {}
        self.documents: dict[Path, Node] = {}

    def document(self, path: Path) -> Node:
        if path not in self.documents:
            try:
                self.documents[path] = json.loads(path.read_bytes())
            except (OSError, ValueError) as bad:
                raise Misconfigured(
                    "BAD_SCHEMA", f"{self.name}: {path.name}", f"not readable as JSON: {bad}", "Correct it"
                ) from None
        return self.documents[path]

    def follow(self, node: Node, path: Path) -> Place:
        """The node itself, or what its $ref names, keywords beside the $ref winning."""
        seen = 0
        while "$ref" in node:
            file, _, pointer = str(node["$ref"]).partition("#")
            at = path.parent / file if file else path
            target: Any = self.document(at)
            for part in pointer.split("/")[1:]:
                key = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(target, Mapping) or key not in target:
                    raise Misconfigured(
                        "BAD_SCHEMA", self.name, f"$ref {node['$ref']} leads nowhere", "Correct the $ref"
                    )
                target = target[key]
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
            path = at
            seen += 1
            if seen > 20:
                raise Misconfigured("BAD_SCHEMA", self.name, "a $ref leads round in a circle", "Break the circle")
        return node, path

    def object(self, place: Place, list_path: str, prefix: str, notes: Notes, required: bool) -> None:
        node, path = place
        must = set(node.get("required", ())) if required else set()
        for key, child in node.get("properties", {}).items():
            self.member(self.follow(child, path), list_path, f"{prefix}{key}", notes, key in must)

    def member(self, place: Place, list_path: str, name: str, outer: Notes, required: bool) -> None:
        node, path = place
        where = f"{self.name}: {list_path}{'.' if list_path else ''}{name}"
        notes = outer.read(_said(node), where)
        kind = _kind(node)
        if kind == "object" or "properties" in node:
            self.object(place, list_path, f"{name}.", notes, required)
        elif kind == "array":
            item, at = self.follow(node.get("items", {}), path)
            if _kind(item) == "object" or "properties" in item:
                if list_path:
                    raise Misconfigured(
                        "BAD_SCHEMA", where, "a list of objects inside a list", "Make it a list of the record"
                    )
                self.lists[name] = required and int(node.get("minItems", 0)) > 0
                self.object((item, at), name, "", notes.read(_said(item), where), True)
            else:
                self.fields.append(_field(list_path, name, {**item, **_texts(node)}, notes, required, Type.LIST))
        else:
            self.fields.append(_field(list_path, name, node, notes, required, notes.type or _type(node, kind)))


def _said(node: Node) -> dict[str, str]:
    """Annotations of a node by the names that notes know."""
    return {ours: str(node[theirs]) for theirs, ours in _KEYWORDS.items() if theirs in node}


def _kind(node: Node) -> str:
    kind = node.get("type", "string")
    if isinstance(kind, list):
        return next((str(k) for k in kind if k != "null"), "string")
    return str(kind)


def _type(node: Node, kind: str) -> Type:
    if kind == "string" and ("enum" in node or "const" in node):
        return Type.CODE
    return _FORMATS.get(str(node.get("format")), _TYPES.get(kind, Type.TEXT))


def _texts(node: Node) -> dict[str, Any]:
    return {key: node[key] for key in ("title", "description", "examples") if key in node}


def _field(list_path: str, name: str, node: Node, notes: Notes, required: bool, kind: Type) -> Field:
    allowed = node.get("enum", [node["const"]] if "const" in node else [])
    pattern = str(node.get("pattern", ""))
    if kind is Type.DATE and not pattern and node.get("format") == "date":
        pattern = FULL_DATE
    example = next(iter(node.get("examples", [])), "")
    return Field(
        list=list_path,
        name=name,
        type=kind,
        required=required,
        cls=notes.cls,
        sensitivity=notes.sensitivity,
        max_length=node.get("maxLength"),
        scale=node.get(_DIGITS_AFTER_POINT),
        pattern=pattern,
        codes=tuple(str(code) for code in allowed if code is not None)
        if kind in (Type.CODE, Type.TEXT, Type.LIST)
        else (),
        code_list=notes.code_list,
        title=str(node.get("title", "")),
        description=str(node.get("description", "")),
        example=example if isinstance(example, str) else json.dumps(example),
        cite=notes.cite,
    )
