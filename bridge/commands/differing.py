"""bridge diff: two versions of a mapping, by what they mean."""

from __future__ import annotations

import dataclasses
import json
from contextlib import ExitStack

import click
from rich.table import Table
from rich.text import Text

from bridge.authoring.differing import differences, resolve
from bridge.authoring.releasediff import Difference
from bridge.commands import tables
from bridge.content import Content
from bridge.errors import Misconfigured


def run(content: Content, old: str, new: str, *, as_json: bool) -> int:
    """Print every difference; 1 if one is breaking."""
    with ExitStack() as stack:
        was, now = resolve(content, old, stack), resolve(content, new, stack)
        both = [direction for direction in was if direction in now]
        if not both:
            raise Misconfigured(
                "NOT_COMPARABLE", f"{old} and {new}", "one collects and the other shares",
                "Name two versions of one mapping",
            )  # fmt: skip
        found = [(now[one].where, difference) for one in both for difference in differences(was[one], now[one])]
        names = [now[one].system for one in both]
    if as_json:
        for where, one in found:
            click.echo(json.dumps({"mapping": where, **dataclasses.asdict(one)}))
    else:
        _show(found, old, new, names[0])
    return 1 if any(one.breaking for _, one in found) else 0


def _show(found: list[tuple[str, Difference]], old: str, new: str, system: str) -> None:
    if not found:
        click.echo(f"{old} and {new} mean the same.")
        return
    table = Table(title=f"{old} -> {new}", title_justify="left")
    for column in ("", "section", "about", "what"):
        table.add_column(column, overflow="fold")
    for _, one in sorted(found, key=lambda pair: not pair[1].breaking):
        table.add_row(Text("breaking", "red") if one.breaking else "", one.section, one.about, one.what)
    tables.console.print(table)
    breaking = sum(one.breaking for _, one in found)
    verdict = (
        f"{breaking} of {len(found)} differences are breaking"
        if breaking
        else f"{len(found)} differences, none breaking"
    )
    click.echo(f"{verdict}. Next: bridge plan {system}, for what this does to records already exchanged.")
