"""The identity of a record, made for a whole batch at once, is the UUIDv5 that the standard library makes."""

from __future__ import annotations

import uuid

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from bridge.flow.envelope import _bridge_ids, bridge_id
from bridge.flow.settling import hyphenated


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=40)), max_size=20))
def test_a_batch_of_ids_is_the_ids_one_by_one(pairs: list[tuple[str, str]]) -> None:
    systems, names = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert _bridge_ids(systems, names).equals(pa.array([bridge_id(*pair).bytes for pair in pairs], pa.binary(16)))


@given(st.uuids())
def test_an_id_is_written_as_the_standard_library_writes_it(value: uuid.UUID) -> None:
    assert hyphenated(value.bytes) == str(value)
