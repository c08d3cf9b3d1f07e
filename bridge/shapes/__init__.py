"""Shapes from schema files: XSD, JSON Schema, SQL DDL, or the columns of a sheet.

What a schema language cannot say (what a field is about, how personal it is) it
carries as an annotation; what is not annotated counts as free text, which no
partner gets unless it is named.
"""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path

from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.shape import Shape
from bridge.shapes.kept import hash_of, keep_shape, kept_shape


def read_shape(content: Content, schema: str, record: str | None = None) -> Shape:
    """The fields of one record of a schema.

    Args:
        schema: path below ``schemas/``: ``.xsd``, ``.json`` (JSON Schema), ``.sql`` (CREATE TABLE), ``.csv`` (one
            line for each column of a sheet) or ``.xlsx`` (the sheet itself, whose first row names the columns).
        record: where the record stands: a path of elements such as ``/CEN/Seizure`` (XSD, required) or the root
            table such as ``cis.case`` (SQL, required); None for the others.

    Raises:
        Misconfigured: no such file, no such record, or a construct that a batch cannot hold (a list of groups
            inside a list).
    """
    path = content.path(f"schemas/{schema}")
    return _read(path, path.stat().st_mtime_ns, schema, record)


def assigned_fields(content: Content, schema: str, by: str = "") -> frozenset[str]:
    """Paths of fields that no mapping fills, since someone else does: marked ``x-assigned`` in a JSON Schema.

    Args:
        by: only those that this one fills, such as ``exchange``.
    """
    path = content.path(f"schemas/{schema}")
    if path.suffix != ".json":
        return frozenset()
    from bridge.shapes.jsonschema import json_assigned

    return json_assigned(path, by)


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int, schema: str, record: str | None) -> Shape:
    # The readers' libraries take up to a second to import, so each is imported only when a file needs it.
    match path.suffix:
        case ".xsd" | ".sql":
            return kept_shape(path, schema, record) or _anew(path, schema, record)
        case ".json":
            from bridge.shapes.jsonschema import json_shape

            return json_shape(path, schema)
        case ".csv":
            from bridge.shapes.sheet import columns_shape

            return columns_shape(path, schema)
        case ".xlsx":
            from bridge.shapes.sheet import header_shape

            return header_shape(path, schema)
    raise Misconfigured(
        "BAD_SCHEMA",
        schema,
        f"no shape can be read from {path.suffix or 'a file without suffix'}",
        "Name an .xsd, .json, .sql, .csv or .xlsx file below schemas/",
    )


def _anew(path: Path, schema: str, record: str | None) -> Shape:
    """The shape by a library that is slow to import, kept for the next process."""
    files: list[Path] = []
    sha256, begun = hash_of(path), time.time()
    if path.suffix == ".xsd":
        from bridge.shapes.xsd import xsd_shape

        shape, files = xsd_shape(path, schema, record)
    else:
        from bridge.shapes.sqlddl import sql_shape

        shape = sql_shape(path, schema, record)
    keep_shape(path, record, shape, files, sha256, begun)
    return shape
