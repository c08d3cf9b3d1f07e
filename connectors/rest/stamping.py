"""A time-stamping authority: one query, one answer, both in DER (RFC 3161, 3.4: over HTTP)."""

from __future__ import annotations

from typing import Final

from bridge.errors import Misconfigured, TryLater
from connectors.rest.common import BUSY
from connectors.rest.reach import Address, Line, Unanswered

LONGEST: Final = 65_536
"""Bytes of an answer: a token with its chain of certificates has some thousands."""
_QUERY: Final = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
_OK: Final = 200


class StampService:
    """Asks an authority for time stamps.

    Args:
        connection: see Address.of(); it may also begin with http://, for every stamp is signed and judged.
        seconds: within which an answer must have come whole.
    """

    def __init__(self, connection: str, seconds: int) -> None:
        address = Address.of(connection, plain=True)
        self.where = address.where
        self._seconds = seconds
        self._line = Line(address, seconds, LONGEST)

    def ask(self, query: bytes) -> bytes:
        """The answer to a query, as it came.

        Raises:
            TryLater: none came.
            Misconfigured: the authority does not let us in, or is not at this address.
        """
        try:
            reply = self._line.exchange("POST", "", _QUERY, query)
        except Unanswered as why:
            what = f"no whole answer came within {self._seconds} s ({why.code})"
            raise TryLater("STAMP_AWAY", self.where, what, "It is asked again by itself; call it if it stays") from None
        if reply.status >= 500 or reply.status in BUSY:
            what = f"it grants none now (status {reply.status})"
            raise TryLater("STAMP_AWAY", self.where, what, "It is asked again by itself; call it if it stays")
        if reply.status != _OK or reply.excess:
            told = "its answer is too long" if reply.excess else f"status {reply.status}"
            what = f"no time-stamping authority serves us at this address ({told})"
            raise Misconfigured("STAMP_DENIED", self.where, what, "Correct the address, login or certificate")
        return reply.body
