"""bridge verify and bridge prove: whether anything was changed after it was sealed, and proof of it for others."""

from __future__ import annotations

import uuid
from pathlib import Path

import click

from bridge.checkpoint import Checkpoint, trusted
from bridge.commands.reporting import UNBALANCED
from bridge.errors import Misconfigured
from bridge.exchange import Exchange, Role
from bridge.exchange.proof import entries_of


def verify(key: str, against: str, save: str, *, quick: bool) -> int:
    """Whether anything was changed after it was sealed; the exit code says so.

    Args:
        key: file with the public key that must have signed.
        against: file with a checkpoint that was kept elsewhere.
        save: file to write the newest checkpoint into, if everything holds.
    """
    signer = trusted(Path(key)) if key else None
    kept = _checkpoint(Path(against)) if against else None
    if kept is not None and not (kept.holds and signer in (None, kept.signer)):
        what = "the checkpoint's signature does not hold, or is another key's"
        raise Misconfigured("BAD_CHECKPOINT", against, what, "Use the copy that was kept where nobody could change it")
    with Exchange.of(Role.AUDIT if quick else Role.NOMINAL) as exchange:
        flaws = exchange.verify(kept, signer=signer, contents=not quick)
        newest = exchange.checkpoint()
    for flaw in flaws:
        click.echo(f"seal {flaw.number}, run {flaw.run_id}: {flaw.what}")
    if flaws:
        click.echo("Next: find out who changed the database; what was sealed stands in a backup, and in the archive.")
        return UNBALANCED
    if newest is None:
        click.echo("Nothing is sealed yet.")
        return 0
    click.echo(f"Every seal up to {newest.number} holds: nothing was changed after it was sealed.")
    if save:
        Path(save).write_text(str(newest), encoding="utf-8")
        click.echo(f"{save} is the newest checkpoint: keep it where nobody who runs the bridge can change it.")
    elif kept is None:
        click.echo("Next: bridge verify --save FILE, and keep it elsewhere; later, bridge verify --against FILE.")
    return 0


def prove(record: str, out: str) -> None:
    """Write the proof of what was taken in of a record and delivered of it."""
    with Exchange.of(Role.AUDIT) as exchange:
        proof = exchange.prove(identity(exchange, record))
    path = Path(out or f"proof-{proof['record']}.json")
    path.write_text(entries_of(proof), encoding="utf-8")
    click.echo(f"{path}: {len(proof['entries'])} sealed entries of {proof['record']}; no document is in it.")
    click.echo(f"Next: whoever has it checks it with docs/check_proof.py {path} --key seal.pub")


def identity(exchange: Exchange, record: str) -> uuid.UUID:
    """The bridge id of a record that is named SYSTEM:ID, or by it.

    Raises:
        Misconfigured: NO_SUCH_RECORD.
    """
    system, colon, number = record.partition(":")
    if colon:
        found = exchange.find(system.strip().upper(), number.strip())
        if found is not None:
            return found
    else:
        try:
            return uuid.UUID(record)
        except ValueError:
            pass
    what = "the exchange has no such record"
    raise Misconfigured("NO_SUCH_RECORD", record, what, "Name it SYSTEM:ID as its origin does, or by its bridge id")


def _checkpoint(path: Path) -> Checkpoint:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"the checkpoint cannot be read ({type(error).__name__})"
        raise Misconfigured("NOT_A_CHECKPOINT", str(path), what, "Name the file that was kept") from None
    return Checkpoint.parse(text, str(path))
