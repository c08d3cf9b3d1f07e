"""What a round trip loses: a record of one system, sent to another and fetched home again, through the common schema.

losses = round_trip(Trip(there, out, home, again))

The four mappings are composed and tried with values of every kind that the first can make: each code of its lists,
each precision of its dates, each field present and absent. What does not come home is named with every reason that the
mappings themselves give on its way; a loss without a reason is a fault of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bridge.mapping.accounts import Names, target_filled
from bridge.mapping.back import reverse_of
from bridge.mapping.held import Held, held_values
from bridge.mapping.inverse import Way
from bridge.mapping.model import Mapping as Map
from bridge.mapping.model import Rule, Said
from bridge.mapping.names import find_name
from bridge.mapping.travel import Reason, Trip, compare, parted, try_out


@dataclass(frozen=True, slots=True)
class Lost:
    """A field of the common schema that does not come home whole, or a list whose entries come apart.

    Args:
        read: fields of the system that it is made of.
        always: whether no value of it ever comes home.
        reasons: empty if the mappings give none, which they should.
    """

    path: str
    read: tuple[str, ...]
    always: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Losses:
    """What a round trip loses.

    Args:
        kept: fields of the common schema that come home whole.
        held: fields of which some values do not come home, since a mapping on the way holds their records.
        withheld: rules by which whole records do not leave on this way.
    """

    name: str
    kept: tuple[str, ...]
    lost: tuple[Lost, ...]
    held: tuple[Held, ...]
    withheld: tuple[Reason, ...]

    @property
    def told(self) -> int:
        """How many fields and lists it speaks of."""
        return len({*self.kept, *(one.path for one in self.lost), *(one.path for one in self.held)})

    @property
    def undeclared(self) -> tuple[Lost, ...]:
        """Losses for which no mapping gives a reason."""
        return tuple(one for one in self.lost if not one.reasons)


def round_trip(trip: Trip) -> Losses:
    """The losses of a trip whose mappings have no errors; rows of the system must each be a record."""
    shape = trip.there.target_shape
    carried = [path for path in target_filled(trip.there) if shape.find(path) is not None]
    first, made, withheld = try_out(trip, carried)
    last, held = made[-1][1].batch, held_values(trip, first, made, carried)
    gone = compare(first, last, shape, carried)
    reasons = _Reasons(trip)
    lost: list[Lost] = []
    for path in carried:
        own = tuple(reasons.of_the_first(path))
        if path in gone or own:
            some = (*own, *(reasons.on_the_way(path) if path in gone else ()))
            lost.append(Lost(path, reasons.read(path), gone.get(path, False), tuple(sorted(set(some)))))
    whole = [path for path in carried if path not in gone]
    apart = parted(first, last, shape, whole)
    lost += [Lost(one, reasons.lists(one), False, tuple(sorted(set(reasons.of_list(one))))) for one in apart]
    names = {one.path for one in lost} | {one.path for one in held}
    kept = tuple(path for path in carried if path not in names)
    return Losses(trip.name, kept, tuple(lost), tuple(held), tuple(withheld))


# --- why --------------------------------------------------------------------------------------------------------------


class _Reasons:
    """The reasons that the four mappings give."""

    def __init__(self, trip: Trip) -> None:
        self.trip = trip
        self.reverses = {id(one): reverse_of(one) for one in (trip.there, trip.out, trip.home, trip.again)}

    def read(self, path: str) -> tuple[str, ...]:
        """Fields of the system that a common field is made of."""
        mapping = self.trip.there
        found: list[str] = []
        for each, rule in self._making(mapping, path):
            for name in rule.inputs_read:
                meant = find_name(mapping.source_shape, mapping.spec, each, name)
                if meant is not None and meant.field is not None:
                    found.append(meant.field.path)
        return tuple(dict.fromkeys(found))

    def lists(self, list_: str) -> tuple[str, ...]:
        """Lists of the system that a common list is made of."""
        return tuple(dict.fromkeys(block.each for block in self.trip.there.spec.blocks if block.list == list_))

    def of_the_first(self, path: str) -> Iterator[Reason]:
        """What the first mapping loses of a field before it leaves."""
        yield from self._one_way(self.trip.there, [rule for _, rule in self._making(self.trip.there, path)])

    def on_the_way(self, path: str) -> Iterator[Reason]:
        """Every reason that lies on the way of a field that does not come home."""
        trip = self.trip
        for share in (trip.out, trip.again):
            yield from self._said(share, share.spec.ignore, "ignore", path)
            yield from self._one_way(share, [rule for _, rule in self._reading(share, path)])
        yield from self._said(trip.home, trip.home.spec.absent, "absent", path)
        yield from self._one_way(trip.home, [rule for _, rule in self._making(trip.home, path)])
        for name in self.read(path):
            yield from self._said(trip.again, trip.again.spec.absent, "absent", name)
        list_ = path.rpartition(".")[0]
        field = trip.there.target_shape.find(path)
        if field is not None and field.list:
            yield from self.of_list(list_ if field.list == list_ else field.list)

    def of_list(self, list_: str) -> Iterator[Reason]:
        """Reasons for entries of a common list that are left out or come apart."""
        for mapping in (self.trip.there, self.trip.out, self.trip.home, self.trip.again):
            for block in mapping.spec.blocks:
                if block.one_way and list_ in (block.list, block.each):
                    yield Reason(mapping.where, block.line, "one_way", block.list, block.one_way)

    def _said(self, mapping: Map, reasons: Mapping[str, Said], word: str, path: str) -> Iterator[Reason]:
        for name, said in reasons.items():
            if path in Names([name]):
                yield Reason(mapping.where, said.line, word, name, said.why)

    def _one_way(self, mapping: Map, rules: Sequence[Rule]) -> Iterator[Reason]:
        for rule in rules:
            one = self.reverses[id(mapping)].inverses.get(id(rule))
            if one is not None and one.way is Way.LOSSY and rule.one_way:
                yield Reason(mapping.where, rule.line, "one_way", one.plan.field.path, rule.one_way)

    def _making(self, mapping: Map, path: str) -> Iterator[tuple[str, Rule]]:
        for list_, each, rule in mapping.spec.rules_of():
            field = mapping.target_field(list_, rule.target)
            if field is not None and field.path == path:
                yield each, rule

    def _reading(self, mapping: Map, path: str) -> Iterator[tuple[str, Rule]]:
        for _, each, rule in mapping.spec.rules_of():
            for name in rule.inputs_read:
                meant = find_name(mapping.source_shape, mapping.spec, each, name)
                if meant is not None and meant.field is not None and meant.field.path == path:
                    yield each, rule
