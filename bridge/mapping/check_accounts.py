"""Double entry: fields of either schema that nobody accounts for, and reasons that do not hold."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from bridge.mapping import findings as f
from bridge.mapping.accounts import Names, release_read, source_read, target_filled
from bridge.mapping.findings import Finding
from bridge.mapping.model import Block, Mapping


def account_findings(mapping: Mapping) -> Iterator[Finding]:
    """Findings of both columns of the ledger."""
    yield from _source(mapping)
    yield from _target(mapping)


def _source(mapping: Mapping) -> Iterator[Finding]:
    """Source fields that nobody accounts for, and reasons that do not hold."""
    read = source_read(mapping)
    accounted = read.keys() | release_read(mapping)
    ignored = Names(mapping.spec.ignore)
    for field in mapping.source_shape:
        if field.path not in accounted and field.path not in ignored:
            yield f.Unaccounted(mapping.where, 1, field.path)
    paths = [one.path for one in mapping.source_shape]
    for pattern, said in mapping.spec.ignore.items():
        yield from _reason(mapping, "ignore", pattern, said.line, paths, read, mapping.source["schema"])


def _target(mapping: Mapping) -> Iterator[Finding]:
    """Target fields that nobody accounts for, reasons that do not hold, and required fields that are never filled."""
    file, filled = mapping.where, target_filled(mapping)
    absent = Names(mapping.spec.absent)
    for field in mapping.target_shape:
        if field.path in filled or field.path in mapping.assigned:
            continue
        if field.path not in absent:
            yield f.Unfilled(file, 1, field.path)
        elif field.required and not field.list:
            line = next(said.line for pattern, said in mapping.spec.absent.items() if field.path in Names([pattern]))
            yield f.NeverFilled(file, line, field.path, {"why": "it is said to be absent"})
    for path, required in mapping.target_shape.lists.items():
        blocks = [block for block in mapping.spec.blocks if block.list == path]
        if required and not blocks:
            yield f.NeverFilled(file, 1, path, {"why": "no block fills the list"})
        for block in blocks:
            yield from _entry(mapping, block)
    paths = [one.path for one in mapping.target_shape]
    for pattern, said in mapping.spec.absent.items():
        yield from _reason(mapping, "absent", pattern, said.line, paths, filled, mapping.target["schema"])


def _entry(mapping: Mapping, block: Block) -> Iterator[Finding]:
    made = {rule.target for rule in block.rules}
    for field in mapping.target_shape.table(block.list):
        if field.required and field.name not in made:
            yield f.NeverFilled(mapping.where, block.line, field.path, {"why": "this block does not fill it"})


def _reason(
    mapping: Mapping, word: str, pattern: str, line: int, paths: list[str], used: dict[str, int], schema: str
) -> Iterator[Finding]:
    names = Names([pattern])
    meant = [path for path in paths if path in names]
    if not meant:
        near = get_close_matches(pattern, [path for path in paths if path not in used], 1)
        fix = f"Did you mean {near[0]}? Correct the name, or delete the line" if near else "Delete the line"
        said = {"word": word, "schema": schema, "fix": fix, "near": near[0] if near else ""}
        yield f.StaleReason(mapping.where, line, pattern, said)
    said = {"word": "ignored" if word == "ignore" else "absent", "rest": ""}
    taken = [path for path in meant if path in used]
    if taken and meant != [pattern]:
        yield f.Contradiction(mapping.where, line, pattern, said | _in_part(mapping, word, pattern, meant, taken, used))
    elif taken:
        how = {"used": f"it is mapped on line {used[pattern]}", "fix": "Delete one of the two"}
        yield f.Contradiction(mapping.where, line, pattern, said | how)


def _in_part(
    mapping: Mapping, word: str, pattern: str, meant: list[str], taken: list[str], used: dict[str, int]
) -> dict[str, str]:
    """What is said of a line that stands for several fields of which some are mapped; ``rest`` are those left."""
    reasons = mapping.spec.ignore if word == "ignore" else mapping.spec.absent
    others = Names(one for one in reasons if one != pattern)
    rest = [path for path in meant if path not in used and path not in others and path not in mapping.assigned]
    more = f" and {len(taken) - 1} more of them" if len(taken) > 1 else ""
    return {
        "used": f"{taken[0]} is mapped on line {used[taken[0]]}{more}",
        "fix": "Name what is left one by one, as bridge check --fix does" if rest else "Delete it",
        "rest": "\n".join(rest),
    }
