"""Whether every rule that loses something on the way says so, and none that loses nothing does."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.mapping import findings as f
from bridge.mapping.back import reverse_of
from bridge.mapping.findings import Finding
from bridge.mapping.inverse import Way
from bridge.mapping.model import Mapping


def back_findings(mapping: Mapping) -> Iterator[Finding]:
    """Findings of the derived reverse; the mapping has no other error."""
    reverse = reverse_of(mapping)
    lossy = set()
    for loss in reverse.losses():
        lossy.add((loss.target, loss.line))
        if not loss.said:
            yield f.Irreversible(mapping.where, loss.line, loss.target, {"why": loss.why})
    for list_, _, rule in mapping.spec.rules_of():
        one = reverse.inverses.get(id(rule))
        if rule.one_way and one is not None and one.way is not Way.LOSSY:
            path = one.plan.field.path if list_ else rule.target
            yield f.NeedlessOneWay(mapping.where, rule.line, path)
    for block in mapping.spec.blocks:
        if block.one_way and (block.list, block.line) not in lossy:
            yield f.NeedlessOneWay(mapping.where, block.line, block.list)
