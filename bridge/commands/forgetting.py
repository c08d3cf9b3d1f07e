"""bridge erase: a record destroyed wherever we keep it, and taken back from every partner that has it."""

from __future__ import annotations

import click

from bridge import settings
from bridge.commands.sealing import identity
from bridge.exchange import Exchange
from bridge.flow import forgetting


def erase(record: str, by: str, reason: str, ground: str) -> None:
    """Erase a record and say what was destroyed and what is left to do."""
    with Exchange(settings.exchange_url()) as exchange:
        bridge_id = identity(exchange, record)
    done = forgetting.erase(bridge_id, by, reason, ground)
    click.echo(f"{bridge_id} is erased: every version's document is gone; keys and hashes stay, and a tombstone.")
    for name in done.removed:
        click.echo(f"archive: the bytes of {name} are gone")
    for name in done.waiting:
        click.echo(f"archive: a run is still reading {name}; its bytes go with bridge retention apply, or upkeep")
    if done.lapsed:
        click.echo(f"{done.lapsed} held problems in those inputs can no longer be redriven.")
    for partner in done.partners:
        click.echo(f"{partner} has the record. Next: bridge share {partner}, which withdraws it")
    if not done.partners:
        click.echo("No partner has the record.")
    click.echo(
        "Backups, the database's log and the source's own drop folder are not ours to empty: see docs/operator.md."
    )
