"""One seizure in two reports: what the later one says beside the first, and where the two differ.

Compared is what tells of the seizure and names nobody: fields of an event, of goods, of a conveyance or a route that
are NON_NOMINAL. Texts and personal data stay in the report of the supplier who answers for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import ROOT, ROW, Batch
from bridge.shape import Class, Field, Sensitivity, Shape, Type

Entry = dict[str, Any]
Entries = dict[str, list[Entry]]
"""One record: by list the entries, by "" the record's own fields as the only one."""

ABOUT: Final = frozenset({Class.EVENT, Class.GOODS, Class.CONVEYANCE, Class.ROUTE})
"""Classes that tell of the seizure; all others tell of the report, of persons or of businesses."""
OWN: Final = frozenset({"goods.line", "goods.reported_quantity", "goods.reported_unit", "route.step"})
"""Fields that tell how one supplier wrote it down."""
TOGETHER: Final = (
    frozenset({"seizure_country", "location_type", "place", "place_unlocode", "latitude", "longitude"}),
    frozenset({"transport_mode", "conveyances"}),
    frozenset({"goods.quantity", "goods.unit"}),
    frozenset({"goods.value_amount", "goods.value_currency", "goods.value_eur"}),
    frozenset({"goods.drug_type", "goods.drug_quantity", "goods.drug_unit"}),
)
"""Fields and lists that mean something only together: to what the first says of them only a report adds that says the
same of all of it."""
GOODS: Final = "goods"
EMPTY: Final[tuple[Any, ...]] = (None, [])


@dataclass(frozen=True, slots=True)
class Spot:
    """A field of an entry, or a list.

    Args:
        list: the list, ROOT for the record.
        name: the field; "" for the list as a whole, or for the entry ``later`` of it.
        first: the entry's place in the first report, ``later`` in the later one; None for none.
    """

    list: str
    name: str
    first: int | None = None
    later: int | None = None

    @property
    def path(self) -> str:
        """Its name in the first report, entries counted from 1; of an entry that only the later has, its name there."""
        place = self.later if self.first is None else self.first
        number = () if place is None or not self.list else (str(place + 1),)
        return ".".join(filter(None, (self.list, *number, self.name)))


@dataclass(frozen=True, slots=True)
class Compared:
    """What a later report says beside the first.

    Args:
        adds: what the first left empty.
        differs: what both say, and not the same.
        strange: entries of the later of which nobody can tell whether they are one of the first's.
    """

    adds: tuple[Spot, ...]
    differs: tuple[Spot, ...]
    strange: tuple[Spot, ...] = ()


def compare(shape: Shape, first: Entries, later: Entries) -> Compared:
    """What the later of two whole reports of one seizure says beside the first."""
    root = _entry(shape, ROOT, first, later, 0, 0)
    adds, differs, strange = list(root.adds), list(root.differs), []
    for name in shape.lists:
        fields = told(shape, name)
        if not fields or not later.get(name):
            continue
        if not first.get(name):
            if _agrees(shape, Spot(name, ""), first, later):
                adds.append(Spot(name, ""))
        elif name == GOODS:
            pairs = matched(first[name], later[name])
            for there, here in pairs.items():
                line = _entry(shape, name, first, later, here, there)
                adds += line.adds
                differs += line.differs
            strange += [Spot(name, "", None, n) for n in range(len(later[name])) if n not in pairs]
        elif not all(_alike(fields, one, first[name]) for one in later[name]):
            differs.append(Spot(name, ""))
    return Compared(tuple(adds), tuple(differs), tuple(strange))


def matched(first: Sequence[Entry], later: Sequence[Entry]) -> dict[int, int]:
    """Places of goods lines of the first report by those of the later one.

    Two lines are the same goods if they state the same group, contradict one another neither in kind nor in goods
    code, and no other line of either report could be meant; else nobody can tell, and none is matched.
    """
    kin = {n: [m for m, mine in enumerate(first) if _kin(mine, theirs)] for n, theirs in enumerate(later)}
    meant = [m for found in kin.values() for m in found]
    return {n: found[0] for n, found in kin.items() if len(found) == 1 and meant.count(found[0]) == 1}


def told(shape: Shape, name: str) -> tuple[Field, ...]:
    """The fields that are compared, of the record or of a list's entries; none of a list that tells of persons, of
    businesses or of the report."""
    plain = [field for field in shape.table(name) if field.sensitivity is Sensitivity.NON_NOMINAL]
    if name != ROOT and any(field.cls not in ABOUT for field in plain):
        return ()
    return tuple(field for field in plain if field.cls in ABOUT and field.path not in OWN)


def entries(batch: Batch, rows: pa.Array | None = None) -> dict[int, Entries]:
    """Records of a batch by row, as values."""
    found: dict[int, Entries] = {}
    for name, table in batch.tables.items():
        mine = table if rows is None else table.filter(pc.is_in(table.column(ROW), value_set=rows))
        for entry in mine.to_pylist():
            found.setdefault(entry[ROW], {}).setdefault(name, []).append(entry)
    return found


def _entry(shape: Shape, name: str, first: Entries, later: Entries, here: int, there: int) -> Compared:
    """Entry ``here`` of the first report and ``there`` of the later one, field by field."""
    one, other = first[name][here], later[name][there]
    adds, differs = [], []
    for field in told(shape, name):
        value, said = one.get(field.name), other.get(field.name)
        spot = Spot(name, field.name, here, there)
        if said in EMPTY:
            continue
        if value in EMPTY:
            if _agrees(shape, spot, first, later):
                adds.append(spot)
        elif not _fits(field, value, said):
            differs.append(spot)
    return Compared(tuple(adds), tuple(differs))


def _agrees(shape: Shape, spot: Spot, first: Entries, later: Entries) -> bool:
    """Whether the later report says the same as the first of all that this belongs to and that the first says."""
    path = ".".join(filter(None, (spot.list, spot.name)))
    for other in {one for group in TOGETHER if path in group for one in group} - {path}:
        field = shape.find(other)
        if field is None:
            if first.get(other):
                return False
            continue
        value = first[field.list][spot.first or 0].get(field.name)
        said = later[field.list][spot.later or 0].get(field.name)
        if value not in EMPTY and (said in EMPTY or not _fits(field, value, said)):
            return False
    return True


def _fits(field: Field, first: Any, later: Any) -> bool:
    """Whether a later value contradicts the first in nothing; a date may be less exact on either side."""
    if field.type is Type.LIST:
        return set(later) <= set(first)
    if field.type is Type.DATE:
        return str(first).startswith(str(later)) or str(later).startswith(str(first))
    return bool(first == later)


def _alike(fields: Sequence[Field], entry: Entry, others: Sequence[Entry]) -> bool:
    """Whether one of the others says all that the entry says."""
    said = [field for field in fields if entry.get(field.name) not in EMPTY]
    return any(
        all(one.get(f.name) not in EMPTY and _fits(f, one[f.name], entry[f.name]) for f in said) for one in others
    )


def _kin(one: Entry, other: Entry) -> bool:
    """Whether two goods lines may be the same goods."""
    group = one.get("commodity_group")
    return (
        group is not None
        and group == other.get("commodity_group")
        and all(
            one.get(name) is None or other.get(name) is None or one[name] == other[name]
            for name in ("commodity_type", "hs_code")
        )
    )
