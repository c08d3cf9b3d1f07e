"""One source record while it is put together from what rules give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.mapping.inverse import Inverse
from bridge.mapping.model import ABSENT, HERE, LINES, OUTER, PRESENT, Block, Condition, Rule
from bridge.mapping.model import Mapping as Map
from bridge.mapping.names import find_name
from bridge.shape import Type

Record = dict[str, Any]


@dataclass
class Making:
    """One source record while it is put together: of two rules that tell the same field, the better one wins.

    Args:
        inverses: of the mapping's rules, by their id().
    """

    mapping: Map
    inverses: Mapping[int, Inverse]
    root: Record = field(default_factory=dict)
    lists: dict[str, list[Record]] = field(default_factory=dict)
    outside: dict[str, list[Record]] = field(default_factory=dict)
    """Entries that rules of the record have told from outside their list."""
    ranks: dict[tuple[int, str], int] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    """How many entries each block, by its id(), has given back."""

    def put(self, entry: Record, name: str, text: str | list[str] | None, rank: int) -> None:
        """Give a field its text, unless one of a lower rank is there."""
        key = (id(entry), name)
        if text is not None and rank < self.ranks.get(key, 99):
            entry[name] = text
            self.ranks[key] = rank

    def drop(self, entry: Record) -> None:
        """Forget what was put into an entry that came to nothing: the next one may lie where it lay."""
        if not any(one is entry for some in self.lists.values() for one in some):
            for name in entry:
                self.ranks.pop((id(entry), name), None)

    def take(self, entry: Record, each: str, rule: Rule, given: Mapping[str, Any]) -> None:
        """Put what a rule gives back where its names mean."""
        rank = int(self.inverses[id(rule)].way) * 4 + (2 if rule.unit else 1 if rule.codes else 0) + (each == HERE)
        for name, said in given.items():
            meant = find_name(self.mapping.source_shape, self.mapping.spec, each, name)
            if meant is None or meant.field is None:
                continue
            inside = each not in ("", HERE) and not name.startswith(OUTER)
            if not meant.list or inside:
                text = said if meant.field.type is Type.LIST or isinstance(said, str) else said[0]
                self.put(entry if inside else self.root, meant.field.name, text, rank)
                continue
            some = self.outside.setdefault(meant.list, [])
            for at, text in enumerate(said if isinstance(said, list) else [said]):
                if at == len(some):
                    some.append({})
                self.put(some[at], meant.field.name, text, rank)

    def entry(self, block: Block, *, shared: bool) -> Record:
        """The source entry that a block's next entry comes from: where another block takes every entry (``shared``),
        the entry with the same number is the likeliest; else one of its own."""
        some = self.lists.get(block.each, [])
        number = self.counts.get(id(block), 0)
        return some[number] if shared and number < len(some) else {}

    def meet(self, entry: Record, each: str, condition: Condition) -> bool:
        """Let the record meet a condition, if the value it needs is not told otherwise."""
        meant = find_name(self.mapping.source_shape, self.mapping.spec, each, condition.field)
        if meant is None or meant.field is None or (meant.list and each in ("", HERE)):
            return True
        inside = each not in ("", HERE) and not condition.field.startswith(OUTER)
        here = entry if inside else self.root
        told = here.get(meant.field.name)
        if condition.values in ((PRESENT,), (ABSENT,)):
            return (told is not None) is (condition.values == (PRESENT,))
        if told is None:
            self.put(here, meant.field.name, condition.values[0], 98)
            return True
        return told in condition.values

    def rows(self) -> list[Record]:
        """A record as the source has it: itself with its lists, or for a grouped one each of its rows."""
        if self.mapping.spec.group is None:
            return [{**self.root, **self.lists}]
        return [{**self.root, **line} for line in self.lists.get(LINES, [])] or [dict(self.root)]
