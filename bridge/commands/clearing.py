"""bridge exonerate and bridge overdue: who must take a person out, and which partner has not acknowledged in time."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import click
from rich.table import Table

from bridge import settings
from bridge.commands import tables
from bridge.commands.naming import require_known
from bridge.commands.sealing import identity
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.exchange import Exchange, Role
from bridge.flow import clearing

LATE = 1
SHOWN = 200


def exonerate(record: str, person: int | None, by: str, reason: str, ground: str, *, nobody: bool) -> None:
    """Take a person out of a record, or the record back, at every partner."""
    if nobody and person is not None:
        raise Misconfigured("NO_SUCH_PERSON", record, "both --person and --nobody are given", "Give one of them")
    with Exchange(settings.exchange_url()) as exchange:
        bridge_id = identity(exchange, record)
        number, partners = clearing.exonerate(exchange, bridge_id, person, nobody, by, reason, ground)
    what = "no person" if nobody else "the record" if person is None else f"person {person}"
    click.echo(
        f"Decision {number}: {what} of {bridge_id} is exonerated."
        if not nobody
        else f"Decision {number}: {what} of this version is the exonerated one."
    )
    for partner in partners:
        click.echo(f"{partner} has the record. Next: bridge share {partner}, then bridge overdue")
    if not partners:
        click.echo("No partner has the record; whoever gets it later gets it so.")


def overdue(content: Content, partner: str | None, *, as_json: bool) -> int:
    """What partners have not acknowledged in time; the exit code says whether there is any."""
    now = datetime.now(UTC)
    with Exchange.of(Role.AUDIT) as exchange:
        found = clearing.overdue(exchange, content, now, partner)
        if not found:
            require_known(exchange, partner=partner)
    if as_json:
        for one in found:
            said = {**dataclasses.asdict(one.owed), "deadline": one.deadline}
            click.echo(json.dumps(said, default=str, sort_keys=True))
        return LATE if found else 0
    if not found:
        click.echo("Every partner has acknowledged in time what it had to take.")
        return 0
    table = Table(title="overdue", title_justify="left")
    for column in ("partner", "what", "record", "due since (UTC)", "deadline (UTC)"):
        table.add_column(column, overflow="fold")
    for one in found[:SHOWN]:
        name = f"{one.owed.origin_system}:{one.owed.origin_record_id}"
        since, deadline = (f"{moment:%Y-%m-%d %H:%M}" for moment in (one.owed.since, one.deadline))
        table.add_row(one.owed.partner, one.owed.what, name, since, deadline)
    tables.console.print(table)
    if len(found) > SHOWN:
        click.echo(f"and {len(found) - SHOWN} more: bridge overdue --json")
    click.echo("Next: bridge share PARTNER; if it fails or holds the record, bridge held --partner PARTNER.")
    return LATE
