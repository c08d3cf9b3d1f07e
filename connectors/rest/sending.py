"""The target: each order is one request with one JSON document, under a key that is the same at every try."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import ROW, Batch
from bridge.connector import IN_PROGRESS, Answer
from bridge.errors import MASKED, Misconfigured, Problem, TryLater
from bridge.jsontext import frames_of, piece
from bridge.shape import Sensitivity, Shape, shape_of
from connectors.rest.listing import listed
from connectors.rest.reach import Address, Line, Reply, Unanswered

DONE: Final = ("insert", "update", "withdraw")
_RECEIPT: Final = re.compile(r"[\x21-\x7e]{1,200}")
"""What a receipt may look like: it is kept, shown and sealed."""
_NOT_HERE: Final = (404, 405, 410, 415, 426)
_BUSY: Final = (408, 425, 429, 503)
_DENIED: Final = (401, 403, 407)
_CONFLICT: Final = 409
"""Another request with the same key is still being worked on (draft-ietf-httpapi-idempotency-key-header)."""


class RestTarget:
    """Sends each order as ``POST`` to the partner's service, which answers with a receipt.

    The request has the header ``Idempotency-Key`` and the body ``{"key", "action", "version", "document"}``: ``action``
    is deliver, withdraw (for ever) or recall (until a higher version comes), ``version`` the order's place among the
    versions of the record, ``document`` the record in canonical JSON. The partner is asked to do nothing twice for one
    key, to let no lower version overwrite a higher one, and to answer ``{"receipt": ..., "effect": insert | update |
    withdraw | unchanged | superseded | refused}``; an answer to a key that it has answered before carries the header
    ``Idempotent-Replayed: true``.

    Args:
        connection: see Address.of().
        options: ``receipt`` name of the field with the receipt (receipt); ``ask`` path below the connection's where the
            receipt of a key is had, such as /receipts/{key} (none); ``deadline`` seconds for one exchange with all its
            waiting, at most 300 (60); ``records`` path of the list of what the partner holds (none, see listed());
            ``max_answer_bytes`` (65536); ``schema`` the partner's JSON Schema, if it is one.
        shape: the record's fields.

    Raises:
        Misconfigured: an unusable connection, certificate, schema or option.
    """

    def __init__(self, connection: str, options: Mapping[str, Any], shape: Shape) -> None:
        self._shape = shape
        # All in one document: the partner is sent what it may see, and keeps apart what it wants apart.
        self._open = shape_of(
            shape.name, [replace(f, sensitivity=Sensitivity.NON_NOMINAL) for f in shape.fields], shape.lists
        )
        self._address = Address.of(connection)
        self._deadline = _number(options, "deadline", 60, 300)
        self._line = Line(self._address, self._deadline, _number(options, "max_answer_bytes", 65_536, 1 << 24))
        self._receipt = str(options.get("receipt", "receipt"))
        self._ask = str(options.get("ask", ""))
        if self._ask and ("{key}" not in self._ask or not self._ask.startswith("/")):
            fix = "Write it like /receipts/{key}"
            raise Misconfigured("BAD_OPTION", "option ask", "no path that names the key", fix)
        self.asks = bool(self._ask)
        self._records = str(options.get("records", ""))
        if self._records and not self._records.startswith("/"):
            raise Misconfigured("BAD_OPTION", "option records", "no path", "Write it like /list")
        self._schema = _schema(str(options.get("schema", "")))

    def fields(self) -> Shape:
        """The shape that was declared: the partner's schema, as the mapping's target."""
        return self._shape

    def unfit(self, batch: Batch) -> list[Problem]:
        """What the partner's JSON Schema refuses; values stay masked."""
        if self._schema is None or not len(batch):
            return []
        found = []
        for row, document in zip(batch.rows().to_pylist(), self._documents(batch), strict=True):
            for error in self._schema.iter_errors(orjson.loads(document)):
                place = ".".join(str(part) for part in error.instance_path)
                reason = f"{error.message[:300]}. Correct the mapping, or the record at its source"
                found.append(Problem(row, -1, "SCHEMA", place, "partner's schema", reason))
        return found

    def compose(self, batch: Batch, orders: pa.Table) -> dict[int, bytes]:
        """The body of each order's request, by ``_row``.

        Raises:
            Misconfigured: an order has no record, or a record is not as the partner's schema wants it.
        """
        sent = orders.filter(pc.invert(pc.or_(orders.column("withdraw"), orders.column("recall")))).column(ROW)
        batch = batch.only(sent.combine_chunks())
        if len(batch) != len(sent):
            raise Misconfigured(
                "NO_RECORD",
                batch.where,
                f"{len(sent)} records are ordered, {len(batch)} of them are there",
                "Map the batch again",
            )
        for problem in self.unfit(batch):
            raise Misconfigured(
                "SCHEMA_INVALID",
                f"{batch.where}: record {problem.row}, {problem.field}",
                "the partner's JSON Schema refuses the record",
                "Correct the mapping, or hold the record before it is delivered; nothing was sent",
            )
        documents = dict(zip(batch.rows().to_pylist(), self._documents(batch), strict=True)) if len(batch) else {}
        columns = ("_row", "key", "withdraw", "recall", "source_version", "revision", "content_hash")
        return {
            row: _body(key, withdraw, recall, (moment, revision, content), documents.get(row, ""))
            for row, key, withdraw, recall, moment, revision, content in zip(
                *(orders.column(name).to_pylist() for name in columns), strict=True
            )
        }

    def send(self, key: bytes, message: bytes) -> Answer:
        """Send a message under its key, waiting for as long as the partner asks for within the deadline.

        Raises:
            TryLater: the partner cannot be reached, or takes nothing now; this message has had no effect.
            Misconfigured: the partner does not let us in, or its service is not at this address.
        """
        until = time.monotonic() + self._deadline
        headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{key.hex()}"'}
        while True:
            try:
                reply = self._line.exchange("POST", "", headers, message, until)
            except Unanswered as why:
                return Answer("in_doubt", code=why.code)
            if reply.status not in _BUSY:
                return self._judge(reply)
            wait = _seconds(reply.headers.get("Retry-After", ""))
            if wait is None or time.monotonic() + wait >= until:
                told = "" if wait is None else f", for {wait:.0f} s"
                fix = f"It is tried again by itself; deadline allows {self._deadline} s for one exchange"
                what = f"the service takes nothing now (status {reply.status}{told})"
                raise TryLater("PARTNER_BUSY", self._address.where, what, fix)
            time.sleep(wait)

    def ask(self, key: bytes) -> Answer | None:
        """The partner's receipt for a key; None if it never got the message.

        Raises:
            TryLater: the partner cannot be reached.
            Misconfigured: the partner does not let us in.
        """
        try:
            reply = self._line.exchange("GET", self._ask.format(key=key.hex()), {})
        except Unanswered as why:
            return Answer("in_doubt", code=why.code)
        if reply.status == 404:
            return None
        if reply.status in _DENIED or reply.status < 400:
            return self._judge(reply)
        return Answer("in_doubt", code=f"STATUS_{reply.status}")

    def keys(self) -> Iterator[tuple[str, bytes, bool]] | None:
        """Key and content hash of each record that the partner holds; None if it has no list."""
        return listed(self._address, self._records, self._deadline) if self._records else None

    def past(self) -> int | None:
        """None: such a partner knows nothing of runs."""
        return None

    def _documents(self, batch: Batch) -> list[str]:
        return piece(frames_of(batch, self._open), self._open, False).to_list()

    def _judge(self, reply: Reply) -> Answer:
        """What a whole answer means. Its text is never told: it may quote what it refuses."""
        status, where = reply.status, self._address.where
        if status in (202, _CONFLICT):
            return Answer("in_doubt", code=IN_PROGRESS)
        if 200 <= status < 300:
            return self._received(reply)
        if 300 <= status < 400:
            fix = "Name the address that it leads to, if that is the partner's; no redirection is followed"
            raise Misconfigured("REDIRECTED", where, f"the service sends us elsewhere (status {status})", fix)
        if status in _DENIED:
            fix = "Have the partner let this account or certificate in, or correct the connection"
            raise Misconfigured("PARTNER_DENIES", where, f"the service does not let us in (status {status})", fix)
        if status in _NOT_HERE:
            fix = "Compare the connection with what the partner says of its service"
            raise Misconfigured("NOT_THERE", where, f"no service takes records at this address (status {status})", fix)
        if status >= 500:
            return Answer("in_doubt", code=f"STATUS_{status}")
        return _refused(status)

    def _received(self, reply: Reply) -> Answer:
        """The receipt in an answer; without one nothing is proven."""
        try:
            told = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            told = None
        receipt = str(told.get(self._receipt, "")) if isinstance(told, dict) else ""
        if not _RECEIPT.fullmatch(receipt):
            return Answer("in_doubt", code="NO_RECEIPT")
        effect = told.get("effect")
        if effect == "refused":
            return _refused(reply.status)
        if effect in ("unchanged", "superseded"):
            return Answer(effect, receipt=receipt)
        if reply.headers.get("Idempotent-Replayed", "").lower() == "true":
            return Answer("unchanged", receipt=receipt)
        return Answer("delivered", effect if effect in DONE else None, receipt)


def _refused(status: int) -> Answer:
    reason = "the partner refuses the record. Ask the partner why; mend the mapping, or the record at its source"
    return Answer("held", problem=Problem(-1, -1, "PARTNER_REFUSES", "", f"status {status}", reason))


def _body(key: str, withdraw: bool, recall: bool, version: tuple[datetime, int, bytes], document: str) -> bytes:
    """The bytes of one request, made the same from the same order."""
    moment, revision, content = version
    action = "withdraw" if withdraw else "recall" if recall else "deliver"
    place = {
        "source_version": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "revision": revision,
        "content_hash": content.hex(),
    }
    head = json.dumps({"key": key, "action": action, "version": place}, separators=(",", ":"))
    return f'{head[:-1]},"document":{document}}}'.encode() if document else head.encode()


def _seconds(told: str) -> float | None:
    """How long a Retry-After asks to wait (RFC 9110, 10.2.3); None if it says nothing."""
    if told.strip().isdecimal():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, TypeError):
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None


def _number(options: Mapping[str, Any], name: str, default: int, most: int) -> int:
    text = str(options.get(name, default))
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= most:
        what = f"{text!r} is no whole number from 1 to {most}"
        raise Misconfigured("BAD_OPTION", f"option {name}", what, f"Write {name} in digits")
    return int(text)


def _schema(path: str) -> Any:
    """What judges documents by the partner's JSON Schema; None for a partner that has another kind."""
    if not path.endswith(".json"):
        return None
    try:
        schema = json.loads(Path(path).read_bytes())
        return jsonschema_rs.validator_for(
            schema, mask=MASKED, validate_formats=True, base_uri=Path(path).absolute().as_uri()
        )
    except (OSError, ValueError) as bad:
        raise Misconfigured(
            "BAD_SCHEMA", path, f"not a usable JSON Schema ({type(bad).__name__})", "Correct the schema"
        ) from None
