"""The common document: exact bytes, and a way back."""

from __future__ import annotations

import hashlib

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings

from bridge import document
from bridge.batch import ROOT, ROW, Batch
from bridge.content import Content
from bridge.document import DOCUMENTS, decode, encode, merge, whole
from bridge.jsontext import personal
from bridge.shape import Field, Sensitivity, Shape, shape_of
from bridge.shapes import read_shape
from tests.quality.records import SMALL, Record, batch, nested, records

COMMON = read_shape(Content.find(), "common/seizure.json")


def ordered(shape: Shape, piece: object, hidden: bool) -> bytes:
    """Keys of the piece in the shape's order; a list stands where its first field stands, an object too."""
    order: dict[str, int] = {}
    for field in shape:
        path = [*filter(None, [field.list])]
        if personal(field) is hidden:
            path += field.name.split(".")
        for depth in range(1, len(path) + 1):
            order.setdefault(".".join(path[:depth]), len(order))

    def sort(value: object, at: str) -> object:
        if isinstance(value, dict):
            keys = sorted(value, key=lambda key: order[f"{at}.{key}".strip(".")])
            return {key: sort(value[key], f"{at}.{key}".strip(".")) for key in keys}
        return [sort(entry, at) for entry in value] if isinstance(value, list) else value

    return orjson.dumps(sort(piece, ""))


def check_bytes(shape: Shape, drawn: list[Record]) -> None:
    made = encode(batch(shape, drawn), shape)
    assert made.schema == DOCUMENTS
    for record, row in zip(drawn, made.to_pylist(), strict=True):
        payload, nominal = (ordered(shape, nested(shape, record, hidden), hidden) for hidden in (False, True))
        assert row["payload"].encode() == payload
        assert row["nominal"] == (None if nominal == b"{}" else nominal.decode())
        tail = b"" if nominal == b"{}" else nominal
        assert row["content_hash"] == hashlib.sha256(payload + b"\0" + tail).digest()


def check_way_back(shape: Shape, drawn: list[Record]) -> None:
    given_ = batch(shape, drawn)
    back = decode(encode(given_, shape), shape, given_.where, given_.sha256)
    assert back.tables.keys() == given_.tables.keys()
    for name, table in given_.tables.items():
        assert back.tables[name].equals(table), name
        assert back.tables[name].schema.equals(table.schema), name


@settings(deadline=None)
@given(records(SMALL))
def test_bytes_are_those_of_a_plain_encoder(drawn: list[Record]) -> None:
    check_bytes(SMALL, drawn)


@settings(deadline=None)
@given(records(SMALL))
def test_decode_gives_back_what_was_encoded(drawn: list[Record]) -> None:
    check_way_back(SMALL, drawn)


@settings(deadline=None, max_examples=10)
@given(records(COMMON, most=3))
def test_both_hold_for_the_whole_common_schema(drawn: list[Record]) -> None:
    check_bytes(COMMON, drawn)
    check_way_back(COMMON, drawn)


@settings(deadline=None)
@given(records(SMALL))
def test_without_the_nominal_piece_its_fields_are_null_and_lists_keep_their_length(drawn: list[Record]) -> None:
    given_ = batch(SMALL, drawn)
    back = decode(encode(given_, SMALL).drop_columns(["nominal"]), SMALL)
    for name, table in given_.tables.items():
        for field in SMALL.table(name):
            expected = table.column(field.name)
            if field.sensitivity is not Sensitivity.NON_NOMINAL:
                expected = pa.nulls(table.num_rows, field.arrow)
            assert back.tables[name].column(field.name).to_pylist() == expected.to_pylist()


@settings(deadline=None)
@given(records(SMALL))
def test_both_pieces_together_are_the_whole_document(drawn: list[Record]) -> None:
    for record, found in zip(drawn, whole(encode(batch(SMALL, drawn), SMALL)), strict=True):
        expected = merge(nested(SMALL, record, False), nested(SMALL, record, True))
        assert found == expected


def test_text_that_looks_like_json_stays_text() -> None:
    trap = '","count":null,"seen_by":[],"x":"{"id":null,'
    made = encode(batch(SMALL, [{ROOT: [{"id": trap, "open": True}]}]), SMALL)
    assert orjson.loads(made["payload"][0].as_py()) == {"id": trap, "open": True}


def test_an_empty_list_and_a_list_of_nulls_are_absent_like_a_null() -> None:
    rows = [{"id": "a", "seen_by": seen} for seen in ([], None, [None])]
    made = encode(batch(SMALL, [{ROOT: [row]} for row in rows]), SMALL)
    assert set(made["payload"].to_pylist()) == {'{"id":"a"}'}


def test_entries_are_numbered_anew_and_sorted() -> None:
    goods = pa.table({ROW: [4, 0, 4], "_i": [9, 3, 2], "line": [2, 1, 1]})
    given_ = Batch({ROOT: pa.table({ROW: [0, 4]}), "goods": goods}, "test", "")
    made = encode(given_, SMALL)
    assert made["payload"].to_pylist() == ['{"goods":[{"line":1}]}', '{"goods":[{"line":1},{"line":2}]}']
    assert decode(made, SMALL).tables["goods"].select([ROW, "_i", "line"]).to_pydict() == {
        ROW: [0, 4, 4], "_i": [0, 0, 1], "line": [1, 1, 2],
    }  # fmt: skip


@pytest.mark.parametrize("rows", [[1, 0], [1, 1]])
def test_records_out_of_order_are_refused(rows: list[int]) -> None:
    with pytest.raises(ValueError, match="order"):
        encode(Batch({ROOT: pa.table({ROW: rows, "id": ["a", "b"]})}, "test", ""), SMALL)


def test_an_entry_of_no_record_is_refused() -> None:
    goods = pa.table({ROW: [7], "_i": [0], "line": [1]})
    with pytest.raises(ValueError, match="belongs to no record"):
        encode(Batch({ROOT: pa.table({ROW: [1]}), "goods": goods}, "test", ""), SMALL)


def test_pieces_that_do_not_fit_are_refused() -> None:
    torn = pa.table({ROW: [0], "payload": ['{"goods":[{}]}'], "nominal": ['{"goods":[{"maker":"a"},{"maker":"b"}]}']})
    with pytest.raises(ValueError, match="length of a list"):
        decode(torn, SMALL)


def test_fields_of_a_column_that_is_no_list_cannot_have_children() -> None:
    twice = shape_of("twice", [Field("", "a"), Field("", "a.b")])
    with pytest.raises(TypeError, match="a field and an object"):
        encode(Batch({ROOT: pa.table({ROW: [0], "a": ["x"]})}, "test", ""), twice)


def test_a_batch_larger_than_a_block_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_BLOCK", 64)
    given_ = batch(SMALL, [{ROOT: [{"id": f"{n:050}"}], "goods": [{"line": n}]} for n in range(50)])
    back = decode(encode(given_, SMALL), SMALL)
    assert back.tables["goods"].equals(given_.tables["goods"])
    assert back.root.equals(given_.root)


def test_dictionary_columns_are_written_as_their_values() -> None:
    root = pa.table({ROW: [0, 1], "id": pa.array(["a", "a"]).dictionary_encode(), "count": [1, None]})
    made = encode(Batch({ROOT: root}, "test", ""), SMALL)
    assert made["payload"].to_pylist() == ['{"id":"a","count":1}', '{"id":"a"}']


def test_a_document_with_a_field_that_the_shape_lacks_is_read_without_it() -> None:
    older = pa.table({ROW: [0], "payload": ['{"id":"a","gone":{"x":[1,2]}}']})
    assert decode(older, SMALL).root.column("id").to_pylist() == ["a"]
