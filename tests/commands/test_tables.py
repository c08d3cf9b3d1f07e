"""Tables show names and values as they are: brackets are no markup, colons no pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import NAME, Bridge


@pytest.mark.parametrize("mark", ["[kg]", "[/kg] :car:"])
def test_brackets_in_names_and_values_are_shown(mark: str, root: Path, tmp_path: Path, bridge: Bridge) -> None:
    path = tmp_path / f"sheet{mark.replace('/', '')}.csv"
    path.write_text(
        f"ref;seizure date {mark};country\nA1{mark};2026-01-13;FR\nA2{mark};2026-01-14;FR\n", encoding="utf-8"
    )
    bridge("new", "source", NAME, "--sample", str(path))
    assert f"seizure date {mark}" in bridge("confirm", NAME)
    bridge("confirm", NAME, "map", "absent", "collect", "examples", "classes")
    told = bridge("try", NAME, "--file", str(path), "--all")
    assert f"seizure date {mark}: 2026-01-13" in told
    assert f"ref: A1{mark}" in told
    assert f"{path.name} record 0" in told
