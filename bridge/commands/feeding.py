"""bridge feed: invented data of any size, and where its truth lies."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from bridge.errors import Misconfigured
from bridge.feed import generate


def feed(folder: str, days: int, per_day: int, seed: int, start: str, *, bad_share: float, bad_files: bool) -> None:
    """Write a feed and say what is in it."""
    try:
        first = date.fromisoformat(start)
    except ValueError:
        raise Misconfigured("BAD_MOMENT", "bridge feed --start", f"{start!r} is no date", "Write 2026-11-01") from None
    made = generate(Path(folder), days, per_day, seed=seed, start=first, bad_share=bad_share, bad_files=bad_files)
    click.echo(f"{made.records} CEN records in {made.files} files below {made.cen}")
    click.echo(f"{made.cases} CIS cases, one CSV file a table and day, below {made.cis}")
    click.echo(f"What must become of them: {made.truth}")
    click.echo("Next: set BRIDGE_CONN_CEN_DROP to the first folder, then bridge run cen")
