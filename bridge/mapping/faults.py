"""What is wrong with a file as a file, before anyone asks what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in the file itself, met while reading it.

    Args:
        wrong: the word that stands there, if another is surely meant; "" otherwise.
        meant: that other word.
    """

    code: str
    line: int
    field: str
    what: str
    fix: str
    wrong: str = ""
    meant: str = ""
