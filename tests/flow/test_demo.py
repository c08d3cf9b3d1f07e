"""What the demo takes for granted about the content."""

from __future__ import annotations

from bridge.commands import demo
from bridge.content import Content
from bridge.mapping import load


def test_the_demo_waits_as_long_as_the_source_lags() -> None:
    collect = load(Content.find(), "cis", "collect").collect
    assert collect is not None
    assert (collect["lag"], demo.LAG) == ("1 minute", 60)
