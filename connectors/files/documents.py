"""Documents for a partner's drop folder: XML that its XSD accepts, each with a manifest that says what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree

from bridge.batch import ROOT, ROW, Batch
from bridge.errors import Misconfigured
from bridge.shape import Field, Shape, shape_of
from connectors.files.common import text_option
from connectors.files.xmlwrite import Writer

SLICE: Final = 5_000
"""Records written at a time."""
MANIFEST: Final = ".manifest.json"
XSD: Final = "{http://www.w3.org/2001/XMLSchema}"


class Documents:
    """Writes documents of one partner.

    Args:
        options: ``schema`` path of the XSD (needed); ``record`` such as /CEN/Seizure (needed); ``format`` xml, the
            only one; ``prefix`` of file names (the record's name in lower case); ``withdraw`` how to say that a record
            is withdrawn: ``{element: ..., key: path, set: {path: value}}``, by the record's own element by default;
            ``checkpoint`` text that goes into each manifest.
        shape: the record's fields in the XSD's order.

    Raises:
        Misconfigured: an unusable schema, or an option missing or of the wrong kind.
    """

    def __init__(self, options: Mapping[str, Any], shape: Shape) -> None:
        if text_option(options, "format", "xml") != "xml":
            raise Misconfigured(
                "BAD_OPTION", "option format", "partners' files are written as xml only", "Set format: xml"
            )
        self._path = tuple(part for part in text_option(options, "record", "").split("/") if part)
        if len(self._path) < 2:
            raise Misconfigured(
                "BAD_OPTION",
                "option record",
                "which element is the record, and below which root, is not said",
                "Set record: /Root/Record",
            )
        self._schema_path = text_option(options, "schema", "")
        self._schema, self._open, self._close = _schema(self._schema_path, self._path)
        self.prefix = text_option(options, "prefix", self._path[-1].lower())
        self._checkpoint = text_option(options, "checkpoint", "")
        self.shape = shape
        self._records = Writer.of(shape, self._path[-1])
        self._withdrawals = _Withdrawals.of(options, shape, self._path[-1])

    def ordered(self, batch: Batch, orders: pa.Table) -> tuple[dict[str, pa.Table], pa.Table]:
        """The tables of the records that are ordered, and the orders that take a record back.

        Raises:
            Misconfigured: an order has no record.
        """
        away = pc.or_(orders.column("withdraw"), orders.column("recall"))
        sent = orders.filter(pc.invert(away)).column(ROW)
        tables = {path: table.combine_chunks() for path, table in batch.only(sent.combine_chunks()).tables.items()}
        if tables[ROOT].num_rows != len(sent):
            raise Misconfigured(
                "NO_RECORD",
                batch.where,
                f"{len(sent)} records are ordered, {tables[ROOT].num_rows} of them are there",
                "Map the batch again",
            )
        return tables, orders.filter(away)

    def texts(self, tables: Mapping[str, pa.Table], withdrawn: pa.Table) -> Iterator[bytes]:
        """One document of all these, piece by piece."""
        yield self._open
        for written in self._written(tables):
            yield _lines(written)
        if withdrawn.num_rows:
            yield _lines(self._withdrawals.write(withdrawn))
        yield self._close

    def singles(self, tables: Mapping[str, pa.Table], withdrawn: pa.Table) -> Iterator[tuple[int, bytes]]:
        """A document of each of these alone, by its ``_row``."""
        listed = [*self._written(tables), *([self._withdrawals.write(withdrawn)] if withdrawn.num_rows else [])]
        for written in listed:
            for row, text in zip(written.column(ROW).to_pylist(), written.column("xml").to_pylist(), strict=True):
                yield row, b"".join((self._open, text.encode(), b"\n", self._close))

    def _written(self, tables: Mapping[str, pa.Table]) -> Iterator[pa.Table]:
        rows = pc.array_sort_indices(tables[ROOT].column(ROW))
        numbers = tables[ROOT].column(ROW).take(rows)
        for begin in range(0, len(numbers), SLICE):
            some = numbers.slice(begin, SLICE).combine_chunks()
            yield self._records.write(
                {path: table.filter(pc.is_in(table.column(ROW), value_set=some)) for path, table in tables.items()}
            )

    def validate(self, file: BinaryIO, where: str) -> None:
        """Hold the written bytes against the XSD, as a stream; a refusal names elements, never values.

        Raises:
            Misconfigured: XSD_INVALID.
        """
        if self._valid(file):
            return
        file.seek(0)
        self._schema.validate(etree.parse(file))
        errors: Any = self._schema.error_log
        raise Misconfigured(
            "XSD_INVALID",
            f"{where}: {errors[0].path}",
            f"the partner's schema {Path(self._schema_path).name} refuses the document ({errors[0].type_name})",
            "Correct the mapping, or hold the record before it is delivered; nothing was sent",
        )

    def _valid(self, file: BinaryIO) -> bool:
        tag = f"{{*}}{self._path[-1]}"
        try:
            for _, element in etree.iterparse(file, events=("end",), tag=tag, schema=self._schema):
                element.clear(keep_tail=False)
        except etree.XMLSyntaxError:  # what it says holds values, so that it must not become a cause of anything
            return False
        return True

    def manifest(self, name: str, sha256: str, size: int, effects: list[str]) -> bytes:
        """What is in the document of this name."""
        content: dict[str, Any] = {
            "file": name,
            "sha256": sha256,
            "bytes": size,
            "records": len(effects),
            "inserts": effects.count("insert"),
            "updates": effects.count("update"),
            "withdrawals": effects.count("withdraw"),
            "schema": Path(self._schema_path).name,
        }
        if self._checkpoint:
            content["checkpoint"] = self._checkpoint
        return (json.dumps(content, indent=2) + "\n").encode()


class _Withdrawals:
    """How this partner is told that a record is withdrawn."""

    def __init__(self, writer: Writer, key: str, values: Mapping[str, str]) -> None:
        self._writer, self._key, self._values = writer, key, values

    @classmethod
    def of(cls, options: Mapping[str, Any], shape: Shape, record: str) -> _Withdrawals:
        said = options.get("withdraw") or {}
        if not isinstance(said, Mapping):
            raise Misconfigured(
                "BAD_OPTION", "option withdraw", "not a mapping", "Write {element: ..., key: path, set: {path: value}}"
            )
        element, key = text_option(said, "element", record), text_option(said, "key", "")
        values = {str(path): str(value) for path, value in dict(said.get("set") or {}).items()}
        if not key:
            return cls(Writer.of(shape_of(shape.name, []), element), "", {})
        fields = [Field(ROOT, path) for path in (key, *values)]
        if element == record:
            fields = [f for f in shape.table(ROOT) if f.name in (key, *values)]
            missing = {key, *values} - {f.name for f in fields}
            if missing:
                raise Misconfigured(
                    "BAD_OPTION",
                    "option withdraw",
                    f"the record has no {min(missing)}",
                    "Name fields of the partner's schema",
                )
        return cls(Writer.of(shape_of(shape.name, fields), element), key, values)

    def write(self, orders: pa.Table) -> pa.Table:
        if not self._key:
            raise Misconfigured(
                "NO_WITHDRAWAL",
                "option withdraw",
                "records are to be withdrawn, and how the partner is told is not said",
                "Add withdraw: {element: ..., key: ..., set: {...}} to deliver",
            )
        columns = {path: pa.array([value] * orders.num_rows, pa.string()) for path, value in self._values.items()}
        return self._writer.write(
            {ROOT: pa.table({ROW: orders.column(ROW), **columns, self._key: orders.column("key")})}
        )


def effects_of(orders: pa.Table) -> pa.Array:
    """What each order does there; the caller says of which records the partner knows, in a column ``known``."""
    away = pc.or_(orders.column("withdraw"), orders.column("recall"))
    known = orders.column("known") if "known" in orders.column_names else pa.nulls(orders.num_rows, pa.string())
    effects = pc.if_else(away, "withdraw", pc.fill_null(known, "insert"))
    return effects.combine_chunks() if isinstance(effects, pa.ChunkedArray) else effects


def _lines(records: pa.Table) -> bytes:
    return ("\n".join(records.column("xml").to_pylist()) + "\n").encode()


def _schema(path: str, record: tuple[str, ...]) -> tuple[etree.XMLSchema, bytes, bytes]:
    """The compiled schema, and what stands before and after the records of a document."""
    try:
        tree = etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
        schema = etree.XMLSchema(tree)
    except OSError:
        raise Misconfigured(
            "NO_SCHEMA", path or "option schema", "there is no such file", "Set schema to the partner's XSD"
        ) from None
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError) as bad:
        raise Misconfigured(
            "BAD_SCHEMA", path, f"not a usable XSD ({type(bad).__name__})", "Correct the schema"
        ) from None
    root = tree.getroot()
    namespace = root.get("targetNamespace", "")
    if not any(element.get("name") == record[0] for element in root.iterchildren(f"{XSD}element")):
        raise Misconfigured(
            "BAD_OPTION", "option record", f"{path} declares no root element {record[0]}", "Correct record"
        )
    qualified = root.get("elementFormDefault") == "qualified"
    prefix = "p:" if namespace and not qualified else ""
    declares = f' xmlns{":p" if prefix else ""}="{namespace}"' if namespace else ""
    outer = [f"{prefix}{record[0]}", *record[1:-1]]
    opening = "".join(f"<{name}{declares if place == 0 else ''}>" for place, name in enumerate(outer))
    closing = "".join(f"</{name}>" for name in reversed(outer))
    return schema, f'<?xml version="1.0" encoding="UTF-8"?>\n{opening}\n'.encode(), f"{closing}\n".encode()
