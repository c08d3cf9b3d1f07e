"""What is wrong with a file as a file, before anyone asks what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in the file itself, met while reading it."""

    code: str
    line: int
    field: str
    what: str
    fix: str
