"""bridge check: every finding of every mapping, and how both sides of each sum up."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import click

from bridge import settings
from bridge.content import COLLECT, SHARE, Content, Direction
from bridge.errors import Misconfigured
from bridge.mapping import Finding, Mapping, Severity, check, load, load_versions, summary
from bridge.mapping.findings import Unreviewed
from bridge.mapping.fixes import fix

SHOWN = 3
"""Findings of one kind in one file that are printed; the others are counted."""
ROUNDS = 8
"""How often --fix looks again: what is mended may show what it hid."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """What is to be printed of one mapping, what --fix did first, and how many errors it has."""

    fixed: list[str]
    lines: list[str]
    errors: int


def run(content: Content, names: Sequence[str], *, as_json: bool, mend: bool = False, every: bool = False) -> int:
    """Check the mappings of these systems, or all; 1 if one of them may not run.

    Args:
        mend: mend first what leaves no choice.
        every: print every finding, and not just some of those that are of one kind.
    """
    wanted: list[tuple[str, Direction]] = [(name, COLLECT) for name in content.sources()]
    wanted += [(name, SHARE) for name in content.partners()]
    unknown = sorted(set(names) - {name for name, _ in wanted})
    if unknown:
        known = ", ".join(sorted({name for name, _ in wanted}))
        raise Misconfigured("NO_SYSTEM", "bridge check", f"no mapping is named {unknown[0]}", f"Known are: {known}")
    errors = 0
    chosen = [(name, direction) for name, direction in wanted if not names or name in names]
    mappings = [mapping for name, direction in chosen for mapping in load_versions(content, name, direction).all]
    for checked in _each(content, mappings, as_json=as_json, mend=mend, every=every):
        errors += checked.errors
        for line in checked.fixed:
            click.echo(line, err=as_json)
        for line in checked.lines:
            click.echo(line)
    if not errors and len(names) > 1:
        from bridge.commands.losing import run as show_losses

        show_losses(content, names, as_json=as_json)
    if not as_json:
        click.echo("No mapping may run with an error; mend the lines above." if errors else "Every mapping may run.")
    return 1 if errors else 0


def _each(
    content: Content, mappings: Sequence[Mapping], *, as_json: bool, mend: bool, every: bool
) -> Iterator[_Checked]:
    """Every mapping checked, in order; several at once where there are processors for it and nothing is changed."""
    one = partial(_one, content, as_json=as_json, mend=mend, every=every or as_json)
    workers = min(len(mappings), os.cpu_count() or 1)
    if mend or workers < 2 or not _forkable():
        yield from map(one, mappings)
        return
    # Loaded once and before the processes are forked, and not used before: their own threads begin in each of them.
    from bridge import release as _release  # noqa: F401
    from bridge.mapping import check_back as _back  # noqa: F401
    from bridge.mapping import examples as _examples  # noqa: F401

    with ProcessPoolExecutor(workers, get_context("fork")) as pool:
        # The longest first, so that none is left alone at the end.
        begun = {id(each): pool.submit(one, each) for each in sorted(mappings, key=_length, reverse=True)}
        for each in mappings:
            yield begun[id(each)].result()


def _forkable() -> bool:
    """Whether Polars has not begun its threads: a fork has their locks without them, and waits for ever."""
    return not any(re.match(r"polars-\d", file.read_text()) for file in Path("/proc/self/task").glob("*/comm"))


def _length(mapping: Mapping) -> int:
    return len(mapping.spec.examples) * (len(mapping.spec.rules) + sum(len(one.rules) for one in mapping.spec.blocks))


def _one(content: Content, mapping: Mapping, *, as_json: bool, mend: bool, every: bool) -> _Checked:
    fixed: list[str] = []
    found = check(mapping)
    for number in range(ROUNDS if mend else 0):
        mended = fix(mapping, found, first=number == 0)
        fixed += [f"fixed: {line}" for line in mended]
        if not mended:
            break
        mapping = load(content, mapping.system, mapping.direction, mapping.file)
        found = check(mapping)
    lines = [_line(one, as_json=as_json) for one in found] if every else list(_some(found))
    if not as_json and not mapping.faults:
        lines.append(f"{mapping.name}: {summary(mapping)}{_verdict(mapping, found)}")
    return _Checked(fixed, lines, len(_errors(found)))


def _some(found: Sequence[Finding]) -> Iterator[str]:
    """The first findings of each kind in each file, and behind the last of them how many more there are."""
    of_a_kind = Counter((one.file, one.code) for one in found)
    seen: Counter[tuple[str, str]] = Counter()
    for one in found:
        kind = (one.file, one.code)
        seen[kind] += 1
        if seen[kind] <= SHOWN or of_a_kind[kind] == SHOWN + 1:
            yield str(one)
        elif seen[kind] == of_a_kind[kind]:
            yield f"{one.file}: {one.code} and {of_a_kind[kind] - SHOWN} more; --all prints them"


def _line(finding: Finding, *, as_json: bool) -> str:
    if not as_json:
        return str(finding)
    said = {
        "code": finding.code,
        "severity": finding.severity.name.lower(),
        "file": finding.file,
        "line": finding.line,
        "field": finding.field,
        "message": finding.message,
    }
    return json.dumps(said, sort_keys=True)


def _errors(found: Sequence[Finding]) -> list[Finding]:
    """What keeps the mapping from running here: in production also what nobody has approved."""
    approved = settings.mode() == settings.PRODUCTION
    return [one for one in found if one.severity is Severity.ERROR or (approved and isinstance(one, Unreviewed))]


def _verdict(mapping: Mapping, found: Sequence[Finding]) -> str:
    errors = len(_errors(found))
    examples = len(mapping.spec.examples)
    if errors:
        return f"; {errors} errors"
    return f"; {examples} examples hold" + (f"; {len(found)} warnings" if found else "")
