"""The bench goes its whole way, from the feed to the floor, with few records."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.bench import measure


@pytest.mark.large
def test_a_small_bench_from_feed_to_floor(tmp_path: Path) -> None:
    found = measure(tmp_path / "bench", [60], 1, 1, None, 0, lambda _: None)
    (size,) = found["sizes"]
    (once,) = size["rounds"]
    collected, shared = once["job"]["books"]
    assert collected["balanced"]
    assert shared["balanced"]
    assert once["floor"]["copied"] == sum(size["rows"].values())
    assert once["job"]["proof"]["client"] > 0
    assert size["proof"]["min"] > 1
    assert size["verify"]["flaws"] == 0
    assert size["verify"]["entries"] > size["rows"]["exchange.record"] > 0
