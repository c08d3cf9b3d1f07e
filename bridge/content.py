"""Where connectors, mappings, code lists and schemas are, and at which commit.

The engine is installed; content is not. A root is a folder with ``mappings/``,
``schemas/`` and perhaps ``connectors/``. Roots are searched in order, so an
administration's own root stands before ours and adds to it or replaces a file.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Literal

from bridge.errors import Misconfigured

Direction = Literal["collect", "share"]
COLLECT: Direction = "collect"
SHARE: Direction = "share"

_SYSTEM = re.compile(r"[a-z][a-z0-9_]*")
_FOLDERS = ("connectors", "mappings", "rules", "schemas")


@dataclass(frozen=True, slots=True)
class Content:
    """Roots of content, the first one winning.

    Args:
        roots: absolute folders, each with ``mappings/``.
    """

    roots: tuple[Path, ...]

    @classmethod
    def find(cls, *first: Path) -> Content:
        """The given roots, then those named in $BRIDGE_CONTENT, then the checkout this engine runs from.

        Raises:
            Misconfigured: a named root has no ``mappings/``, or there is no root at all.
        """
        named = [*first, *(Path(part) for part in os.environ.get("BRIDGE_CONTENT", "").split(os.pathsep) if part)]
        for root in named:
            if not (root / "mappings").is_dir():
                raise Misconfigured(
                    "NO_CONTENT",
                    str(root),
                    "the folder has no mappings/",
                    "Correct BRIDGE_CONTENT to name content roots",
                )
        checkout = Path(__file__).resolve().parents[1]
        if (checkout / "mappings").is_dir():
            named.append(checkout)
        if not named:
            raise Misconfigured(
                "NO_CONTENT",
                "BRIDGE_CONTENT",
                "no content root is known",
                "Set BRIDGE_CONTENT to a folder with mappings/",
            )
        return cls(tuple(dict.fromkeys(root.resolve() for root in named)))

    def path(self, relative: str) -> Path:
        """The file at this path below the first root that has it.

        Raises:
            Misconfigured: no root has it, or the path leaves its root.
        """
        found = self.seek(relative)
        if found is None:
            looked = ", ".join(str(root) for root in self.roots)
            raise Misconfigured(
                "NO_FILE", relative, f"no such file below {looked}", "Correct the path, or add the file"
            )
        return found

    def seek(self, relative: str) -> Path | None:
        """As path(), but None if no root has the file."""
        parts = PurePosixPath(relative)
        if parts.is_absolute() or ".." in parts.parts:
            raise Misconfigured("BAD_PATH", relative, "a content path stays below its root", "Write it without .. or /")
        return next((root / parts for root in self.roots if (root / parts).is_file()), None)

    def mapping(self, system: str, direction: Direction) -> Path:
        """The file of one system's mapping.

        Raises:
            Misconfigured: NO_SYSTEM, no root has it.
        """
        file = f"mappings/{system}/{direction}.yaml"
        found = self.seek(file)
        if found is None:
            known = ", ".join(self._systems(direction)) or "none yet"
            raise Misconfigured("NO_SYSTEM", system, f"there is no {file}", f"Known are: {known}")
        return found

    def versions(self, system: str, direction: Direction) -> list[Path]:
        """The files of all versions of one system's mapping: ``collect.yaml``, then ``collect-<name>.yaml`` by name."""
        first = self.mapping(system, direction)
        others: dict[str, Path] = {}
        for root in self.roots:
            for file in root.glob(f"mappings/{system}/{direction}-*.yaml"):
                others.setdefault(file.name, file)
        return [first, *(others[name] for name in sorted(others))]

    def sources(self) -> list[str]:
        """Systems that we collect from, in alphabetical order."""
        return self._systems(COLLECT)

    def partners(self) -> list[str]:
        """Systems that we share with, in alphabetical order."""
        return self._systems(SHARE)

    def _systems(self, direction: Direction) -> list[str]:
        found = {file.parent.name for root in self.roots for file in root.glob(f"mappings/*/{direction}.yaml")}
        return sorted(name for name in found if _SYSTEM.fullmatch(name))

    def connector(self, name: str) -> ModuleType:
        """The module ``connectors.<name>``, taken from the roots.

        Raises:
            Misconfigured: there is no such module, or it lacks source() and target().
        """
        if not _SYSTEM.fullmatch(name):
            raise Misconfigured("NO_CONNECTOR", name, "a connector's name is a lower-case word", "Correct connector:")
        for root in reversed(self.roots):
            if (root / "connectors").is_dir() and str(root) not in sys.path:
                sys.path.insert(0, str(root))
        try:
            module = importlib.import_module(f"connectors.{name}")
        except ModuleNotFoundError as missing:
            if missing.name not in ("connectors", f"connectors.{name}"):
                raise
            raise Misconfigured(
                "NO_CONNECTOR",
                name,
                f"there is no connectors/{name}.py",
                f"Correct connector:, or write connectors/{name}.py",
            ) from None
        if not (hasattr(module, "source") or hasattr(module, "target")):
            raise Misconfigured(
                "NO_CONNECTOR", str(module.__file__), "it has neither source() nor target()", "Define one of them"
            )
        return module

    def commit(self) -> str:
        """What content this is: the git commit of the first root, with ``+changes`` if files differ from it.

        Where there is no git, ``sha256:`` and a hash over every file of the roots.
        """
        first = self.roots[0]
        try:
            head = _git(first, "rev-parse", "HEAD")
            changed = _git(first, "status", "--porcelain", "--", *_FOLDERS)
        except (OSError, subprocess.CalledProcessError):
            return f"sha256:{self.sha256()}"
        return f"{head}+changes" if changed else head

    def sha256(self) -> str:
        """sha256, hex, over name and content of every file of the roots."""
        total = hashlib.sha256()
        for root in self.roots:
            for folder in _FOLDERS:
                for file in sorted((root / folder).rglob("*")):
                    if file.is_file() and "__pycache__" not in file.parts:
                        total.update(f"{file.relative_to(root)}\0".encode())
                        total.update(hashlib.sha256(file.read_bytes()).digest())
        return total.hexdigest()


def _git(folder: Path, *words: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise OSError("git is not installed")
    done = subprocess.run([git, *words], cwd=folder, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.strip()
