"""bridge requests: what suppliers are asked to correct, for people to pass on and answer."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.table import Table

from bridge import settings
from bridge.commands import tables
from bridge.comparing import compare
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.exchange import Exchange, Role
from bridge.exchange.decisions import AMEND, HANDOVER, KEEP
from bridge.flow.correcting import COMMON, field_of, read, values
from bridge.mapping.trace import masked
from bridge.shapes import read_shape

KINDS = {
    "differs": "both say it, and not the same",
    "unmatched": "may or may not be one of the first report's",
    "foreign": "would amend what another supplied",
}


def show_all(limit: int, *, every: bool, as_json: bool) -> None:
    """Requests that wait, or all."""
    with Exchange.of(Role.AUDIT) as exchange:
        found = exchange.requests(every=every, limit=limit)
    if as_json:
        for row in found:
            click.echo(json.dumps(_said(row), default=str, sort_keys=True))
        return
    if not found:
        click.echo("There never was a request." if every else "No request waits.")
        click.echo("Next: bridge requests list --all, for those answered; bridge duplicates list, for what may differ.")
        return
    table = Table(title="requests for correction", title_justify="left")
    for name in ("no.", "record", "its supplier", "field", "what", "report", "its supplier", "state"):
        table.add_column(name, overflow="fold")
    for row in found:
        said = f"{row.state}, by {row.answered_by}: {row.answer}" if row.answered_by else row.state
        what = KINDS[row.kind]
        table.add_row(str(row.id), row.record, row.supplier, row.path, what, row.other, row.asked_by, said)
    tables.console.print(table)
    click.echo("Next: bridge requests show NUMBER for what both say, then bridge requests answer NUMBER.")


def show(content: Content, number: int, *, as_json: bool) -> None:
    """One request with what both reports say, masked by class."""
    with Exchange.of(Role.AUDIT) as exchange:
        row = exchange.request(number)
        reports = exchange.reports({row.bridge_id, row.later}) if row.stands else []
    told = _told(content, row, reports)
    if as_json:
        click.echo(json.dumps(_said(row) | {"values": told}, default=str, sort_keys=True))
        return
    click.echo(f"{row.id}: {row.path or 'all'} of {row.record}, supplied by {row.supplier} ({row.state})")
    click.echo(f"{row.other}, supplied by {row.asked_by}: {KINDS[row.kind]}")
    if row.problem:
        click.echo(f"held as problem {row.problem}: bridge held show {row.problem} tells what it says.")
    elif row.said_by:
        click.echo(f"one seizure, says {row.said_by}: {row.why}")
    if told:
        table = Table(title="what both say, values masked by class", title_justify="left")
        for name in ("field", row.record, row.other):
            table.add_column(name, overflow="fold")
        for one in told:
            table.add_row(one["field"], one["first"] or "-", one["later"] or "-")
        tables.console.print(table)
    if row.answered_by:
        click.echo(f"{row.answered_at:%Y-%m-%d %H:%M} {row.state}, by {row.answered_by}: {row.answer}")
    if row.state == "open":
        ways = "--amend, --keep or --hand-over" if row.kind == "foreign" else "--amend or --keep"
        click.echo(f"Next: ask {row.supplier}, then bridge requests answer {row.id} {ways}.")
    else:
        click.echo("Next: bridge requests list for what else waits.")


def answer(number: int, by: str, reason: str, *, amend: bool, keep: bool, hand_over: bool) -> None:
    """What the supplier answers."""
    kinds = [kind for kind, said in ((AMEND, amend), (KEEP, keep), (HANDOVER, hand_over)) if said]
    if len(kinds) != 1:
        what = "the supplier amends its record, keeps it, or hands it over"
        raise Misconfigured("NO_DECISION", f"request {number}", what, "Give --amend, --keep or --hand-over")
    with Exchange(settings.exchange_url()) as exchange:
        row = exchange.answer_request(number, kinds[0], by, reason)
    if hand_over:
        click.echo(f"{row.record} is {row.asked_by}'s to amend from now on.")
        click.echo(f"Next: bridge held redrive {row.problem} --by NAME --reason WHY takes in what was held.")
        return
    if amend:
        click.echo(
            f"{row.supplier} is to amend {row.path or 'all'} of {row.record}; the request is settled when that arrives."
        )
    else:
        click.echo(f"{row.path or 'all'} of {row.record} stays as {row.supplier} supplied it.")
    click.echo("Next: bridge requests list for what else waits.")


def _told(content: Content, row: Any, reports: list[dict[str, Any]]) -> list[dict[str, str | None]]:
    shape = read_shape(content, COMMON)
    found = read(reports, shape)
    if row.kind == "foreign" or not {row.bridge_id, row.later} <= set(found):
        return []
    (_, first), (_, later) = found[row.bridge_id], found[row.later]
    shown = []
    for path, mine, theirs in values(shape, compare(shape, first, later), row.path, first, later):
        field = field_of(shape, path)
        if field is not None:
            shown.append({"field": path, "first": masked(field, mine), "later": masked(field, theirs)})
    return shown


def _said(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "content_hash"}
