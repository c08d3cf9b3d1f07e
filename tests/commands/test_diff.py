"""bridge diff: what a change means, and whether it breaks what was right."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Bridge
from tests.docs.render import TOP

Change = Callable[[str], str]
FILE = "mappings/cis/share.yaml"


@pytest.fixture
def changed(root: Path) -> Callable[[str, str, str], list[str]]:
    """Copies CIS's mapping with one replacement in one file, and gives the two names to compare."""

    def change(file: str, old: str, new: str) -> list[str]:
        shutil.copytree(TOP / "mappings" / "cis", root / "mappings" / "cis")
        (root / "mappings" / "codes").mkdir()
        text = (TOP / file).read_text(encoding="utf-8")
        assert old in text
        (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return [str(TOP / FILE), str(root / FILE)]

    return change


CASES = [
    (FILE, "{first_of: [report_date, seizure_date]", "{first_of: [seizure_date, report_date]", True, "map"),
    (FILE, "why: \"one seizure, one report: it came from there\"", "why: it came from there", False, "release"),
    (FILE, "when: {handling_code: [H2, H3]}", "when: {handling_code: [H3]}", True, "release"),
    (FILE, "cap: [NON_NOMINAL, OFFICIAL_CONTACT,", "cap: [NON_NOMINAL,", True, "release"),
    (FILE, "keep: {years: 5, extend: 2}", "keep: {years: 4, extend: 2}", False, "release"),
    (FILE, "# The common record as a CIS case.", "# A comment means nothing.", False, ""),
    ("mappings/codes/cis_country.csv", "GR,EL,", "GR,GR,", True, "codes"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "breaking", "section"), CASES)
def test_a_change_is_told_by_what_it_means(
    file: str, old: str, new: str, breaking: bool, section: str, changed: Callable[..., list[str]], bridge: Bridge
) -> None:
    told = bridge("diff", *changed(file, old, new), "--json", code=1 if breaking else 0)
    found = [json.loads(line) for line in told.splitlines()]
    assert {one["section"] for one in found} == ({section} if section else set())
    assert any(one["breaking"] for one in found) is breaking


def test_a_mapping_means_what_it_means(bridge: Bridge) -> None:
    assert bridge("diff", "cen", "cen") == "cen and cen mean the same.\n"
    assert "NO_SYSTEM" in bridge("diff", "cen", "nowhere", code=2)
    assert "NOT_COMPARABLE" in bridge("diff", "brazil_pf", str(TOP / FILE), code=2)
