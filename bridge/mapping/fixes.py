"""bridge check --fix: findings that leave no choice are mended in the file itself, as small an edit as there is.

Comments, order and everything else of the text stay. What has several answers (why a field is ignored, which value is
right) is never filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from bridge.batch import ROW
from bridge.errors import Misconfigured
from bridge.mapping import findings as f
from bridge.mapping.examples import made_of
from bridge.mapping.findings import Finding, Severity
from bridge.mapping.golden import record_of, write_record
from bridge.mapping.model import Mapping

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*[A-Za-z0-9_]|[A-Za-z_]")


@dataclass(frozen=True, slots=True)
class Pair:
    """A name with its value in the file: its nodes, the blocks around it, and whether it stands between braces."""

    section: str
    key: yaml.Node
    value: yaml.Node
    flow: bool
    siblings: int
    parent: Pair | None


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Characters of the text, and what stands there instead."""

    start: int
    end: int
    text: str


def fix(mapping: Mapping, found: Sequence[Finding]) -> list[str]:
    """Mend what leaves no choice; gives a line for each finding that was mended, none if nothing could be."""
    text = mapping.file.read_text(encoding="utf-8")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return []
    if root is None:
        return []
    pairs = list(_pairs(root, "", None))
    edits: list[Edit] = []
    told: list[str] = []
    for one in found:
        mended = [edit for edit in _edits(text, pairs, one) if not any(_clash(edit, other) for other in edits)]
        if mended:
            edits += mended
            told.append(f"{one.file}:{one.line}: {one.code} {one.field}: {_did(one)}")
    for edit in sorted(set(edits), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    if edits:
        mapping.file.write_text(text, encoding="utf-8")
    return told + ([] if edits else _whole_records(mapping, found))


def _edits(text: str, pairs: list[Pair], one: Finding) -> Iterator[Edit]:
    meant = one.said.get("meant", "")
    on_line = [pair for pair in pairs if pair.key.start_mark.line + 1 == one.line]
    match one:
        case f.UnknownSource() if meant:
            for node in _scalars(pair.value for pair in pairs if pair.section not in ("ignore", "absent", "examples")):
                if node.value == one.said["name"] and _near(node, one.line):
                    yield _replace(node, meant)
            for pair in on_line:
                if pair.key.value == one.said["name"]:
                    yield _replace(pair.key, meant)
        case f.UnknownTarget() if meant:
            name = one.said["name"]
            yield from (_replace(pair.key, meant) for pair in on_line if pair.key.value == name)
        case f.BadStructure() if meant:
            wrong = one.said["wrong"]
            yield from (_replace(pair.key, meant) for pair in on_line if pair.key.value == wrong)
        case f.StaleReason() | f.Contradiction():
            yield from (_remove(text, pair) for pair in on_line if pair.key.value == one.field)
        case f.Assigned():
            name = one.field.rpartition(".")[2]
            yield from (_remove(text, pair) for pair in on_line if pair.key.value in (one.field, name))


def _did(one: Finding) -> str:
    if one.said.get("meant"):
        return f"{one.said.get('name') or one.said.get('wrong')} is now {one.said['meant']}"
    return "the line is taken out"


def _whole_records(mapping: Mapping, found: Sequence[Finding]) -> list[str]:
    """Write the records that examples expect and nobody has written down, if nothing else is wrong."""
    if any(one.severity is Severity.ERROR and not isinstance(one, f.FailedExample) for one in found):
        return []
    told: list[str] = []
    for example in mapping.spec.examples:
        name = f"mappings/{mapping.system}/samples/{example.whole}"
        if not example.whole or mapping.content.seek(name) is not None:
            continue
        try:
            made = made_of(mapping, example)
        except (Misconfigured, KeyError):
            continue
        if made is not None:
            write_record(mapping.file.parent / "samples" / example.whole, record_of(made, made.root[ROW][0].as_py()))
            told.append(
                f'{name}: written for example "{example.name}" as the record is now; look at it before you commit'
            )
    return told


def _pairs(node: yaml.Node, section: str, parent: Pair | None) -> Iterator[Pair]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            pair = Pair(section or str(key.value), key, value, bool(node.flow_style), len(node.value), parent)
            yield pair
            yield from _pairs(value, pair.section, pair)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _pairs(one, section, None)


def _scalars(nodes: Iterator[yaml.Node]) -> Iterator[yaml.ScalarNode]:
    for node in nodes:
        if isinstance(node, yaml.ScalarNode):
            yield node
        elif isinstance(node, yaml.SequenceNode):
            yield from _scalars(iter(node.value))


def _near(node: yaml.Node, line: int) -> bool:
    """Whether a node belongs to a rule that begins on this line, and is not far below it."""
    return 0 <= node.start_mark.line + 1 - line <= 3


def _replace(node: yaml.Node, new: str) -> Edit:
    plain = _PLAIN.fullmatch(new) is not None
    return Edit(node.start_mark.index, node.end_mark.index, new if plain else '"' + new.replace('"', '\\"') + '"')


def _remove(text: str, pair: Pair) -> Edit:
    """A name with its value: its lines, or its place between commas; with the last one its block goes too."""
    if pair.siblings == 1 and pair.parent is not None and pair.parent.parent is None:
        return _remove(text, pair.parent)
    start, end = pair.key.start_mark.index, pair.value.end_mark.index
    if not pair.flow:
        begin, stop = text.rfind("\n", 0, start) + 1, text.find("\n", end)
        if isinstance(pair.value, yaml.CollectionNode) and not pair.value.flow_style:
            return Edit(begin, text.rfind("\n", 0, end) + 1 if end < len(text) else end, "")
        return Edit(begin, stop + 1 if stop >= 0 else len(text), "")
    after = re.match(r"\s*,\s*", text[end:])
    if after:
        return Edit(start, end + after.end(), "")
    before = re.search(r",\s*\Z", text[:start])
    return Edit(before.start() if before else start, end, "")


def _clash(one: Edit, other: Edit) -> bool:
    return one != other and one.start < other.end and other.start < one.end
