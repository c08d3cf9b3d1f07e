"""Questions to a service, one page after another: what a status means, and how long is waited."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from bridge.errors import Misconfigured, TryLater
from connectors.rest.common import BUSY, DENIED, retry_after
from connectors.rest.reach import Address, Line, Reply, Unanswered

_OK: Final = 200
_PLAIN: Final = ("identity", "gzip")


class Asker:
    """Asks one service for pages; none is ever had from another place than the connection names.

    Args:
        seconds: for one page with all its waiting.
        longest: bytes of a page, unpacked.
    """

    def __init__(self, address: Address, seconds: int, longest: int) -> None:
        parts = urlsplit(address.url)
        self._origin = _origin(address.url)
        root = replace(address, url=urlunsplit((parts.scheme, parts.netloc, "", "", "")))
        self._line = Line(root, seconds, longest, packed=True)
        self._seconds, self._longest = seconds, longest

    def page(self, url: str, where: str, until: float) -> Reply:
        """The page at a URL, whole.

        Args:
            where: what messages call it, without its query.
            until: by time.monotonic(), when all pages must have come.

        Raises:
            TryLater: it does not come now.
            Misconfigured: it never will as things are, or it is somewhere else.
        """
        if _origin(url) != self._origin:
            raise Misconfigured(
                "FOREIGN_PAGE",
                where,
                "the service leads to another address than the connection's, where our login is not taken",
                "Have the supplier link to its own address, or name the other one in the connection",
            )
        parts = urlsplit(url)
        path = urlunsplit(("", "", parts.path, parts.query, ""))
        over = min(until, time.monotonic() + self._seconds)
        while True:
            try:
                reply = self._line.exchange("GET", path, {}, until=over)
            except Unanswered as why:
                raise TryLater(
                    "PAGE_BROKEN",
                    where,
                    f"the page did not come whole ({why.code})",
                    "If it stays, ask smaller pages, or raise deadline and window_deadline",
                ) from None
            if reply.status not in BUSY:
                return self._judged(reply, where)
            wait = retry_after(reply.headers.get("Retry-After", ""))
            if wait is None or time.monotonic() + wait >= over:
                told = "" if wait is None else f", for {wait:.0f} s"
                raise TryLater(
                    "SOURCE_BUSY",
                    where,
                    f"the service answers nobody now (status {reply.status}{told})",
                    f"It is tried again by itself; deadline allows {self._seconds} s for one page",
                )
            time.sleep(wait)

    def _judged(self, reply: Reply, where: str) -> Reply:
        """The reply if it is a page. Its text is never told."""
        status = reply.status
        if status >= 500:
            raise TryLater(
                "SOURCE_FAILS", where, f"the service fails (status {status})", "Look whether its service works"
            )
        if status in DENIED:
            raise Misconfigured(
                "SOURCE_DENIES",
                where,
                f"the service does not let us in (status {status})",
                "Have the supplier let this account, token or certificate in, or correct the connection",
            )
        if status != _OK:
            raise Misconfigured(
                "NOT_A_PAGE",
                where,
                f"the service gives no page (status {status})",
                "Compare connection, path, query, since, until and pages with what the supplier says of its service",
            )
        if reply.excess:
            packing = reply.headers.get("Content-Encoding", "identity").lower()
            if packing not in _PLAIN:
                raise Misconfigured(
                    "PACKED",
                    where,
                    f"the page is packed as {packing[:20]!r}, which was not asked for",
                    "Have the supplier send it plain, or as gzip",
                )
            raise Misconfigured(
                "TOO_LARGE",
                where,
                f"the page is longer than max_page_bytes allows ({self._longest}), unpacked",
                "Ask smaller pages, or raise max_page_bytes",
            )
        return reply


def _origin(url: str) -> tuple[str, str, int, str | None] | None:
    """Scheme, host, port and login; None if it is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", port, parts.username
