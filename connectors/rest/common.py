"""What source and target share: numbers among the options, paths in JSON, and what a status says of waiting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from bridge.errors import Misconfigured, Refused

UNAVAILABLE: Final = 503
BUSY: Final = (408, 425, 429, UNAVAILABLE)
DENIED: Final = (401, 403, 407)


def number(options: Mapping[str, Any], name: str, default: int, most: int) -> int:
    """A whole number from 1; digits as text are accepted, since mappings are read as strings.

    Raises:
        Misconfigured: anything else.
    """
    text = str(options.get(name, default))
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= most:
        what = f"{text!r} is no whole number from 1 to {most}"
        raise Misconfigured("BAD_OPTION", f"option {name}", what, f"Write {name} in digits")
    return int(text)


def word(options: Mapping[str, Any], name: str, default: str = "") -> str:
    """A text.

    Raises:
        Misconfigured: it is none.
    """
    value = options.get(name, default)
    if not isinstance(value, str):
        raise Misconfigured("BAD_OPTION", f"option {name}", "it is no text", f"Write {name} as one text")
    return value


def retry_after(told: str) -> float | None:
    """How many seconds a Retry-After asks to wait (RFC 9110, 10.2.3); None if it says nothing."""
    if told.strip().isdecimal():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, TypeError):
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None


def at(content: Any, path: str) -> Any:
    """What stands at a dotted path of a JSON document, the document itself at ""; None where there is nothing.

    Raises:
        Refused: what stands on the way there cannot be read.
    """
    for name in path.split(".") if path else ():
        if isinstance(content, Refused):
            raise content
        content = content.get(name) if isinstance(content, Mapping) else None
    if isinstance(content, Refused):
        raise content
    return content
