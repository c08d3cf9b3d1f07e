"""Which name was meant by one that means nothing: a guess for people, and what leaves no choice for --fix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Final

from bridge.mapping.accounts import Names, release_read, source_read, target_filled
from bridge.mapping.model import OUTER, Mapping
from bridge.mapping.names import find_name

SURE: Final = 0.85
"""Likeness from which a name that nothing else is like is taken for a slip of the pen."""


def meant_source(mapping: Mapping, each: str, name: str, known: Sequence[str]) -> dict[str, str]:
    """What a finding says of a name that is no source field: ``near`` for people, and ``meant`` if only one field can
    be, which nobody ignores and no rule reads; else ""."""
    used = source_read(mapping).keys() | release_read(mapping)
    over = {block.each for block in mapping.spec.blocks}
    ignored = Names(mapping.spec.ignore)

    def taken(one: str) -> bool:
        found = (
            find_name(mapping.source_shape, mapping.spec, each, one) if one not in mapping.source_shape.lists else None
        )
        if found is None or found.field is None:
            return one in over or all(field.path in ignored for field in mapping.source_shape.table(one))
        return found.field.path in used or found.field.path in ignored

    return _said(name, known, taken)


def meant_target(mapping: Mapping, list_: str, name: str, known: Sequence[str]) -> dict[str, str]:
    """The same of a name that is no target field: nothing fills what is meant, and nobody says that it is absent."""
    filled = target_filled(mapping).keys() | {block.list for block in mapping.spec.blocks}
    absent = Names(mapping.spec.absent)

    def taken(one: str) -> bool:
        if not list_ and one in mapping.target_shape.lists:
            return one in filled or all(field.path in absent for field in mapping.target_shape.table(one))
        field = mapping.target_field(list_, one)
        return field is None or field.path in filled or field.path in absent or field.path in mapping.assigned

    return _said(name, known, taken)


def _said(name: str, known: Sequence[str], taken: Callable[[str], bool]) -> dict[str, str]:
    near = get_close_matches(name, known, 1)
    sure = get_close_matches(name, known, max(len(known), 1), SURE)
    only = sure[0] if len(sure) == 1 else ""
    # Numbers tell fields apart that are alike otherwise, and ^ those of the record from those of an entry.
    if only and (_numbers(only) != _numbers(name) or only.startswith(OUTER) != name.startswith(OUTER) or taken(only)):
        only = ""
    return {"name": name, "near": f"did you mean {near[0]}?" if near else "correct the name.", "meant": only}


def _numbers(name: str) -> str:
    return "".join(char for char in name if char.isdigit())
