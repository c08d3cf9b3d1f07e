"""The derived reverse: records of the source from records of the target, and what each rule loses on the way.

reverse = reverse_of(mapping)
returned = reverse.back(batch)

The way back from a partner is a mapping of its own. This one proves mappings: what comes back is put through forward()
again (tests/laws), and what cannot come back must say why (M050).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bridge.batch import INDEX, ROW, Batch
from bridge.mapping.apply import EVENT
from bridge.mapping.coverage import entries_dropped, entries_parted, rule_covered
from bridge.mapping.inverse import Inverse, Way, inverse
from bridge.mapping.making import Making, Record
from bridge.mapping.model import ABSENT, HERE, PRESENT, Block, Condition, Rule
from bridge.mapping.model import Mapping as Map
from bridge.mapping.names import find_name
from bridge.mapping.plan import mapping_plans
from bridge.mapping.samples import batch_of


@dataclass(frozen=True, slots=True)
class Loss:
    """A rule or block of which something does not come back.

    Args:
        target: path of the target field, or of the list for a block.
        said: the mapping's ``one_way``; "" if it says none.
    """

    target: str
    line: int
    why: str
    said: str


@dataclass(frozen=True, slots=True)
class Returned:
    """Source records made from target records, and the target values that no source record makes.

    Args:
        refused: place of the record in its batch, and path of the field or entry.
    """

    batch: Batch
    refused: Sequence[tuple[int, str]]


@dataclass(frozen=True)
class Reverse:
    """A mapping turned round.

    Args:
        inverses: by the rule's id().
    """

    mapping: Map
    inverses: Mapping[int, Inverse]

    def losses(self) -> Iterator[Loss]:
        """Every rule and block that loses something, whether it says so or not."""
        for list_, _, rule in self.mapping.spec.rules_of():
            one = self.inverses.get(id(rule))
            if one is not None and one.way is Way.LOSSY:
                path = one.plan.field.path if list_ else rule.target
                yield Loss(path, rule.line, one.why, rule.one_way)
        for each, blocks in self.groups().items():
            if each == HERE:
                for block in blocks:
                    why = next((why for rule in block.rules if (why := rule_covered(self.mapping, block, rule))), "")
                    if why:
                        yield Loss(block.list, block.line, why, block.one_way)
                continue
            why = entries_dropped(self.mapping, each) or entries_parted(self.mapping, each)
            if why:
                # One of the blocks over a list speaks for all of them.
                block = next((one for one in blocks if one.one_way), blocks[0])
                yield Loss(block.list, block.line, why, block.one_way)

    def groups(self) -> dict[str, list[Block]]:
        """Blocks by what they go over."""
        found: dict[str, list[Block]] = {}
        for block in self.mapping.spec.blocks:
            found.setdefault(block.each, []).append(block)
        return found

    @cached_property
    def kept(self) -> frozenset[str]:
        """Source fields, by path, that come back whole."""
        found: set[str] = set()
        for block, each, rule in self.placed():
            one = self.inverses[id(rule)]
            if one.way is Way.LOSSY:
                continue
            if block is not None and block.each == HERE and rule_covered(self.mapping, block, rule):
                continue
            if block is not None and block.each != HERE and entries_dropped(self.mapping, block.each):
                continue
            for name in rule.inputs_read:
                meant = find_name(self.mapping.source_shape, self.mapping.spec, each, name)
                if meant is not None and meant.field is not None:
                    found.add(meant.field.path)
        return frozenset(found)

    @cached_property
    def sure(self) -> set[str]:
        """Target fields, by path, that are made again from what comes back."""
        unsure: set[str] = set()
        made: set[str] = set()
        for block, each, rule in self.placed():
            path = self.inverses[id(rule)].plan.field.path
            looked = [*rule.when, *(block.when if block is not None else ())]
            lossy = self.inverses[id(rule)].way is Way.LOSSY or not all(self._seen(each, one) for one in looked)
            (unsure if lossy else made).add(path)
        return made - unsure

    def _seen(self, each: str, condition: Condition) -> bool:
        """Whether what a condition looks at comes back whole."""
        meant = find_name(self.mapping.source_shape, self.mapping.spec, each, condition.field)
        if meant is None:
            return False
        if meant.field is None:
            return meant.list in self.groups() and not entries_dropped(self.mapping, meant.list)
        # A value that a condition names is put back by it.
        return condition.values not in ((PRESENT,), (ABSENT,)) or meant.field.path in self.kept

    def placed(self) -> Iterator[tuple[Block | None, str, Rule]]:
        """Every rule with the block it stands in (None for the record's own) and what that goes over."""
        for rule in self.mapping.spec.rules:
            if id(rule) in self.inverses:
                yield None, "", rule
        for block in self.mapping.spec.blocks:
            for rule in block.rules:
                if id(rule) in self.inverses:
                    yield block, block.each, rule

    def back(self, batch: Batch) -> Returned:
        """The source records of target records, in their order; rows of grouped records stand together."""
        lists: dict[str, dict[int, list[Record]]] = {}
        for path in self.mapping.target_shape.lists:
            table = batch.tables.get(path)
            for entry in table.to_pylist() if table is not None else ():
                lists.setdefault(path, {}).setdefault(entry[ROW], []).append(entry)
        refused: list[tuple[int, str]] = []
        records: list[Record] = []
        for place, record in enumerate(batch.root.to_pylist()):
            entries = {path: found.get(record[ROW], []) for path, found in lists.items()}
            made, bad = self._record(record, entries)
            refused += [(place, path) for path in bad]
            records += made.rows()
        return Returned(batch_of(records, self.mapping.source_shape, batch.where, batch.sha256), refused)

    def _record(self, record: Record, entries: Mapping[str, list[Record]]) -> tuple[Making, list[str]]:
        making, bad = Making(self.mapping, self.inverses), []
        day = record.get(EVENT)
        event = self.mapping.spec.codes_on or EVENT
        # Code rows may hold for a time only, so the day of the event is told before they are asked.
        for rule in sorted(
            self.mapping.spec.rules, key=lambda one: bool(one.codes) and self.inverses[id(one)].plan.dated
        ):
            day = day or making.root.get(event)
            given = self._given(rule, record, day)
            if given is None:
                bad.append(rule.target)
                continue
            making.take(making.root, "", rule, given)
        gone = self._gone(entries, day)
        for path, some in entries.items():
            blocks = [block for block in self.mapping.spec.blocks if block.list == path and block.each not in gone]
            for at, entry in enumerate(some):
                if not any(self._entry(making, block, entry, day) for block in blocks):
                    bad.append(f"{path}.{at}")
        for condition in self.mapping.spec.scope:
            making.meet(making.root, "", condition)
        for path, some in making.outside.items():
            making.lists.setdefault(path, []).extend(some)
        return making, bad

    def _gone(self, entries: Mapping[str, list[Record]], day: str | None) -> set[str]:
        """Source lists that must be empty: some entry can only have been made where they are. Of two blocks that could
        have made another entry, one over such a list has not."""
        found: set[str] = set()
        for path, blocks in self._absences.items():
            for entry in entries.get(path, ()):
                able = [lists for block, lists in blocks if self._givens(block, entry, day) is not None]
                found |= set.intersection(*map(set, able)) if able else set()
        return found

    @cached_property
    def _absences(self) -> dict[str, list[tuple[Block, frozenset[str]]]]:
        """By target list: its blocks, each with the source lists that it wants to be empty, where one wants any."""
        found: dict[str, list[tuple[Block, frozenset[str]]]] = {}
        for block in self.mapping.spec.blocks:
            lists: set[str] = set()
            for condition in block.when if block.each == HERE else ():
                meant = find_name(self.mapping.source_shape, self.mapping.spec, HERE, condition.field)
                if condition.values == (ABSENT,) and meant is not None and meant.field is None:
                    lists.add(meant.list)
            found.setdefault(block.list, []).append((block, frozenset(lists)))
        return {path: blocks for path, blocks in found.items() if any(lists for _, lists in blocks)}

    def _given(self, rule: Rule, entry: Record, day: str | None) -> Mapping[str, Any] | None:
        one = self.inverses.get(id(rule))
        value = entry.get(rule.target)
        if one is None or value is None:
            return {}
        return one.texts(value, entry, day)

    def _entry(self, making: Making, block: Block, entry: Record, day: str | None) -> bool:
        """Take an entry back through a block, if that block can have made it."""
        given = self._givens(block, entry, day)
        if given is None:
            return False
        made: Record = {}
        if block.each != HERE:
            made = making.entry(block, shared=any(not one.when for one in self.groups()[block.each]))
        here = making.root if block.each == HERE else made
        for rule in block.rules:
            making.take(here, block.each, rule, given[rule.target])
        if block.each != HERE:
            for condition in block.when:
                if not making.meet(made, block.each, condition):
                    making.drop(made)
                    return False
            making.counts[id(block)] = making.counts.get(id(block), 0) + 1
            some = making.lists.setdefault(block.each, [])
            if not any(one is made for one in some):
                some.append(made)
        else:
            for condition in block.when:
                making.meet(making.root, "", condition)
        return True

    def _givens(self, block: Block, entry: Record, day: str | None) -> dict[str, Mapping[str, Any]] | None:
        """What each rule of a block gives back of an entry; None if the block cannot have made it."""
        rules = {rule.target: rule for rule in block.rules}
        if any(name not in rules and value is not None for name, value in entry.items() if name not in (ROW, INDEX)):
            return None
        found: dict[str, Mapping[str, Any]] = {}
        for name, rule in rules.items():
            given = self._given(rule, entry, day)
            if given is None:
                return None
            found[name] = given
        return found


def reverse_of(mapping: Map) -> Reverse:
    """The reverse of a mapping whose rules have no faults."""
    plans = mapping_plans(mapping)
    found: dict[int, Inverse] = {}
    groups = [("", mapping.spec.rules), *((block.each, block.rules) for block in mapping.spec.blocks)]
    for each, rules in groups:
        for rule in rules:
            if id(rule) in plans:
                found[id(rule)] = inverse(mapping, each, rule, plans[id(rule)], rules)
    return Reverse(mapping, found)
