"""A sample record made from the shape alone: invented values in the forms that were seen, and codes; nothing that any
record holds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from bridge.authoring import evidence
from bridge.authoring.codedraft import CodeDraft
from bridge.authoring.drafting import Said
from bridge.authoring.sample import Column, Sample
from bridge.mapping.rules import split_text
from bridge.shape import Type

DAY: Final = {
    "%Y": "2026",
    "%m": "01",
    "%-m": "1",
    "%d": "15",
    "%-d": "15",
    "%b": "Jan",
    "%H": "09",
    "%M": "30",
    "%S": "00",
    "%f": "0",
    "%z": "Z",
}
NUMBER: Final = "12.5"
TEXT: Final = "invented text"
_TYPED: Final = {
    Type.DATE: "2026-01-15", Type.DATETIME: "2026-01-15T09:30:00Z", Type.DECIMAL: NUMBER, Type.INTEGER: "12",
    Type.BOOLEAN: "true",
}  # fmt: skip
"""Values of fields whose schema says their type."""
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def invented(column: Column, rule: Said | None, codes: Mapping[str, CodeDraft]) -> str:
    """A value of the column's form: a code that a list names, 15 January 2026, 12.5, or letters and digits in order.

    Args:
        rule: the rule that reads the column, if one does.
    """
    rule = rule or {}
    if "codes" in rule and column.values and "unit" not in rule:
        made = codes.get(str(rule["codes"]))
        if made is None:
            return _part(next(iter(column.distinct)), rule)  # a list that knows every value of the column
        known = next((source for source, target, *_ in made.rows if target), "")
        if known or not column.field.required:
            return known
    measured = _TYPED.get(column.field.type) or _measured(column, rule)
    if measured:
        return measured
    if not column.values or evidence.wordy(column.values) or " " in evidence.common_form(column.values):
        return TEXT
    form = evidence.common_form(column.values)
    # Never a value that was seen, which could be someone's.
    return next((filled for shift in range(9) if (filled := _filled(form, shift)) not in column.distinct), TEXT)


def _part(value: str, rule: Said) -> str:
    """The first of several values in one cell."""
    return split_text(value, str(rule["split"]))[0] if "split" in rule else value


def _measured(column: Column, rule: Said) -> str:
    """A date or number as the column writes them; "" if it has neither."""
    said = rule.get("date") or rule.get("datetime")
    if said:
        return _dated(str(said))
    if column.dates:
        pattern = column.dates.pattern
        return _dated(f"%d{pattern}%m{pattern}%Y" if column.dates.open else pattern or "%Y-%m-%d")
    if column.numbers:
        return "12" if column.numbers.whole else NUMBER.replace(".", column.numbers.decimal or ".")
    return ""


def _dated(pattern: str) -> str:
    for directive, text in sorted(DAY.items(), key=lambda pair: -len(pair[0])):
        pattern = pattern.replace(directive, text)
    return pattern


def _filled(form: str, shift: int) -> str:
    """The form with letters and digits in their order, from the one at ``shift`` on."""
    letters = digits = shift
    out = []
    for char in form[:40]:
        if char == "9":
            digits += 1
            out.append(str(digits % 10))
        elif char in "Aa":
            out.append(_LETTERS[letters % len(_LETTERS)] if char == "A" else _LETTERS[letters % len(_LETTERS)].lower())
            letters += 1
        else:
            out.append(char)
    return "".join(out)


def written(sample: Sample, values: Mapping[str, str]) -> tuple[str, str]:
    """The sample file with one record of these values: its suffix and its text."""
    match sample.kind:
        case "csv" | "xlsx":
            out = io.StringIO()
            delimiter = {"tab": "\t"}.get(sample.options.get("delimiter", ","), sample.options.get("delimiter", ","))
            rows = csv.writer(out, delimiter=delimiter, lineterminator="\n")
            rows.writerow([column.field.name for column in sample.columns])
            rows.writerow([values[column.path] for column in sample.columns])
            return ".csv", out.getvalue()
        case "xml":
            return ".xml", _xml(sample, values)
    return ".json", json.dumps(_document(sample, values), ensure_ascii=False, indent=2) + "\n"


def _document(sample: Sample, values: Mapping[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for column in sample.columns:
        here: Any = document
        if column.field.list:
            here = document.setdefault(column.field.list, [{}])[0]
        *above, last = column.field.name.split(".")
        for part in above:
            here = here.setdefault(part, {})
        value = values[column.path]
        typed = (
            value == "true"
            if column.field.type is Type.BOOLEAN
            else int(value)
            if column.field.type is Type.INTEGER
            else value
        )
        here[last] = [typed] if column.field.type is Type.LIST else typed
    return document


def _xml(sample: Sample, values: Mapping[str, str]) -> str:
    tree: dict[str, Any] = {}
    for column in sample.columns:
        path = "/".join(filter(None, (column.field.list, column.field.name))).replace("@", "/@")
        here = tree
        *above, last = [part for part in path.split("/") if part]
        for part in above:
            below = here.get(part, {})
            here[part] = below if isinstance(below, dict) else {"": below}
            here = here[part]
        if isinstance(here.get(last), dict):
            here[last][""] = values[column.path]
        else:
            here["" if last == "." else last] = values[column.path]
    root, _, record = sample.record.strip("/").rpartition("/")
    space = _namespace(sample.schema)
    head = f"<{root}{space}>" if root else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{_element(record, tree, "  ")}</{root}>\n'


def _namespace(schema: str) -> str:
    _, found, rest = schema.partition('targetNamespace="')
    return f" xmlns={quoteattr(rest.partition(chr(34))[0])}" if found else ""


def _element(name: str, tree: Any, pad: str) -> str:
    if not isinstance(tree, dict):
        return f"{pad}<{name}>{escape(tree)}</{name}>\n"
    attributes = "".join(f" {key[1:]}={quoteattr(value)}" for key, value in tree.items() if key.startswith("@"))
    inner = "".join(_element(key, value, pad + "  ") for key, value in tree.items() if key and not key.startswith("@"))
    return (
        f"{pad}<{name}{attributes}>{escape(tree.get('', ''))}" + (f"\n{inner}{pad}" if inner else "") + f"</{name}>\n"
    )
