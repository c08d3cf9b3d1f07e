"""The CEN upload sheet: one mapping for the templates of all fourteen groups."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.content import Content
from bridge.mapping import Mapping, Severity, check, forward, load
from bridge.mapping.codes import read_codes
from bridge.mapping.samples import read_sample

CONTENT = Content.find()
SCHEMA: dict[str, Any] = json.loads(CONTENT.path("schemas/cen/upload.json").read_bytes())
SAMPLES = CONTENT.path("mappings/cen_upload/samples/tobacco.csv").parent
GROUPS = read_codes(CONTENT, "commodity_group")


@pytest.fixture(scope="module")
def collect() -> Mapping:
    return load(CONTENT, "cen_upload", "collect")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_mapping_has_no_fault(collect: Mapping) -> None:
    assert [str(one) for one in check(collect) if one.severity is Severity.ERROR] == []


def test_samples_fill_the_columns_of_their_groups_template_only() -> None:
    groups = {name: set(column.get("x-groups", ())) for name, column in SCHEMA["properties"].items()}
    assert GROUPS is not None
    assert set().union(*groups.values()) < set(GROUPS.rows)
    # These fill every column, whatever its group, so that each rule has a value of its own to show.
    whole = {"every-field.csv", "sparse.csv", "bare.csv"}
    for path in sorted(set(SAMPLES.glob("*.csv")) - {SAMPLES / name for name in whole}):
        for row in rows(path):
            assert list(row) == list(SCHEMA["properties"])
            for name, text in row.items():
                assert not text or not groups[name] or row["Commodity group"] in groups[name]
            assert all(row[name] for name in SCHEMA["required"])


def test_all_groups_go_through_one_mapping(collect: Mapping) -> None:
    mapped = forward(collect, read_sample(SAMPLES / "all-groups.csv", collect.source_shape, None))
    assert mapped.problems == []
    assert GROUPS is not None
    assert sorted(mapped.batch.tables["goods"].column("commodity_group").to_pylist()) == sorted(GROUPS.rows)
    assert len(mapped.batch) == 14
