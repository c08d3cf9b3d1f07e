"""A good mapping with one thing wrong is no longer good: a small fixed sample; `make test-mutations` does 500."""

from __future__ import annotations

from pathlib import Path

from bridge.content import Content
from tests.findings.mutations import BAR, KINDS, SEED, drawn, survivors

CONTENT = Content((Path(__file__).resolve().parents[2],))


def test_nearly_every_single_edit_is_a_finding_or_a_failing_example() -> None:
    chosen = drawn(CONTENT, 50, SEED + 1)
    assert {edit.kind for edit in chosen} == set(KINDS)
    for edit in chosen:
        assert CONTENT.path(edit.file).read_text(encoding="utf-8")[edit.start : edit.end] != edit.text
    lived = survivors(chosen)
    assert len(lived) <= len(chosen) * (1 - BAR), "\n".join(map(str, lived))
