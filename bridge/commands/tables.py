"""Books as a person reads them: one table per source and partner, and the laws with their numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.ledger import Books, Delivery, Intake, PartnerBooks, SourceBooks

console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
"""Texts are shown as they are: "[kg]" in a header is no markup. What is coloured is a ``Text``."""


def show(books: Books, *, as_json: bool, title: str) -> None:
    """Print the books: JSON for pipes, tables for people."""
    if as_json:
        click.echo(json.dumps(books.as_dict(), sort_keys=True))
        return
    for source in books.sources:
        console.print(_source(source, title))
    for partner in books.partners:
        console.print(_partner(partner, title))
    for equation in books.equations:
        held = ("holds", "green") if equation.holds else ("broken", "red")
        console.print(Text.assemble("  ", held, f"  {equation}"))
    console.print(Text.from_markup(verdict(books)))


def verdict(books: Books) -> str:
    """One sentence: whether every record is accounted for."""
    if not books.equations:
        return "Nothing has been collected or shared yet. Next: bridge run SOURCE"
    if not books.balanced:
        return "[bold red]The books do not balance: a record is unaccounted for where a law above is broken.[/bold red]"
    if not books.contiguous:
        return "[bold yellow]The books balance, but windows are missing between sealed ones (E0).[/bold yellow]"
    return "[bold green]The books balance: every record read has exactly one disposition.[/bold green]"


def counted(number: int, thing: str) -> str:
    """A number of things in words."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _source(s: SourceBooks, title: str) -> Table:
    table = _table(
        f"{title}: source {s.source}",
        f"{counted(s.windows, 'window')}, {counted(s.runs, 'run')}, {counted(s.inputs, 'input')}, "
        f"{s.refused} of them held as a whole",
    )
    table.add_row("read", f"{s.read:,}", "")
    for state in Intake:
        table.add_row(str(state), f"{s.counts.get(state, 0):,}", _reasons(s.reasons.get(state, {})))
    return table


def _partner(p: PartnerBooks, title: str) -> Table:
    table = _table(f"{title}: partner {p.partner}", "")
    table.add_row("accepted", f"{p.accepted:,}", "versions in the exchange that concern this partner")
    for state in Delivery:
        why = p.effects if state is Delivery.DELIVERED else p.reasons.get(state, {})
        table.add_row(str(state), f"{p.counts.get(state, 0):,}", _reasons(why))
    for name, count in p.counts.items():
        if name not in set(Delivery):
            table.add_row(name, f"{count:,}", "")
    return table


def _table(title: str, caption: str) -> Table:
    table = Table(title=title, caption=caption or None, title_justify="left", caption_justify="left", min_width=64)
    table.add_column("disposition")
    table.add_column("records", justify="right")
    table.add_column("by effect, reason or rule")
    return table


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{code or '-'} {n:,}" for code, n in sorted(counts.items(), key=lambda kv: -kv[1]) if n)
