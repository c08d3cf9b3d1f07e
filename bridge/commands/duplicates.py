"""bridge duplicates: pairs of records that may be one seizure, for people to decide."""

from __future__ import annotations

import json

import click
from rich.table import Table

from bridge import settings
from bridge.commands import tables
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.exchange import Exchange, Role
from bridge.flow.correcting import compare_cases


def find(content: Content) -> None:
    """Compare what is new or has changed with what is like it, and the reports of one seizure with one another."""
    with Exchange(settings.exchange_url()) as exchange:
        found = exchange.find_duplicates()
        waiting = compare_cases(exchange, content)
    click.echo(f"{found} more pairs of records may be one seizure." if found else "No more pairs were found.")
    if waiting:
        click.echo(f"{waiting} requests for correction wait: bridge requests list.")
    click.echo("Next: bridge duplicates list.")


def show(limit: int, *, every: bool, as_json: bool) -> None:
    """Pairs that wait, or all."""
    with Exchange.of(Role.AUDIT) as exchange:
        found = exchange.duplicates(every=every, limit=limit)
    if as_json:
        for row in found:
            click.echo(json.dumps(dict(row._mapping), default=str, sort_keys=True))
        return
    if not found:
        click.echo("No pair was ever found." if every else "No pair waits.")
        click.echo("Next: bridge duplicates find, which looks again; bridge duplicates list --all, for those decided.")
        return
    table = Table(title="probable duplicates", title_justify="left")
    for name in ("no.", "first report", "second report", "points", "what agrees", "state"):
        table.add_column(name, overflow="fold")
    for row in found:
        said = f"{row.state}, by {row.decided_by}: {row.reason}" if row.decided_by else row.state
        gone = "; the first was cancelled" if row.first_cancelled else ""
        table.add_row(
            str(row.id), row.first_name, row.second_name, str(row.score), ", ".join(row.parts), f"{said}{gone}"
        )
    tables.console.print(table)
    click.echo("Next: bridge explain RECORD for each, then bridge duplicates decide NUMBER --same or --different.")


def decide(content: Content, number: int, by: str, reason: str, *, same: bool, different: bool) -> None:
    """A person's word on one pair."""
    if same == different:
        what = "a pair is one seizure or it is not"
        raise Misconfigured("NO_DECISION", f"pair {number}", what, "Give --same or --different")
    with Exchange(settings.exchange_url()) as exchange:
        pair = exchange.decide_duplicate(number, same=same, by=by, reason=reason)
        waiting = compare_cases(exchange, content, [pair.first, pair.second])
    if same:
        click.echo(
            f"{pair.second_name} is a report of {pair.first_name}: the next shares take it back, or never give it."
        )
        if waiting:
            click.echo(f"{waiting} requests for correction wait: bridge requests list.")
        click.echo(f"Next: bridge share PARTNER; bridge duplicates decide {number} --different undoes it.")
    else:
        click.echo(f"{pair.second_name} stands as a seizure of its own.")
        click.echo("Next: bridge duplicates list for what else waits.")
