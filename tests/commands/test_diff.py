"""bridge diff: what a change means, and whether it breaks what was right."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.authoring.differing import differences
from tests.commands.conftest import Bridge
from tests.docs.render import TOP
from tests.mapping.world import TEXT, World, item

Change = Callable[[str], str]
FILE = "mappings/cis/share.yaml"
HERE = "mappings/here/collect.yaml"


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
    (FILE, "keep: {years: 5, extend: 2,", "keep: {years: 4, extend: 2,", False, "release"),
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


FUNCTION = '''from bridge.mapping.functions import function


@function(examples={"x": "x"}, back=str)
def f(text: str) -> str:
    """A text."""
    return text
'''
FILES = "{connector: files, connection: drop, format: csv, encoding: utf-8}"
RULES = """
name: {from: name, use: goods.f}
place: {from: place, lookup: places.where}
lines: [{each: goods, map: {kind: {from: kind}}}, {each: goods, map: {kind: {from: other}}}]
"""


def small(root: Path) -> World:
    """A mapping with a Python rule, a look-up and two blocks over one list."""
    texts = {"name": TEXT, "place": TEXT}
    made = World(root, {**texts, "goods": item(kind=TEXT, other=TEXT)}, {**texts, "lines": item(kind=TEXT)})
    made.codes("places", "A,Antwerp", headings="source,where")
    (root / "rules").mkdir()
    (root / "rules" / "goods.py").write_text(FUNCTION)
    made.write(RULES, collect=FILES)
    return made


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("rules/goods.py", "return text", "return text.upper()", [("rules", "rules/goods.py", True)]),
        ("rules/goods.py", "return text", "return text  # a comment", []),
        ("mappings/codes/places.csv", "Antwerp", "Ghent", [("lookup", "places.where: A", True)]),
        ("mappings/codes/places.csv", "A,Antwerp", "A,Antwerp\nB,Bruges", [("lookup", "places.where: B", False)]),
        ("mappings/codes/places.csv", "A,Antwerp", "", [("lookup", "places.where: A", True)]),
        (HERE, "version:", "effective: {from: 2026-01-01}\nversion:", [("effective", "", True)]),
        (HERE, "version:", "drift: {new: hold}\nversion:", [("drift", "new", True)]),
        (HERE, "utf-8", "latin-1", [("collect", "encoding", True)]),
        (HERE, "format: csv,", "format: csv, delimiter: ';', header_row: 2,",
         [("collect", "delimiter", True), ("collect", "header_row", True)]),
        (HERE, "connection: drop", "connection: other", [("collect", "connection", False)]),
        (HERE, "{kind: {from: kind}}", "{kind: {from: kind, default: x}}", [("map", "lines.kind (each goods)", True)]),
    ],
)  # fmt: skip
def test_whatever_makes_other_records_is_a_difference(
    tmp_path: Path, file: str, old: str, new: str, told: list[tuple[str, str, bool]]
) -> None:
    was, now = small(tmp_path / "was"), small(tmp_path / "now")
    text = (now.root / file).read_text()
    assert old in text
    (now.root / file).write_text(text.replace(old, new, 1))
    found = differences(was.load(), now.load())
    assert [(one.section, one.about, one.breaking) for one in found] == told


def test_python_rules_are_compared_with_those_of_their_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bridge: Bridge
) -> None:
    world = small(tmp_path / "content")
    monkeypatch.setenv("BRIDGE_CONTENT", str(world.root))
    who = ("-c", "user.name=W", "-c", "user.email=w@office.example")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "x")):
        subprocess.run(["git", *words], cwd=world.root, check=True)  # noqa: S607 -- of the tests
    assert bridge("diff", "here@HEAD", "here") == "here@HEAD and here mean the same.\n"
    (world.root / "rules" / "goods.py").write_text(FUNCTION.replace("return text", "return text.upper()"))
    told = json.loads(bridge("diff", "here@HEAD", "here", "--json", code=1))
    assert (told["section"], told["about"]) == ("rules", "rules/goods.py")


def test_a_mapping_means_what_it_means(bridge: Bridge) -> None:
    assert bridge("diff", "cen", "cen") == "cen and cen mean the same.\n"
    assert "NO_SYSTEM" in bridge("diff", "cen", "nowhere", code=2)
    assert "NOT_COMPARABLE" in bridge("diff", "brazil_pf", str(TOP / FILE), code=2)
