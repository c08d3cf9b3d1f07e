"""bridge review: what of a mapping nobody has approved as it stands, and that someone does."""

from __future__ import annotations

import click

from bridge.content import COLLECT, SHARE, Content
from bridge.errors import Misconfigured
from bridge.mapping import Mapping, Severity, check, load_versions
from bridge.mapping.review import REGISTER, approve, register, unapproved


def run(content: Content, name: str, person: str) -> None:
    """Approve every file of the system's mappings in a person's name; without one, list what waits for it."""
    mappings = _mappings(content, name)
    if not person:
        known = register(content)
        waiting = {file: why for mapping in mappings for file, why in unapproved(mapping, known).items()}
        for file, why in waiting.items():
            click.echo(f"{file}: {why}")
        if waiting:
            click.echo(f"{len(waiting)} files to look at. Next: bridge review {name} --as YOUR NAME")
        else:
            click.echo(f"Every file of {name} is approved as it stands.")
        return
    for mapping in mappings:
        errors = [one for one in check(mapping) if one.severity is Severity.ERROR]
        if errors:
            what = f"{errors[0].message.rstrip('.')}; what has errors is not approved"
            raise Misconfigured(errors[0].code, f"{errors[0].file}:{errors[0].line}", what, f"Run: bridge check {name}")
    written = approve(content, mappings, person)
    for file, author in written.items():
        click.echo(f"approved: {file} (last change: {author})")
    if written:
        click.echo(f"Next: git add {REGISTER} && git commit -m 'Approve {name}'")
    else:
        click.echo(f"Every file of {name} was approved as it stands; nothing is written.")


def _mappings(content: Content, name: str) -> list[Mapping]:
    known = {COLLECT: content.sources(), SHARE: content.partners()}
    found = [
        one
        for direction, names in known.items()
        if name in names
        for one in load_versions(content, name, direction).all
    ]
    if not found:
        names = ", ".join(sorted({one for some in known.values() for one in some}))
        raise Misconfigured("NO_SYSTEM", "bridge review", f"no mapping is named {name}", f"Known are: {names}")
    return found
