"""bridge keys: under which keys what suppliers sent is kept, new ones, and bringing what is old under them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
from rich.table import Table

from bridge import encrypted, keys, settings
from bridge.commands import tables
from bridge.commands.authoring import directions
from bridge.content import Content
from bridge.exchange import Exchange
from bridge.flow import archive


def show() -> None:
    """Every key by its id, and how much is under it; what is under a key that is not here stands out."""
    parts, messages, files = _in_use()
    used = parts.keys() | messages.keys() | files.keys()
    here = {key.id: place for one in keys.suppliers() for place, key in enumerate(keys.keys_of(one))}
    table = Table(title="keys", title_justify="left")
    for name in ("key", "is", "nominal parts", "open messages", "archived inputs"):
        table.add_column(name, overflow="fold")
    for key_id in sorted(here.keys() | used, key=lambda one: (one.split("/")[0], here.get(one, 9**9))):
        state = {None: "MISSING", 0: "in use"}.get(here.get(key_id), "earlier")
        counts = (str(kind[key_id]) for kind in (parts, messages, files))
        table.add_row(key_id or "none: in plain", state if key_id else "", *counts)
    tables.console.print(table)
    lost = sorted(one for one in used if one and one not in here)
    if lost:
        click.echo(f"Next: put {lost[0]} back where keys are; what is under it cannot be opened.")
    elif any(not one or here[one] for one in used):
        click.echo("Next: bridge keys --renew, which brings everything under the keys in use.")
    else:
        click.echo("Next: back the keys up, apart from the database and the archive.")


def new(supplier: str, by: str, reason: str) -> None:
    """Make a key, under which is encrypted from now on."""
    directions(Content.find(), supplier)
    key = keys.renew(supplier, by, reason)
    click.echo(
        f"{key.id} is in use: {settings.home() / 'keys' / supplier}.key. Back it up, and give it to every worker."
    )
    click.echo("Next: bridge keys --renew, if what was kept before is to be brought under it, too.")


def renew() -> None:
    """Bring everything under the keys in use."""
    with Exchange(settings.exchange_url()) as exchange:
        sources = exchange.suppliers_of_inputs()
        moved, messages = exchange.reencrypt(), exchange.reencrypt_messages()
    done = 0
    for path in _archived():
        if path.name in sources:
            done += archive.reencrypt(path, keys.current(sources[path.name]))
    click.echo(
        f"{moved} nominal parts, {messages} open messages and {done} archived inputs are now under the keys in use."
    )
    click.echo("Next: bridge keys. What no key stands for any more can be taken out of the file by hand.")


def _in_use() -> tuple[Counter[str], Counter[str], Counter[str]]:
    """How much is under each key: nominal parts, open messages and archived inputs, "" for what is not encrypted."""
    with Exchange(settings.exchange_url()) as exchange:
        parts, messages = Counter(exchange.keys_in_use()), Counter(exchange.message_keys_in_use())
    return parts, messages, Counter(encrypted.key_of(path) or "" for path in _archived())


def _archived() -> list[Path]:
    return sorted(path for path in settings.archive().glob("[0-9a-f][0-9a-f]/*") if len(path.name) == 64)
