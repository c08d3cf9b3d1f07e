"""Mappings in which a check found no error, remembered below BRIDGE_HOME, so that no later process checks them again.

The name of what is kept is a hash of all that a check looks at: the mapping as it was read, every file of the content
roots, the engine's own code and the versions of its libraries. Losing the folder costs nothing but the time to check.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bridge import settings
from bridge.errors import Misconfigured
from bridge.mapping.model import Mapping
from bridge.shapes.kept import hash_of, only_ours

_LIBRARIES: Final = ("numpy", "polars", "pyarrow", "pyyaml")
_MOST: Final = 256
"""Marks that are kept; the oldest make room."""


def mark_of(mapping: Mapping) -> Path | None:
    """Where it stands that this mapping passed, with content and engine as they are now; None if there is no home."""
    with suppress(OSError, Misconfigured):
        known = [_engine(), mapping.content.sha256(), mapping.system, mapping.direction, mapping.fingerprint]
        return settings.home() / "checked" / hashlib.sha256(json.dumps(known).encode()).hexdigest()
    return None


def has_passed(mark: Path | None) -> bool:
    """Whether the mapping of this mark passed before. What others can write is not believed."""
    with suppress(OSError):
        return mark is not None and only_ours(mark)
    return False


def keep_passed(mark: Path | None) -> None:
    """Remember that the mapping of this mark passed; where nothing can be written, nothing is remembered."""
    with suppress(OSError):
        if mark is not None:
            mark.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(mark, os.O_CREAT | os.O_WRONLY, 0o600))
            for old in sorted(mark.parent.iterdir(), key=lambda one: one.stat().st_mtime)[:-_MOST]:
                old.unlink()


@cache
def _engine() -> str:
    """What checks: the engine's code, Python, and the libraries that examples are run with."""
    here = Path(__file__).parents[1]
    code = {str(file.relative_to(here)): hash_of(file) for file in sorted(here.rglob("*.py"))}
    return json.dumps([code, sys.version, [version(name) for name in _LIBRARIES]])
