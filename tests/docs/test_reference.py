"""Documents that cannot rot: the reference equals the code, links lead somewhere, README's commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.cli import main
from tests.docs.render import FOLDER, PAGES, TOP

TEXTS = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_reference_says_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run: python -m tests.docs.render"


def test_no_summary_of_a_command_is_cut() -> None:
    assert re.findall(r"^ .*\w\.\.\.$", (FOLDER / "commands.md").read_text(encoding="utf-8"), re.MULTILINE) == []


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(TOP)))
def test_links_lead_to_files_of_the_repository(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(TOP)))
def test_commands_that_pages_name_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"^bridge ([a-z]+)", text, re.MULTILINE)) | set(re.findall(r"`bridge ([a-z]+)[ `]", text))
    assert named <= set(main.commands), f"{page.name}: {sorted(named - set(main.commands))}"
    made = set(re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", text, re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {one or other for one, other in made} <= targets


def test_every_decision_names_its_disadvantages() -> None:
    decisions = sorted((TOP / "docs" / "decisions").glob("*.md"))
    assert decisions
    for page in decisions:
        assert re.search(r"^## Disadvantages", page.read_text(encoding="utf-8"), re.MULTILINE), page.name
