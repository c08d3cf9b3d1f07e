"""The target: XML files in a partner's drop folder, each with a manifest that says what is in it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree

from bridge.batch import ROOT, ROW, Batch
from bridge.connector import RECEIPTS
from bridge.draft import draft
from bridge.errors import Misconfigured, TryLater
from bridge.shape import Field, Shape, shape_of
from connectors.files.common import text_option
from connectors.files.place import place
from connectors.files.xmlwrite import Writer

SLICE: Final = 5_000
"""Records written at a time."""
MANIFEST: Final = ".manifest.json"
DRAFT: Final = ".delivering-"
XSD: Final = "{http://www.w3.org/2001/XMLSchema}"


class FilesTarget:
    """Writes one XML document per deliver() and validates it against the partner's XSD before it can be seen.

    The document's name is a hash of its bytes and of its orders' idempotency keys: the same orders give the same file,
    and a record that returns to what it once was, or comes again after a recall, gives another. It is renamed into
    place first and its manifest last: a partner who waits for the manifest never sees half a document, and for us the
    manifest is the proof that a document was delivered, even after the partner has taken the document away. A recall
    is told as a withdrawal is.
    A folder cannot be asked what the partner holds, so the caller says what each order does there, in a column
    ``known`` of the orders (insert | update); without it a record counts as inserted.

    Args:
        connection: the folder, as a path, ``file://`` URL or ``sftp://`` URL (see SftpPlace).
        options: ``schema`` path of the XSD (needed); ``record`` such as /CEN/Seizure (needed); ``format`` xml, the
            only one; ``prefix`` of file names (the record's name in lower case); ``withdraw`` how to say that a record
            is withdrawn: ``{element: ..., key: path, set: {path: value}}``, by the record's own element by default;
            ``checkpoint`` text that goes into each manifest.
        shape: the record's fields in the XSD's order.

    Raises:
        Misconfigured: no such folder, an unusable schema, or an option missing or of the wrong kind.
    """

    lanes: Final = 1

    def __init__(self, connection: str, options: Mapping[str, Any], shape: Shape) -> None:
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
        self._place = place(connection)
        self._schema_path = text_option(options, "schema", "")
        self._schema, self._open, self._close = _schema(self._schema_path, self._path)
        self._prefix = text_option(options, "prefix", self._path[-1].lower())
        self._checkpoint = text_option(options, "checkpoint", "")
        self._shape = shape
        self._records = Writer.of(shape, self._path[-1])
        self._withdrawals = _Withdrawals.of(options, shape, self._path[-1])

    def fields(self) -> Shape:
        """The shape that was declared: the partner's XSD, as the mapping's target."""
        return self._shape

    def count(self) -> int | None:
        """None: a folder does not tell what the partner took out of it."""
        return None

    def deliver(self, batch: Batch, orders: pa.Table) -> pa.Table:
        """Write the ordered records and withdrawals to one document, and say for each order what it does.

        Raises:
            Misconfigured: the XSD refuses the document, a character cannot be written, or an order has no record.
            TryLater: the folder cannot be written to now.
        """
        if not orders.num_rows:
            return RECEIPTS.empty_table()
        away = pc.or_(orders.column("withdraw"), orders.column("recall"))
        withdrawn = orders.filter(away)
        sent = orders.filter(pc.invert(away)).column(ROW)
        tables = {path: table.combine_chunks() for path, table in batch.only(sent.combine_chunks()).tables.items()}
        if tables[ROOT].num_rows != len(sent):
            raise Misconfigured(
                "NO_RECORD",
                batch.where,
                f"{len(sent)} records are ordered, {tables[ROOT].num_rows} of them are there",
                "Map the batch again",
            )
        try:
            handle, temporary = draft(self._place.workshop(), DRAFT)
        except OSError as bad:
            raise _later(self._place.where, bad) from None
        try:
            with os.fdopen(handle, "w+b") as file:
                sha256, size = self._write(file, tables, withdrawn)
                file.seek(0)
                self._validate(file, batch.where)
                os.fsync(file.fileno())
            effects = _effects(orders, away)
            name = f"{self._prefix}-{_identity(sha256, orders)}.xml"
            if not self._hand_over(temporary, name, self._manifest(name, sha256, size, effects)):
                effects = pa.array(["unchanged"] * orders.num_rows, pa.string())
        except OSError as bad:
            raise _later(self._place.where, bad) from None
        finally:
            temporary.unlink(missing_ok=True)
        receipt = pa.array([f"{name} sha256:{sha256}"] * orders.num_rows, pa.string())
        return pa.table([orders.column(ROW), effects, receipt], schema=RECEIPTS)

    def _write(self, file: BinaryIO, tables: Mapping[str, pa.Table], withdrawn: pa.Table) -> tuple[str, int]:
        digest = hashlib.sha256()
        for text in self._texts(tables, withdrawn):
            digest.update(text)
            file.write(text)
        file.flush()
        return digest.hexdigest(), file.tell()

    def _texts(self, tables: Mapping[str, pa.Table], withdrawn: pa.Table) -> Iterator[bytes]:
        yield self._open
        rows = pc.array_sort_indices(tables[ROOT].column(ROW))
        numbers = tables[ROOT].column(ROW).take(rows)
        for begin in range(0, len(numbers), SLICE):
            some = numbers.slice(begin, SLICE).combine_chunks()
            part = {path: table.filter(pc.is_in(table.column(ROW), value_set=some)) for path, table in tables.items()}
            yield _lines(self._records.write(part))
        if withdrawn.num_rows:
            yield _lines(self._withdrawals.write(withdrawn))
        yield self._close

    def _validate(self, file: BinaryIO, where: str) -> None:
        """Hold the written bytes against the XSD, as a stream; a refusal names elements, never values."""
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

    def _manifest(self, name: str, sha256: str, size: int, effects: pa.Array) -> bytes:
        counts = {effect: pc.sum(pc.equal(effects, effect)).as_py() for effect in ("insert", "update", "withdraw")}
        content: dict[str, Any] = {
            "file": name,
            "sha256": sha256,
            "bytes": size,
            "records": len(effects),
            "inserts": counts["insert"],
            "updates": counts["update"],
            "withdrawals": counts["withdraw"],
            "schema": Path(self._schema_path).name,
        }
        if self._checkpoint:
            content["checkpoint"] = self._checkpoint
        return (json.dumps(content, indent=2) + "\n").encode()

    def _hand_over(self, temporary: Path, name: str, manifest: bytes) -> bool:
        """Rename document, then manifest, each durable before the next; False if they had been delivered before."""
        proof = f"{name}{MANIFEST}"
        if self._place.has(proof):
            return False
        self._place.put(temporary, name)
        handle, writing = draft(self._place.workshop(), DRAFT)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(manifest)
                file.flush()
                os.fsync(file.fileno())
            self._place.put(writing, proof)
        finally:
            writing.unlink(missing_ok=True)
        return True


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


def _effects(orders: pa.Table, away: pa.ChunkedArray) -> pa.Array:
    known = orders.column("known") if "known" in orders.column_names else pa.nulls(orders.num_rows, pa.string())
    effects = pc.if_else(away, "withdraw", pc.fill_null(known, "insert"))
    return effects.combine_chunks() if isinstance(effects, pa.ChunkedArray) else effects


def _identity(sha256: str, orders: pa.Table) -> str:
    keys = sorted(orders.column("idempotency_key").to_pylist())
    return hashlib.sha256(b"".join([bytes.fromhex(sha256), *keys])).hexdigest()[:32]


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


def _later(where: str, bad: OSError) -> TryLater:
    return TryLater(
        "DROP_FOLDER",
        where,
        f"the partner's folder cannot be written to ({bad.strerror})",
        "Check the mount and its free space",
    )
