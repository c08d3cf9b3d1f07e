"""bridge run and bridge share: the two flows without an orchestrator."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from bridge.commands import tables
from bridge.connector import Window
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.flow import collecting, sharing
from bridge.flow.windows import latest_window, parse_moment, windows_between
from bridge.ledger import TRANSIENT, total
from bridge.mapping import load


def run(source: str, since: str | None, until: str | None, *, accept_quality: str, as_json: bool) -> None:
    """Collect the windows between two moments, or the last whole one."""
    where = f"bridge run {source}"
    mapping = load(Content.find(), source, "collect")
    every = (mapping.collect or {})["every"]
    now = datetime.now(UTC)
    if since is None and until is None:
        windows = [latest_window(now, every)]
    elif since is None or until is None:
        raise Misconfigured(
            "HALF_RANGE",
            where,
            "only one of --since and --until is given",
            "Give both, or neither for the last whole window",
        )
    else:
        windows = windows_between(parse_moment(since, where), parse_moment(until, where), every, where)
    latest = latest_window(now, every)
    for number, window in enumerate(windows, 1):
        if not as_json:
            click.echo(f"{source}: window {number} of {len(windows)}, {window}", err=True)
        books = collecting.collect(source, window, fresh=window == latest, accept_quality=accept_quality)
        tables.show(books, as_json=as_json, title=str(window))
    if not as_json:
        click.echo("Next: bridge share PARTNER, or bridge held to see what was held and why.")


def share(partner: str, since: str | None, until: str | None, *, redeliver: bool, approve: str, as_json: bool) -> None:
    """Deliver what the partner may see and has not yet had."""
    where = f"bridge share {partner}"
    window = None
    if since is not None or until is not None:
        if since is None or until is None:
            raise Misconfigured(
                "HALF_RANGE", where, "only one of --since and --until is given", "Give both, or neither for all windows"
            )
        window = Window(parse_moment(since, where), parse_moment(until, where))
    books = sharing.share(partner, window, redeliver=redeliver, approve=approve)
    tables.show(books, as_json=as_json, title="this run")
    if not as_json:
        waiting = sum(total(one.counts, TRANSIENT) for one in books.partners)
        if waiting:
            click.echo(f"{waiting} versions have no receipt yet; the next share asks for them, or sends them again.")
        click.echo(
            "Next: bridge books for all runs together, or bridge held to see what this partner's mapping refused."
        )
