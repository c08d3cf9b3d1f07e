"""What the partner says that it holds of ours, page by page, for reconciling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from bridge.errors import Misconfigured, TryLater
from connectors.rest.reach import Address, Line, Unanswered

LONGEST: Final = 16 << 20
"""Bytes of one page."""


def listed(address: Address, path: str, seconds: int) -> Iterator[tuple[str, bytes, bool]]:
    """Key and content hash of each record there, by key, as ``GET`` gives them from this path on.

    A page is ``{"records": [{"key": ..., "content_hash": ...}, ...], "next": path or null}``.

    Raises:
        TryLater: a page does not come whole.
        Misconfigured: a page is something else, or keys do not ascend.
    """
    line = Line(address, seconds, LONGEST)
    last, following = "", path
    while following:
        records, following = _page(line, address.where, following)
        for key, content in records:
            if key <= last:
                raise _unlike(address.where, "keys do not ascend from page to page")
            last = key
            yield key, content, True


def _page(line: Line, where: str, path: str) -> tuple[list[tuple[str, bytes]], str]:
    try:
        reply = line.exchange("GET", path, {})
    except Unanswered as why:
        fix = "Look whether its service works, then reconcile again"
        raise TryLater("PARTNER_SILENT", where, f"a page of the list did not come whole ({why.code})", fix) from None
    if reply.status != 200:
        fix = "Compare option records with what the partner says of its service"
        raise Misconfigured("NO_LIST", where, f"the service gives no list (status {reply.status})", fix)
    try:
        told: Any = orjson.loads(reply.body)
        records = [(str(one["key"]), bytes.fromhex(one["content_hash"])) for one in told["records"]]
        following = str(told.get("next") or "")
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _unlike(where, "a page is no JSON of records with key and content_hash") from None
    if following and not following.startswith("/"):
        raise _unlike(where, "next is no path below the connection's")
    return records, following


def _unlike(where: str, what: str) -> Misconfigured:
    return Misconfigured("BAD_LIST", where, what, "Have the partner give the list as docs/engineer.md says")
