"""The first examples of a new mapping: an invented record, and what must come of what was invented."""

from __future__ import annotations

import json
from typing import Any

from bridge.authoring import drafting
from bridge.authoring.drafting import Draft, Said
from bridge.authoring.invented import invented, written
from bridge.authoring.sample import Sample
from bridge.mapping.model import LINES
from bridge.mapping.suggested import SUGGESTED


def source_example(given: Sample, draft: Draft) -> tuple[str, str, list[str]]:
    """A sample of one invented record, and what must come of it by what was invented."""
    by_column: dict[str, tuple[str, Said]] = {}
    for target, rule in draft.rules.items():
        by_column.setdefault(str(rule.get("from")), (target, rule))
    for list_, blocks in draft.blocks.items():
        for each, _, rules, _ in blocks:
            for name, rule in rules.items():
                path = str(rule.get("from")) if each in (".", LINES) else _join(each, str(rule.get("from")))
                if path not in by_column or "codes" in rule:
                    by_column[path] = (f"{list_}.0.{name}", rule)
    codes = {one.name: one for one in draft.codes}
    values = {one.path: invented(one, by_column.get(one.path, ("", {}))[1], codes) for one in given.columns}
    suffix, sample = written(given, values)
    expected: dict[str, str] = {}
    for target, rule in draft.rules.items():
        if "date" in rule or (target == "seizure_date" and values.get(str(rule.get("from"))) == "2026-01-15"):
            expected[target] = "2026-01-15"
        elif set(rule) == {"from", SUGGESTED} and rule["from"] in values:
            expected[target] = values[str(rule["from"])]
        elif "const" in rule:
            expected[target] = str(rule["const"])
    keep = ("origin_record_id", "seizure_date", "seizure_country", "place", "supplier_service", "record_status")
    then = {target: expected[target] for target in keep if target in expected}
    lines = ["", "examples:", "  - name: an invented record", f"    given: invented{suffix}"]
    lines += [f"    {SUGGESTED}: made from the shape with invented values; add what you know of the system"]
    lines += ["    then:", *(f"      {target}: {drafting.scalar(value)}" for target, value in then.items())]
    coded = next((target for target, rule in draft.rules.items() if "codes" in rule and "from" in rule), "")
    if coded:
        change = drafting.flow({draft.rules[coded]["from"]: "no such code"})
        lines += [
            "  - name: a code that nobody listed is held",
            f"    given: {{like: invented{suffix}, set: {change}}}",
        ]
        lines += [f"    held: UNKNOWN_CODE at {coded}"]
    return suffix, sample, lines


def _join(list_: str, name: str) -> str:
    return f"{list_}{'/' if '/' in list_ or list_[:1].isupper() else '.'}{name}"


def partner_example(draft: Draft) -> tuple[str, str, list[str]]:
    document: dict[str, Any] = {
        "bridge_id": "2b6f0cc9-04d1-5c5b-9e3a-4b8f9e5a1c11", "version": 1, "record_status": "NEW",
        "origin_system": "CEN",
        "origin_record_id": "CEN-2026-0000001", "seizure_date": "2026-01-15", "seizure_country": "FR",
        "goods": [{"line": 1, "commodity_group": "DRG", "commodity_type": "COCAINE", "quantity": "12.5",
                   "unit": "KGM"}],
    }  # fmt: skip
    plain = {
        target: str(document[str(rule["from"])])
        for target, rule in draft.rules.items()
        if set(rule) <= {"from", "date", SUGGESTED} and str(rule["from"]) in document
    }
    lines = ["", "examples:", "  - name: an invented seizure", "    given: invented.json"]
    lines += [f"    {SUGGESTED}: made from the common schema with invented values; add what you know of the partner"]
    if plain:
        lines += [
            "    then:",
            *(f"      {drafting.scalar(target)}: {drafting.scalar(value)}" for target, value in plain.items()),
        ]
    return ".json", json.dumps(document, indent=2) + "\n", lines
