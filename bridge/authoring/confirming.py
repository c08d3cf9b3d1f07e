"""A person's word on suggestions: the marks are taken out of the files, and nothing else of them changes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from bridge.errors import Misconfigured
from bridge.mapping.codes import COLUMNS, RELATIONS, UNIT, code_path
from bridge.mapping.model import Mapping
from bridge.mapping.suggested import IN_SCHEMA, SUGGESTED, Suggestion

SECTIONS: Final = ("map", "ignore", "absent", "collect", "deliver", "release", "source", "target", "examples")
CLASSES: Final = "classes"
CODES: Final = "codes"


@dataclass(frozen=True, slots=True)
class Open:
    """One thing that nobody has confirmed.

    Args:
        section: ``map``, ``absent`` and the like, ``classes``, or ``codes``.
        name: what to type to confirm it.
    """

    section: str
    name: str
    why: str


def open_marks(mapping: Mapping) -> list[Open]:
    """Every suggestion of a mapping, of its schema, and of code lists that nobody has reviewed, in that order."""
    found = [Open(*_place(one), one.why) for one in mapping.suggestions]
    for name, rows in _lists(mapping):
        unread = [row for row in rows if not row["reviewed_by"]]
        if unread:
            empty = sum(not _complete(row) for row in unread)
            what = f"{len(unread)} of {len(rows)} rows nobody has reviewed"
            found.append(Open(CODES, name, what + (f", {empty} of them still to be filled in" if empty else "")))
    return found


def _place(one: Suggestion) -> tuple[str, str]:
    if one.file:
        return CLASSES, one.field
    section, _, rest = one.field.partition(".")
    return (section, rest or section) if section in SECTIONS else ("map", one.field)


def confirm(mapping: Mapping, wanted: Sequence[str], by: str) -> list[Open]:
    """Take away the marks of what is named, sections or single names; gives what was confirmed.

    Args:
        by: who reviews; needed for code lists, whose rows keep it.

    Raises:
        Misconfigured: a name means nothing that is open, or a code list is named and nobody is.
    """
    marks = open_marks(mapping)
    chosen = [one for one in marks if {one.section, one.name, f"{one.section}.{one.name}"} & set(wanted)]
    known = {name for one in chosen for name in (one.section, one.name, f"{one.section}.{one.name}")}
    lacking = [name for name in wanted if name not in known and name not in (*SECTIONS, CLASSES, CODES)]
    if lacking:
        names = ", ".join(dict.fromkeys(one.section for one in marks)) or "nothing"
        raise Misconfigured(
            "NOT_OPEN", f"bridge confirm {mapping.system}", f"no suggestion is called {lacking[0]}",
            f"Open are: {names}",
        )  # fmt: skip
    if any(one.section == CODES for one in chosen) and not by.strip():
        raise Misconfigured(
            "NO_REVIEWER", f"bridge confirm {mapping.system}", "the rows of a code list keep who reviewed them",
            "Say --by and your name or mailbox",
        )  # fmt: skip
    _unmark_mapping(mapping.file, {(one.section, one.name) for one in chosen})
    _unmark_schema(mapping, {one.name for one in chosen if one.section == CLASSES})
    for one in chosen:
        if one.section == CODES:
            _review(mapping.content.path(code_path(one.name)), by.strip())
    return chosen


# --- the mapping's file -----------------------------------------------------------------------------------------------


def _unmark_mapping(path: Path, chosen: set[tuple[str, str]]) -> None:
    text = path.read_text(encoding="utf-8")
    cuts = []
    for at, key, value in _marks(yaml.compose(text, Loader=yaml.CSafeLoader), ""):
        place = _place(Suggestion(at, "", 0))
        if place in chosen:
            cuts.append(_cut(text, key.start_mark.index, value.end_mark.index))
    # From the end, so that what is still to be cut stays where it is.
    for start, end in sorted(cuts, reverse=True):
        text = text[:start] + text[end:]
    path.write_text(text, encoding="utf-8")


def _marks(node: Any, at: str) -> Iterator[tuple[str, Any, Any]]:
    """Every mark with the path that suggestions() gives it."""
    if isinstance(node, yaml.SequenceNode):
        for place, one in enumerate(node.value):
            named = (
                next((v.value for k, v in one.value if k.value == "name"), place)
                if isinstance(one, yaml.MappingNode)
                else place
            )
            yield from _marks(one, f"{at}.{named}" if at == "examples" else at)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == SUGGESTED:
                yield at, key, value
            elif not isinstance(value, yaml.ScalarNode):
                yield from _marks(value, at if key.value == "map" else f"{at}.{key.value}" if at else key.value)


def _cut(text: str, start: int, end: int) -> tuple[int, int]:
    """What goes with a mark: in a flow mapping the comma before it, in a block its line."""
    before = re.search(r",?[ \t]*$", text[:start])
    if before and before[0].startswith(","):
        return before.start(), end
    line = text.rfind("\n", 0, start) + 1
    if not text[line:start].strip():
        stop = text.find("\n", end)
        return line, len(text) if stop < 0 else stop + 1
    after = re.match(r"[ \t]*,[ \t]*", text[end:])
    return start, end + (after.end() if after else 0)


# --- schema and code lists --------------------------------------------------------------------------------------------


def _unmark_schema(mapping: Mapping, names: set[str]) -> None:
    for side in (mapping.source, mapping.target):
        path = mapping.content.seek(f"schemas/{side['schema']}")
        if names and path is not None and path.suffix == ".json":
            document = json.loads(path.read_bytes())
            if _strip(document, "", names):
                path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _strip(node: Any, at: str, names: set[str]) -> bool:
    changed = False
    for name, inner in node.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        if path in names and inner.pop(IN_SCHEMA, None) is not None:
            changed = True
        changed |= _strip(inner, path, names)
        changed |= _strip(inner.get("items", {}), path, names)
    return changed


def _lists(mapping: Mapping) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The mapping's code lists with their rows, each once."""
    for name in dict.fromkeys(rule.codes for _, _, rule in mapping.spec.rules_of() if rule.codes):
        path = mapping.content.seek(code_path(name))
        if path is not None:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = [row for row in csv.DictReader(file) if tuple(row) == COLUMNS]
            yield name, rows


def _complete(row: dict[str, str]) -> bool:
    """Whether a row says what its code means, so that it can be reviewed."""
    relation = row["relation"]
    told = relation in RELATIONS or relation.startswith(UNIT)
    return told and (relation == "none") == (not row["target"])


def _review(path: Path, by: str) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if not row["reviewed_by"] and _complete(row):
            row["reviewed_by"], row["reviewed_on"] = by, f"{datetime.now(UTC):%Y-%m-%d}"
    out = io.StringIO()
    made = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    made.writeheader()
    made.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
