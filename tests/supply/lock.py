"""The lock as data: every package with its version, its condition and the hashes of its files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]
LOCK: Final = TOP / "requirements.lock"
_PACKAGE: Final = re.compile(r"([a-z0-9][a-z0-9._-]*)==([^\s;]+)(?:\s*;\s*(.*?))?\s*\\?")
_HASH: Final = re.compile(r"\s+--hash=sha256:([0-9a-f]{64})\s*\\?")


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of the lock.

    Args:
        marker: on which systems it is installed; "" for all.
        hashes: SHA-256 of each of its files, as hexadecimal digits.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def read(path: Path = LOCK) -> list[Locked]:
    """The packages of a lock, in its order.

    Raises:
        ValueError: a line that is neither a package, a hash nor a comment.
    """
    found: list[tuple[str, str, str, list[str]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if package := _PACKAGE.fullmatch(line):
            found.append((package[1], package[2], package[3] or "", []))
        elif found and (digest := _HASH.fullmatch(line)):
            found[-1][3].append(digest[1])
        else:
            raise ValueError(f"{path.name}:{number}: neither a package nor a hash")
    return [Locked(name, version, marker, tuple(hashes)) for name, version, marker, hashes in found]
