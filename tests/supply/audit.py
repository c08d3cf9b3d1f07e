"""What is known against the packages of the lock, asked of the OSV database by pip-audit; exceptions have an end.

An answer counts only if every package was asked about: one that the database could not be asked of fails the audit.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import click

from tests.supply.lock import LOCK, TOP

EXCEPTIONS: Final = TOP / "audit-exceptions.csv"
SERVICE: Final = "BRIDGE_OSV_URL"
"""Environment variable with the address of a copy of the database, where the public one cannot be reached."""


@dataclass(frozen=True, slots=True)
class Excepted:
    """A vulnerability that somebody looked at and lets stand until a day.

    Args:
        id: as the database calls it, or one of its other names.
        reason: why it does not concern us.
    """

    id: str
    package: str
    until: date
    by: str
    reason: str


def exceptions(path: Path = EXCEPTIONS) -> list[Excepted]:
    """The file's rows.

    Raises:
        ValueError: a row without a name or a reason, or with a day that is none.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for row in rows:
        if not all((row[name] or "").strip() for name in ("id", "package", "until", "by", "reason")):
            raise ValueError(f"{path.name}: {row['id'] or 'a row'} lacks a package, an end, a name or a reason")
        found.append(Excepted(row["id"], row["package"], date.fromisoformat(row["until"]), row["by"], row["reason"]))
    return found


def judge(answer: dict[str, Any], excepted: Sequence[Excepted], today: date) -> list[str]:
    """What is wrong, a line each: vulnerabilities, packages not asked about, exceptions that are over or needless."""
    wrong = []
    used = set()
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            wrong.append(f"{package['name']}: could not be asked about")
            continue
        for one in package["vulns"]:
            names = {one["id"], *one["aliases"]}
            mine = [e for e in excepted if e.package == package["name"] and e.id in names]
            used.update(mine)
            if not any(e.until >= today for e in mine):
                fixed = ", ".join(one["fix_versions"]) or "no version yet"
                wrong.append(f"{package['name']} {package['version']}: {one['id']}, mended in {fixed}")
    wrong += [f"{e.package}: the exception for {e.id} is over since {e.until}" for e in excepted if e.until < today]
    needless = [e for e in excepted if e not in used]
    wrong += [f"{e.package}: nothing is known by {e.id} any more; take the exception out" for e in needless]
    return wrong


def run(lock: Path = LOCK, listed: Path = EXCEPTIONS, today: date | None = None) -> int:
    """Ask about every package of the lock that this system would install, and say what is wrong; the exit code."""
    excepted = exceptions(listed)
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "-r",
        str(lock),
        "--require-hashes",
        "--disable-pip",
        "--format",
        "json",
    ]
    command += ["-s", "osv", "--progress-spinner", "off", "--strict"]
    if os.environ.get(SERVICE):
        command += ["--osv-url", os.environ[SERVICE]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        click.echo(f"The audit could not be done: {last[:300]}")
        click.echo(f"Run it where the database can be reached, or name a copy of it in {SERVICE}.")
        return 2
    wrong = judge(answer, excepted, today or datetime.now(UTC).date())
    for line in wrong:
        click.echo(line)
    asked = len(answer["dependencies"])
    click.echo(f"{asked} packages were asked about, {len(wrong)} findings, {len(excepted)} exceptions.")
    return 1 if wrong else 0
