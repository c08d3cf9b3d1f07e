"""bridge books and bridge held: what an operator or auditor asks of the exchange."""

from __future__ import annotations

import dataclasses
import json

import click
from rich.table import Table

from bridge.commands import tables
from bridge.commands.naming import require_known
from bridge.exchange import Exchange, HeldProblem, Role

UNBALANCED = 4
_WIDE = 120
_NEXT = "Next: bridge held show NUMBER; once the cause is mended, bridge held redrive NUMBER."


def books(source: str | None, partner: str | None, *, as_json: bool) -> int:
    """All sealed runs together; the exit code says whether they balance."""
    with Exchange.of(Role.AUDIT) as exchange:
        require_known(exchange, source=source, partner=partner)
        found = exchange.books(source=source, partner=partner)
    tables.show(found, as_json=as_json, title="all runs")
    return 0 if found.balanced else UNBALANCED


def held(source: str | None, partner: str | None, code: str | None, limit: int, *, as_json: bool) -> None:
    """Records that are held, one row per problem."""
    with Exchange.of(Role.AUDIT) as exchange:
        problems = exchange.held(source=source, partner=partner, code=code, limit=limit)
        if not problems:
            require_known(exchange, source=source, partner=partner, code=code)
    if as_json:
        for problem in problems:
            click.echo(json.dumps(dataclasses.asdict(problem), default=str, sort_keys=True))
        return
    if not problems:
        click.echo("Nothing is held.")
        return
    more = f"The first {limit}; --limit shows more, --code and --source fewer.\n" if len(problems) == limit else ""
    if tables.console.width < _WIDE:
        # In narrow columns a reason would be one word a line.
        for problem in problems:
            click.echo(f"{problem.id}  {problem.name}: {problem.code} at {problem.field or 'the record'}")
            click.echo(f"    {place(problem)}\n    {problem.reason}")
        click.echo(more + _NEXT)
        return
    table = Table(title="held records", title_justify="left")
    for name in ("number", "at", "where", "field", "code", "reason"):
        table.add_column(name, overflow="fold", ratio=3 if name == "reason" else None)
    for problem in problems:
        row = (str(problem.id), problem.name, place(problem), problem.field, problem.code, problem.reason)
        table.add_row(*row)
    tables.console.print(table)
    click.echo(more + _NEXT)


def place(problem: HeldProblem) -> str:
    """The input with record number and position, or the record's version at a partner."""
    if problem.at_partner:
        return f"{problem.origin_record_id or problem.bridge_id}, version {problem.version}"
    if problem.ordinal is None or problem.ordinal < 0:
        return f"{problem.input}"
    place = "" if problem.position is None else f", position {problem.position}"
    return f"{problem.input}, record {problem.ordinal}{place}"
