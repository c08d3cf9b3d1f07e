"""A shape from an XML schema: elements are slashed paths, repeated groups are lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import xmlschema
from xmlschema.names import XSD_FRACTION_DIGITS
from xmlschema.validators import XsdAttribute, XsdElement, XsdSimpleType

from bridge.errors import Misconfigured
from bridge.shape import Field, Shape, Type, shape_of
from bridge.shapes.notes import FULL_DATE, Notes

ANNOTATION: Final = "{urn:bridge:field}field"
_TYPES: Final = {
    "date": Type.DATE,
    "gYearMonth": Type.DATE,
    "gYear": Type.DATE,
    "dateTime": Type.DATETIME,
    "decimal": Type.DECIMAL,
    "boolean": Type.BOOLEAN,
}


def xsd_shape(path: Path, name: str, record: str | None) -> tuple[Shape, list[Path]]:
    """The elements and attributes below the element that ``record`` leads to, such as ``/CEN/Seizure``.

    Names are local names, without prefix. An attribute is ``@name``; the text of an element that also has attributes
    is the element's own path. An element that may repeat is a list if it holds others; if it holds text only it is
    one field of type list. ``xs:appinfo`` may hold ``<field xmlns="urn:bridge:field" class="" sensitivity="" codes=""
    type="" cite=""/>``; class, sensitivity and cite hold for everything inside the element until said anew.

    Returns:
        The shape, and every file beside the library's own that says something of it.

    Raises:
        Misconfigured: not a schema, no such record, a list inside a list, or an element inside itself.
    """
    if not record:
        raise Misconfigured("BAD_SCHEMA", name, "which element is the record is not said", "Set record: /Root/Record")
    try:
        schema = xmlschema.XMLSchema(str(path), allow="local", defuse="always")
    except (xmlschema.XMLSchemaException, SyntaxError, OSError) as bad:
        raise Misconfigured(
            "BAD_SCHEMA", name, f"not usable as an XML schema: {str(bad).splitlines()[0]}", "Correct it"
        ) from None
    reader = _Reader(name)
    reader.read(schema, record)
    return shape_of(name, reader.fields, reader.lists), list(_files(schema))


def _files(schema: xmlschema.XMLSchema) -> Iterator[Path]:
    own = Path(xmlschema.__file__).parent
    for one in schema.maps.iter_schemas():
        path = Path(str(one.filepath))
        if own not in path.parents:
            yield path


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: list[Field] = []
        self.lists: dict[str, bool] = {}

    def read(self, schema: xmlschema.XMLSchema, record: str) -> None:
        parts = record.strip("/").split("/")
        candidates = list(schema.elements.values())
        notes = Notes()
        element: XsdElement | None = None
        for part in parts:
            element = next((one for one in candidates if one.local_name == part), None)
            if element is None:
                known = ", ".join(sorted(str(one.local_name) for one in candidates))
                raise Misconfigured(
                    "BAD_SCHEMA", self.name, f"no element {part} of {record}", f"Correct record:; here are {known}"
                )
            notes = self.notes(element, notes, record)
            candidates = list(_children(element))
        if element is not None:
            self.content(element, "", "", notes, True, (element,))

    def notes(self, part: XsdElement | XsdAttribute, outer: Notes, where: str) -> Notes:
        said: dict[str, str] = {}
        # An element by reference takes what its declaration says; what stands at the reference wins.
        declared = part.ref if isinstance(part, XsdElement) and part.ref is not None else None
        kind = part.type
        for owner in (kind, declared, part):
            annotation = getattr(owner, "annotation", None)
            for info in annotation.appinfo if annotation is not None else ():
                for note in info.iter(ANNOTATION):
                    said.update(note.attrib)
        return outer.read(said, f"{self.name}: {where}")

    def content(
        self,
        element: XsdElement,
        list_path: str,
        prefix: str,
        notes: Notes,
        required: bool,
        seen: tuple[XsdElement, ...],
    ) -> None:
        """Attributes and children of an element, as fields below ``prefix``."""
        for attribute in element.attributes.values():
            if isinstance(attribute, XsdAttribute) and attribute.use != "prohibited":
                at = f"{prefix}@{attribute.local_name}"
                inner = self.notes(attribute, notes, at)
                must = required and attribute.use == "required"
                self.fields.append(_field(list_path, at, attribute.type, inner, must, False, attribute))
        choice = _in_choice(element)
        for child in _children(element):
            self.child(child, list_path, prefix, notes, required and child not in choice, seen)

    def child(
        self, child: XsdElement, list_path: str, prefix: str, outer: Notes, required: bool, seen: tuple[XsdElement, ...]
    ) -> None:
        at = f"{prefix}{child.local_name}"
        where = f"{list_path}{'/' if list_path else ''}{at}"
        if len(seen) > 12:
            raise Misconfigured("BAD_SCHEMA", self.name, f"{where} holds itself", "Name a schema without recursion")
        notes = self.notes(child, outer, where)
        must = required and (child.min_occurs or 0) > 0
        repeats = _repeats(child)
        groups = bool(list(_children(child)))
        has_parts = groups or bool(len(child.attributes))
        if repeats and has_parts:
            if list_path:
                raise Misconfigured(
                    "BAD_SCHEMA",
                    f"{self.name}: {where}",
                    "a list of groups inside a list cannot be read",
                    "Make the inner list a record of its own, or cut it from the profile",
                )
            self.lists[at] = must
            self.content(child, at, "", notes, True, (*seen, child))
            if not groups:
                self.fields.append(_field(at, ".", child.type, notes, False, False, child))
        elif has_parts:
            if not groups:
                self.fields.append(_field(list_path, at, child.type, notes, must, False, child))
            self.content(child, list_path, f"{at}/", notes, must, (*seen, child))
        else:
            self.fields.append(_field(list_path, at, child.type, notes, must, repeats, child))


def _children(element: XsdElement) -> Iterator[XsdElement]:
    content = getattr(element.type, "content", None)
    if content is None or not hasattr(content, "iter_elements"):
        return
    for child in content.iter_elements():
        if isinstance(child, XsdElement):
            yield child


def _repeats(child: XsdElement) -> bool:
    """Whether the element, or a group around it inside its parent, may occur more than once."""
    part: Any = child
    while part is not None and not (part is not child and isinstance(part, XsdElement)):
        if getattr(part, "max_occurs", 1) is None or getattr(part, "max_occurs", 1) > 1:
            return True
        part = getattr(part, "parent", None)
    return False


def _in_choice(element: XsdElement) -> set[XsdElement]:
    """Children that may be missing since they stand in a choice or an optional group."""
    optional: set[XsdElement] = set()
    for child in _children(element):
        part: Any = child.parent
        while part is not None and not isinstance(part, XsdElement):
            if getattr(part, "model", None) == "choice" or getattr(part, "min_occurs", 1) == 0:
                optional.add(child)
            part = getattr(part, "parent", None)
    return optional


def _field(list_path: str, name: str, kind: Any, notes: Notes, required: bool, repeats: bool, at: Any) -> Field:
    simple: Any = kind if isinstance(kind, XsdSimpleType) else getattr(kind, "content", None)
    facets: Any = simple if isinstance(simple, XsdSimpleType) else None
    codes = tuple(str(code) for code in (facets.enumeration or ())) if facets is not None else ()
    primitive, integer = _primitive(facets)
    base = Type.INTEGER if integer else _TYPES.get(primitive, Type.CODE if codes else Type.TEXT)
    type_ = Type.LIST if repeats else notes.type or base
    pattern = _pattern(facets)
    if base is Type.DATE and primitive == "date" and not pattern and type_ is Type.DATE:
        pattern = FULL_DATE
    annotation = at.annotation
    title = (
        str(annotation.documentation[0].text or "").strip()
        if annotation is not None and annotation.documentation
        else ""
    )
    fixed = getattr(at, "fixed", None)
    return Field(
        list=list_path,
        name=name,
        type=type_,
        required=required,
        cls=notes.cls,
        sensitivity=notes.sensitivity,
        max_length=(facets.max_length or None) if facets is not None else None,
        scale=_digits(facets) if type_ is Type.DECIMAL else None,
        pattern=pattern,
        codes=codes or ((fixed,) if fixed else ()),
        code_list=notes.code_list,
        description=" ".join(title.split()),
        cite=notes.cite,
    )


def _pattern(facets: Any) -> str:
    """The pattern of a simple type in Python's syntax, bound to the whole text; "" if it has none."""
    if facets is None or facets.patterns is None:
        return ""
    written, translated = list(facets.patterns.regexps), [one.pattern for one in facets.patterns.patterns]
    # What both syntaxes read alike is kept as it is written, since reasons show it to people.
    return "|".join(
        f"^{ours}$" if not set(ours) & set("^$\\|") else theirs
        for ours, theirs in zip(written, translated, strict=True)
    )


def _digits(facets: Any) -> int | None:
    """Digits after the point that a simple type allows; None if it does not say."""
    facet = facets.get_facet(XSD_FRACTION_DIGITS) if facets is not None else None
    return None if facet is None else int(facet.value)


def _primitive(facets: Any) -> tuple[str, bool]:
    """Local name of the primitive type under a simple type, and whether it derives from xs:integer."""
    primitive = ""
    integer = False
    kind = facets
    while kind is not None:
        local = str(getattr(kind, "local_name", "") or "")
        integer = integer or local == "integer"
        if local in _TYPES or local == "string":
            primitive = local
        kind = getattr(kind, "base_type", None)
        if kind is not None and getattr(kind, "local_name", "") == "anySimpleType":
            break
    return primitive, integer
