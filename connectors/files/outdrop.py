"""The target: XML files in a partner's drop folder, each with a manifest that says what is in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa

from bridge.batch import ROW, Batch
from bridge.connector import RECEIPTS
from bridge.draft import draft
from bridge.errors import TryLater
from bridge.shape import Shape
from connectors.files.documents import MANIFEST, Documents, effects_of
from connectors.files.place import Place, place

DRAFT: Final = ".delivering-"


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
        self._documents = Documents(options, shape)
        self._place = place(connection)

    def fields(self) -> Shape:
        """The shape that was declared: the partner's XSD, as the mapping's target."""
        return self._documents.shape

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
        tables, withdrawn = self._documents.ordered(batch, orders)
        try:
            handle, temporary = draft(self._place.workshop(), DRAFT)
        except OSError as bad:
            raise later(self._place.where, bad) from None
        try:
            with os.fdopen(handle, "w+b") as file:
                sha256, size = self._write(file, tables, withdrawn)
                file.seek(0)
                self._documents.validate(file, batch.where)
                os.fsync(file.fileno())
            effects = effects_of(orders)
            name = f"{self._documents.prefix}-{_identity(sha256, orders)}.xml"
            manifest = self._documents.manifest(name, sha256, size, effects.to_pylist())
            if not hand_over(self._place, temporary, name, manifest):
                effects = pa.array(["unchanged"] * orders.num_rows, pa.string())
        except OSError as bad:
            raise later(self._place.where, bad) from None
        finally:
            temporary.unlink(missing_ok=True)
        receipt = pa.array([f"{name} sha256:{sha256}"] * orders.num_rows, pa.string())
        return pa.table([orders.column(ROW), effects, receipt], schema=RECEIPTS)

    def _write(self, file: BinaryIO, tables: Mapping[str, pa.Table], withdrawn: pa.Table) -> tuple[str, int]:
        digest = hashlib.sha256()
        for text in self._documents.texts(tables, withdrawn):
            digest.update(text)
            file.write(text)
        file.flush()
        return digest.hexdigest(), file.tell()


def hand_over(where: Place, temporary: Path, name: str, manifest: bytes) -> bool:
    """Rename document, then manifest, each durable before the next; False if they had been delivered before."""
    if where.has(f"{name}{MANIFEST}"):
        return False
    where.put(temporary, name)
    tell(where, name, manifest)
    return True


def tell(where: Place, name: str, manifest: bytes) -> None:
    """Put the manifest of a document that is there, durably."""
    handle, writing = draft(where.workshop(), DRAFT)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(manifest)
            file.flush()
            os.fsync(file.fileno())
        where.put(writing, f"{name}{MANIFEST}")
    finally:
        writing.unlink(missing_ok=True)


def _identity(sha256: str, orders: pa.Table) -> str:
    keys = sorted(orders.column("idempotency_key").to_pylist())
    return hashlib.sha256(b"".join([bytes.fromhex(sha256), *keys])).hexdigest()[:32]


def later(where: str, bad: OSError) -> TryLater:
    """The folder cannot be written to now, and why."""
    return TryLater(
        "DROP_FOLDER",
        where,
        f"the partner's folder cannot be written to ({bad.strerror})",
        "Check the mount and its free space",
    )
