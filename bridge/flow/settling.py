"""What is ordered from a partner, and what each selected version came to.

Pure tables in, tables out. A version is ordered, or it has its end state
already: withheld, held, or unchanged because the partner holds just that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

from bridge.batch import ROW
from bridge.connector import ORDERS
from bridge.errors import Misconfigured, Problem
from bridge.exchange import DISPOSITIONS, MESSAGES, PROBLEMS
from bridge.ledger import Delivery, Effect

CANCELLED: Final = "CANCELLED"
"""Rule of a version that its supplier withdrew before the partner ever had it."""
NOTHING: Final = bytes(32)
"""What is released of a record that is taken back."""
HALF: Final = 16
"""Bytes of each hash in an order: the common document's, so that partner and exchange decide ties alike, then what is
released of it, so that another release of the same document is other content."""
HIGHEST: Final = bytes([255]) * HALF
"""Stands in a recall for what is released: above anything else that could be released of the same document, so that at
one revision a partner is left without a record where a rule has come to withhold it."""
REVISIONS: Final = 10_000
"""In the order of versions a record stands at collect revision x REVISIONS + share revision: a mapping mended on either
side makes it newer."""


_DONE: Final = frozenset(Effect)


@dataclass(slots=True)
class Settling:
    """End states of one batch of selected versions, by row of the batch, and the orders that decide the rest."""

    partner: str
    revision: int
    chosen: list[dict[str, Any]]
    steps: Mapping[int, int] = field(default_factory=dict)
    """By row, how many decisions there are about the record. Each makes what is ordered newer by a microsecond, for
    what is released has changed and the record has not."""
    orders: list[dict[str, Any]] = field(default_factory=list)
    withdrawals: int = 0
    """Orders that take a record back."""
    ended: dict[int, dict[str, Any]] = field(default_factory=dict)
    elsewhere: set[int] = field(default_factory=set)
    """Rows that were settled otherwise: by the outbox."""
    _begun: Any = None

    def __post_init__(self) -> None:
        self._begun = hashlib.sha256(_sized(self.partner.encode()))

    def end(self, row: int, disposition: Delivery, code: str | None = None, released: bytes | None = None) -> None:
        """The version at this row needs nothing from the partner."""
        self.ended[row] = _disposition(self.chosen[row], disposition, code=code, released=released)

    def leave(self) -> None:
        """Versions that the outbox decides, or that a newer one has taken the place of, need nothing here, or a later
        run's turn."""
        for row, version in enumerate(self.chosen):
            if version["outbox"] == "settled":
                self.elsewhere.add(row)
            elif version["outbox"] is not None:
                self.end(row, Delivery.PENDING if version["outbox"] == "waits" else Delivery.SUPERSEDED)

    def order(self, row: int, released: bytes) -> None:
        """Deliver the version at this row: what is released of it has this hash."""
        self._order(row, released)

    def withdraw(self, row: int, rule: str) -> None:
        """Take back what the partner holds of the record at this row.

        For ever if its supplier cancelled it; else it is a recall, which a later version undoes.
        """
        cancelled = self.chosen[row]["cancelled"]
        self._order(row, NOTHING, withdraw=cancelled, recall=not cancelled, rule=rule)

    def give_up(self, overtaken: Collection[int]) -> None:
        """What was ordered of these, by ordinal, is left to a share that knows of a newer version or decision."""
        rows = {row for row, version in enumerate(self.chosen) if version["ordinal"] in overtaken}
        for row in rows:
            self.end(row, Delivery.SUPERSEDED)
        self.orders = [order for order in self.orders if order[ROW] not in rows]

    def settled(self, receipts: Mapping[int, tuple[str, str | None]]) -> pa.Table:
        """DISPOSITIONS of all rows, once the partner has said what became of the orders."""
        for order in self.orders:
            effect, receipt = receipts[order[ROW]]
            version, done = self.chosen[order[ROW]], effect in _DONE
            # Asked because nobody knew, the partner had nothing to take back.
            nothing = effect == Delivery.UNCHANGED and _takes_back(order) and not version["prior_holds"]
            self.ended[order[ROW]] = _disposition(
                version,
                Delivery.DELIVERED if done else Delivery.WITHHELD if nothing else Delivery(effect),
                effect=effect if done else None,
                code=order["rule"] if done or nothing else None,
                withdraw=_takes_back(order),
                released=order["released"],
                key=order["idempotency_key"],
                receipt=receipt,
            )
        rows = [self.ended[row] for row in range(len(self.chosen)) if row not in self.elsewhere]
        return pa.Table.from_pylist(rows, schema=DISPOSITIONS)

    def messages(self, bodies: Mapping[int, bytes]) -> pa.Table:
        """MESSAGES of the orders, each with the bytes that are sent for it."""
        rows = [
            {
                "bridge_id": self.chosen[order[ROW]]["bridge_id"],
                "version": self.chosen[order[ROW]]["version"],
                "effect": str(Effect.WITHDRAW) if _takes_back(order) else order["known"],
                "code": order["rule"],
                "decisions": self.steps.get(order[ROW], 0),
                "released_hash": order["released"],
                "idempotency_key": order["idempotency_key"],
                "body": bodies[order[ROW]],
            }
            for order in self.orders
        ]
        return pa.Table.from_pylist(rows, schema=MESSAGES)

    def ordered(self) -> pa.Table:
        """ORDERS, each with the effect that it will have (``known``) for a partner whose own state cannot tell."""
        return pa.Table.from_pylist(self.orders, schema=ORDERS.append(pa.field("known", pa.string())))

    def problems(self, found: Sequence[Problem]) -> pa.Table:
        """PROBLEMS of the versions that this partner's mapping refuses."""
        listed = [
            {
                "bridge_id": self.chosen[p.row]["bridge_id"],
                "version": self.chosen[p.row]["version"],
                "code": p.code,
                "field": p.field,
                "rule": p.rule,
                "reason": p.reason,
            }
            for p in found
        ]
        return pa.Table.from_pylist(listed, schema=PROBLEMS)

    def _order(
        self, row: int, released: bytes, *, withdraw: bool = False, recall: bool = False, rule: str | None = None
    ) -> None:
        version = self.chosen[row]
        revision = order_revision(version["revision"], self.revision)
        verb = b"withdraw" if withdraw else b"recall" if recall else b"deliver"
        key = self._begun.copy()
        key.update(
            _sized(version["bridge_id"]) + _figure(version["version"]) + _figure(revision) + _sized(released)
            + _sized(verb)
        )  # fmt: skip
        if steps := self.steps.get(row, 0):
            key.update(_figure(steps))
        self.withdrawals += withdraw or recall
        self.orders.append(
            {
                ROW: row,
                "key": hyphenated(version["bridge_id"]),
                "withdraw": withdraw,
                "recall": recall,
                "source_version": version["source_version"] + steps if steps else version["source_version"],
                "revision": revision,
                "content_hash": version["content_hash"][:HALF] + (HIGHEST if recall else released[:HALF]),
                "released": released,
                "rule": rule,
                "idempotency_key": key.digest(),
                "known": str(Effect.UPDATE if version["prior_holds"] else Effect.INSERT),
            }
        )


def _sized(part: bytes) -> bytes:
    """A part of a key after its length, so that no two lists of parts look alike."""
    return len(part).to_bytes(4, "big") + part


@lru_cache(maxsize=1024)
def _figure(number: int) -> bytes:
    return _sized(str(number).encode())


def _takes_back(order: Mapping[str, Any]) -> bool:
    return bool(order["withdraw"] or order["recall"])


def hyphenated(bridge_id: bytes) -> str:
    """A bridge id as text; what uuid.UUID says in a quarter of its time."""
    text = bridge_id.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def order_revision(collect: int, share: int) -> int:
    """The place of two mapping revisions, the collect side first, in the order of versions."""
    if share >= REVISIONS:
        raise Misconfigured(
            "TOO_MANY_REVISIONS",
            f"revision {share}",
            f"a partner's mapping has been changed {REVISIONS} times",
            "Give the mapping a new name, which begins to count anew",
        )
    return collect * REVISIONS + share


def _disposition(
    version: Mapping[str, Any],
    disposition: Delivery,
    *,
    effect: str | None = None,
    code: str | None = None,
    withdraw: bool = False,
    released: bytes | None = None,
    key: bytes | None = None,
    receipt: str | None = None,
) -> dict[str, Any]:
    return {
        "bridge_id": version["bridge_id"],
        "version": version["version"],
        "disposition": str(disposition),
        "effect": effect,
        "code": code,
        "withdraw": withdraw,
        "released_hash": released,
        "idempotency_key": key,
        "receipt": receipt,
    }
