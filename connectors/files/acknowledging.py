"""The target for a partner that acknowledges: each record a file of its own, in doubt until the partner has said."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any, Final, Self

import pyarrow as pa

from bridge.batch import ROW, Batch
from bridge.connector import BAD_ACKNOWLEDGEMENT, NOT_ACKNOWLEDGED, Answer
from bridge.draft import draft
from bridge.errors import Misconfigured, Problem, TryLater
from bridge.shape import Shape
from connectors.files.common import text_option
from connectors.files.documents import MANIFEST, Documents, effects_of
from connectors.files.outdrop import DRAFT, later, tell
from connectors.files.place import place, spell

LONGEST: Final = 65_536
"""Bytes of an acknowledgement that are read."""
_FOLDER: Final = re.compile(r"[^/.][^/]*(?:/[^/.][^/]*)*")
_OPTIONS: Final = {"folder", "suffix", "format", "result", "reason", "accepted", "refused", "reasons"}


@dataclass(frozen=True, slots=True)
class Form:
    """What an acknowledgement looks like, as option ``acknowledge`` declares it.

    Args:
        folder: below the partner's, "" for beside the file.
        suffix: of its name, after the file's whole name.
        json: whether it is a JSON object; else a line of words, the first the result and the second the reason.
        result, reason: names in the object.
        accepted, refused: results, in any case of letters.
        reasons: codes that are told on; any other is not, for it may be anything.
    """

    folder: str = ""
    suffix: str = ".ack"
    json: bool = False
    result: str = "result"
    reason: str = "reason"
    accepted: frozenset[str] = frozenset({"accepted"})
    refused: frozenset[str] = frozenset({"refused"})
    reasons: frozenset[str] = frozenset()

    @classmethod
    def of(cls, said: Any) -> Self:
        """The form that was declared; an empty mapping is all defaults.

        Raises:
            Misconfigured: an unknown part, or one of the wrong kind.
        """
        unknown = set(said) - _OPTIONS if isinstance(said, Mapping) else {"it"}
        if unknown:
            raise _bad(f"{min(unknown)} is not known there", f"Write a mapping of {', '.join(sorted(_OPTIONS))}")
        kind = text_option(said, "format", "text")
        folder, suffix = text_option(said, "folder", ""), text_option(said, "suffix", ".ack")
        if kind not in ("text", "json"):
            raise _bad(f"there is no format {kind!r}", "Say text or json")
        if (folder and not _FOLDER.fullmatch(folder)) or not suffix or "/" in suffix or suffix == MANIFEST:
            raise _bad("folder or suffix cannot be part of a name", "Write them like acks and .ack")
        return cls(
            folder,
            suffix,
            kind == "json",
            text_option(said, "result", "result"),
            text_option(said, "reason", "reason"),
            _words(said, "accepted", "accepted"),
            _words(said, "refused", "refused"),
            _words(said, "reasons", ""),
        )

    def name_of(self, document: str) -> str:
        """Path of a document's acknowledgement below the partner's folder."""
        return f"{self.folder}/{document}{self.suffix}" if self.folder else f"{document}{self.suffix}"

    def judge(self, content: bytes) -> tuple[bool, str] | None:
        """Whether it accepts, and the reason if that may be told; None if it says neither yes nor no."""
        try:
            if self.json:
                told = json.loads(content)
            else:
                words = content.decode().split()
                told = dict(zip((self.result, self.reason), words, strict=False))
        except (ValueError, RecursionError):
            return None
        if not isinstance(told, dict):
            return None
        result, reason = (str(told.get(name, "")).strip().casefold() for name in (self.result, self.reason))
        if (result in self.accepted) == (result in self.refused):
            return None
        return result in self.accepted, reason if reason in self.reasons else ""


class AcknowledgedTarget:
    """Puts each order into the partner's folder as a document of its own, and believes the partner's acknowledgement.

    Documents are those of FilesTarget, with one record each, and are named by the order's key: the same order is always
    the same file. It is delivered, or held as refused, when the acknowledgement says so; until then it is in doubt, and
    nothing newer of its record is sent. The partner is asked to leave a manifest where it is until it has
    acknowledged, for a document without either never came and is put there again; to do nothing twice for one name;
    and to write an acknowledgement whole (rename it into place). Only its hash is kept, in the receipt.

    Args:
        connection, options, shape: as of FilesTarget, and ``acknowledge``, see Form.

    Raises:
        Misconfigured: as FilesTarget.
    """

    asks = True

    def __init__(self, connection: str, options: Mapping[str, Any], shape: Shape) -> None:
        self._documents = Documents(options, shape)
        self._form = Form.of(options["acknowledge"])
        self._place = place(connection)

    def fields(self) -> Shape:
        """The shape that was declared: the partner's XSD, as the mapping's target."""
        return self._documents.shape

    def compose(self, batch: Batch, orders: pa.Table) -> dict[int, bytes]:
        """By ``_row``, a line of JSON with what the order does at the partner, and its document.

        Raises:
            Misconfigured: the XSD refuses a document, a character cannot be written, or an order has no record.
        """
        effects = dict(zip(orders.column(ROW).to_pylist(), effects_of(orders).to_pylist(), strict=True))
        messages = {}
        for row, document in self._documents.singles(*self._documents.ordered(batch, orders)):
            self._documents.validate(BytesIO(document), f"{batch.where}: record {row}")
            messages[row] = json.dumps({"effect": effects[row]}).encode() + b"\n" + document
        return messages

    def send(self, key: bytes, message: bytes) -> Answer:
        """Put the document, then its manifest; what has a manifest already stays as it is.

        Raises:
            TryLater: the folder cannot be written to now, and the partner sees nothing of the document.
        """
        name = self._name(key)
        if self._place.has(f"{name}{MANIFEST}"):
            answer = self._answer(name, self._place.has(self._form.name_of(name)))
            return Answer("unchanged", receipt=answer.receipt) if answer.disposition == "delivered" else answer
        head, _, document = message.partition(b"\n")
        sha256 = hashlib.sha256(document).hexdigest()
        manifest = self._documents.manifest(name, sha256, len(document), [json.loads(head)["effect"]])
        try:
            self._put(name, document)
        except OSError as bad:
            raise later(self._place.where, bad) from None
        try:
            tell(self._place, name, manifest)
        except (TryLater, OSError):
            return Answer("in_doubt", code="NOT_CONFIRMED")  # it may be there all the same
        return Answer("in_doubt", code=NOT_ACKNOWLEDGED)

    def _put(self, name: str, document: bytes) -> None:
        handle, temporary = draft(self._place.workshop(), DRAFT)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(document)
                file.flush()
                os.fsync(file.fileno())
            self._place.put(temporary, name)
        finally:
            temporary.unlink(missing_ok=True)

    def ask(self, key: bytes) -> Answer | None:
        """What the acknowledgement says; in doubt while there is none, None if the document never came.

        Raises:
            TryLater, Misconfigured: the folder cannot be read now, or not at all.
        """
        name = self._name(key)
        if self._form.name_of(name) in self._there:
            return self._answer(name, acknowledged=True)
        # The listing may be older than the document.
        if f"{name}{MANIFEST}" in self._there or self._place.has(f"{name}{MANIFEST}"):
            return self._answer(name, acknowledged=False)
        return None

    @cached_property
    def _there(self) -> frozenset[str]:
        """What lies in the folder, listed once: each look is a connection of its own, where it is a server's."""
        return frozenset(entry.name for entry in self._place.walk())

    def _answer(self, name: str, acknowledged: bool) -> Answer:
        if not acknowledged:
            return Answer("in_doubt", code=NOT_ACKNOWLEDGED)
        path = self._form.name_of(name)
        with self._place.open(spell(path)) as opened:
            content = opened.stream.read(LONGEST + 1)
        told = self._form.judge(content) if len(content) <= LONGEST else None
        if told is None:
            return Answer("in_doubt", code=BAD_ACKNOWLEDGEMENT)
        receipt = f"{path} sha256:{hashlib.sha256(content).hexdigest()}"
        accepted, code = told
        if accepted:
            return Answer("delivered", receipt=receipt)
        why = f"reason {code}" if code else "for a reason that acknowledge.reasons does not list"
        reason = (
            f"the partner refuses the record, {why}. Ask the partner; mend the mapping, or the record at its source"
        )
        problem = Problem(-1, -1, "PARTNER_REFUSES", "", f"acknowledgement {code}".strip(), reason)
        return Answer("held", receipt=receipt, problem=problem)

    def _name(self, key: bytes) -> str:
        return f"{self._documents.prefix}-{key.hex()[:32]}.xml"


def _words(said: Mapping[str, Any], name: str, default: str) -> frozenset[str]:
    told = said.get(name, default)
    listed = told if isinstance(told, list) else [told] if told else []
    if not all(isinstance(one, str) and one.strip() for one in listed) or (default and not listed):
        raise _bad(f"{name} is no list of texts", f"Write {name}: [word, word]")
    return frozenset(one.strip().casefold() for one in listed)


def _bad(what: str, fix: str) -> Misconfigured:
    return Misconfigured("BAD_OPTION", "option acknowledge", what, fix)
