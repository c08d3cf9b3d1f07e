"""A whole record as it is expected, in a JSON file beside the samples: what an example's ``whole:`` names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bridge.batch import RESERVED, ROOT, ROW, Batch

Record = dict[str, Any]
"""Values by field name, and under a list's path its entries; what is absent is left out."""


def record_of(batch: Batch, row: int) -> Record:
    """One record of a batch, as its file would hold it."""
    found = next(iter(_filled(batch, ROOT, row)), {})
    for path in batch.tables:
        if path != ROOT and (entries := list(_filled(batch, path, row))):
            found[path] = entries
    return found


def _filled(batch: Batch, path: str, row: int) -> Iterator[Record]:
    for entry in batch.tables[path].to_pylist():
        if entry[ROW] == row:
            yield {name: value for name, value in entry.items() if name not in RESERVED and value is not None}


def read_record(path: Path) -> Record:
    """The record that a file holds.

    Raises:
        ValueError: the file is no JSON.
    """
    found: Record = json.loads(path.read_bytes())
    return found


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record for people to read."""
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def differences(expected: Mapping[str, Any], got: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Each value that is not as expected, in one sentence."""
    for name in dict.fromkeys([*expected, *got]):
        here, want, have = f"{at}{name}", expected.get(name), got.get(name)
        if _entries(want) or _entries(have):
            if len(want or ()) != len(have or ()):
                yield f"{here} has {len(have or ())} entries, not {len(want or ())}"
                continue
            for place, (one, other) in enumerate(zip(want or (), have or (), strict=True)):
                yield from differences(one, other, f"{here}.{place}.")
        elif want != have:
            yield f"{here} is {_said(have)}, not {_said(want)}"


def _entries(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _said(value: Any) -> str:
    if value is None:
        return "absent"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
