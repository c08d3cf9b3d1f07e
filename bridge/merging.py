"""What may leave of a case that several suppliers reported: the first report, and what later ones add to it.

The first report stands; a later one contributes only what does not conflict (Reg. (EC) No 515/97, Art. 32). Each is
released on its own, by its supplier's handling, legal ground and authorisations and by all that was decided about it;
so nothing of a report leaves in another supplier's case that would not have left without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import INDEX, ROOT, ROW, Batch
from bridge.comparing import EMPTY, OWN, Entries, compare, entries, told
from bridge.onward import Authorisation
from bridge.policy import Decided, looks_at_personal
from bridge.release import Released, release
from bridge.shape import Shape

if TYPE_CHECKING:
    from bridge.mapping.model import Release

TERMS: Final = "TERMS"
"""Why a report adds nothing: it is under other handling or another act, or its supplier has named other recipients or
conditions than the first's."""
PERSONAL_RULE: Final = "PERSONAL_RULE"
"""Why no report adds anything for a partner: a rule of release looks at personal data, which are not read for this."""
UNFIT: Final = "UNFIT"
"""Why a report adds nothing: with what it adds, the partner's mapping would hold the record."""
_FREE: Final = (None, "H0")
"""Handling that restricts nothing."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Later reports beside the records of a batch.

    Args:
        of: by row of a record, the rows of its later reports in ``batch``, the first first.
        batch: their plain halves.
        decided: what was decided about them, by row, but that they are later reports.
    """

    of: Mapping[int, Sequence[int]]
    batch: Batch
    decided: Mapping[int, Decided]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What became of one later report beside one record: the paths that it added, or why it may add nothing."""

    row: int
    report: int
    added: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """What may leave once later reports have added to it.

    Args:
        authorised: by row of a report that added something, the authorisation without which it could not have.
    """

    batch: Batch
    contributions: tuple[Contribution, ...] = ()
    authorised: Mapping[int, int] = field(default_factory=dict)


def merge(
    policy: Release | None,
    shape: Shape,
    whole: Batch,
    released: Released,
    reports: Reports,
    decided: Mapping[int, Decided],
    authorisations: Sequence[Authorisation] = (),
) -> Merged:
    """What is released of a batch, with what later reports add to it.

    The first report with all that is added is released once more: a rule that holds of both together, and of neither
    alone, keeps back what was added.

    Args:
        whole: the batch before its release: what the first report says and does not let leave stays empty.
        decided: what was decided about the records of the batch, by row.
    """
    pairs = [(row, report) for row in released.batch.rows().to_pylist() for report in reports.of.get(row, ())]
    if policy is None or not pairs:
        return Merged(released.batch)
    if looks_at_personal(policy, shape):
        return Merged(released.batch, tuple(Contribution(row, report, (), PERSONAL_RULE) for row, report in pairs))
    theirs = release(policy, shape, reports.batch, reports.decided, authorisations)
    rules = dict(zip(*(theirs.withheld.column(name).to_pylist() for name in (ROW, "rule")), strict=True))
    conditions = {one.number: one.conditions for one in authorisations} | {0: ""}
    rows = pa.array(sorted({row for row, _ in pairs}), pa.int64())
    said = entries(whole, rows)
    later, left = entries(reports.batch), entries(theirs.batch)
    done = []
    for row, report in pairs:
        why = rules.get(report, "")
        added: tuple[str, ...] = ()
        bound = (conditions[released.authorised.get(row, 0)], conditions[theirs.authorised.get(report, 0)])
        if not why and not _same_terms(said[row], later[report], *bound):
            why = TERMS
        if not why:
            added = tuple(_add(shape, said[row], later[report], left[report]))
        done.append(Contribution(row, report, added, why))
    with_added = {row: said[row] for row in {one.row for one in done if one.added}}
    again = release(policy, shape, _written(whole, with_added), decided, authorisations)
    kept = dict(zip(*(again.withheld.column(name).to_pylist() for name in (ROW, "rule")), strict=True))
    final = tuple(replace(one, added=(), why=kept[one.row]) if one.added and one.row in kept else one for one in done)
    return Merged(_put(released.batch, again.batch), final, _used(final, theirs.authorised))


def without(merged: Merged, released: Batch, rows: set[int]) -> Merged:
    """The same, but that nothing is added to these records, as the partner cannot take it."""
    final = tuple(
        replace(one, added=(), why=UNFIT) if one.added and one.row in rows else one for one in merged.contributions
    )
    back = released.only(pa.array(sorted(rows), pa.int64()))
    return Merged(_put(merged.batch, back), final, _used(final, merged.authorised))


def _used(contributions: Sequence[Contribution], authorised: Mapping[int, int]) -> dict[int, int]:
    """Authorisations of the reports that added something."""
    reports = {one.report for one in contributions if one.added}
    return {report: number for report, number in authorised.items() if report in reports}


def _add(shape: Shape, said: Entries, later: Entries, left: Entries) -> list[str]:
    """Put into the first report what leaves of a later one and the first left empty; gives the paths."""
    added = []
    for spot in compare(shape, said, later).adds:
        if not spot.name:
            found = _list(shape, spot.list, left)
            if found:
                said[spot.list] = found
                added.append(spot.path)
        elif len(later[spot.list]) == len(left.get(spot.list, ())):  # else release has moved the entries
            value = left[spot.list][spot.later or 0].get(spot.name)
            if value not in EMPTY:
                said[spot.list][spot.first or 0][spot.name] = value
                added.append(spot.path)
    return added


def _list(shape: Shape, name: str, left: Entries) -> list[dict[str, Any]]:
    """The entries that leave, with nothing but what is compared and their numbers."""
    compared = [one.name for one in told(shape, name)]
    found = left.get(name, [])
    if all(entry.get(one) in EMPTY for entry in found for one in compared):
        return []
    names = compared + [one.name for one in shape.table(name) if one.path in OWN]
    return [{INDEX: place, **{one: entry.get(one) for one in names}} for place, entry in enumerate(found)]


def _same_terms(first: Entries, later: Entries, bound: str, bound_later: str) -> bool:
    """Whether the later report's values may stand under what the first's supplier wants of its own."""
    mine, theirs = first[ROOT][0], later[ROOT][0]
    return (
        theirs.get("handling_code") in (*_FREE, mine.get("handling_code"))
        and theirs.get("legal_basis") in (None, mine.get("legal_basis"))
        and (theirs.get("recipients") or None) in (None, mine.get("recipients"))
        and bound_later in ("", bound)
    )


def _written(batch: Batch, records: Mapping[int, Entries]) -> Batch:
    """These records of the batch, and no others, as they are now."""
    tables = {
        name: pa.Table.from_pylist(
            [{**entry, ROW: row} for row, found in sorted(records.items()) for entry in found.get(name, ())],
            table.schema,
        )
        for name, table in batch.tables.items()
    }
    return replace(batch, tables=tables)


def _put(batch: Batch, records: Batch) -> Batch:
    """The batch with these records in the place of its own."""
    tables = {}
    for name, table in batch.tables.items():
        others = table.filter(pc.invert(pc.is_in(table.column(ROW), value_set=records.rows())))
        both = pl.DataFrame(pa.concat_tables([others, records.tables[name].cast(table.schema)]))
        order = [ROW] if name == ROOT else [ROW, INDEX]
        tables[name] = both.sort(order, maintain_order=True).to_arrow().cast(table.schema)
    return replace(batch, tables=tables)
