"""What names a record: a column of its own, the key of its rows, or a hash of its content."""

from __future__ import annotations

import re

from bridge.authoring import drafting, evidence
from bridge.authoring.choosing import Choice, names_someone
from bridge.authoring.drafting import Draft
from bridge.authoring.grouping import Lines, lines_of, only_twins
from bridge.authoring.sample import Column, Sample
from bridge.mapping.suggested import SUGGESTED
from bridge.shape import Class, Sensitivity


def record_lines(sample: Sample, chosen: dict[str, Choice]) -> Lines | None:
    """Whether the rows of a sheet are lines of the records that the column with their names tells apart."""
    named = chosen.get("origin_record_id")
    if named is None or not named.column.cells:
        return None
    steady = [one.column for name in ("seizure_date", "updated_at") if (one := chosen.get(name)) is not None]
    return lines_of(named.column, sample.columns, steady)


def identity(draft: Draft, sample: Sample, chosen: dict[str, Choice]) -> None:
    """The record's own name: a column of its own, the key of its rows, or a hash of its content."""
    choice = chosen.get("origin_record_id")
    key = next((one for one in sample.columns if one.path == sample.options.get("key")), None)
    if key is not None:
        draft.classes[key.path] = (Class.ADMIN, Sensitivity.NON_NOMINAL, "it is the primary key")
        draft.rules["origin_record_id"] = {"from": key.field.name, SUGGESTED: "the primary key"}
        draft.rules["id_basis"] = {"const": "SUPPLIED", SUGGESTED: "as origin_record_id"}
    elif choice is not None and not choice.column.field.list:
        column = choice.column
        draft.classes[column.path] = (Class.ADMIN, Sensitivity.NON_NOMINAL, "it names the record")
        repeated = column.rows and len(column.distinct) < len(column.values)
        if repeated and not draft.group and not only_twins(column, sample.columns):
            draft.questions.append(
                f"{column.path}: {len(column.distinct)} values on {column.rows} rows: are rows with the same value "
                f"lines of one record? If so say group_by: {{key: [{drafting.scalar(column.path)}], conflict: hold}} "
                "and each: lines in goods"
            )
        draft.rules["origin_record_id"] = {"from": column.field.name, SUGGESTED: choice.why}
        draft.rules["id_basis"] = {"const": "SUPPLIED", SUGGESTED: f"{column.path} names the record"}
    elif (alone := _unnamed_id(sample, {one.column.path for one in chosen.values()})) is not None:
        draft.classes[alone.path] = (Class.ADMIN, Sensitivity.NON_NOMINAL, "it may name the record")
        why = f"every one of {alone.rows} rows has a value of its own, though the header says nothing known"
        draft.rules["origin_record_id"] = {"from": alone.field.name, SUGGESTED: why}
        draft.rules["id_basis"] = {"const": "SUPPLIED", SUGGESTED: f"if {alone.path} names the record"}
    else:
        _by_content(draft)


def _by_content(draft: Draft) -> None:
    draft.rules["origin_record_id"] = {
        "hash": {"of": "*", "occurrence": "true"}, "one_way": "a hash cannot be turned back",
        SUGGESTED: "no column has a value of its own in every row, so the record is named by its content",
    }  # fmt: skip
    draft.rules["id_basis"] = {"const": "CONTENT", SUGGESTED: "as origin_record_id"}


def _unnamed_id(sample: Sample, used: set[str]) -> Column | None:
    """A column whose every value stands once, though its header says nothing known; names of persons do so as well, so
    each value must have a digit and no space."""
    for column in sample.columns:
        single = evidence.unique(column.values, column.rows) and not evidence.numbered(column.values)
        measured = column.dates is not None or (column.numbers is not None and not column.numbers.whole)
        someone = evidence.personal(column.values) or names_someone(column) or evidence.wordy(column.values)
        formed = all(re.search(r"\d", value) and not re.search(r"\s", value) for value in column.values)
        usable = single and formed and not column.field.list and column.path not in used
        if usable and not measured and not someone:
            return column
    return None
