"""bridge verify, prove and stamp: whether anything was changed after it was sealed, proof of it, and since when."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bridge import settings
from bridge.checkpoint import Checkpoint, trusted
from bridge.commands.reporting import UNBALANCED
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.exchange import Exchange, Role
from bridge.exchange.proof import entries_of
from bridge.exchange.stamped import Stamps, Waiting
from bridge.flow import stamping
from bridge.stamps import OVERDUE, authority, trusted_roots

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

LATE: Final = 1
_HOURS: Final = int(OVERDUE.total_seconds() // 3600)


def verify(key: str, against: str, save: str, roots: str, *, quick: bool) -> int:
    """Whether anything was changed after it was sealed; the exit code says so.

    Args:
        key: file with the public key that must have signed.
        against: file with a checkpoint that was kept elsewhere.
        save: file to write the newest checkpoint into, if everything holds.
        roots: file with the root certificates by which time stamps are judged; "" for those of the connection.
    """
    judges = _roots(roots)
    signer = trusted(Path(key)) if key else None
    kept = _checkpoint(Path(against)) if against else None
    if kept is not None and not (kept.holds and signer in (None, kept.signer)):
        what = "the checkpoint's signature does not hold, or is another key's"
        raise Misconfigured("BAD_CHECKPOINT", against, what, "Use the copy that was kept where nobody could change it")
    with Exchange.of(Role.AUDIT if quick else Role.NOMINAL) as exchange:
        flaws = exchange.verify(kept, signer=signer, contents=not quick)
        newest = exchange.checkpoint()
        stamps = exchange.verify_stamps(judges) if judges else None
        waiting = exchange.waiting_for_stamps()
    for flaw in flaws:
        click.echo(f"seal {flaw.number}, run {flaw.run_id}: {flaw.what}")
    for number, run_id, what in stamps.flaws if stamps else ():
        click.echo(f"seal {number}, run {run_id}: {what}")
    if flaws or (stamps and stamps.flaws):
        click.echo("Next: find out who changed the database; what was sealed stands in a backup, and in the archive.")
        return UNBALANCED
    if newest is None:
        click.echo("Nothing is sealed yet.")
        return 0
    click.echo(f"Every seal up to {newest.number} holds: nothing was changed after it was sealed.")
    late = _tell_stamps(stamps, waiting)
    if save:
        Path(save).write_text(str(newest), encoding="utf-8")
        click.echo(f"{save} is the newest checkpoint: keep it where nobody who runs the bridge can change it.")
    elif kept is None:
        click.echo("Next: bridge verify --save FILE, and keep it elsewhere; later, bridge verify --against FILE.")
    return LATE if late else 0


def stamp() -> None:
    """Have the newest seal stamped by the time-stamping authority that is configured."""
    content = Content.find()
    with Exchange(settings.exchange_url()) as exchange:
        had = stamping.stamp(exchange, content)
    if had is None:
        click.echo("The newest seal has its time stamp already, or nothing is sealed yet.")
    else:
        click.echo(f"Seal {had.number}, and every seal before it, existed on {had.moment:%Y-%m-%d %H:%M:%S} UTC.")
    click.echo("Next: bridge verify, which judges every stamp.")


def _roots(named: str) -> list[Certificate]:
    """The certificates by which stamps are judged: of the file, else of the connection; none if neither is there."""
    if named:
        return trusted_roots(Path(named))
    asked = authority()
    return trusted_roots(asked.roots) if asked else []


def _tell_stamps(stamps: Stamps | None, waiting: Waiting) -> bool:
    """Say what time stamps say, and whether one is overdue."""
    if stamps is None:
        if waiting.stamped:
            click.echo("Time stamps were not judged: name the authority's root certificates with --roots FILE.")
        return False
    if stamps.moment is not None:
        click.echo(
            f"Time stamps: {stamps.held} hold; every seal up to {stamps.number} existed on"
            f" {stamps.moment:%Y-%m-%d %H:%M:%S} UTC."
        )
    if stamps.late:
        click.echo(f"{stamps.late} seals had their time stamp more than {_HOURS} hours after they were sealed.")
    if waiting.since is None or not waiting.overdue(datetime.now(UTC)):
        return False
    click.echo(
        f"{waiting.seals} seals from {waiting.first} on, the first of {waiting.since:%Y-%m-%d %H:%M} UTC, have no time"
        f" stamp after more than {_HOURS} hours. Next: bridge stamp"
    )
    return True


def prove(record: str, out: str) -> None:
    """Write the proof of what was taken in of a record and delivered of it."""
    with Exchange.of(Role.AUDIT) as exchange:
        proof = exchange.prove(identity(exchange, record))
    path = Path(out or f"proof-{proof['record']}.json")
    path.write_text(entries_of(proof), encoding="utf-8")
    click.echo(f"{path}: {len(proof['entries'])} sealed entries of {proof['record']}; no document is in it.")
    roots = " --roots roots.pem" if proof["stamps"] else ""
    click.echo(f"Next: whoever has it checks it with docs/check_proof.py {path} --key seal.pub{roots}")


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
