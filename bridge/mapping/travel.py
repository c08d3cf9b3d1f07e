"""A round trip tried out: common records of every kind that a system can make, sent to a partner and fetched home."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import pyarrow as pa

from bridge.batch import ROOT, ROW, Batch
from bridge.mapping.apply import Mapped, forward
from bridge.mapping.codes import read_codes
from bridge.mapping.conform import conform
from bridge.mapping.dates import ISO
from bridge.mapping.model import Literal, Rule
from bridge.mapping.model import Mapping as Map
from bridge.mapping.names import find_name
from bridge.mapping.rules import Refused
from bridge.mapping.samples import batch_of
from bridge.mapping.views import see
from bridge.shape import Field, Shape, Type

Record = dict[str, Any]
_RECORDS = 300
_FILLER = {
    Type.DATETIME: "2026-01-05T09:30:00Z",
    Type.DATE: "2026-01-05",
    Type.INTEGER: "1",
    Type.DECIMAL: "1",
    Type.BOOLEAN: "true",
}


_DATES: Final = {"%d": "2025-03-09", "%m": "2025-03", "%Y": "2025"}
_TRIED: Final = {
    Type.DATETIME: ["2026-01-05T09:30:00Z", "2026-01-05T09:30:00.25Z"],
    Type.DECIMAL: ["12.5", "7", "0.001", "0"],
    Type.INTEGER: ["1", "3", "12"],
    Type.BOOLEAN: ["true", "false"],
}


@dataclass(frozen=True, slots=True)
class Trip:
    """Four mappings: a system's records to the common schema, on to a partner, from the partner, home to the system."""

    there: Map
    out: Map
    home: Map
    again: Map

    @property
    def name(self) -> str:
        """The trip in words, such as ``cen -> cis -> cen``."""
        return f"{self.there.system} -> {self.out.system} -> {self.again.system}"


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """A line of a mapping that says why something is lost.

    Args:
        word: ``ignore``, ``absent``, ``one_way`` or ``withhold``.
        name: the field, list or code that it stands at.
    """

    file: str
    line: int
    word: str
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.word} {self.name}: {self.why}"


# --- what comes home --------------------------------------------------------------------------------------------------


def travel(trip: Trip, common: Batch) -> tuple[Batch, Batch, Batch]:
    """A batch of common records on the whole way: as it left, as it was fetched from the partner, and as it is at home
    again; each hop leaves out the records that it holds."""
    made = hops(trip, common)
    return common, made[1][1].batch, made[3][1].batch


def hops(trip: Trip, common: Batch) -> list[tuple[Map, Mapped]]:
    """What each of the four mappings on the way makes of the records that the one before has not held."""
    made: list[tuple[Map, Mapped]] = []
    for mapping in (trip.out, trip.home, trip.again, trip.there):
        batch = made[-1][1].batch if made else common
        made.append((mapping, forward(mapping, _filled(batch, mapping))))
    return made


def _filled(batch: Batch, mapping: Map) -> Batch:
    """The batch with what the system that holds it fills by itself: fields that it requires and nobody sends."""
    tables = dict(batch.tables)
    for field in mapping.source_shape.table():
        needed = field.required or field.name in mapping.promised
        table = tables[ROOT]
        if needed and table.column(field.name).null_count == len(table):
            text = field.example or _FILLER.get(field.type, "x")
            value = pa.scalar(text).cast(field.arrow) if field.type is not Type.LIST else pa.scalar([text], field.arrow)
            at = table.column_names.index(field.name)
            tables[ROOT] = table.set_column(at, field.name, pa.repeat(value, len(table)))
    return Batch(tables, batch.where, batch.sha256)


def compare(first: Batch, last: Batch, shape: Shape, paths: Sequence[str]) -> dict[str, bool]:
    """Fields of which a value did not come home, and whether none ever did; records that were held on the way do not
    count, and neither does where in a list a value stands."""
    rows = set(last.root.column(ROW).to_pylist())
    found: dict[str, bool] = {}
    for path in paths:
        field = shape.find(path)
        if field is None:
            continue
        before, after = (_values(batch, field, rows) for batch in (first, last))
        short = [row for row, values in before.items() if values - after.get(row, Counter())]
        if short:
            found[path] = not any(values & after.get(row, Counter()) for row, values in before.items())
    return found


def _values(batch: Batch, field: Field, rows: set[int]) -> dict[int, Counter[Any]]:
    table = batch.tables[field.list]
    found: dict[int, Counter[Any]] = {}
    for row, value in zip(table.column(ROW).to_pylist(), table.column(field.name).to_pylist(), strict=True):
        if row in rows and value is not None:
            found.setdefault(row, Counter()).update(value if isinstance(value, list) else [value])
    return found


def parted(first: Batch, last: Batch, shape: Shape, paths: Sequence[str]) -> list[str]:
    """Lists of which every value comes home, but not together with those that stood beside it."""
    rows = set(last.root.column(ROW).to_pylist())
    found: list[str] = []
    for list_ in shape.lists:
        names = [field.name for field in shape.table(list_) if field.path in paths]
        if len(names) < 2:
            continue
        before, after = (_entries(batch.tables[list_], names, rows) for batch in (first, last))
        if any(not _inside(one, after.get(row, [])) for row, some in before.items() for one in some):
            found.append(list_)
    return found


def _entries(table: pa.Table, names: list[str], rows: set[int]) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for entry in table.to_pylist():
        if entry[ROW] in rows:
            found.setdefault(entry[ROW], []).append({name: entry[name] for name in names if entry[name] is not None})
    return found


def _inside(entry: Record, others: Sequence[Record]) -> bool:
    return any(all(other.get(name) == value for name, value in entry.items()) for other in others)


# --- what is tried ----------------------------------------------------------------------------------------------------


def try_out(trip: Trip, carried: Sequence[str]) -> tuple[Batch, list[tuple[Map, Mapped]], list[Reason]]:
    """Common records such as the first mapping makes, and what each hop made of them; what the way needs is there."""
    needed = {path for path in carried if _always(trip.there, path)} | set(_units(trip.there))
    values = {path: _probes(trip.there, path) for path in carried}
    while True:
        first = _probe(trip.there.target_shape, values, needed)
        made = hops(trip, first)
        fetched = made[1][1].batch
        lacking = {
            path for mapping, batch in ((trip.out, first), (trip.again, fetched)) for path in _lacking(mapping, batch)
        }
        if not lacking & set(carried) - needed:
            return first, made, [*_withheld(trip.out, first), *_withheld(trip.again, fetched)]
        needed |= lacking & set(carried)


def _units(there: Map) -> Iterator[str]:
    """Units of converted quantities, without which the first mapping makes no quantity either."""
    rules = there.spec.rules_of()
    for list_, each, rule in rules:
        if rule.unit:
            beside = [one for at, over, one in rules if (at, over) == (list_, each) and one.codes == rule.codes]
            fields = [there.target_field(list_, one.target) for one in beside if one.inputs == (rule.unit,)]
            yield from (field.path for field in fields if field is not None)


def _always(there: Map, path: str) -> bool:
    """Whether the first mapping fills a common field of every record or entry that its source's schema allows."""
    blocks = [("", "", there.spec.rules), *((one.list, one.each, one.rules) for one in there.spec.blocks)]
    field = there.target_shape.find(path)
    for list_, each, rules in blocks:
        if field is None or list_ != field.list:
            continue
        rule = next((one for one in rules if one.target == field.name), None)
        if rule is None or rule.when or rule.blank:
            return False
        codes = read_codes(there.content, rule.codes) if rule.codes and not rule.unit else None
        if codes is not None and any(row.target is None for rows in codes.rows.values() for row in rows):
            return False
        for name in rule.inputs_read:
            meant = find_name(there.source_shape, there.spec, each, name)
            if meant is None or meant.field is None or not meant.field.required:
                return False
    return True


def _lacking(mapping: Map, batch: Batch) -> Iterator[str]:
    """Common fields without which a record is held."""
    missed = {
        ".".join(part for part in problem.field.replace("/", ".").split(".") if not part.isdigit())
        for problem in forward(mapping, _filled(batch, mapping)).problems
        if problem.code in ("MISSING", "NO_UNIT")
    }
    for list_, each, rule in mapping.spec.rules_of():
        path = f"{list_}.{rule.target}" if list_ else rule.target
        if path.replace("/", ".") not in missed:
            continue
        for name in rule.inputs_read:
            meant = find_name(mapping.source_shape, mapping.spec, each, name)
            if meant is not None and meant.field is not None:
                yield meant.field.path


def _probe(shape: Shape, values: Mapping[str, list[Any]], needed: set[str]) -> Batch:
    """Records that between them have every value to be tried, in changing company."""
    chance = Random(0)  # noqa: S311 -- the same records each time, not a secret
    records: list[Record] = []

    def entry(table: str, number: int) -> Record:
        made: Record = {}
        for field in shape.table(table):
            some = values.get(field.path)
            if some and (field.path in needed or chance.random() < 0.8):
                made[field.name] = some[(number + chance.randrange(3)) % len(some)]
        return made

    for number in range(_RECORDS):
        record = entry(ROOT, number)
        for list_ in shape.lists:
            if any(field.path in values for field in shape.table(list_)):
                record[list_] = [entry(list_, number * 3 + place) for place in range(chance.choice((1, 1, 2, 3)))]
        records.append(record)
    return batch_of(records, shape, "a round trip")


def _probes(there: Map, path: str) -> list[Any]:
    """Values of a common field to be tried: every code, every precision of a date, some of each other kind."""
    field = there.target_shape.find(path)
    if field is None:
        return []
    texts: list[str] = []
    for list_, _, rule in there.spec.rules_of():
        if (f"{list_}.{rule.target}" if list_ else rule.target) == path:
            texts += _made_by(there, rule, field)
    keep = conform(field)
    kept = [value for text in dict.fromkeys(texts) if not isinstance(value := keep(text), Refused)]
    return [[one] for one in kept] + [kept[:2]] * (len(kept) > 1) if field.type is Type.LIST else kept


def _made_by(there: Map, rule: Rule, field: Field) -> list[str]:
    if rule.combine == "const":
        return [part.text for part in rule.inputs if isinstance(part, Literal)]
    if rule.codes and not rule.unit:
        codes = read_codes(there.content, rule.codes)
        return sorted(codes.targets) if codes is not None else []
    if field.codes:
        return list(field.codes)
    if field.type is Type.DATE:
        said = rule.date if rule.date and ISO not in rule.date else ("%d", "%m", "%Y")
        return [next(text for mark, text in _DATES.items() if mark in _plain(one)) for one in said]
    words = [field.example, "a", "Ärmel, b; c:d"] if not field.pattern else [field.example]
    return _TRIED.get(field.type, words)


def _plain(pattern: str) -> str:
    return pattern.replace("%-", "%").replace("%b", "%m").replace("%B", "%m").replace("%y", "%Y")


def _withheld(share: Map, batch: Batch) -> Iterator[Reason]:
    """Rules of a release policy that some record of a batch meets."""
    for rule in share.release.withhold if share.release is not None else ():
        record = see(batch, share.source_shape, share.spec).record
        met = record.all_match(rule.when)
        if (met & ~record.all_match(rule.but) if rule.but else met).any():
            yield Reason(share.where, rule.line, "withhold", rule.code, rule.why)
