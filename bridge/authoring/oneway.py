"""Says in a draft what its rules lose on the way back, where that can be told before a person has answered anything."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from pathlib import Path
from typing import Final

from bridge.content import Content, Direction
from bridge.mapping import Severity, check, load
from bridge.mapping.codes import COLUMNS
from bridge.mapping.findings import Irreversible, Unconfirmed
from bridge.mapping.suggested import SUGGESTED

_MARK: Final = f", {SUGGESTED}: "
_BLOCK: Final = re.compile(r"( +)(?:- each: .*|\w+:)")
"""The line of a block: of a series its first, else the list that it fills."""


def with_losses(content: Content, name: str, direction: Direction, files: dict[str, str]) -> dict[str, str]:
    """The drafted files with ``one_way`` in each rule that the checker would ask it of.

    Looked at as if each suggestion were confirmed and each question answered somehow. Where other findings stay, as
    for a partner without legal grounds, the files come back as they are and the checker asks later.
    """
    path = next(one for one in files if one.startswith(f"mappings/{name}/") and one.endswith(".yaml"))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for one, text in files.items():
            (root / one).parent.mkdir(parents=True, exist_ok=True)
            (root / one).write_text(_answered(one, text), encoding="utf-8", newline="")
        found = check(load(Content((root, *content.roots)), name, direction))
    asked = [one for one in found if isinstance(one, Irreversible)]
    others = [
        one for one in found if one.severity is Severity.ERROR and not isinstance(one, Irreversible | Unconfirmed)
    ]
    if not asked or any(one.code != "M060" for one in others):
        return files
    lines = files[path].splitlines()
    for loss in asked:
        line = lines[loss.line - 1]
        if _MARK in line:
            why = json.dumps(loss.said["why"], ensure_ascii=False)
            lines[loss.line - 1] = line.replace(_MARK, f", one_way: {why}{_MARK}", 1)
        elif block := _BLOCK.fullmatch(line):
            pad = " " * (len(block[1]) + 2)
            lines[loss.line - 1] = f"{line}\n{pad}one_way: {json.dumps(loss.said['why'], ensure_ascii=False)}"
    return {**files, path: "\n".join(lines) + "\n"}


def _answered(path: str, text: str) -> str:
    """A file as it might be once a person has answered: line by line, so that lines keep their numbers."""
    if path.startswith("mappings/codes/"):
        rows = [row for row in csv.DictReader(io.StringIO(text)) if row["relation"]]
        out = io.StringIO()
        made = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        made.writeheader()
        made.writerows({**row, "reviewed_by": "draft", "reviewed_on": "2026-01-01"} for row in rows)
        return out.getvalue()
    if not path.endswith(".yaml"):
        return text
    dated = re.sub(
        r"^( *(?:seizure_date|report_date): +\{from: [^,]+)(, suggested: \"?[^}]*day or month first)",
        r"\1, date: iso\2",
        text,
        flags=re.MULTILINE,
    )
    dated = re.sub(r'(datetime: (?:"[^"%]*(?:%(?!z)[^"%]*)*"|\[[^\]]*\]))(, suggested: )', r"\1, zone: UTC\2", dated)
    return dated.replace('"??"', "FR").replace('"???"', "EUR")
