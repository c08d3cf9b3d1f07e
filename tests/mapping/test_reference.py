"""The reference page says every word, problem and finding there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.mapping.findings import FINDINGS
from bridge.mapping.rules import PROBLEMS, TEXT_STEPS

ROOT = Path(__file__).resolve().parents[2]
FOUND = (ROOT / "docs" / "reference" / "findings.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "reference" / "mapping.md").read_text(encoding="utf-8")
META = json.loads((ROOT / "schemas" / "meta" / "mapping.json").read_bytes())
WORDS = [*META["properties"], *META["$defs"]["rule"]["properties"], *META["$defs"]["example"]["properties"]]


@pytest.mark.parametrize("word", sorted({*WORDS, *TEXT_STEPS} - {"name"}))
def test_every_word_is_explained(word: str) -> None:
    assert f"`{word}" in PAGE or f" {word}:" in PAGE or f"{{{word}:" in PAGE


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_every_problem_is_explained(code: str) -> None:
    assert f"| {code} | {PROBLEMS[code]} |" in PAGE


@pytest.mark.parametrize("code", sorted(FINDINGS))
def test_every_finding_is_explained(code: str) -> None:
    kind = FINDINGS[code]
    assert kind.about
    assert f"## {code}\n\n{kind.about} ({kind.severity.name.lower()})\n\n```\n{kind.__doc__}" in FOUND
