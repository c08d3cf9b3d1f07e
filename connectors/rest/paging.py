"""How one page of an answer leads to the next, as the mapping declares it.

| pages | the next page is asked for |
|---|---|
| {next: link} | where the header Link with rel=next says (RFC 8288) |
| {next: paging.next} | where the page itself says, at this path |
| {cursor: meta.cursor, as: after} | with what stands at this path, as the query parameter of this name |
| {offset: offset, limit: limit, size: 200} | by the number of records before it |
| nothing | never: one page has all |

Where pages are counted off, what changes in between moves records from one page to another. Each page therefore
begins with the last record of the page before; if that is another one, the set has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from requests.utils import parse_header_links

from bridge.errors import Misconfigured
from connectors.rest.common import at, number, word

LINK: Final = "link"
_FORMS: Final[tuple[set[str], ...]] = (set(), {"next"}, {"cursor", "as"}, {"offset", "limit", "size"})
_PAGE: Final = 10_000
"""Records that may be asked for at a time."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it was answered.

    Args:
        url: which was asked for.
        content: the whole document.
        records: how many records it has.
    """

    url: str
    headers: Mapping[str, str]
    content: Any
    records: int


class Paging(Protocol):
    """One way from page to page."""

    overlap: int
    """So many records at the end of a page stand again at the beginning of the next."""

    def first(self) -> Mapping[str, str]:
        """Query parameters of the first page."""
        ...

    def following(self, page: Page) -> str | None:
        """Where the next page is; None after the last."""
        ...


@dataclass(frozen=True, slots=True)
class Single:
    """One page has all."""

    overlap = 0

    def first(self) -> Mapping[str, str]:
        """None."""
        return {}

    def following(self, page: Page) -> str | None:  # noqa: ARG002 - of the contract
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class Linked:
    """The service names the next page, in a header or at a path of the page."""

    path: str
    overlap = 0

    def first(self) -> Mapping[str, str]:
        """None."""
        return {}

    def following(self, page: Page) -> str | None:
        """What the service named, seen from the page."""
        told = linked(page) if self.path == LINK else at(page.content, self.path)
        return urljoin(page.url, told) if isinstance(told, str) and told else None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The page has a text that the next question carries."""

    path: str
    parameter: str
    overlap = 0

    def first(self) -> Mapping[str, str]:
        """None."""
        return {}

    def following(self, page: Page) -> str | None:
        """The same question with the cursor."""
        told = at(page.content, self.path)
        return with_query(page.url, {self.parameter: told}) if isinstance(told, str) and told else None


@dataclass(frozen=True, slots=True)
class Counted:
    """Pages are counted off by the number of records before them."""

    parameter: str
    limit: str
    size: int
    overlap = 1

    def first(self) -> Mapping[str, str]:
        """From the beginning."""
        return {self.parameter: "0", self.limit: str(self.size)}

    def following(self, page: Page) -> str | None:
        """From the last record on; None after a page with no other, for a service may give fewer than are asked for."""
        if page.records <= self.overlap:
            return None
        before = int(dict(parse_qsl(urlsplit(page.url).query))[self.parameter])
        return with_query(page.url, {self.parameter: str(before + page.records - self.overlap)})


def paging(options: Mapping[str, Any]) -> Paging:
    """The way that option ``pages`` declares.

    Raises:
        Misconfigured: none of the forms.
    """
    said = options.get("pages") or {}
    if not isinstance(said, Mapping) or set(said) not in _FORMS or not all(said.values()):
        raise Misconfigured(
            "BAD_OPTION",
            "option pages",
            "it is none of the ways from page to page",
            "Write {next: link}, {next: path}, {cursor: path, as: parameter} or {offset: parameter, limit: parameter, "
            "size: number}",
        )
    if "next" in said:
        return Linked(word(said, "next"))
    if "cursor" in said:
        return Cursor(word(said, "cursor"), word(said, "as"))
    if "offset" in said:
        size = number(said, "size", _PAGE, _PAGE)
        if size < 2:
            raise Misconfigured("BAD_OPTION", "option pages.size", "a page has two records at least", "Raise size")
        return Counted(word(said, "offset"), word(said, "limit"), size)
    return Single()


def with_query(url: str, said: Mapping[str, str]) -> str:
    """The URL with these query parameters, in the place of those of the same name."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in said]
    return urlunsplit(parts._replace(query=urlencode([*kept, *said.items()])))


def linked(page: Page) -> str | None:
    """The target of the first link whose relation is next."""
    for link in parse_header_links(page.headers.get("Link", "")):
        if "next" in link.get("rel", "").lower().split():
            return link["url"]
    return None
