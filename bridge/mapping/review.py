"""The review register: who approved which file at which hash, and what stands unapproved.

``mappings/reviewed.yaml`` of each content root is written by ``bridge review`` and kept in git beside what it speaks
of. It tells a change that nobody looked at; it cannot tell who typed a name. That the one who approves is not the
author is checked where git knows the author; that names are real is what git's own signatures and the right to push
are for.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bridge import settings
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.mapping.findings import Finding, Unreviewed
from bridge.mapping.model import Mapping
from bridge.mapping.yaml import Block, read_yaml

REGISTER: Final = "mappings/reviewed.yaml"
AS_READ: Final = " as read"
"""Behind the name of a schema: the fields that were read from it and from the files beside it."""
_BESIDE: Final = re.compile(r"""(?:schemaLocation|\$ref)["']?\s*[=:]\s*["']([^"'#]+)""")
"""Where an XML or JSON schema names a file beside it."""
_HEAD: Final = (
    "# Who approved which file at which hash. Written by bridge review; in production only what stands here runs.\n"
)


@dataclass(frozen=True, slots=True)
class Approval:
    """That a person has looked at a file as it is under this hash."""

    sha256: str
    by: str
    on: str


def register(content: Content) -> dict[str, Approval]:
    """Every approval by file; where two roots speak of one, the first root's counts.

    Raises:
        Misconfigured: a register is not as bridge review writes it.
    """
    found: dict[str, Approval] = {}
    for path in (root / REGISTER for root in reversed(content.roots) if (root / REGISTER).is_file()):
        names, faults = read_yaml(path)
        for file, said in names.items():
            if faults or not isinstance(said, Block) or not {"sha256", "by", "on"} <= said.keys():
                line = faults[0].line if faults else names.lines[file]
                what = "the register of approvals cannot be read"
                raise Misconfigured("BAD_REGISTER", f"{path}:{line}", what, "Mend the line, or have it written anew")
            found[str(file)] = Approval(str(said["sha256"]), str(said["by"]), str(said["on"]))
    return found


def files_of(mapping: Mapping) -> dict[str, str]:
    """sha256, hex, of all that decides what the mapping makes: its files, and both schemas as they were read."""
    sides = ((mapping.source, mapping.source_shape), (mapping.target, mapping.target_shape))
    shapes = {f"schemas/{side['schema']}{AS_READ}": shape.digest.hex() for side, shape in sides if "schema" in side}
    return {**mapping.parts, **shapes}


def unapproved(mapping: Mapping, known: Map[str, Approval]) -> dict[str, str]:
    """Files of a mapping that nobody approved as they stand, each with what is known of it."""
    found: dict[str, str] = {}
    for file, digest in files_of(mapping).items():
        last = known.get(file)
        if last is None:
            found[file] = "nobody has approved it"
        elif last.sha256 != digest:
            found[file] = f"changed since {last.by} approved it on {last.on}"
    return found


def review_findings(mapping: Mapping) -> list[Finding]:
    """A finding for each unapproved file: always in production, elsewhere once there is a register at all."""
    known = register(mapping.content)
    if not known and settings.mode() != settings.PRODUCTION:
        return []
    said = unapproved(mapping, known)
    return [Unreviewed(mapping.where, 1, file, {"what": what, "system": mapping.system}) for file, what in said.items()]


def refuse_unapproved(mapping: Mapping) -> None:
    """In production, let only a mapping pass of which every file is approved.

    Raises:
        Misconfigured: NOT_APPROVED.
    """
    if settings.mode() != settings.PRODUCTION:
        return
    missing = unapproved(mapping, register(mapping.content))
    if missing:
        first, why = next(iter(missing.items()))
        more = f" (and {len(missing) - 1} more files)" if len(missing) > 1 else ""
        raise Misconfigured(
            "NOT_APPROVED",
            mapping.where,
            f"in production only approved mappings run, and of {first} it is known: {why}{more}",
            f"Have someone other than its author run: bridge review {mapping.system} --as NAME; then commit {REGISTER}",
        )


def approve(content: Content, mappings: Sequence[Mapping], person: str) -> dict[str, str]:
    """Write down that a person approves every file of these mappings as it stands; gives those newly approved, each
    with who wrote it as far as git knows.

    Raises:
        Misconfigured: NO_NAME; or OWN_FILE, if git knows that this person changed one of them, or a file that its
            schema takes fields from, since it was last approved.
    """
    person = " ".join(person.split())
    if not person:
        raise Misconfigured("NO_NAME", "bridge review", "nobody approves without a name", "Say --as YOUR NAME")
    known = register(content)
    waiting = {file: why for mapping in mappings for file, why in unapproved(mapping, known).items()}
    written: dict[str, str] = {}
    for file in waiting:
        authors = _authors(content, file, known.get(file))
        if person.casefold() in {" ".join(one.split()).casefold() for one in authors}:
            raise Misconfigured(
                "OWN_FILE",
                file,
                f"{person} changed it since it was last approved, and nobody approves their own",
                "Have someone else look at it and run bridge review",
            )
        written[file] = authors[0] if authors else "unknown"
    today = datetime.now(UTC).date().isoformat()
    digests = {file: digest for mapping in mappings for file, digest in files_of(mapping).items()}
    approvals = {**known, **{file: Approval(digests[file], person, today) for file in waiting}}
    if written:
        _write(content.roots[0] / REGISTER, approvals)
    return written


def _write(path: Path, approvals: Map[str, Approval]) -> None:
    lines = [_HEAD]
    for file, one in sorted(approvals.items()):
        by = one.by.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'{file}: {{sha256: {one.sha256}, by: "{by}", on: {one.on}}}\n')
    draft = path.with_suffix(".draft")
    draft.write_text("".join(lines), encoding="utf-8")
    draft.replace(path)


def _authors(content: Content, file: str, last: Approval | None) -> list[str]:
    """Who changed what an entry of the register stands for since it was last approved."""
    path = content.seek(file.removesuffix(AS_READ))
    if not file.endswith(AS_READ):
        return authors_of(path, last.sha256 if last else "")
    # What was read has no text of its own to look for in git, so the day of its approval tells where to stop.
    return [one for part in _read_with(path) for one in authors_of(part, day=last.on if last else "")]


def _read_with(path: Path | None) -> list[Path]:
    """A schema and every file that it takes fields from."""
    found: list[Path] = []
    waiting = [path] if path is not None else []
    while waiting:
        one = waiting.pop()
        if one in found or not one.is_file():
            continue
        found.append(one)
        if one.suffix in (".xsd", ".json"):
            said = " ".join(_BESIDE.findall(one.read_text(encoding="utf-8", errors="replace"))).split()
            waiting += [(one.parent / name).resolve() for name in said]
    return found


def authors_of(path: Path | None, sha256: str = "", day: str = "") -> list[str]:
    """Names and mailboxes of all who changed a file, the last one first: git's user if it has changed since its last
    commit, then the author of each commit; empty where there is no git.

    Args:
        sha256: of the content at which to stop; "" for none.
        day: ISO date from which on commits count; "" for all.
    """
    if path is None:
        return []
    found: list[str] = []
    if _git(path, "status", "--porcelain", "--", path.name):
        found = [one for name in ("user.name", "user.email") if (one := _said(path, "config", name))]
    since = [f"--since={day}T00:00:00Z"] if day else []
    for line in _said(path, "log", *since, "--follow", "--format=%H%x09%an%x09%ae", "--", path.name).splitlines():
        commit, *author = line.split("\t")
        if sha256 and hashlib.sha256(_git(path, "show", f"{commit}:./{path.name}")).hexdigest() == sha256:
            break
        found += author
    return list(dict.fromkeys(found))


def _said(path: Path, *words: str) -> str:
    return _git(path, *words).decode("utf-8", "replace").strip()


def _git(path: Path, *words: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        return b""
    done = subprocess.run([git, *words], cwd=path.parent, capture_output=True, check=False, timeout=30)
    return done.stdout if done.returncode == 0 else b""
