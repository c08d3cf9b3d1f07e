"""Pages of one window: opened, and in the archive as one file with the bytes of each as they came."""

from __future__ import annotations

import codecs
import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bridge.bundle import Bundle
from bridge.errors import Problem, Refused
from bridge.jsonrecords import parse
from connectors.rest.common import at

CONTENTS: Final = "pages.json"
FORMAT: Final = 1
_AGAIN: Final = "Have the supplier mend its service, then run the window again"


class Unreadable(Exception):
    """A page is no page of records, and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


@dataclass
class Walk:
    """What has come of a window until now.

    Args:
        counted: records, each once where pages overlap.
        last: those at the end of the page before that the next begins with, as text.
        total: how many records there are, as the last page says.
    """

    out: Bundle
    pages: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0
    counted: int = 0
    last: str = ""
    total: Any = None
    problem: Problem | None = None

    def keep(self, body: bytes, skip: int) -> None:
        """Write a page's bytes down, whatever they are; its first records up to ``skip`` are of the page before."""
        name = f"page-{len(self.pages) + 1:06}.json"
        with self.out.member(name) as member:
            member.write(body)
        told = {"file": name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "skip": skip}
        self.pages.append(told)
        self.size += len(body)

    def close(self, about: Mapping[str, str]) -> tuple[str, int, Path]:
        """Say what the pages are, and give the file its place; its hash, size and path."""
        with self.out.member(CONTENTS) as contents:
            contents.write(json.dumps({"format": FORMAT, **about, "pages": self.pages}, indent=1).encode())
        return self.out.keep()


def kept(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Number, records to pass over and bytes of each archived page."""
    with zipfile.ZipFile(path) as archived:
        for number, page in enumerate(json.loads(archived.read(CONTENTS))["pages"], 1):
            yield number, page["skip"], archived.read(page["file"])


def opened(body: bytes, where: str, path: str) -> tuple[Any, list[Any]]:
    """The page's document, and the records at this path of it.

    Raises:
        Unreadable: the page is no JSON, or has no array there.
    """
    begin = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0
    try:
        content = parse(body[begin:].decode())
        found = at(content, path)
    except UnicodeDecodeError as bad:
        place = begin + bad.start
        what = f"byte 0x{body[place]:02X} is not UTF-8"
        raise Unreadable(whole("ENCODING", where, place, f"byte {place}", what, _AGAIN)) from None
    except json.JSONDecodeError as bad:
        place = begin + len(bad.doc[: bad.pos].encode())
        raise Unreadable(whole("NOT_JSON", where, place, f"byte {place}", f"not JSON ({bad.msg})", _AGAIN)) from None
    except RecursionError:
        raise Unreadable(
            whole("TOO_DEEP", where, -1, "", "nested too deeply to be a page of records", _AGAIN)
        ) from None
    except Refused as why:
        raise Unreadable(refused(where, why)) from None
    if not isinstance(found, list):
        what = f"the page has no array at {path!r}" if path else "the page is no array"
        fix = "Correct option records, or have the supplier mend its service; then run the window again"
        raise Unreadable(whole("NO_RECORDS", where, -1, "", what, fix))
    return content, found


def refused(where: str, why: Refused) -> Problem:
    """The problem of an input of which a page has a fault outside its records."""
    return Problem(-1, -1, why.code, why.field, "page", f"{where}: {why.reason}, then run the window again")


def whole(code: str, name: str, position: int, at: str, what: str, fix: str) -> Problem:
    """Why an input cannot be read at all; ``at`` says where in words, "" if nowhere."""
    where = f"{name}, {at}" if at else name
    return Problem(-1, position, code, "", "page", f"{where}: {what}. {fix}")
