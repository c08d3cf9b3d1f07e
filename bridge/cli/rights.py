"""Commands about who may see what, and the proof of it."""

from __future__ import annotations

import sys
from typing import Any

import click

from bridge.cli.options import content, signed
from bridge.cli.root import main


@main.group()
def authorise() -> None:
    """Onward transfer: enter, list or revoke what suppliers have authorised to go to a partner."""


@authorise.command("add")
@click.argument("partner")
@click.option("--supplier", required=True, help="Country that supplied the records; their system if they name none.")
@click.option("--from", "since", required=True, help="First moment at which it holds: 2026-11-01.")
@click.option("--until", required=True, help="First moment at which it no longer holds.")
@click.option("--group", "groups", multiple=True, help="Only records all of whose goods are of these groups: TOB.")
@click.option("--operation", default="", help="Only records of this joint operation.")
@click.option("--record", default="", help="Only this record: SYSTEM:ID or the bridge id.")
@click.option("--conditions", default="", help="The supplier's conditions; they travel with the records.")
@click.option("--granted-by", required=True, help="Who gave it at the supplier.")
@signed
def authorise_add(partner: str, **said: Any) -> None:
    """Let go to PARTNER what its release policy withholds unless its supplier has authorised it.

    The reason is the ground: the act, agreement or letter.
    """
    from bridge.commands import authorising

    authorising.add(content(), partner, said)


@authorise.command("list")
@click.option("--partner", help="Only what may go to this partner.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an authorisation, for pipes.")
def authorise_list(partner: str | None, as_json: bool) -> None:
    """List every authorisation ever entered: who gave it, on what ground, for what, and whether it is in force."""
    from bridge.commands import authorising

    authorising.show(partner, as_json=as_json)


@authorise.command("revoke")
@click.argument("number", type=int)
@signed
def authorise_revoke(number: int, by: str, reason: str) -> None:
    """Take authorisation NUMBER back: the partner's next share recalls what went under it alone."""
    from bridge.commands import authorising

    authorising.revoke(number, by, reason)


@main.command()
@click.option("--since", help="Only reads from here on: 2026-11-01.")
@click.option("--until", help="Only reads before.")
@click.option("--sample", "seed", default="", metavar="SEED", help="Draw one in a hundred to be checked.")
@click.option("--limit", default=50, show_default=True, help="Without --sample, at most so many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a read, for pipes.")
def reads(since: str | None, until: str | None, seed: str, limit: int, as_json: bool) -> None:
    """List who read nominal data, when, what for and of which records; it is erased after six months."""
    from bridge.commands import reads as reading

    reading.run(since, until, seed, limit, as_json=as_json)


@main.command()
@click.option("--quick", is_flag=True, help="Leave out the documents: only the chain and every entry.")
@click.option("--key", default="", metavar="FILE", help="Public key (PEM) that must have signed every seal.")
@click.option("--against", default="", metavar="FILE", help="A checkpoint kept elsewhere, which must still stand.")
@click.option("--save", default="", metavar="FILE", help="Write the newest checkpoint here, to be kept elsewhere.")
@click.option("--roots", default="", metavar="FILE", help="Judge time stamps by these root certificates (PEM).")
def verify(quick: bool, key: str, against: str, save: str, roots: str) -> None:
    """Recompute every seal, oldest first, and name those that no longer hold, with the first entry that was changed.

    Reads the exchange, asks nobody and changes nothing. Exits with 4 if a seal or a time stamp does not hold, with 1 if
    a time stamp is overdue.
    """
    from bridge.commands import sealing

    sys.exit(sealing.verify(key, against, save, roots, quick=quick))


@main.command()
def stamp() -> None:
    """Have the newest seal stamped by the configured time-stamping authority (RFC 3161), and with it all before.

    Runs do so by themselves, and upkeep every morning; this is for when the authority was away.
    """
    from bridge.commands import sealing

    sealing.stamp()


@main.command()
@click.argument("record")
@click.option("--out", default="", metavar="FILE", help="Where the proof goes; proof-<bridge id>.json if not given.")
def prove(record: str, out: str) -> None:
    """Write a proof of all that was sealed of RECORD, which an outsider can check without the bridge.

    RECORD is SYSTEM:ID as the origin calls it, or the bridge id. No document is in the proof.
    """
    from bridge.commands import sealing

    sealing.prove(record, out)


@main.command()
def roles() -> None:
    """Print the SQL that makes the exchange's database roles and grants each what it may do, for a person who may.

    Every migration does the same by itself where its account may make roles. Prints only; changes nothing.
    """
    from bridge.commands import rights

    rights.show()


@main.command()
@click.argument("supplier", default="")
@click.option("--new", "make", is_flag=True, help="Make SUPPLIER a new key, under which is encrypted from now on.")
@click.option("--by", default="", metavar="NAME", help="With --new: your name, kept in the file of keys.")
@click.option("--reason", default="", help="With --new: why; no personal data.")
@click.option("--renew", is_flag=True, help="Bring all that is under earlier keys, or in plain, under those in use.")
def keys(supplier: str, make: bool, by: str, reason: str, renew: bool) -> None:
    """List the keys of suppliers by their ids, and how much of what they sent is kept under each.

    Keys are never shown. They come from BRIDGE_KEY_<SUPPLIER>, or a file of BRIDGE_HOME/keys.
    """
    from bridge.commands import keys as managing

    if make == bool(supplier) and not (make and renew):
        if make:
            managing.new(supplier, by, reason)
        elif renew:
            managing.renew()
        else:
            managing.show()
    else:
        raise click.UsageError("SUPPLIER and --new go together; --renew and the list concern all suppliers")
