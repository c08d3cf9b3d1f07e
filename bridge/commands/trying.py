"""bridge try: what would become of real records, side by side; nothing is sent and nothing is kept."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial

import click
from rich.table import Table
from rich.text import Text

from bridge.authoring import trying
from bridge.authoring.trying import GO, Fate, Tried
from bridge.commands import tables
from bridge.commands.authoring import directions
from bridge.content import COLLECT, SHARE, Content
from bridge.mapping.trace import Way

STYLE = {GO: "green", trying.HELD: "red", trying.WITHHELD: "yellow", trying.OUT: "dim"}
ALL_HELD = 3
SIDES = 3
"""Records of each outcome that are shown side by side; --all shows every one."""


def run(
    content: Content, name: str, last: int, file: str, to: tuple[str, ...], *, show_all: bool, as_json: bool
) -> int:
    """Try real records and show what would become of each; the exit code says if no input could be read at all."""
    known = directions(content, name)
    direction = COLLECT if COLLECT in known and not (name in to and SHARE in known) else SHARE
    _, unconfirmed = trying.usable(content, name, direction)
    left: Counter[str] = Counter()
    if direction == COLLECT:
        partners = [one for one in (to or content.partners()) if one != name]
        say = partial(click.echo, err=True)
        tried = list(trying.try_source(content, name, last, file, partners, say, left))
    else:
        tried = list(trying.try_partner(content, name, last, file))
    unread = ALL_HELD if tried and all(one.whole for one in tried) else 0
    if as_json:
        for one in tried:
            click.echo(json.dumps(_said(one)))
        return unread
    shown: Counter[tuple[str, ...]] = Counter()
    for one in tried:
        kind = tuple(f"{fate.at} {fate.what}" for fate in one.fates)
        shown[kind] += 1
        if one.whole:
            click.echo(f"{one.where}: {'; '.join(one.fates[0].why)}")
        elif show_all or shown[kind] <= SIDES:
            tables.console.print(_side_by_side(one))
    for at, counts in trying.counts(tried).items():
        where = "the exchange" if at == "common" else at
        click.echo(f"{where}: " + ", ".join(f"{counts[what]} {what}" for what in STYLE if counts[what]))
    _reasons(tried)
    for what, count in left.most_common():
        click.echo(f"  {count} x left out of what goes: {what}")
    if not tried:
        click.echo("There is no record to try: the source has none, or none in this file.")
    if unconfirmed:
        click.echo(f"{unconfirmed} suggestions are not confirmed; nothing runs before they are.")
    following = (
        f"mend what is said above, then bridge try {name}" + (f" --file {file}" if file else "")
        if unread
        else f"bridge confirm {name}"
        if unconfirmed
        else f"bridge run {name}"
        if direction == COLLECT
        else f"bridge plan {name}"
    )
    click.echo(f"Nothing was sent and nothing was kept. Next: {following}.")
    return unread


def _said(one: Tried) -> dict[str, object]:
    return {
        "record": one.where,
        "fates": [
            {
                "at": fate.at, "what": fate.what, "why": fate.why, "adds": fate.adds,
                "fields": [
                    {"path": way.path, "value": way.value, "from": {one.path: one.value for one in way.reads}}
                    for way in fate.ways
                ],
            }
            for fate in one.fates
        ],
    }  # fmt: skip


def _side_by_side(one: Tried) -> Table:
    fates = Text("; ").join(Text(f"{fate.at}: {fate.what}", STYLE[fate.what]) for fate in one.fates)
    table = Table(title=Text(f"{one.where}  ") + fates, title_justify="left", caption_justify="left")
    common = next((fate for fate in one.fates if fate.at == "common"), None)
    partners = [fate for fate in one.fates if fate.at != "common"]
    if common is not None:
        table.add_column("source", overflow="fold")
    table.add_column("common", overflow="fold")
    for fate in partners:
        table.add_column(fate.at, overflow="fold")
    if common is None:
        for way in partners[0].ways:
            table.add_row(_read(way), _cell(way))
    else:
        further = [_by_input(fate) for fate in partners]
        for way in common.ways:
            table.add_row(_read(way), _cell(way), *("\n".join(ways.get(way.path, ())) for ways in further))
    why = [f"{fate.at}: {reason}" for fate in one.fates for reason in (*fate.why, *fate.adds)]
    table.caption = "\n".join(why) or None
    return table


def _read(way: Way) -> str:
    return (
        "\n".join(f"{read.path}: {read.value if read.value is not None else '-'}" for read in way.reads) or "(always)"
    )


def _cell(way: Way) -> str:
    return f"{way.path}: {way.value if way.value is not None else '-'}"


def _by_input(fate: Fate) -> dict[str, list[str]]:
    """What a partner gets by the common field that it comes from."""
    found: dict[str, list[str]] = {}
    for way in fate.ways:
        for read in way.reads:
            found.setdefault(read.path, []).append(_cell(way))
    return found


def _reasons(tried: list[Tried]) -> None:
    """How often each reason not to go was met."""
    reasons: Counter[str] = Counter()
    for one in tried:
        for fate in one.fates:
            reasons.update(f"{fate.at}, {fate.what}: {why.partition(': ')[0]}" for why in fate.why)
    for reason, count in reasons.most_common(12):
        click.echo(f"  {count} x {reason}")
