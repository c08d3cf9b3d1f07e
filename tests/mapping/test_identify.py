"""How a batch's records are called is told for all of them: sound, held and out of scope."""

from __future__ import annotations

import pytest

from bridge.content import COLLECT, Content
from bridge.mapping import forward, load
from bridge.mapping.examples import given
from bridge.mapping.identify import NUMBER, SYSTEM, identify, system_of

CONTENT = Content.find()


@pytest.mark.parametrize("source", CONTENT.sources())
def test_every_record_of_every_example_is_named_as_its_mapping_names_it(source: str) -> None:
    mapping = load(CONTENT, source, COLLECT)
    named = unnamed = 0
    for example in mapping.spec.examples[:8]:
        batch = given(mapping, example)
        found, made = identify(mapping, batch), forward(mapping, batch)
        columns = (made.batch.root.column(name).to_pylist() for name in (SYSTEM, NUMBER))
        assert set(zip(*columns, strict=True)) <= found.names
        assert {system for system, _ in found.names} <= {system_of(mapping)}
        if example.out_of_scope or (example.held and example.held[1] != NUMBER):
            assert found.names, example.name
        named += bool(found.names)
        unnamed += not found.names and not found.unsure
    assert named > 0
    assert unnamed == 0, "a record is neither named nor said to be unsure"
