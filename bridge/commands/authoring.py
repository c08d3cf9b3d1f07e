"""bridge new and bridge confirm: a mapping from what a system looks like, and a person's word on each suggestion."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import click
from rich.table import Table

from bridge.authoring import confirming
from bridge.commands import tables
from bridge.content import COLLECT, SHARE, Content, Direction
from bridge.errors import Misconfigured


def new(
    content: Content, kind: Literal["source", "partner"], name: str, schema: str, sample: str, table: str, record: str,
    *, as_json: bool,
) -> None:  # fmt: skip
    """Write the files of a new system, every suggestion in them marked."""
    from bridge.authoring.creating import create, given_by

    if not name.isascii() or not name.isidentifier() or name != name.lower():
        raise Misconfigured("BAD_NAME", name, "a system's name is lower-case letters, digits and _", "Rename it")
    if not as_json:
        click.echo(f"Reading {sample or schema or 'the table'}", err=True)
    given = given_by(schema, sample, table, record, name)
    if not as_json:
        click.echo(f"Looking for counterparts of {len(given.columns)} fields", err=True)
    made = create(content, kind, name, given)
    if as_json:
        said = {"root": str(made.root), "files": made.files, "found": made.said, "questions": made.questions}
        click.echo(json.dumps({**said, "columns": made.columns, "used": made.matched, "suggestions": made.suggestions}))
        return
    for one in made.said:
        click.echo(f"  {one}")
    where = "used" if kind == "source" else "fields filled"
    click.echo(
        f"{made.columns} columns, {made.matched} {where}; {made.suggestions} suggestions, none of which runs yet."
    )
    click.echo(f"Written below {made.root}:")
    for path in made.files:
        click.echo(f"  {path}")
    if made.questions:
        click.echo("Only you can answer:")
        for question in made.questions:
            click.echo(f"  - {question}")
    click.echo(f"Next: bridge confirm {name}, which lists every suggestion with what it rests on.")


def confirm(content: Content, name: str, wanted: Sequence[str], by: str, *, as_json: bool) -> None:
    """List what is open, or take the marks of what is named away."""
    from bridge.mapping import load

    found = 0
    for direction in directions(content, name):
        mapping = load(content, name, direction)
        if wanted:
            done = confirming.confirm(mapping, wanted, by)
            for one in done:
                click.echo(json.dumps(_said(one)) if as_json else f"confirmed {one.section} {one.name}")
            mapping = load(content, name, direction)
        marks = confirming.open_marks(mapping)
        found += len(marks)
        if as_json and not wanted:
            for one in marks:
                click.echo(json.dumps(_said(one)))
        elif not as_json and marks:
            _show(marks, mapping.where, short=bool(wanted))
    if not as_json:
        following = (
            f"bridge confirm {name} NAME or SECTION, once you have looked at it"
            if found
            else f"bridge try {name} --last 20"
        )
        click.echo(f"{found} open. Next: bridge check {name}; {following}.")


def directions(content: Content, name: str) -> list[Direction]:
    """What a system has mappings for.

    Raises:
        Misconfigured: it has none.
    """
    found: list[Direction] = [COLLECT] if name in content.sources() else []
    found += [SHARE] if name in content.partners() else []
    if not found:
        known = ", ".join(sorted({*content.sources(), *content.partners()}))
        raise Misconfigured("NO_SYSTEM", name, "no mapping is named so", f"Known are: {known}")
    return found


def _said(one: confirming.Open) -> dict[str, str]:
    return {"section": one.section, "name": one.name, "why": one.why}


def _show(marks: list[confirming.Open], where: str, *, short: bool) -> None:
    counts = Counter(one.section for one in marks)
    if not short:
        table = Table(title=where, title_justify="left")
        for column in ("section", "name", "suggested because"):
            table.add_column(column, overflow="fold")
        for one in marks:
            if one.section != "absent":
                table.add_row(one.section, one.name, one.why)
        tables.console.print(table)
        left_out = [one.name for one in marks if one.section == "absent"]
        if left_out:
            click.echo(f"absent, for nothing looked like them: {', '.join(left_out)}")
    click.echo("Open: " + ", ".join(f"{section} {count}" for section, count in counts.items()))
