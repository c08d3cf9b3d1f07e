"""A few of each fault, and a checker that finds each violation there is; ``make test-faults`` strikes thousands.

They run in a process of their own: workers are forked, and libraries that this process has used cannot be.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.few import ALONE, KINDS
from tests.faults.spoiling import SPOILED

ROOT = Path(__file__).parents[2]
Told = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def told() -> Told:
    """What each came to, by name."""
    words = [sys.executable, "-m", "tests.faults", "few"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", [*KINDS, *ALONE])
def test_nothing_is_broken_by_a_loader_or_partner(told: Told, name: str) -> None:
    if told[name].get("missing"):
        pytest.skip(told[name]["missing"])
    assert told[name]["violations"] == []
    assert told[name]["struck"] >= 1, told[name]
    assert told[name]["checked"] >= 20, told[name]


@pytest.mark.parametrize("name", SPOILED)
def test_a_violation_is_found(told: Told, name: str) -> None:
    assert set(told[name]["sets"]) == SPOILED[name].sets


def test_a_change_to_a_sealed_entry_is_found(told: Told) -> None:
    assert sum(told["tampered"]["tried"].values()) == 60
    assert (told["tampered"]["missed"], told["tampered"]["alarms"]) == ({}, 0)
