"""Batches of common records for the tests: from documents, and drawn at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from bridge.batch import INDEX, ROOT, ROW, Batch
from bridge.shape import Class, Field, Sensitivity, Shape, Type, shape_of

OPEN, HIDDEN = Sensitivity.NON_NOMINAL, Sensitivity.NOMINAL

SMALL = shape_of(
    "small",
    [
        Field("", "id", sensitivity=OPEN, cls=Class.ADMIN),
        Field("", "summary", sensitivity=Sensitivity.FREE_TEXT),
        Field("goods", "line", Type.INTEGER, sensitivity=OPEN, cls=Class.GOODS),
        Field("goods", "size.length", Type.DECIMAL, sensitivity=OPEN, cls=Class.GOODS),
        Field("goods", "size.box.kind", sensitivity=OPEN, cls=Class.GOODS),
        Field("goods", "maker", sensitivity=Sensitivity.QUASI_NOMINAL, cls=Class.GOODS),
        Field("goods", "size.note", sensitivity=Sensitivity.FREE_TEXT, cls=Class.GOODS),
        Field("", "seen_by", Type.LIST, sensitivity=OPEN, cls=Class.ADMIN),
        Field("", "open", Type.BOOLEAN, sensitivity=OPEN, cls=Class.ADMIN),
        Field("persons", "surname", sensitivity=HIDDEN, cls=Class.PERSON),
        Field("persons", "alias", Type.LIST, sensitivity=HIDDEN, cls=Class.PERSON),
        Field("persons", "address.city", sensitivity=HIDDEN, cls=Class.PERSON),
        Field("", "count", Type.INTEGER, sensitivity=OPEN, cls=Class.ADMIN),
    ],
)
"""Every type, objects inside objects, lists between record fields, and a list with only personal fields."""

_PIECES = ['","id":null', '{"id":null,', '\\\\"', "{}", "[]", "null", ',"seen_by":[]', "}{"]
_LETTERS = 'az09 "\\,:{}[]\n\t\x00\x1f\x7fß\u2028\ufeff\u20ac\U0001d11e'


def texts() -> st.SearchStrategy[str]:
    """Text with what JSON must escape, what looks like JSON, and characters of one to four octets."""
    return st.lists(st.sampled_from([*_PIECES, *_LETTERS]), max_size=8).map("".join)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Any value that the field's column can hold, valid or not."""
    match field.type:
        case Type.INTEGER:
            return st.integers(-(2**63), 2**63 - 1)
        case Type.BOOLEAN:
            return st.booleans()
        case Type.LIST:
            return st.lists(texts(), min_size=1, max_size=3)
        case _:
            return texts()


Row = dict[str, Any]
Record = dict[str, list[Row]]


@st.composite
def records(draw: st.DrawFn, shape: Shape, most: int = 4) -> list[Record]:
    """Some records: by table, rows of values by field name; absent values have no key."""

    def row(table: str) -> Row:
        fields = draw(st.lists(st.sampled_from(shape.table(table)), max_size=6, unique=True))
        return {field.name: draw(values(field)) for field in fields}

    found = []
    for _ in range(draw(st.integers(0, most))):
        record = {ROOT: [row(ROOT)]}
        for name in shape.lists:
            record[name] = [row(name) for _ in range(draw(st.integers(0, 2)))]
        found.append(record)
    return found


def batch(shape: Shape, given: Sequence[Mapping[str, Sequence[Row]]], first: int = 0) -> Batch:
    """These records as a batch; their numbers run from ``first``, with a gap after each."""
    tables = {}
    for name in shape.tables:
        rows = [
            {ROW: first + 2 * number, INDEX: place, **values_}
            for number, record in enumerate(given)
            for place, values_ in enumerate(record.get(name, ()))
        ]
        keys = (ROW,) if name == ROOT else (ROW, INDEX)
        columns = {key: pa.array([row[key] for row in rows], pa.int64()) for key in keys}
        for field in shape.table(name):
            columns[field.name] = pa.array([row.get(field.name) for row in rows], field.arrow)
        tables[name] = pa.table(columns)
    return Batch(tables, "test", "0" * 64)


def nested(shape: Shape, record: Mapping[str, Sequence[Row]], hidden: bool) -> Row:
    """What one piece of the record's document must be, by the plainest means: the tests' reference."""
    document: Row = {}
    for field in shape:
        wanted = (field.sensitivity is not OPEN) is hidden
        if field.list == ROOT:
            if wanted:
                _put(document, field, record[ROOT][0])
        elif field.list not in document:
            document[field.list] = [{} for _ in record.get(field.list, ())]
        if field.list != ROOT and wanted:
            for entry, row in zip(document[field.list], record.get(field.list, ()), strict=True):
                _put(entry, field, row)
    for name in shape.lists:
        if not any(document[name]) and (hidden or not document[name]):
            del document[name]
    return document


def _put(into: Row, field: Field, row: Row) -> None:
    if row.get(field.name) is None:
        return
    *parents, leaf = field.name.split(".")
    for key in parents:
        into = into.setdefault(key, {})
    into[leaf] = row[field.name]
