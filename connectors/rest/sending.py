"""The target: each order is one request with one JSON document, under a key that is the same at every try."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import ROW, Batch
from bridge.connector import Answer
from bridge.errors import MASKED, Misconfigured, Problem, TryLater
from bridge.jsontext import frames_of, piece
from bridge.shape import Sensitivity, Shape, shape_of
from connectors.rest.answers import Judge
from connectors.rest.common import BUSY, DENIED, UNAVAILABLE, number, retry_after, word
from connectors.rest.listing import listed
from connectors.rest.reach import Address, Line, Reply, Unanswered

MOST: Final = 100
"""Messages that may go in one request."""


class RestTarget:
    """Sends each order as ``POST`` to the partner's service, which answers with a receipt.

    The request has the header ``Idempotency-Key`` and the body ``{"key", "action", "version", "document"}``: ``action``
    is deliver, withdraw (for ever) or recall (until a higher version comes), ``version`` the order's place among the
    versions of the record, ``document`` the record in canonical JSON. The partner is asked to do nothing twice for one
    key, to let no lower version overwrite a higher one, and to answer ``{"receipt": ..., "effect": insert | update |
    withdraw | unchanged | superseded | refused}``; an answer to a key that it has answered before carries the header
    ``Idempotent-Replayed: true``.

    With option ``batch`` a request has up to so many messages, ``{"messages": [{"idempotency_key", "message"}, ...]}``,
    and its answer one for each, ``{"answers": [{"idempotency_key", "receipt", "effect", "replayed"}, ...]}`` in any
    order. What has none is in doubt. A request that the partner refuses as a whole must have had no effect: then each
    message is sent alone, so that a refusal holds one.

    The header ``Bridge-Checkpoint`` has the newest checkpoint of our seals, in base64.

    Args:
        connection: see Address.of().
        options: ``receipt`` name of the field with the receipt (receipt); ``ask`` path below the connection's where the
            receipt of a key is had, such as /receipts/{key} (none); ``deadline`` seconds for one exchange with all its
            waiting, at most 300 (60); ``records`` path of the list of what the partner holds (none, see listed());
            ``max_answer_bytes`` (65536); ``batch`` messages in one request, at most 100 (1; then the body is one
            message); ``schema`` the partner's JSON Schema, if it is one; ``checkpoint`` as above (none).
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
        self._deadline = number(options, "deadline", 60, 300)
        self._line = Line(self._address, self._deadline, number(options, "max_answer_bytes", 65_536, 1 << 24))
        self._judge = Judge(self._address.where, str(options.get("receipt", "receipt")))
        self.bundle = number(options, "batch", 1, MOST)
        self._enclosing = "batch" in options
        self._headers = {"Content-Type": "application/json"}
        if checkpoint := word(options, "checkpoint"):
            self._headers["Bridge-Checkpoint"] = base64.b64encode(checkpoint.encode()).decode()
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
        if self._enclosing:
            answers = self.send_several([(key, message)])
            assert answers is not None  # noqa: S101 - of one alone, the refusal is its answer
            return answers[0]
        reply = self._posted(message, {"Idempotency-Key": f'"{key.hex()}"'})
        return reply if isinstance(reply, Answer) else self._judge.one(reply)

    def send_several(self, messages: Sequence[tuple[bytes, bytes]]) -> list[Answer] | None:
        """Send messages in one request, each under its key; None if the partner refused them as a whole and none alone.

        Raises:
            TryLater, Misconfigured: as send(), of all of them.
        """
        inside = b",".join(
            b'{"idempotency_key":"%s","message":%s}' % (key.hex().encode(), message) for key, message in messages
        )
        reply = self._posted(b'{"messages":[%s]}' % inside, {})
        if isinstance(reply, Answer):
            return [reply] * len(messages)
        return self._judge.several(reply, [key for key, _ in messages])

    def _posted(self, body: bytes, headers: Mapping[str, str]) -> Reply | Answer:
        """The whole answer of the partner, or that it is in doubt."""
        until = time.monotonic() + self._deadline
        while True:
            try:
                reply = self._line.exchange("POST", "", {**self._headers, **headers}, body, until)
            except Unanswered as why:
                return Answer("in_doubt", code=why.code)
            wait = retry_after(reply.headers.get("Retry-After", ""))
            # A 503 that names no time may be said by what stands between, after the service has done its work.
            if reply.status not in BUSY or (reply.status == UNAVAILABLE and wait is None):
                return reply
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
        if reply.status in DENIED or reply.status < 400:
            return self._judge.one(reply)
        return Answer("in_doubt", code=f"STATUS_{reply.status}")

    def keys(self) -> Iterator[tuple[str, bytes, bool]] | None:
        """Key and content hash of each record that the partner holds; None if it has no list."""
        return listed(self._address, self._records, self._deadline) if self._records else None

    def past(self) -> int | None:
        """None: such a partner knows nothing of runs."""
        return None

    def _documents(self, batch: Batch) -> list[str]:
        return piece(frames_of(batch, self._open), self._open, False).to_list()


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
