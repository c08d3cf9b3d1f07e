"""A file named on the command line that cannot be read or written: an error of the person's own, in plain words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bridge.errors import Misconfigured

_CAUSES: Final[dict[type[OSError], tuple[str, str]]] = {
    FileNotFoundError: ("there is no such file, or no such folder for it", "Correct the path, or make the folder"),
    IsADirectoryError: ("it is a folder where a file is needed", "Name a file"),
    NotADirectoryError: ("a part of its path is a file and no folder", "Correct the path"),
    PermissionError: ("this user has no right to it", "Give that right, or name another file"),
}


def unusable(error: Exception, words: Sequence[str]) -> Misconfigured | None:
    """What is wrong with a file that these words name; None if the error is of another kind, or another file's.

    A file of ours that is away for a moment is tried again; one that a person named is not there until they mend it.

    Args:
        words: the command line as typed, after the command.
    """
    said = _CAUSES.get(type(error)) if isinstance(error, OSError) else None
    name = error.filename if isinstance(error, OSError) else None
    if said is None or not isinstance(name, str | os.PathLike) or not _meant(os.fspath(name), words):
        return None
    cause, fix = said
    return Misconfigured("FILE_NOT_USABLE", os.fspath(name), f"the file cannot be used: {cause}", fix)


def _meant(name: str, words: Sequence[str]) -> bool:
    """Whether a file is one of these words, below one or on the way to one; a relative name is the person's own."""
    if not Path(name).is_absolute():
        return True
    file = _absolute(name)
    typed = [_absolute(part) for word in words for part in {word, word.partition("=")[2]} if part]
    return any(file == one or one in file.parents or file in one.parents for one in typed)


def _absolute(name: str) -> Path:
    return Path(os.path.abspath(name))  # noqa: PTH100 -- resolve() would follow links, and the name would be another
