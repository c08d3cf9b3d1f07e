"""bridge suspend and bridge resume: the switch by which a person stops deliveries to a partner."""

from __future__ import annotations

import click

from bridge import settings
from bridge.commands.naming import require_partner
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.exchange import Exchange


def suspend(partner: str, by: str, reason: str) -> None:
    """Stop all deliveries to the partner."""
    _check(partner, by, reason)
    with Exchange(settings.exchange_url()) as exchange:
        exchange.suspend(partner, by, reason)
    click.echo(f"Deliveries to {partner} are suspended. A share that is running ends; the next ones do nothing.")
    click.echo(f"Next: bridge resume {partner} --by NAME --reason WHY, when the reason is gone.")


def resume(partner: str, by: str, reason: str) -> None:
    """Let deliveries to the partner go again."""
    _check(partner, by, reason)
    with Exchange(settings.exchange_url()) as exchange:
        before = exchange.suspension(partner)
        exchange.resume_partner(partner, by, reason)
    click.echo(f"Deliveries to {partner} go again." if before else f"Deliveries to {partner} were not suspended.")
    click.echo(f"Next: bridge share {partner}, or wait for its next run.")


def _check(partner: str, by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise Misconfigured("NO_REASON", partner, "a switch is moved by a named person, for a reason", "Give both")
    require_partner(Content.find(), partner)
