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
from bridge.mapping.guessed import declare
from bridge.mapping.model import Mapping

_READING = (
    ("from",), ("first_of",), ("concat",), ("unit",), ("each",), ("hash", "of"), ("date", "fiscal_year"),
    ("date", "month"), ("group_by", "key"),
)  # fmt: skip
"""Words under which a source field is named; everything else may be the same text by chance."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*[A-Za-z0-9_]|[A-Za-z_]")


@dataclass(frozen=True, slots=True)
class Pair:
    """A name with its value in the file: its nodes, the blocks around it, and whether it stands between braces.

    Args:
        item: the line on which the entry of a series begins that it belongs to; 0 for none.
    """

    section: str
    key: yaml.Node
    value: yaml.Node
    flow: bool
    siblings: int
    parent: Pair | None
    item: int

    def within(self, *names: str) -> bool:
        """Whether it is the last of these names, the one before stands around it, and so on."""
        at: Pair | None = self
        for name in reversed(names):
            if at is None or at.key.value != name:
                return False
            at = at.parent
        return True

    def belongs(self, line: int) -> bool:
        """Whether it is part of the rule, block or condition that begins on this line, and of none inside that."""
        at: Pair | None = self
        while at is not None and at.key.value != "map":
            if line in (at.key.start_mark.line + 1, at.item):
                return True
            at = at.parent
        return False


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Characters of the text, and what stands there instead."""

    start: int
    end: int
    text: str


def fix(mapping: Mapping, found: Sequence[Finding], *, first: bool = True) -> list[str]:
    """Mend what leaves no choice; gives a line for each finding that was mended, none if nothing could be.

    Args:
        first: whether nothing was mended before in this run. Only then is a reason taken out that contradicts a rule:
            a rule that was just mended does not outweigh what a person has written.
    """
    # Line ends stay as they are, so they are not translated.
    with mapping.file.open(encoding="utf-8", newline="") as file:
        text = file.read()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return []
    if root is None:
        return []
    pairs = list(_pairs(root, "", None, 0))
    gone = {id(pair): pair for one in found for pair in _gone(pairs, one, first=first)}
    edits: list[Edit] = []
    told: list[str] = []
    for one in found:
        wanted = [] if _contested(one, found) else [*_edits(text, pairs, one, first=first)]
        wanted += [_remove(text, pair, list(gone.values())) for pair in _gone(pairs, one, first=first)]
        mended = [edit for edit in wanted if not any(_clash(edit, other) for other in edits)]
        if mended:
            edits += mended
            told.append(f"{one.file}:{one.line}: {one.code} {one.field}: {_did(one)}")
    for edit in sorted(set(edits), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    if edits:
        with mapping.file.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    told += declare(mapping, found)
    return told or _whole_records(mapping, found)


def _edits(text: str, pairs: list[Pair], one: Finding, *, first: bool) -> Iterator[Edit]:
    """Names that are written otherwise."""
    meant = one.said.get("meant", "")
    match one:
        case f.UnknownSource() if meant:
            own = [pair for pair in pairs if pair.belongs(one.line)]
            for node in _scalars(pair.value for pair in own if any(pair.within(*names) for names in _READING)):
                if node.value == one.said["name"]:
                    yield _replace(node, meant)
            for pair in own:
                if pair.key.value == one.said["name"] and pair.parent and pair.parent.key.value in ("when", "scope"):
                    yield _replace(pair.key, meant)
        case f.UnknownTarget() if meant:
            own = [pair for pair in _on_line(pairs, one) if pair.parent is not None and pair.parent.key.value == "map"]
            yield from (_replace(pair.key, meant) for pair in own if pair.key.value == one.said["name"])
        case f.Contradiction() if one.said["rest"] and first:
            own = [pair for pair in _on_line(pairs, one) if pair.section in ("ignore", "absent")]
            yield from (_written_out(text, pair, one) for pair in own if pair.key.value == one.field)
        case f.BadStructure() if meant:
            wrong = one.said["wrong"]
            yield from (_replace(pair.key, meant) for pair in _on_line(pairs, one) if pair.key.value == wrong)


def _written_out(text: str, pair: Pair, one: Finding) -> Edit:
    """A line for several fields as a line for each that is left, with the same reason."""
    start, value = pair.key.start_mark, text[pair.value.start_mark.index : _end(text, pair.value)]
    between = ", " if pair.flow else "\n" + " " * start.column
    lines = between.join(f"{_name(path)}: {value}" for path in one.said["rest"].split("\n"))
    return Edit(start.index, _end(text, pair.value), lines)


def _contested(one: Finding, found: Sequence[Finding]) -> bool:
    """Whether another wrong name is as near to the same right one, so that only one of them can mean it."""
    return "name" in one.said and any(
        type(other) is type(one)
        and other.said.get("meant") == one.said.get("meant")
        and other.said.get("name") != one.said["name"]
        for other in found
    )


def _gone(pairs: list[Pair], one: Finding, *, first: bool) -> Iterator[Pair]:
    """Names that are taken out with all that stands below them."""
    match one:
        case f.StaleReason() if one.said["near"]:
            return
        case f.Contradiction() | f.NeedlessOneWay() if not first:
            return
        case f.Contradiction() if one.said["rest"]:
            return
        case f.NeedlessOneWay():
            yield from (pair for pair in pairs if pair.key.value == "one_way" and pair.belongs(one.line))
        case f.StaleReason() | f.Contradiction():
            own = [pair for pair in _on_line(pairs, one) if pair.section in ("ignore", "absent")]
            yield from (pair for pair in own if pair.key.value == one.field)
        case f.Assigned():
            names = (one.field, one.field.rpartition(".")[2])
            yield from (pair for pair in _on_line(pairs, one) if pair.key.value in names)


def _on_line(pairs: list[Pair], one: Finding) -> list[Pair]:
    return [pair for pair in pairs if pair.key.start_mark.line + 1 == one.line]


def _did(one: Finding) -> str:
    if one.said.get("meant"):
        return f"{one.said.get('name') or one.said.get('wrong')} is now {one.said['meant']}"
    if one.said.get("rest"):
        return f"written out for the {one.said['rest'].count(chr(10)) + 1} fields that are left, with the same reason"
    if isinstance(one, f.NeedlessOneWay):
        return "one_way: is taken out"
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


def _pairs(node: yaml.Node, section: str, parent: Pair | None, item: int) -> Iterator[Pair]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            pair = Pair(section or str(key.value), key, value, bool(node.flow_style), len(node.value), parent, item)
            yield pair
            yield from _pairs(value, pair.section, pair, 0)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _pairs(one, section, parent, one.start_mark.line + 1)


def _scalars(nodes: Iterator[yaml.Node]) -> Iterator[yaml.ScalarNode]:
    for node in nodes:
        if isinstance(node, yaml.ScalarNode):
            yield node
        elif isinstance(node, yaml.SequenceNode):
            yield from _scalars(iter(node.value))


def _replace(node: yaml.Node, new: str) -> Edit:
    return Edit(node.start_mark.index, node.end_mark.index, _name(new))


def _name(text: str) -> str:
    """A name as YAML."""
    return text if _PLAIN.fullmatch(text) else '"' + text.replace('"', '\\"') + '"'


def _remove(text: str, pair: Pair, gone: Sequence[Pair]) -> Edit:
    """A name with its value: its lines, or its place between commas; with the last one its section goes too."""
    above = pair.parent
    if above is not None and above.parent is None and sum(one.parent is above for one in gone) == pair.siblings:
        return _remove(text, above, ())
    start, end = pair.key.start_mark.index, _end(text, pair.value)
    if not pair.flow:
        begin, stop = text.rfind("\n", 0, start) + 1, text.find("\n", end)
        return Edit(begin, stop + 1 if stop >= 0 else len(text), "")
    after = re.match(r"\s*,\s*", text[end:])
    if after:
        return Edit(start, end + after.end(), "")
    before = re.search(r",\s*\Z", text[:start])
    return Edit(before.start() if before else start, end, "")


def _end(text: str, node: yaml.Node) -> int:
    """Where the last letter of a value stands: a block's own mark is behind the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    return len(text[: node.end_mark.index].rstrip())


def _clash(one: Edit, other: Edit) -> bool:
    return one != other and one.start < other.end and other.start < one.end
