"""bridge check: every finding of every mapping, and how both sides of each sum up."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from bridge.content import COLLECT, SHARE, Content, Direction
from bridge.errors import Misconfigured
from bridge.mapping import Finding, Mapping, Severity, check, load, summary


def run(content: Content, names: Sequence[str], *, as_json: bool) -> int:
    """Check the mappings of these systems, or all; 1 if one of them may not run."""
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
        mapping = load(content, name, direction)
        found = check(mapping)
        errors += sum(one.severity is Severity.ERROR for one in found)
        for one in found:
            _print(one, as_json=as_json)
        if not as_json and not mapping.faults:
            click.echo(f"{mapping.name}: {summary(mapping)}{_verdict(mapping, found)}")
    if not as_json:
        click.echo("No mapping may run with an error; mend the lines above." if errors else "Every mapping may run.")
    return 1 if errors else 0


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
