"""Commands that move records, and that count what has moved."""

from __future__ import annotations

import sys

import click

from bridge.cli.options import signed
from bridge.cli.root import main


@main.command()
@click.argument("source")
@click.option("--since", help="First moment, a bound of a window: 2026-11-01 or 2026-11-01T06:00:00Z.")
@click.option("--until", help="Moment after the last window.")
@click.option("--accept-quality", default="", metavar="NAME: REASON", help="Let windows pass that quality would stop.")
@click.option("--json", "as_json", is_flag=True, help="The books as JSON, for pipes.")
def run(source: str, since: str | None, until: str | None, accept_quality: str, as_json: bool) -> None:
    """Collect SOURCE, window by window, into the exchange: the last whole window if no range is given."""
    from bridge.commands import running

    running.run(source, since, until, accept_quality=accept_quality, as_json=as_json)


@main.command()
@click.argument("partner")
@click.option("--since", help="Only what was collected in windows from here on.")
@click.option("--until", help="Only what was collected in windows before.")
@click.option("--redeliver", is_flag=True, help="Send again what the partner already has.")
@click.option("--approve", metavar="NAME", default="", help="The person who lets this run pass the partner's limits.")
@click.option("--json", "as_json", is_flag=True, help="The books as JSON, for pipes.")
def share(partner: str, since: str | None, until: str | None, redeliver: bool, approve: str, as_json: bool) -> None:
    """Deliver to PARTNER what it may see and has not yet had."""
    from bridge.commands import running

    running.share(partner, since, until, redeliver=redeliver, approve=approve, as_json=as_json)


@main.command()
@click.option("--source", help="Only this source.")
@click.option("--partner", help="Only this partner.")
@click.option("--json", "as_json", is_flag=True, help="The books as JSON, for pipes.")
def books(source: str | None, partner: str | None, as_json: bool) -> None:
    """Show what came in and what left, and whether every record is accounted for. Exits with 4 if not."""
    from bridge.commands import reporting

    sys.exit(reporting.books(source, partner, as_json=as_json))


@main.command()
@click.argument("partner")
@click.option("--catch-up", is_flag=True, help="After a restore: go on from where the partner last was delivered to.")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON, for pipes.")
def reconcile(partner: str, catch_up: bool, as_json: bool) -> None:
    """Hold what PARTNER has of ours against the books, record by record (E4 to E6); changes nothing there.

    Exits with 4 if they differ, or if the exchange was restored from a backup older than what PARTNER has had.
    """
    from bridge.commands import reconciling

    sys.exit(reconciling.run(partner, catch_up=catch_up, as_json=as_json))


@main.command()
@click.argument("partner")
@signed
def suspend(partner: str, by: str, reason: str) -> None:
    """Stop all deliveries to PARTNER; nothing is lost, what it misses goes when it is resumed."""
    from bridge.commands import switching

    switching.suspend(partner, by, reason)


@main.command()
@click.argument("partner")
@signed
def resume(partner: str, by: str, reason: str) -> None:
    """Let deliveries to PARTNER go again."""
    from bridge.commands import switching

    switching.resume(partner, by, reason)
