"""Columns that repeat under a number (Goods 1, Goods 2): each number is an entry of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from bridge.authoring.choosing import Choice
from bridge.authoring.drafting import Draft, Said, field_rule
from bridge.authoring.sample import Column, Sample
from bridge.content import Content
from bridge.shape import Shape

_ONE: Final = re.compile(r"(?<![0-9])0?1(?![0-9])")
MOST: Final = 50
_LEADING: Final = ("goods.commodity_type", "goods.description", "goods.hs_code", "goods.quantity")
"""What an entry cannot be without, the best first: where it has no value there is no entry."""


def repeated(columns: Sequence[Column]) -> frozenset[str]:
    """Paths of the columns that repeat one with the number 1: what fills the first entry fills theirs as well."""
    firsts = [one.path for one in columns if _ONE.search(one.path)]
    there = {one.path for one in columns}
    return frozenset(path for one in firsts for number in range(2, MOST) if (path := _numbered(one, number)) in there)


def repeat_goods(draft: Draft, chosen: Mapping[str, Choice], sample: Sample, shape: Shape, content: Content) -> None:
    """A block of goods for each number beyond the first, by the rules of the first."""
    goods = {
        target: one for target, one in chosen.items() if target.startswith("goods.") and _ONE.search(one.column.path)
    }
    leading = next((target for target in _LEADING if target in goods), None)
    blocks = draft.blocks.get("goods", [])
    if leading is None or len(blocks) != 1 or blocks[0][0] != ".":
        return
    columns = {one.path: one for one in sample.columns}
    for number in range(2, MOST):
        named = {target: _numbered(one.column.path, number) for target, one in goods.items()}
        if named[leading] not in columns:
            return
        kind, text = (columns.get(named.get(f"goods.{name}", "")) for name in ("commodity_type", "description"))
        if kind is not None and text is not None:
            draft.words[kind.path] = text
        rules: dict[str, Said] = {}
        for target, path in named.items():
            field, column = shape.find(target), columns.get(path)
            if field is not None and column is not None:
                draft.classes[path] = (field.cls, field.sensitivity, f"as {field.path}, which it may fill")
                rules[target.removeprefix("goods.")] = field_rule(
                    draft, column, field, content, f"as {goods[target].column.path}"
                )
        why = f"columns under the number {number}, beside those under 1"
        blocks.append((".", {named[leading]: "present"}, rules, why))


def _numbered(path: str, number: int) -> str:
    """The name of the column that has this number where the given one has 1."""
    found = list(_ONE.finditer(path))[-1]
    return path[: found.start()] + str(number).zfill(len(found[0])) + path[found.end() :]
