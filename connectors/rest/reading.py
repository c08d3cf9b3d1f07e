"""The source: records that a service gives for a window, page by page, each page kept as it came."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from bridge import bundle
from bridge.batch import Batch
from bridge.connector import Input, Offer, Window
from bridge.errors import Misconfigured, Refused, TryLater
from bridge.jsonrecords import Records
from bridge.lagging import lag_of, moment, name_of, require_over, window_of
from bridge.shape import Shape
from connectors.rest.asking import Asker
from connectors.rest.common import at, number, word
from connectors.rest.pages import Unreadable, Walk, kept, opened, refused
from connectors.rest.paging import Page, linked, paging, with_query
from connectors.rest.reach import Address, Reply

BATCH_ROWS: Final = 10_000
MIB: Final = 1 << 20
MOMENTS: Final = ("iso", "seconds", "milliseconds")


class RestSource:
    """Asks a service for what changed in a window: ``GET`` page after page, as JSON.

    A window can be asked for once its end lies ``lag`` in the past: within it the service must show all that it has
    taken in until then. It must give what changed at ``since`` itself; whether it gives what changed at ``until`` is
    the same, for a record that comes twice changes nothing. What it deletes it never shows: a source that deletes
    needs a status.

    All pages of a window are one input: a file in the archive with the bytes of each page, unpacked. A collect that
    dies in the middle leaves nothing, and asks for all of them again.

    Args:
        connection: see Address.of().
        options: ``path`` below the connection's (none); ``query`` parameters that always go along (none); ``since``
            and ``until`` the parameters that limit the answer to a window (both needed), ``moments`` how they are
            written: iso, seconds or milliseconds since 1970 (iso); ``lag`` (5 minutes); ``records`` path of the array
            in a page (the page is the array); ``pages`` see paging(); ``total`` path of the number of records in all,
            held against those that came (none); ``deadline`` seconds for one page with all its waiting, at most 300
            (60), and ``window_deadline`` for all pages (3600); ``max_page_bytes`` (16 MiB), ``max_pages`` (10000) and
            ``max_input_bytes`` of all pages (4 GiB).
        shape: the record's fields: dotted names are objects in it, lists are arrays of objects.

    Raises:
        Misconfigured: an unusable option; the connection and what it names are looked at when they are needed.
    """

    def __init__(self, connection: str, options: Mapping[str, Any], shape: Shape) -> None:
        self._connection, self._path = connection, word(options, "path")
        if self._path and not self._path.startswith("/"):
            raise Misconfigured("BAD_OPTION", "option path", "no path", "Write it like /v2/seizures")
        self._query = options.get("query") or {}
        if not isinstance(self._query, Mapping) or not all(isinstance(one, str) for one in self._query.values()):
            raise Misconfigured("BAD_OPTION", "option query", "not a mapping of texts", "Write {name: value}")
        self._ends = (word(options, "since"), word(options, "until"))
        if not all(self._ends):
            raise Misconfigured(
                "BAD_OPTION",
                "options since and until",
                "which query parameters limit the answer to a window is not said",
                "Say since: and until: in collect; without them every window would read everything",
            )
        self._moments = word(options, "moments", "iso")
        if self._moments not in MOMENTS:
            raise Misconfigured(
                "BAD_OPTION", "option moments", "no such way to write moments", f"Say one of {', '.join(MOMENTS)}"
            )
        self._lag = lag_of(str(options.get("lag", "5 minutes")))
        self._records, self._total = word(options, "records"), word(options, "total")
        self._paging = paging(options)
        self._seconds = number(options, "window_deadline", 3600, 86_400)
        self._most = number(options, "max_pages", 10_000, 1_000_000)
        self._largest = number(options, "max_input_bytes", 4 << 30, 1 << 40)
        self._longest = number(options, "max_page_bytes", 16 * MIB, 1 << 30)
        self._deadline = number(options, "deadline", 60, 300)
        self._shape = shape

    # What was archived can be read where the service cannot be reached, so the connection is opened when it is needed.

    @cached_property
    def _url(self) -> str:
        return Address.of(self._connection).url + self._path

    @cached_property
    def _asker(self) -> Asker:
        return Asker(Address.of(self._connection), self._deadline, self._longest)

    def fields(self) -> Shape:
        """The declared shape: a service tells nothing of its records but the records."""
        return self._shape

    def offers(self, window: Window) -> list[Offer]:
        """One offer: what changed in the window. Raises TryLater while its end is younger than the lag."""
        self._require_over(window)
        return [Offer(name_of(window), window.since)]

    def fetch(self, offer: Offer, archive: Path) -> Input:
        """Archive all pages of the offer's window as one file, and count their records.

        A page that is no page of JSON records ends it: then the input is held as a whole, with what came until there.

        Raises:
            TryLater: a page does not come now, or the set has changed while it was read.
            Misconfigured: the service lets nobody in, leads in a circle, or gives more than is allowed.
        """
        window = window_of(offer.name)
        self._require_over(window)
        with bundle.writing(archive, ".rest-") as out:
            walk = Walk(out)
            try:
                self._walk(window, walk)
            except Unreadable as bad:
                walk.problem = bad.problem
            self._require_total(walk)
            about = {"url": self._url, "since": moment(window.since), "until": moment(window.until)}
            sha256, size, path = walk.close(about)
        counted = None if walk.problem else walk.counted
        notes = {"pages": str(len(walk.pages))}
        return Input(offer.name, sha256, size, offer.arrival, path, counted, walk.problem, notes)

    def read(self, source_input: Input) -> Iterator[Batch]:
        """The records of all pages in order, in batches of bounded memory; a record's position is its number from 1.

        Raises:
            Misconfigured: the input is one with a problem, of which nothing may flow.
        """
        if source_input.problem is not None:
            what = "nothing may be read from an input that has a problem"
            raise Misconfigured(source_input.problem.code, source_input.name, what, "Hold it as one")
        rows = Records(self._shape, source_input.name, source_input.sha256)
        row = 0
        for page, skip, body in kept(source_input.path):
            try:
                _, found = opened(body, f"{source_input.name}, page {page}", self._records)
            except Unreadable as bad:
                what = "the archived page is not as options say now"
                fix = "Put option records back, or run the window again"
                raise Misconfigured(bad.problem.code, source_input.name, what, fix) from None
            for place, record in enumerate(found[skip:], skip + 1):
                try:
                    rows.add(row, row + 1, record)
                except Refused as why:
                    rows.refuse(row, row + 1, f"page {page}, record {place}", why)
                row += 1
                if row % BATCH_ROWS == 0:
                    yield rows.batch()
        if row % BATCH_ROWS or row == 0:
            yield rows.batch()

    def _require_over(self, window: Window) -> None:
        require_over(window, self._lag, self._url, "the service may not yet show all that it took in until then")

    def _walk(self, window: Window, walk: Walk) -> None:
        """From page to page until the last."""
        until = time.monotonic() + self._seconds
        ends = dict(zip(self._ends, (self._written(window.since), self._written(window.until)), strict=True))
        url: str | None = with_query(self._url, {**self._query, **ends, **self._paging.first()})
        seen: set[str] = set()
        while url is not None:
            where = f"page {len(seen) + 1} of {self._url}"
            if url in seen:
                raise Misconfigured(
                    "PAGES_REPEAT",
                    where,
                    "the service leads back to a page that it has given already, so that there is no end",
                    "Tell the supplier; or correct option pages",
                )
            if len(seen) == self._most or walk.size > self._largest:
                raise Misconfigured(
                    "TOO_LARGE",
                    where,
                    f"the window has more than max_pages ({self._most}) or max_input_bytes ({self._largest}) allow",
                    "If that is right, take shorter windows (every) or raise them; if not, the service has no end",
                )
            seen.add(url)
            reply = self._asker.page(url, where, until)
            url = self._following(url, reply, walk, where)

    def _following(self, url: str, reply: Reply, walk: Walk, where: str) -> str | None:
        """Take in the page; gives where the next one is.

        Raises:
            Unreadable: it is no page of records.
            TryLater: it broke off, or is not the page after the one before.
        """
        walk.keep(reply.body, skip := self._paging.overlap if walk.pages else 0)
        try:
            content, found = opened(reply.body, where, self._records)
        except Unreadable:
            if "Content-Length" in reply.headers or "Transfer-Encoding" in reply.headers:
                raise
            # Nothing told where it should end, so it may have been cut.
            raise TryLater("PAGE_BROKEN", where, "the page broke off", "It is tried again by itself") from None
        if skip and repr(found[:skip]) != walk.last:
            raise _changed(where, "the page does not begin with the last record of the page before")
        walk.last = repr(found[-self._paging.overlap :]) if self._paging.overlap else ""
        walk.counted += len(found) - skip
        try:
            page = Page(url, reply.headers, content, len(found))
            following = self._paging.following(page)
            walk.total = at(content, self._total) if self._total else None
        except Refused as why:
            raise Unreadable(refused(where, why)) from None
        except ValueError:
            raise Misconfigured(
                "FOREIGN_PAGE", where, "what the service names as the next page is no address", "Tell the supplier"
            ) from None
        if following is None and linked(page):
            raise Misconfigured(
                "MORE_PAGES",
                where,
                "the header Link names a next page, and by option pages this is the last",
                "Say pages: {next: link} in collect",
            )
        return following

    def _require_total(self, walk: Walk) -> None:
        """Hold the number of records against what the service says of it."""
        if not self._total or walk.problem:
            return
        if not (isinstance(walk.total, str) and walk.total.isdecimal()):
            raise Misconfigured("NO_TOTAL", self._url, "the page has no number at option total", "Correct option total")
        if int(walk.total) != walk.counted:
            raise _changed(self._url, f"pages have {walk.counted} records, and the service says {walk.total}")

    def _written(self, one: datetime) -> str:
        if self._moments == "iso":
            return moment(one)
        return str(int(one.timestamp()) if self._moments == "seconds" else int(one.timestamp() * 1000))


def _changed(where: str, what: str) -> TryLater:
    fix = "Take the window again; if it stays, have the supplier order the set by something that does not change"
    return TryLater("SET_CHANGED", where, what, fix)
