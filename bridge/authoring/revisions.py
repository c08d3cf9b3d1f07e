"""Mappings as they were: at a git revision, or the one with a known fingerprint."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bridge.content import Content, Direction
from bridge.errors import BridgeError, Misconfigured
from bridge.mapping.versions import Versions, load_versions

LOOKED: Final = 50
"""Commits that are searched for a fingerprint, the newest first."""
_FOLDERS: Final = ("mappings", "rules", "schemas")


@contextmanager
def content_at(content: Content, revision: str) -> Iterator[Content]:
    """The content as it was at a git revision, in a folder that goes away afterwards; later roots as they are now.

    Raises:
        Misconfigured: the first root is not in git, or has no such revision.
    """
    root = content.roots[0]
    listed = _git(root, "ls-tree", "--name-only", revision).decode().split()
    packed = _git(root, "archive", "--format=zip", revision, *[name for name in _FOLDERS if name in listed])
    with tempfile.TemporaryDirectory(prefix="bridge-revision-") as folder:
        # No tar: Python 3.11 before 3.11.4 unpacks one without looking where its names lead.
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            archive.extractall(folder)
        yield Content((Path(folder), *content.roots[1:]))


@contextmanager
def with_fingerprint(
    content: Content, system: str, direction: Direction, fingerprint: str
) -> Iterator[Versions | None]:
    """The mapping with this fingerprint: as it stands on disk, or at one of the newest commits; None if none has it."""
    if load_versions(content, system, direction).fingerprint == fingerprint:
        yield load_versions(content, system, direction)
        return
    try:
        log = _git(content.roots[0], "log", f"-n{LOOKED}", "--format=%H", "--", *_FOLDERS).decode().split()
    except Misconfigured:
        log = []
    for revision in log:
        try:
            with content_at(content, revision) as then:
                found = load_versions(then, system, direction)
                if found.fingerprint == fingerprint:
                    yield found
                    return
        except BridgeError:
            continue  # the mapping did not exist then, or was written in an older form
    yield None


def _git(folder: Path, *words: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        raise Misconfigured("NO_GIT", str(folder), "git is not installed", "Install it, or name files")
    done = subprocess.run([git, *words], cwd=folder, capture_output=True, timeout=60, check=False)
    if done.returncode:
        what = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Misconfigured(
            "NO_REVISION", f"{folder}: git {words[0]}", what[0] if what else "git refuses",
            "Name a revision that git log shows",
        )  # fmt: skip
    return done.stdout
