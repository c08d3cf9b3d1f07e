"""bridge reconcile: a partner's own state against the books."""

from __future__ import annotations

import dataclasses
import json

import click

from bridge.commands.reporting import UNBALANCED
from bridge.flow.reconciling import Reconciliation, reconcile

_NEXT = {
    "missing": "bridge share {0} --redeliver brings back what is missing.",
    "gone": "Somebody at {0} deleted records; bridge share {0} --redeliver brings them back.",
    "altered": "Another release of these records was delivered; bridge share {0} --redeliver mends that.",
    "phantom": "The books do not know these: find out who delivered them; after a restore, collect what it lost.",
}


def run(partner: str, *, catch_up: bool, as_json: bool) -> int:
    """Scan and tell; the exit code says whether both agree."""
    found = reconcile(partner, catch_up=catch_up)
    if as_json:
        told = dataclasses.asdict(found) | {"equations": [one.as_dict() for one in found.equations]}
        click.echo(json.dumps({**told, "balanced": found.balanced}, sort_keys=True))
    else:
        _tell(found, catch_up=catch_up)
    return 0 if found.balanced else UNBALANCED


def _tell(found: Reconciliation, *, catch_up: bool) -> None:
    for equation in found.equations:
        click.echo(str(equation))
    if found.behind:
        click.echo(
            f"The exchange is behind {found.partner}: runs that it does not know have delivered there, so it was"
            " restored from a backup. Until it has caught up every delivery is refused; none goes backwards."
        )
        click.echo(
            f"Next: bridge reconcile {found.partner} --catch-up; then collect the windows since the backup again,"
            " share, and reconcile once more."
        )
        return
    if catch_up:
        click.echo("Runs are numbered on from where the partner last was delivered to.")
    for what, fix in _NEXT.items():
        if getattr(found, what):
            click.echo(f"{len(getattr(found, what))} {what}. Next: {fix.format(found.partner)}")
    if found.in_doubt:
        click.echo(f"{found.in_doubt} in doubt, and left out. Next: bridge share {found.partner} settles them.")
    if found.balanced:
        click.echo(f"{found.partner} holds just what the books say.")
