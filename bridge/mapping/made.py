"""A target field's column: values made from texts, refusals, defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bridge.mapping.columns import Coded, Places, Result, each_combination, each_distinct, empty
from bridge.mapping.kernels import unchanged, unscaled
from bridge.mapping.plan import Plan
from bridge.mapping.rules import Refused
from bridge.shape import Type

Mask: TypeAlias = "npt.NDArray[np.bool_]"


@dataclass(frozen=True, slots=True)
class Made:
    """A target field's column.

    Args:
        refused: rows that were refused, with the refusal and the refused text.
        without: rows whose code is known to have no counterpart; None if there can be none.
    """

    values: pa.Array
    refused: list[tuple[int, Refused, str]]
    without: Mask | None = None


def make_values(plan: Plan, start: Coded, event: Coded | None, unit: Coded | None) -> Made:
    """The rule's steps after its beginning, for each distinct text once."""
    kind = plan.field.arrow if plan.rule.join is None else pa.string()
    day = event if event is not None else empty(len(start))
    if plan.quantity is not None and unit is not None:
        return _plain(_quantities(plan, start, unit, day), plan, start)
    if plan.plain and surely_kept(start.texts, plan.field.max_length):
        return Made(start.array(), [])
    make = plan.make
    if plan.dated:

        def dated(text: str | None, at: str | None) -> Any:
            return None if text is None else make(text, at)

        return _plain(each_combination([start, day], dated, kind), plan, start)
    sure = unchanged(plan, start.texts)
    if sure is None:
        return _plain(each_distinct(start, lambda text: make(text, None), kind), plan, start)
    if sure.all():
        return Made(start.array(), [])
    known = set(start.texts.filter(pa.array(sure)).to_pylist())
    return _plain(each_distinct(start, lambda text: text if text in known else make(text, None), kind), plan, start)


def _quantities(plan: Plan, start: Coded, unit: Coded, day: Coded) -> Result:
    """Quantities in the unit of the target; those that surely stay as they are without a look at each."""
    make, kind = plan.quantity, plan.field.arrow
    if make is None:
        raise ValueError(f"{plan.field.path} has no unit")
    same = unscaled(plan, start, unit)
    if same is None or not same.any():
        return each_combination([start, unit, day], make, kind)
    other = each_combination([start.only(~same), unit.only(~same), day], make, kind)
    return Result(pc.if_else(pa.array(same), start.array(), other.values), other.refused)


def _plain(result: Result, plan: Plan, start: Coded) -> Made:
    made = Made(result.values, list(result.refused))
    if not plan.none_possible:
        return made
    without = start.present & result.values.is_null().to_numpy(zero_copy_only=False)
    without[[row for row, _, _ in made.refused]] = False
    return Made(made.values, made.refused, without)


def surely_kept(texts: pa.StringArray, max_length: int | None) -> bool:
    """Whether every text surely passes the scalar check of an unbound text field; if not, that check decides."""
    if len(texts) == 0:
        return True
    if max_length is not None and pc.max(pc.utf8_length(texts)).as_py() > max_length:
        return False
    return not pc.any(pc.match_substring(texts, "\x00")).as_py()


def taken(made: Made, owner: Places) -> Made:
    """The values at some rows, refusals with them: the record's for each of its entries, or chosen entries'."""
    of_row: dict[int, list[tuple[Refused, str]]] = {}
    for row, refused, text in made.refused:
        of_row.setdefault(row, []).append((refused, text))
    rows = enumerate(owner.tolist()) if of_row else ()
    moved = [(place, why, text) for place, row in rows for why, text in of_row.get(row, ())]
    without = made.without[owner] if made.without is not None else None
    return Made(made.values.take(pa.array(owner)), moved, without)


def with_default(plan: Plan, made: Made, mask: Mask | None) -> Made:
    """The default where there is no value, unless the rule's own condition left the row out."""
    if plan.rule.default is None:
        return made
    value = plan.keep(plan.rule.default)
    scalar = pa.scalar([value] if plan.field.type is Type.LIST else value, plan.field.arrow)
    lacking = made.values.is_null()
    if mask is not None:
        lacking = pc.and_(lacking, pa.array(mask))
    return Made(pc.if_else(lacking, scalar, made.values), made.refused, None)
