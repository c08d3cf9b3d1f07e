"""bridge retention: how long partners keep records and we keep bytes, what is due for review, and what has expired."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import click
from rich.table import Table

from bridge import settings
from bridge.commands import tables
from bridge.commands.naming import require_partner
from bridge.commands.sealing import identity
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.exchange import Exchange, Role
from bridge.flow import forgetting, retaining
from bridge.flow.windows import parse_moment

SHOWN = 200


def listing(content: Content, only: str | None, *, as_json: bool) -> None:
    """Each partner's rule, and the records whose time is over or soon will be."""
    require_partner(content, only)
    now = datetime.now(UTC)
    rules = {name: retaining.rule_of(content, name) for name in content.partners() if only in (None, name)}
    with Exchange.of(Role.AUDIT) as exchange:
        due = {name: retaining.due(exchange, rule, now) for name, rule in rules.items() if rule is not None}
    if as_json:
        for terms in due.values():
            for term in terms:
                click.echo(json.dumps(dataclasses.asdict(term), default=str, sort_keys=True))
        return
    for name, rule in rules.items():
        if rule is None:
            click.echo(
                f"{name}: its release policy declares no retention; corrections and withdrawals reach it all the same."
            )
            continue
        of = "records whole" if rule.of == retaining.ALL else "what is personal in records"
        click.echo(f"{name}: {of}, {rule.years} years, and {rule.extend} more for a reason. {rule.ground}")
    for source, (days, held) in forgetting.kept_days(content).items():
        if days is not None and only is None:
            click.echo(
                f"{source}: bytes as received {days} days after their seal, {held} if a problem is open in them."
            )
    table = Table(title="for review", title_justify="left")
    for column in ("partner", "record", "since", "until", "at the longest"):
        table.add_column(column, overflow="fold")
    every = [term for terms in due.values() for term in terms]
    for term in every[:SHOWN]:
        over = " (over)" if term.until < now else ""
        name = f"{term.origin_system}:{term.origin_record_id}"
        since, until, last = (f"{one:%Y-%m-%d}" for one in (term.since, term.until, term.last))
        table.add_row(term.partner, name, since, until + over, last)
    if every:
        tables.console.print(table)
        if len(every) > SHOWN:
            click.echo(f"and {len(every) - SHOWN} more: bridge retention --json")
        click.echo("Next: bridge retention extend RECORD --partner PARTNER --by NAME --reason WHY, or let it expire.")
    else:
        click.echo("Nothing is due for review.")


def extend(content: Content, record: str, partner: str, by: str, reason: str, until: str | None) -> None:
    """Let a partner keep a record longer."""
    require_partner(content, partner)
    rule = retaining.rule_of(content, partner)
    end = parse_moment(until, "--until") if until else None
    with Exchange(settings.exchange_url()) as exchange:
        found = identity(exchange, record)
        new, number = retaining.extend(exchange, rule, partner, found, by, reason, end)
    click.echo(f"{partner} keeps {record} until {new:%Y-%m-%d} (decision {number}).")
    click.echo("Next: bridge retention, for what else is due.")


def apply(content: Content, by: str, reason: str) -> None:
    """Take back what has expired, and empty the archive of what is over its time."""
    if not by.strip() or not reason.strip():
        what = "what is over its time is taken back by a named person, for a reason"
        raise Misconfigured("NO_REASON", "bridge retention apply", what, "Give both")
    with Exchange(settings.exchange_url()) as exchange:
        done = retaining.apply(exchange, content, by, reason, datetime.now(UTC))
    for name in done.swept.removed:
        click.echo(f"archive: the bytes of {name} are gone")
    for name in done.swept.waiting:
        click.echo(f"archive: a run is still reading {name}")
    if done.swept.lapsed:
        click.echo(f"{done.swept.lapsed} held problems in those inputs can no longer be redriven.")
    for partner, count in done.expired.items():
        click.echo(f"{count} records have expired at {partner}. Next: bridge share {partner}")
    if not done.expired:
        click.echo("No record has expired at a partner.")
    for error in done.unread:
        raise error
