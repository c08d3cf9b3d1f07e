"""bridge held show, redrive, release and approve: what a person does about a held record."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import click
from rich.table import Table

from bridge import settings
from bridge.authoring.heldrecord import show as held_record
from bridge.commands import tables
from bridge.commands.naming import require_known
from bridge.commands.reporting import place
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.exchange import Exchange, Role
from bridge.flow import redriving


def show(content: Content, problem_id: int, *, as_json: bool) -> None:
    """One held record: file, place, rule, reason, masked values, and what was tried."""
    shown = held_record(content, problem_id)
    problem = shown.problem
    values = [(way.path, way.value, {read.path: read.value for read in way.reads}) for way in shown.ways]
    if as_json:
        said = {
            "problem": dataclasses.asdict(problem), "unsure": shown.unsure,
            "values": [{"path": path, "value": value, "read": read} for path, value, read in values],
            "tried": [dict(row._mapping) for row in shown.tried],
        }  # fmt: skip
        click.echo(json.dumps(said, default=str, sort_keys=True))
        return
    click.echo(f"{problem.id}: {problem.code} at {problem.field or 'the record'} ({problem.state})")
    click.echo(f"{problem.name}: {place(problem)}" + (f", sha256 {problem.sha256}" if problem.sha256 else ""))
    click.echo(f"rule {problem.rule or '-'}: {problem.reason}")
    if values:
        table = Table(title="the record, values masked by class", title_justify="left")
        for name in ("field", "value", "read from"):
            table.add_column(name, overflow="fold")
        for path, value, read in values:
            from_ = "\n".join(f"{name}: {one if one is not None else '-'}" for name, one in read.items())
            table.add_row(path, value if value is not None else "-", from_)
        tables.console.print(table)
    if shown.unsure:
        click.echo(f"Cannot tell more: {shown.unsure}.")
    for row in shown.tried:
        who = f" by {row.who}" if row.who else ""
        click.echo(f"{row.at:%Y-%m-%d %H:%M} {row.what}{who}: {row.why}")
    click.echo(f"Next: {_next(problem.id, problem.code, problem.state)}")


def _next(problem_id: int, code: str, state: str) -> str:
    if state != "open":
        return "nothing; this problem is no longer open."
    if code == "TEXT_KEPT_BACK":
        return f"bridge held release {problem_id} --by NAME --reason WHY, which another person then approves."
    return f"mend its cause, then bridge held redrive {problem_id} --by NAME --reason WHY."


def redrive(
    ids: Sequence[int],
    source: str | None,
    partner: str | None,
    code: str | None,
    by: str,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Take held records in again."""
    if not (ids or source or partner or code):
        what = "nothing says which problems are meant"
        raise Misconfigured("NOTHING_HELD", "bridge held redrive", what, "Give numbers, --source, --partner or --code")
    with Exchange.of(Role.AUDIT) as exchange:
        require_known(exchange, source=source, partner=partner, code=code)
    done = redriving.redrive(
        list(ids) or None,
        by,
        reason,
        source=source,
        partner=partner,
        code=code,
        say=lambda text: click.echo(text, err=True),
    )
    for books in done.books:
        tables.show(books, as_json=as_json, title=f"{books.since:%Y-%m-%d %H:%M} to {books.until:%Y-%m-%d %H:%M}")
    if as_json:
        return
    were = "was" if done.problems == 1 else "were"
    still = "is" if done.open == 1 else "are"
    click.echo(
        f"{tables.counted(done.problems, 'problem')} {were} taken in again; "
        f"{done.open} of those at intake {still} still there."
    )
    for name, count in done.partners.items():
        click.echo(f"{count} {'is' if count == 1 else 'are'} due at {name} again. Next: bridge share {name}")
    if done.books:
        click.echo("Next: bridge share PARTNER, or bridge held for what is still there.")


def release(problem_id: int, by: str, reason: str) -> None:
    """Propose that a text leave which the scan kept back."""
    with Exchange(settings.exchange_url()) as exchange:
        number = exchange.propose_release(problem_id, by, reason)
    click.echo(f"Proposed as decision {number}. Nothing leaves yet: another person must look at it.")
    click.echo(f"Next: bridge held approve {number} --by NAME --reason WHY")


def approve(decision: int, by: str, reason: str) -> None:
    """Approve another person's proposal."""
    with Exchange(settings.exchange_url()) as exchange:
        proposal = exchange.approve_release(decision, by, reason)
    click.echo(
        f"{proposal.about} of {proposal.bridge_id} version {proposal.version} may leave to {proposal.partner}, "
        "as long as the record does not change."
    )
    click.echo(f"Next: bridge share {proposal.partner}, or wait for its next run.")
