"""bridge docs: static pages of every mapping, code list and schema."""

from __future__ import annotations

from pathlib import Path

import click

from bridge import settings
from bridge.authoring.site import write_site
from bridge.content import Content


def run(content: Content, out: str) -> None:
    """Write the pages and say where they begin."""
    folder = Path(out) if out else settings.home() / "docs"
    pages = write_site(content, folder, lambda what: click.echo(f"  {what}", err=True))
    click.echo(f"{pages} pages written, with a search of their own and nothing from the network.")
    click.echo(f"Next: open {(folder / 'index.html').absolute()}")
