"""A supplier with an HTTPS service on this machine that gives its records page by page, and misbehaves when told to."""

from __future__ import annotations

import gzip
import json
import time
from bisect import insort
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.connectors.https_partner import Https

PATH = "/v2/records"


class Supplier(Https):
    """Gives records by when they changed, from <= t < to, oldest first.

    Args:
        style: how pages follow one another: link, path, cursor or offset.
        size: records of a page; an offset page has as many as are asked for, and no more than this.
    """

    def __init__(
        self, certificate: tuple[Path, Path], clients: Path | None = None, *, style: str = "link", size: int = 1000
    ) -> None:
        super().__init__(certificate, _Handler, clients)
        self.style, self.size = style, size
        self.records: list[tuple[datetime, dict[str, Any]]] = []
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.troubles: deque[str] = deque()
        """What happens to the next requests: see _Handler."""
        self.asked: Callable[[int], None] = lambda _: None
        """Called with the number of each request before it is answered."""

    def add(self, moment: datetime, **record: Any) -> None:
        """A record that changed then."""
        insort(self.records, (moment, record), key=lambda one: one[0])

    def url(self, ca: Path, host: str = "localhost", login: str = "", **files: Path) -> str:
        """The connection to it."""
        named = "".join(f"&{name}={path}" for name, path in files.items())
        return f"https://{login}{host}:{self.port}/v2?ca={ca}{named}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Supplier

    def log_message(self, *_: Any) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        supplier = self.server
        supplier.heard.append((self.path, dict(self.headers)))
        supplier.asked(len(supplier.heard))
        trouble = supplier.troubles.popleft() if supplier.troubles else ""
        status, _, rest = trouble.partition(":")
        if status.isdecimal():
            self._say(b"<p>no</p>", {"Retry-After": rest} if rest else {}, status=int(status))
            return
        headers, body = self._page(trouble)
        if trouble == "broken":
            body = body[:9] + b'[{"\xc3\xa9": 1} oops' + body[9:]
        elif trouble == "latin":
            body = body[:40] + b"\xe9" + body[40:]
        elif trouble == "error":
            body = b'{"error": "Zebedee"}'
        elif trouble == "long":
            body += b" " * 200_000
        self._say(body, headers, trouble)

    def _page(self, trouble: str) -> tuple[dict[str, str], bytes]:
        supplier = self.server
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        since, until = (datetime.fromisoformat(asked[name]) for name in ("from", "to"))
        there = [record for moment, record in supplier.records if since <= moment < until]
        begin = int(asked.get("offset") or asked.get("after", "p0")[1:] or 0) if "page" not in asked else 0
        begin = int(asked["page"]) * supplier.size if "page" in asked else begin
        size = min(int(asked.get("limit", supplier.size)), supplier.size)
        found, more = there[begin : begin + size], begin + size < len(there)
        number = begin // supplier.size
        if trouble == "same":
            number, more = number - 1, True
        if trouble == "endless":
            more = True
        following = f"{PATH}?{urlencode(asked | {'page': str(number + 1)})}" if more else ""
        named = {
            "elsewhere": f"https://127.0.0.1:{supplier.port}{PATH}",
            "nonsense": "https://[x",
            "login": f"https://me:secret@localhost:{supplier.port}{PATH}",
            "port": "https://localhost:port/",
        }
        following = named.get(trouble, following)
        match supplier.style:
            case "link":
                links = f'<{PATH}?page=0>; rel="first", <{following}>; rel="next"' if following else ""
                return {"Link": links} if links else {}, json.dumps(found).encode()
            case "path":
                content: Any = {"data": found, "paging": {"next": following or None}}
            case "cursor":
                content = {"data": found, "meta": {"cursor": f"p{begin + size}" if more else None}}
            case _:
                content = {"data": found, "total": len(there)}
        return {}, json.dumps(content).encode()

    def _say(self, body: bytes, headers: dict[str, str], trouble: str = "", status: int = 200) -> None:
        """Answer, or break off: cut, truncate, closed, drip; or pack: gzip, half (of a gzip), bomb, br; or say more
        or fewer bytes than there are: more, fewer."""
        if trouble == "cut":
            self.close_connection = True
            return
        if trouble in ("gzip", "half", "bomb"):
            body = gzip.compress(b"[" + b" " * 30_000_000 + b"]" if trouble == "bomb" else body)
            body = body[: len(body) // 2] if trouble == "half" else body
        if trouble in ("gzip", "half", "bomb", "br"):
            headers = {**headers, "Content-Encoding": trouble if trouble == "br" else "gzip"}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        length = len(body) + {"more": 1000, "fewer": -20}.get(trouble, 0)
        self.send_header(*(("Connection", "close") if trouble == "closed" else ("Content-Length", str(length))))
        self.end_headers()
        self.close_connection = trouble in ("truncate", "closed", "more", "fewer", "drip")
        if trouble == "drip":
            with suppress(OSError):
                for place in range(len(body)):
                    self.wfile.write(body[place : place + 1])
                    self.wfile.flush()
                    time.sleep(0.1)
            return
        with suppress(OSError):
            self.wfile.write(body[: len(body) // 2] if trouble in ("truncate", "closed") else body)
