"""bridge authorise: what suppliers let go on to a partner, entered, listed and revoked by named persons."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table

from bridge import settings
from bridge.commands import naming, tables
from bridge.commands.naming import require_known, require_partner
from bridge.commands.sealing import identity
from bridge.content import Content
from bridge.exchange import Exchange, Grant
from bridge.exchange.roles import Role
from bridge.flow.windows import parse_moment
from bridge.mapping import load_on
from bridge.mapping.accounts import source_read
from bridge.onward import CONDITIONS


def add(content: Content, partner: str, said: Mapping[str, Any]) -> None:
    """Enter an authorisation; what it covers goes with the partner's next share.

    Args:
        said: the command's options by name.
    """
    where = f"bridge authorise add {partner}"
    require_partner(content, partner)
    read = source_read(load_on(content, partner, "share"))
    since, until = parse_moment(said["since"], where), parse_moment(said["until"], where)
    names = {"supplier": naming.supplier(content, said["supplier"]), "groups": naming.groups(content, said["groups"])}
    with Exchange(settings.exchange_url()) as exchange:
        record = identity(exchange, said["record"]) if said["record"] else None
        whole = names | {name: said[name] for name in ("granted_by", "by", "reason", "operation", "conditions")}
        number = exchange.authorise(Grant(partner, valid_from=since, valid_until=until, record=record, **whole))
    what = f"what {names['supplier']} supplied may go to {partner}"
    click.echo(f"Authorisation {number}: {what} until {until:%Y-%m-%d %H:%M} UTC.")
    if said["conditions"] and CONDITIONS not in read:
        click.echo(f"Its conditions stay here: {partner} has no field for them. See that {partner} knows them.")
    click.echo(f"Next: bridge share {partner}, or bridge authorise list.")


def show(partner: str | None, *, as_json: bool) -> None:
    """Every authorisation ever entered, with its state now."""
    with Exchange.of(Role.AUDIT) as exchange:
        found = exchange.authorisations(partner)
        if not found:
            require_known(exchange, partner=partner)
    if as_json:
        for row in found:
            click.echo(json.dumps(dict(row._mapping), default=str, sort_keys=True))
        return
    if not found:
        click.echo("No supplier has authorised anything: every record that needs it is withheld.")
        return
    table = Table(title="authorisations of onward transfer", title_justify="left")
    for name in ("no.", "from", "to", "what", "holds (UTC)", "conditions", "given by, on what ground", "state"):
        table.add_column(name, overflow="fold")
    for row in found:
        holds = f"{row.valid_from:%Y-%m-%d %H:%M} to {row.valid_until:%Y-%m-%d %H:%M}"
        given = f"{row.granted_by}: {row.reason}; entered by {row.entered_by} on {row.at:%Y-%m-%d}"
        gone = f" by {row.revoked_by} on {row.revoked_at:%Y-%m-%d}: {row.revoked_for}" if row.revoked_by else ""
        table.add_row(
            str(row.id), row.supplier, row.partner, _scope(row), holds, row.conditions, given, row.state + gone
        )
    tables.console.print(table)
    click.echo("Next: bridge authorise revoke NUMBER --by NAME --reason WHY, to take one back.")


def revoke(number: int, by: str, reason: str) -> None:
    """Take an authorisation back."""
    with Exchange(settings.exchange_url()) as exchange:
        partner = exchange.revoke(number, by, reason)
    click.echo(f"Authorisation {number} is revoked. The next share with {partner} recalls what went under it alone.")
    click.echo(f"Next: bridge share {partner}, or wait for its next run.")


def _scope(row: Any) -> str:
    parts = [
        f"goods {', '.join(row.commodity_groups)}" if row.commodity_groups else "",
        f"operation {row.operation}" if row.operation else "",
        f"record {row.bridge_id}" if row.bridge_id else "",
    ]
    return "; ".join(part for part in parts if part) or "everything"
