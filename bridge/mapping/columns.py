"""Columns that know their distinct values, so that a scalar function is called once for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bridge.mapping.rules import WHITE, Refused, concat_text

Places: TypeAlias = "npt.NDArray[np.int64]"
"""Row numbers inside a table, not ``_row``."""
NONE = -1
"""Code of a row that has no value."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A column as distinct texts and, for each row, the place of its text among them, or NONE."""

    texts: pa.StringArray
    codes: Places

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, places: Places) -> Coded:
        """The rows at these places."""
        return Coded(self.texts, self.codes[places])

    def only(self, mask: npt.NDArray[np.bool_]) -> Coded:
        """The same rows, without a value where the mask is False."""
        return Coded(self.texts, np.where(mask, self.codes, NONE))

    def array(self) -> pa.StringArray:
        """The texts row by row."""
        return self.texts.take(indices(self.codes))

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Rows that have a value."""
        there: npt.NDArray[np.bool_] = self.codes != NONE
        return there


def indices(codes: Places) -> pa.Array:
    """Codes as an Arrow array for take(), with NONE as null."""
    return pa.array(codes, mask=codes == NONE)


def empty(rows: int) -> Coded:
    """A column without any value."""
    return Coded(pa.array([], pa.string()), np.full(rows, NONE, dtype=np.int64))


def coded(column: pa.Array | pa.ChunkedArray) -> Coded:
    """A column of any plain type as texts; blank texts become absent.

    Integers and booleans become their canonical text.
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(whole.type):
        whole = whole.cast(whole.type.value_type)
    if not pa.types.is_string(whole.type):
        whole = whole.cast(pa.string())
    encoded = whole.dictionary_encode()
    codes = encoded.indices.fill_null(NONE).to_numpy(zero_copy_only=False).astype(np.int64)
    blank = pc.equal(pc.utf8_trim(encoded.dictionary, WHITE), "").to_numpy(zero_copy_only=False)
    if blank.any():
        codes = np.where((codes != NONE) & blank[codes], NONE, codes)
    return Coded(encoded.dictionary, codes)


def combine(columns: Sequence[Coded]) -> tuple[Places, Places]:
    """Rows that have the same values in all columns.

    Returns:
        For each distinct combination, one row that has it; for each row, the number of its combination.
    """
    if not columns:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    number = columns[0].codes + 1
    for column in columns[1:]:
        # Made dense after each step, so that the product of two sizes cannot overflow.
        _, number = np.unique(number, return_inverse=True)
        number = number * (len(column.texts) + 1) + column.codes + 1
    _, rows, number = np.unique(number, return_index=True, return_inverse=True)
    return rows, number


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule made of a column.

    Args:
        values: as the target keeps them; null where there is none or it was refused.
        refused: places of rows that were refused, with the refusal and the refused text.
    """

    values: pa.Array
    refused: Sequence[tuple[int, Refused, str]] = ()


def each_distinct(column: Coded, step: Callable[[str], Any], kind: pa.DataType) -> Result:
    """``step`` for every distinct text of the column."""
    texts = column.texts.to_pylist()
    return _spread([step(text) for text in texts], column.codes, kind, lambda place: texts[place])


def each_combination(columns: Sequence[Coded], step: Callable[..., Any], kind: pa.DataType) -> Result:
    """``step`` for every distinct combination of values, given as texts and None."""
    rows, number = combine(columns)
    given = list(zip(*(column.take(rows).array().to_pylist() for column in columns), strict=True))
    made = [step(*values) for values in given]
    return _spread(made, number, kind, lambda place: " ".join(text for text in given[place] if text is not None))


def _spread(made: list[Any], codes: Places, kind: pa.DataType, text: Callable[[int], str]) -> Result:
    bad = [place for place, value in enumerate(made) if isinstance(value, Refused)]
    if not bad:
        return Result(pa.array(made, kind).take(indices(codes)))
    refusals: dict[int, tuple[Refused, str]] = {}
    for place in bad:
        refusals[place] = (made[place], made[place].text or text(place))
        made[place] = None
    rows = np.flatnonzero(np.isin(codes, bad))
    refused = [(int(row), *refusals[int(codes[row])]) for row in rows]
    return Result(pa.array(made, kind).take(indices(codes)), refused)


def concat_columns(columns: Sequence[Coded], literal: Sequence[bool]) -> pa.Array:
    """``concat`` row by row: rows with every field are joined as they stand, concat_text() decides of the others."""
    fields = [column for column, fixed in zip(columns, literal, strict=True) if not fixed]
    whole = np.logical_and.reduce([column.present for column in fields])
    joined = pc.binary_join_element_wise(*(column.array() for column in columns), "")  # null where a part is
    if whole.all():
        return joined
    rest = [column.take(np.flatnonzero(~whole)) for column in columns]
    made = each_combination(rest, lambda *parts: concat_text(parts, literal), pa.string())
    return pc.replace_with_mask(joined, pa.array(~whole), made.values)


def first_present(columns: Sequence[Coded]) -> Coded:
    """Row by row the first value there is."""
    return coded(pc.coalesce(*(column.array() for column in columns)))


def running_count(number: Places) -> Places:
    """For each row, how many rows before it have the same number."""
    order = np.argsort(number, kind="stable")
    ordered = number[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, dtype=np.int64)
    lengths = np.diff(np.r_[starts, len(ordered)])
    count = np.empty(len(number), dtype=np.int64)
    count[order] = np.arange(len(ordered)) - np.repeat(starts, lengths)
    return count
