"""A few of each fault; ``make test-faults`` strikes a thousand times.

They run in a process of their own: workers are forked, and libraries that this process has used cannot be.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.__main__ import FEW
from tests.faults.syscalls import available

ROOT = Path(__file__).parents[2]


def faults(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, Any]]:
    """What each came to, by name."""
    return {one["name"]: one for one in map(json.loads, faults("few").splitlines())}


@pytest.mark.parametrize("name", FEW)
def test_nothing_is_broken_by_a_loader_or_partner(told: dict[str, dict[str, Any]], name: str) -> None:
    assert told[name]["violations"] == []
    assert told[name]["struck"] >= 1, told[name]
    assert told[name]["checked"] >= 20, told[name]


def test_a_system_call_that_fails_or_is_the_last() -> None:
    missing = available()
    if missing:
        pytest.skip(missing)
    assert " 0 violations" in faults("syscalls", "--count", "1", "--seed", "110")


def test_a_change_to_a_sealed_entry_is_found() -> None:
    assert " 0 false alarms" in faults("tampering", "--count", "30", "--seed", "111")
