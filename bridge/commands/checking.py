"""bridge check: every finding of every mapping, and how both sides of each sum up."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from bridge.content import COLLECT, SHARE, Content, Direction
from bridge.errors import Misconfigured
from bridge.mapping import Finding, Mapping, Severity, check, load, load_versions, summary
from bridge.mapping.fixes import fix

ROUNDS = 8
"""How often --fix looks again: what is mended may show what it hid."""


def run(content: Content, names: Sequence[str], *, as_json: bool, mend: bool = False) -> int:
    """Check the mappings of these systems, or all; 1 if one of them may not run. ``mend`` mends first what leaves no
    choice."""
    wanted: list[tuple[str, Direction]] = [(name, COLLECT) for name in content.sources()]
    wanted += [(name, SHARE) for name in content.partners()]
    unknown = sorted(set(names) - {name for name, _ in wanted})
    if unknown:
        known = ", ".join(sorted({name for name, _ in wanted}))
        raise Misconfigured("NO_SYSTEM", "bridge check", f"no mapping is named {unknown[0]}", f"Known are: {known}")
    errors = 0
    for name, direction in wanted:
        if names and name not in names:
            continue
        for mapping in load_versions(content, name, direction).all:
            errors += _one(content, mapping, as_json=as_json, mend=mend)
    if not errors and len(names) > 1:
        from bridge.commands.losing import run as show_losses

        show_losses(content, names, as_json=as_json)
    if not as_json:
        click.echo("No mapping may run with an error; mend the lines above." if errors else "Every mapping may run.")
    return 1 if errors else 0


def _one(content: Content, mapping: Mapping, *, as_json: bool, mend: bool) -> int:
    """How many errors one mapping has, which are printed."""
    found = check(mapping)
    for number in range(ROUNDS if mend else 0):
        mended = fix(mapping, found, first=number == 0)
        for line in mended:
            click.echo(f"fixed: {line}", err=as_json)
        if not mended:
            break
        mapping = load(content, mapping.system, mapping.direction, mapping.file)
        found = check(mapping)
    for one in found:
        _print(one, as_json=as_json)
    if not as_json and not mapping.faults:
        click.echo(f"{mapping.name}: {summary(mapping)}{_verdict(mapping, found)}")
    return sum(one.severity is Severity.ERROR for one in found)


def _print(finding: Finding, *, as_json: bool) -> None:
    if not as_json:
        click.echo(str(finding))
        return
    said = {
        "code": finding.code,
        "severity": finding.severity.name.lower(),
        "file": finding.file,
        "line": finding.line,
        "field": finding.field,
        "message": finding.message,
    }
    click.echo(json.dumps(said, sort_keys=True))


def _verdict(mapping: Mapping, found: Sequence[Finding]) -> str:
    errors = sum(one.severity is Severity.ERROR for one in found)
    examples = len(mapping.spec.examples)
    if errors:
        return f"; {errors} errors"
    return f"; {examples} examples hold" + (f"; {len(found)} warnings" if found else "")
