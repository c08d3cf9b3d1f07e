"""What a connector must do: the Source and Target contracts, and what they exchange with the flow.

A connector knows how bytes come and go and nothing about what fields mean. It
holds no state, maps nothing and never retries: it raises TryLater and lets the
orchestrator decide. Connectors are classes named by protocol in the
``connectors`` namespace package: ``connectors.files:FilesSource``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import pyarrow as pa

from bridge.batch import Batch
from bridge.errors import Problem
from bridge.shape import Shape


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open interval of time, since <= t < until, both aware and in UTC."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise ValueError("a window's ends carry a time zone")
        if not self.since < self.until:
            raise ValueError(f"a window ends after it begins: {self.since} .. {self.until}")

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%dT%H:%M:%SZ}/{self.until:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, slots=True)
class Offer:
    """Something a source has: a file in a drop folder, or the rows of a table changed in a window.

    Args:
        name: unique within the source: a path below the drop folder, or the window itself.
        arrival: when it came to be there, aware, UTC.
    """

    name: str
    arrival: datetime


@dataclass(frozen=True, slots=True)
class Input:
    """An offer whose bytes lie in the archive under their hash, proven complete and counted.

    Args:
        path: the archived bytes.
        counted: rows or records the connector counted apart from reading (E1); None if it cannot.
        problem: set if the whole input cannot be read (truncated, DOCTYPE, no such encoding): it is
            held as one, nothing of it flows, its bytes stay.
    """

    name: str
    sha256: str
    size: int
    arrival: datetime
    path: Path
    counted: int | None = None
    problem: Problem | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Source(Protocol):
    """How records come in."""

    def fields(self) -> Shape:
        """The shape that read() gives, as far as the source itself can tell (a table, a header)."""
        ...

    def offers(self, window: Window) -> list[Offer]:
        """All that arrived before window.until, oldest first; the flow decides which belong to the window."""
        ...

    def fetch(self, offer: Offer, archive: Path) -> Input:
        """Put the offer's bytes into the archive folder under their hash, prove them complete, count.

        The file is archive/<first two hex digits>/<sha256>, written under a temporary name and then
        renamed; an existing file of that name is left as it is.
        """
        ...

    def read(self, source_input: Input) -> Iterator[Batch]:
        """The input's records in order, in batches of bounded memory; row numbers run on from 0."""
        ...


@runtime_checkable
class Proving(Protocol):
    """A source that can prove an archived input anew, for the schema may have changed since it was refused."""

    def prove(self, known: Input) -> Input:
        """The input with its count, its problem and its notes as they are now."""
        ...


ORDER_KEY = "key"
ORDERS = pa.schema(
    [
        pa.field("_row", pa.int64(), False),
        pa.field("key", pa.string(), False),
        pa.field("withdraw", pa.bool_(), False),
        pa.field("recall", pa.bool_(), False),
        pa.field("source_version", pa.timestamp("us", tz="UTC"), False),
        pa.field("revision", pa.int32(), False),
        pa.field("content_hash", pa.binary(32), False),
        pa.field("idempotency_key", pa.binary(32), False),
    ]
)
"""One row per record that goes to a partner: which record (``key`` is its name at the partner), what
to do, and its place in the order of versions: (withdraw, source_version, revision, content_hash,
recall), highest wins. ``withdraw`` takes the record back for ever, because its supplier cancelled or
erased it; ``recall`` takes it back until a higher version comes, because a rule of release withholds
this one; neither delivers it, and what has nothing to take back is ``unchanged``. ``_row`` joins it to
the batch; a record taken back has no row there."""

RECEIPTS = pa.schema(
    [
        pa.field("_row", pa.int64(), False),
        pa.field("effect", pa.string(), False),
        pa.field("receipt", pa.string(), False),
    ]
)
"""One row per order. ``effect``: insert | update | withdraw | unchanged | superseded. ``receipt`` names
the proof at the partner: inbox key, file name with hash, or message id."""


@runtime_checkable
class Judging(Protocol):
    """A target that can say beforehand which records its partner cannot hold."""

    def unfit(self, batch: Batch) -> list[Problem]:
        """One problem for each value that a column of the partner cannot hold; its record is held, the rest goes."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A target whose partner can be asked what it holds of ours."""

    def keys(self) -> Iterator[tuple[str, bytes, bool]] | None:
        """Key, content hash of its order and whether the record itself is there, of each record that was delivered and
        not taken back, by key; None if the partner cannot say."""
        ...

    def past(self) -> int | None:
        """The highest epoch that has delivered; None if none has."""
        ...


@runtime_checkable
class Target(Protocol):
    """How records leave."""

    @property
    def lanes(self) -> int:
        """How many deliver() may run at once, each with records that no other has; 1: one after the other."""
        ...

    def fields(self) -> Shape:
        """The shape that deliver() takes, read from the partner's own tables or schema."""
        ...

    def deliver(self, batch: Batch, orders: pa.Table) -> pa.Table:
        """Carry out orders (ORDERS) and say for each what happened (RECEIPTS).

        Effect and proof become durable together, or neither. The same orders again give ``unchanged``
        and change nothing. Raises TryLater when the partner is not there, Misconfigured when it
        refuses for good.
        """
        ...

    def count(self) -> int | None:
        """Records of ours that the partner now holds, asked of the partner; None if it cannot say."""
        ...


IN_PROGRESS: Final = "IN_PROGRESS"
"""Code of an answer in doubt by which the partner says that it has the message and is not yet done with it."""
NOT_ACKNOWLEDGED: Final = "NOT_ACKNOWLEDGED"
"""The same of a partner that answers later, by a message of its own."""
BAD_ACKNOWLEDGEMENT: Final = "BAD_ACKNOWLEDGEMENT"
"""The partner has answered, and says neither yes nor no."""
HEARD: Final = (IN_PROGRESS, NOT_ACKNOWLEDGED, BAD_ACKNOWLEDGEMENT)
"""Codes in doubt that do not tell of a partner that is away."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a partner said of one message, or that it said nothing.

    Args:
        disposition: delivered | unchanged | superseded | held | in_doubt.
        effect: what delivered did at the partner, insert | update | withdraw; None if it does not say.
        receipt: the partner's proof.
        code: why it is in doubt.
        problem: why it is held, in none of the partner's own words.
    """

    disposition: str
    effect: str | None = None
    receipt: str | None = None
    code: str | None = None
    problem: Problem | None = None


@runtime_checkable
class Sending(Protocol):
    """How records leave to a partner with which no transaction can be shared.

    In place of deliver(): the caller keeps each message before it is first sent, asks for what it has no answer to,
    and sends the same bytes again under the same key where the partner cannot be asked.
    """

    asks: bool
    """Whether the partner can be asked for the receipt of a key."""

    def fields(self) -> Shape:
        """The shape that compose() takes."""
        ...

    def compose(self, batch: Batch, orders: pa.Table) -> Mapping[int, bytes]:
        """For each order (ORDERS), by ``_row``, the bytes that are sent to carry it out; the same at any time."""
        ...

    def send(self, key: bytes, message: bytes) -> Answer:
        """Send one message under its idempotency key.

        Raises TryLater when the partner takes nothing now, Misconfigured when it lets nobody in: this message has had
        no effect. Where it may have had one, the answer is in doubt.
        """
        ...

    def ask(self, key: bytes) -> Answer | None:
        """What the partner says of a message that may have arrived; None if it never did."""
        ...


@runtime_checkable
class Bundling(Sending, Protocol):
    """A target whose partner takes several messages at a time."""

    bundle: int
    """So many at most."""

    def send_several(self, messages: Sequence[tuple[bytes, bytes]]) -> list[Answer] | None:
        """Send messages, each under its idempotency key, and give what the partner says of each.

        Raises as send(), and then none of them has had an effect. None if the partner refused them as a whole, without
        an effect: each has to be sent alone.
        """
        ...


class Stamping(Protocol):
    """A time-stamping authority (RFC 3161)."""

    where: str
    """How messages call it, without a login."""

    def ask(self, query: bytes) -> bytes:
        """The answer to a query, both in DER. Raises TryLater when none comes now, Misconfigured when it lets nobody
        in."""
        ...
