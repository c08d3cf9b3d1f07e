"""What the formats share: their contract, whole-input problems, and options read strictly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from bridge.batch import Batch
from bridge.connector import Input
from bridge.errors import Misconfigured, Problem

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Proof:
    """What one pass over an archived file found out before anything is read from it.

    Args:
        counted: records, counted apart from reading; None if the input has a problem.
        notes: facts worth keeping with the input, such as its encoding.
    """

    counted: int | None = None
    problem: Problem | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


class Format(Protocol):
    """One kind of file."""

    suffix: str
    """Names of such files end so, unless a pattern is given."""

    def prove(self, path: Path, name: str) -> Proof:
        """Prove the archived file complete and count its records. ``name`` is for messages."""
        ...

    def read(self, source_input: Input) -> Iterator[Batch]:
        """The records of a proven file, in order."""
        ...


def whole(code: str, name: str, position: int, at: str, what: str, fix: str) -> Proof:
    """The proof of a file that cannot be read at all; ``at`` says where in words, "" if nowhere."""
    where = f"{name}, {at}" if at else name
    return Proof(problem=Problem(-1, position, code, "", "file", f"{where}: {what}. {fix}"))


def folder(connection: str) -> Path:
    """The folder that a connection names, by path or by ``file://`` URL.

    Raises:
        Misconfigured: another scheme, another host, or no such folder.
    """
    path = Path(connection)
    if "://" in connection:
        url = urlsplit(connection)
        if url.scheme != "file" or url.netloc not in ("", "localhost"):
            raise Misconfigured(
                "BAD_CONNECTION",
                url.scheme + "://" + (url.hostname or ""),
                "the files connector opens folders of this machine, and of servers by SFTP",
                "Give a path, file:///path or sftp://user@host/path?known_hosts=FILE&key=FILE",
            )
        path = Path(url2pathname(url.path))
    if not path.is_dir():
        raise Misconfigured("NO_FOLDER", str(path), "there is no such folder", "Create it, or correct the connection")
    return path.resolve()


def text_option(options: Mapping[str, Any], name: str, default: str) -> str:
    """A text option.

    Raises:
        Misconfigured: it is no text.
    """
    value = options.get(name, default)
    if not isinstance(value, str):
        raise Misconfigured("BAD_OPTION", f"option {name}", f"{value!r} is no text", f"Write {name} as text")
    return value


def drift_option(options: Mapping[str, Any]) -> Mapping[str, str]:
    """What the mapping says of columns that come or go: by ``new`` and ``missing``, ``hold``, ``stop`` or ``warn``."""
    said = options.get("drift", {})
    return {str(name): str(value) for name, value in said.items()} if isinstance(said, Mapping) else {}


def number_option(options: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number above zero; digits as text are accepted, since mappings are read as strings.

    Raises:
        Misconfigured: anything else.
    """
    value = options.get(name, default)
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal()) or int(text) == 0:
        raise Misconfigured(
            "BAD_OPTION", f"option {name}", f"{value!r} is no whole number above zero", f"Write {name} in digits"
        )
    return int(text)
