"""Errors named by what happens next, and the problem of one record.

Four classes of exception, because a caller has four things to do: have a file
mended, hold one record, try again later, or stop the line. Each says where it
happened, what is wrong and what to do, and none ever carries the value of a
personal field.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Final

MASKED: Final = "<masked>"


class BridgeError(Exception):
    """Something the reader of the message can act on.

    Args:
        code: stable upper-case word that a page in docs/reference explains.
        where: file with line, record number with position, or system, as exact as is known.
        what: one sentence saying the cause, free of personal values.
        fix: one sentence saying what to do next.
    """

    def __init__(self, code: str, where: str, what: str, fix: str) -> None:
        super().__init__(code, where, what, fix)
        self.code = code
        self.where = where
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.code} at {self.where}: {self.what}. {self.fix}"


class Misconfigured(BridgeError):
    """A file, setting or connection is wrong; trying again changes nothing until a person mends it."""


class Held(BridgeError):
    """This record (or this input) cannot go on; the run does."""


class TryLater(BridgeError):
    """The other side is not there now; the orchestrator tries again."""


class Stop(BridgeError):
    """A law is broken (books, hash, drift, quality): nothing more leaves until a person has looked."""


def unforeseen(error: Exception, where: str) -> BridgeError:
    """An error that nobody foresaw as one of ours: its kind and the lines it passed, without its words.

    A library's message may quote the value it failed on.
    """
    from sqlalchemy.exc import InterfaceError, OperationalError

    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}" for frame in frames[:-5:-1])
    if isinstance(error, OSError | MemoryError | InterfaceError | OperationalError):
        return TryLater("UNEXPECTED", where, f"{type(error).__name__} at {places}", "If it stays, look at this machine")
    return Stop(
        "UNEXPECTED", where, f"{type(error).__name__} at {places}", "Report it with these places; it is a fault"
    )


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in one record, found while running; its record is held and the run goes on.

    Args:
        row: record number in its input, from 0; -1 means the input as a whole.
        position: byte offset (XML), line (CSV, JSON lines) or sheet row (XLSX), from 1 for lines and rows; -1 if
            none.
        code: upper-case word, such as UNKNOWN_CODE, BAD_DATE, MISSING, TOO_LONG, SCHEMA, DUPLICATE, TRUNCATED.
        field: path of the target field, or of the source field when no target is known, such as goods.2.hs_code;
            "" for the record.
        rule: what refused it, such as codes:country, date:%d/%m/%Y, required.
        reason: one sentence a data engineer understands, ending with what to do; values of fields
            that are not NON_NOMINAL stand as <masked>.
    """

    row: int
    position: int
    code: str
    field: str
    rule: str
    reason: str


class Refused(Exception):
    """Why one record cannot be read: code, source field and reason, never a value."""

    def __init__(self, code: str, field: str, reason: str) -> None:
        super().__init__(code, field, reason)
        self.code, self.field, self.reason = code, field, reason
