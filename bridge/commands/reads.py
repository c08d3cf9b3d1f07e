"""bridge reads: who read nominal data, and a sample of it to be checked."""

from __future__ import annotations

import json

import click
from rich.table import Table

from bridge.commands import tables
from bridge.exchange import Exchange, Role
from bridge.flow.windows import parse_moment


def run(since: str | None, until: str | None, seed: str, limit: int, *, as_json: bool) -> None:
    """List reads, or the sample that this seed draws."""
    where = "bridge reads"
    first, end = (parse_moment(said, where) if said else None for said in (since, until))
    with Exchange.of(Role.AUDIT) as exchange:
        found = exchange.reads(first, end, seed, limit)
    total = found[0].total if found else 0
    if as_json:
        for row in found:
            click.echo(json.dumps(dict(row._mapping), default=str, sort_keys=True))
        return
    table = Table(title="reads of nominal data", title_justify="left")
    for name in ("no.", "when (UTC)", "who", "what for", "records", "which"):
        table.add_column(name, overflow="fold")
    for row in found:
        ids = ", ".join(map(str, row.bridge_ids or ()))
        which = ids if row.run_id is None else f"those of run {row.run_id}, sha256 {row.commitment[:16]}"
        table.add_row(str(row.id), f"{row.at:%Y-%m-%d %H:%M}", row.who, row.purpose, str(row.records), which)
    tables.console.print(table)
    if seed:
        click.echo(f"{len(found)} of {total} reads are to be checked: ask who read them, and for what case.")
        click.echo("Next: bridge explain RECORD for what a record is; keep the seed with what you found.")
    else:
        click.echo(f"{len(found)} of {total} reads. Next: bridge reads --sample SEED draws those to be checked.")
