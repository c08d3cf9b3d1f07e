"""What a partner's answer to a message means, or to several. Its text is never told: it may quote what it refuses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from bridge.connector import IN_PROGRESS, Answer
from bridge.errors import Misconfigured, Problem
from connectors.rest.common import DENIED
from connectors.rest.reach import Reply

DONE: Final = ("insert", "update", "withdraw")
_RECEIPT: Final = re.compile(r"[\x21-\x7e]{1,200}")
"""What a receipt may look like: it is kept, shown and sealed."""
_NOT_HERE: Final = (404, 405, 410, 415, 426)
_CONFLICT: Final = 409
"""Another request with the same key is still being worked on (draft-ietf-httpapi-idempotency-key-header)."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Reads answers of one service.

    Args:
        where: what messages call it.
        receipt: name of the field with the receipt.
    """

    where: str
    receipt: str

    def one(self, reply: Reply) -> Answer:
        """What the answer to one message means.

        Raises:
            Misconfigured: the service does not let us in, or is not at this address.
        """
        stands = self._stands(reply)
        if stands is not None:
            return stands
        replayed = reply.headers.get("Idempotent-Replayed", "").lower() == "true"
        return self._received(_json(reply), reply.status, replayed)

    def several(self, reply: Reply, keys: Sequence[bytes]) -> list[Answer] | None:
        """What the answer to messages means for each, by its key; None if the service refuses several as a whole, and
        each has to be sent alone.

        Raises:
            Misconfigured: as one().
        """
        stands = self._stands(reply)
        if stands is not None:
            return None if stands.disposition == "held" and len(keys) > 1 else [stands] * len(keys)
        told = _json(reply)
        answers = told.get("answers") if isinstance(told, dict) else None
        listed = [one for one in answers if isinstance(one, dict)] if isinstance(answers, list) else []
        by_key = {str(one.get("idempotency_key")): one for one in listed}
        found = [by_key.get(key.hex()) for key in keys]
        return [self._received(one, reply.status, (one or {}).get("replayed") is True) for one in found]

    def _stands(self, reply: Reply) -> Answer | None:
        """What the status alone says; None if the answer's body does."""
        status = reply.status
        if status in (202, _CONFLICT):
            return Answer("in_doubt", code=IN_PROGRESS)
        if 200 <= status < 300:
            return None
        if 300 <= status < 400:
            fix = "Name the address that it leads to, if that is the partner's; no redirection is followed"
            raise Misconfigured("REDIRECTED", self.where, f"the service sends us elsewhere (status {status})", fix)
        if status in DENIED:
            fix = "Have the partner let this account or certificate in, or correct the connection"
            raise Misconfigured("PARTNER_DENIES", self.where, f"the service does not let us in (status {status})", fix)
        if status in _NOT_HERE:
            fix = "Compare the connection with what the partner says of its service"
            what = f"no service takes records at this address (status {status})"
            raise Misconfigured("NOT_THERE", self.where, what, fix)
        if status >= 500:
            return Answer("in_doubt", code=f"STATUS_{status}")
        return _refused(status)

    def _received(self, told: Any, status: int, replayed: bool) -> Answer:
        """The receipt in an answer; without one nothing is proven."""
        receipt = str(told.get(self.receipt, "")) if isinstance(told, dict) else ""
        if not _RECEIPT.fullmatch(receipt):
            return Answer("in_doubt", code="NO_RECEIPT")
        effect = told.get("effect")
        if effect == "refused":
            return _refused(status)
        if effect in ("unchanged", "superseded"):
            return Answer(effect, receipt=receipt)
        if replayed:
            return Answer("unchanged", receipt=receipt)
        return Answer("delivered", effect if effect in DONE else None, receipt)


def _json(reply: Reply) -> Any:
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None


def _refused(status: int) -> Answer:
    reason = "the partner refuses the record. Ask the partner why; mend the mapping, or the record at its source"
    return Answer("held", problem=Problem(-1, -1, "PARTNER_REFUSES", "", f"status {status}", reason))
