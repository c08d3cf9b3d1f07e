"""bridge plan: what the mapping on disk would do to what is already exchanged."""

from __future__ import annotations

import json
import sys

import click
from rich.table import Table

from bridge.authoring.planning import Plan, plan_partner, plan_source
from bridge.commands import tables
from bridge.commands.authoring import directions
from bridge.content import COLLECT, SHARE, Content
from bridge.flow.windows import parse_moment

MOST = 30


def run(content: Content, name: str, since: str | None, *, as_json: bool) -> None:
    """Plan for the source, for the partner, or for both if the system is both."""
    moment = parse_moment(since, f"bridge plan {name}") if since else None

    def say(text: str) -> None:
        if not as_json and sys.stderr.isatty():
            click.echo(f"\r\033[K{text}", nl=False, err=True)

    for direction in directions(content, name):
        plan = (plan_source if direction == COLLECT else plan_partner)(content, name, moment, say)
        say("")
        click.echo(json.dumps(_said(plan, direction))) if as_json else _show(plan, direction)


def _show(plan: Plan, direction: str) -> None:
    where = "the exchange has" if direction == COLLECT else "the partner holds"
    click.echo(f"{plan.mapping}, against what {where}: {plan.looked} records looked at, {plan.same} stay as they are.")
    news = [
        f"{sum(codes.values())} newly {what} ({', '.join(f'{c} {n}' for c, n in codes.most_common())})"
        for what, codes in plan.news.items()
    ]
    click.echo(f"{plan.changed} cases change" + (": " if news else ".") + ", ".join(news))
    if plan.fields:
        table = Table(title="values that change", title_justify="left")
        for column in ("cases", "field", "is", "would be"):
            table.add_column(column, overflow="fold", justify="right" if column == "cases" else "left")
        for (path, old, new), count in plan.fields.most_common(MOST):
            table.add_row(str(count), path, old, new)
        tables.console.print(table)
        if len(plan.fields) > MOST:
            click.echo(f"and {len(plan.fields) - MOST} more; --json shows all")
    for why, count in plan.without_fields.items():
        click.echo(f"cannot tell which fields of {count} changed cases: {why}")
    for why, count in plan.unknown.items():
        click.echo(f"cannot tell of {count}: {why}")
    if direction == SHARE:
        click.echo(f"Nothing was sent. Next: bridge share {plan.name}, or bridge diff {plan.name}@HEAD {plan.name}.")
    else:
        click.echo(
            f"Nothing was changed. Next: bridge run {plan.name} --since ... --until ..., "
            f"or bridge diff {plan.name}@HEAD {plan.name}."
        )


def _said(plan: Plan, direction: str) -> dict[str, object]:
    return {
        "name": plan.name, "direction": direction, "mapping": plan.mapping, "looked": plan.looked, "same": plan.same,
        "changed": plan.changed,
        "fields": [
            {"field": path, "old": old, "new": new, "cases": count}
            for (path, old, new), count in plan.fields.most_common()
        ],
        "newly": {what: dict(codes) for what, codes in plan.news.items()},
        "cannot_tell": dict(plan.unknown), "cannot_tell_which_fields": dict(plan.without_fields),
    }  # fmt: skip
