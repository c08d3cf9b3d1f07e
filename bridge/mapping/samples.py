"""Small sample files as batches, read the plain way: the samples of examples, and an oracle for the fast readers."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.errors import Misconfigured
from bridge.shape import Field, Shape, Type

Entry = dict[str, Any]
"""Values by field name: a text, a list of texts, or None; integers and booleans where a document is typed."""


def read_sample(path: Path, shape: Shape, record: str | None, delimiter: str = ",") -> Batch:
    """All records of a sample file of at most a few records, as a batch of this shape.

    Args:
        record: path of the record's element, for XML.
        delimiter: between cells, for CSV.

    Raises:
        Misconfigured: a suffix other than .xml, .csv, .json, .jsonl, or a file that cannot be read as what it says.
    """
    data = path.read_bytes()
    try:
        match path.suffix:
            case ".xml":
                records = xml_records(data, shape, record or "")
            case ".csv":
                records = csv_records(data, delimiter)
            case ".json":
                loaded = json.loads(data)
                records = [json_record(one, shape) for one in (loaded if isinstance(loaded, list) else [loaded])]
            case ".jsonl":
                records = [json_record(json.loads(line), shape) for line in data.splitlines() if line.strip()]
            case _:
                raise Misconfigured(
                    "BAD_SAMPLE", path.name, f"no sample is read from {path.suffix}", "Use .xml, .csv, .json or .jsonl"
                )
        return batch_of(records, shape, path.name, hashlib.sha256(data).hexdigest())
    except UnicodeDecodeError as bad:
        line = data.count(b"\n", 0, bad.start) + 1
        what = f"line {line} is not UTF-8, in which samples are written whatever the system itself sends"
        fix = f"Convert it, as with iconv -f cp1252 -t utf-8 {path.name}"
        raise Misconfigured("BAD_SAMPLE", path.name, what, fix) from None
    except (ValueError, TypeError, SyntaxError) as bad:
        raise Misconfigured("BAD_SAMPLE", path.name, f"not readable: {bad}", "Correct the sample") from None


def batch_of(records: Sequence[Mapping[str, Any]], shape: Shape, where: str, sha256: str = "0" * 64) -> Batch:
    """Records as a batch: each with the values of its own fields by name, and under a list's path its entries."""
    tables = {ROOT: _table(records, shape.table(), list(range(len(records))), None)}
    tables[ROOT] = tables[ROOT].add_column(1, POSITION, pa.array(range(1, len(records) + 1), pa.int64()))
    for path in shape.lists:
        entries = [
            (row, place, entry) for row, one in enumerate(records) for place, entry in enumerate(one.get(path, ()))
        ]
        tables[path] = _table(
            [e for _, _, e in entries], shape.table(path), [r for r, _, _ in entries], [p for _, p, _ in entries]
        )
    return Batch(tables, where, sha256)


def _table(
    entries: Sequence[Mapping[str, Any]], fields: Sequence[Field], rows: list[int], places: list[int] | None
) -> pa.Table:
    columns: dict[str, pa.Array] = {ROW: pa.array(rows, pa.int64())}
    if places is not None:
        columns[INDEX] = pa.array(places, pa.int64())
    for field in fields:
        values = [entry.get(field.name) for entry in entries]
        plain = field.type is not Type.LIST and all(value is None or isinstance(value, str) for value in values)
        columns[field.name] = pa.array(values, pa.string() if plain else field.arrow)
    return pa.table(columns)


def csv_records(data: bytes, delimiter: str) -> list[Entry]:
    """One record a line, by the header's names."""
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    return [dict(row) for row in csv.DictReader(text, delimiter=delimiter, strict=True)]


def json_record(document: Mapping[str, Any], shape: Shape) -> Entry:
    """A document's values by dotted name, its lists by their path."""
    record = {field.name: _json_value(document, field) for field in shape.table()}
    for path in shape.lists:
        entries = _dotted(document, path) or []
        record[path] = [{field.name: _json_value(entry, field) for field in shape.table(path)} for entry in entries]
    return record


def _json_value(document: Mapping[str, Any], field: Field) -> Any:
    value = _dotted(document, field.name)
    return json.dumps(value) if isinstance(value, float) else value


def _dotted(document: Any, name: str) -> Any:
    for part in name.split("."):
        document = document.get(part) if isinstance(document, Mapping) else None
    return document


def xml_records(data: bytes, shape: Shape, record: str) -> list[Entry]:
    """The elements at the record's path, by local names; DTDs and entities are refused."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(data, parser)
    if b"<!DOCTYPE" in data:
        raise ValueError("it has a DOCTYPE")
    parts = record.strip("/").split("/")
    found = [root] if etree.QName(root).localname == parts[0] else []
    for part in parts[1:]:
        found = [child for one in found for child in _children(one, part)]
    return [_xml_record(element, shape) for element in found]


def _xml_record(element: Any, shape: Shape) -> Entry:
    record = _xml_fields(element, shape.table())
    for path in shape.lists:
        record[path] = [_xml_fields(entry, shape.table(path)) for entry in _walk(element, path)]
    return record


def _xml_fields(element: Any, fields: Sequence[Field]) -> Entry:
    return {field.name: _xml_value(element, field) for field in fields}


def _xml_value(element: Any, field: Field) -> Any:
    path, _, attribute = field.name.partition("@")
    found = _walk(element, path.rstrip("/")) if path not in ("", ".") else [element]
    if attribute:
        values = [one.get(name) for one in found for name in one.attrib if _local(name) == attribute]
    else:
        values = [one.text for one in found]
    texts = [value for value in values if value is not None]
    if field.type is Type.LIST:
        return texts or None
    if len(texts) > 1:
        raise ValueError(f"{field.path} stands {len(texts)} times")
    return texts[0] if texts else None


def _walk(element: Any, path: str) -> list[Any]:
    found = [element]
    for part in path.split("/"):
        found = [child for one in found for child in _children(one, part)]
    return found


def _children(element: Any, name: str) -> list[Any]:
    return [child for child in element if isinstance(child.tag, str) and _local(child.tag) == name]


def _local(name: str) -> str:
    return name.rpartition("}")[2]
