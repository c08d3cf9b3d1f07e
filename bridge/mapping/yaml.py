"""YAML without its traps: texts only, no duplicate keys, every value knows its line.

``NO`` is Norway and ``0123`` a code. Anchors, aliases, tags and several documents
in one file are refused: a mapping is read by people who never met them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from bridge.mapping.faults import Fault


class Text(str):
    """A text of the file."""

    __slots__ = ("line",)
    line: int

    def __new__(cls, value: str, line: int) -> Text:
        made = super().__new__(cls, value)
        made.line = line
        return made


class Block(dict[str, "Value"]):
    """Names and values, in the order of the file."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        """The line of each name."""


class Series(list["Value"]):
    """Values one after the other."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


Value = Text | Block | Series
_KINDS: Final = frozenset(("map", "seq", "str", "null", "bool", "int", "float", "timestamp", "value"))
"""Tags that YAML itself gives a value that has none."""


def read_yaml(path: Path) -> tuple[Block, list[Fault]]:
    """The file as texts, blocks and series, and what is wrong with it; an unreadable file gives an empty block."""
    faults: list[Fault] = []
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as bad:
        line = bad.problem_mark.line + 1 if bad.problem_mark else 1
        faults.append(
            Fault("M100", line, "", f"not YAML: {bad.problem or bad.context}", "Correct the line or the one before")
        )
        return Block(1), faults
    except (yaml.YAMLError, UnicodeDecodeError) as bad:
        faults.append(Fault("M100", 1, "", f"not YAML in UTF-8: {type(bad).__name__}", "Save the file as UTF-8 text"))
        return Block(1), faults
    if not isinstance(node, yaml.MappingNode):
        faults.append(Fault("M100", 1, "", "the file does not hold names and values", "Begin with mapping:"))
        return Block(1), faults
    seen: set[int] = set()
    top = _value(node, "", faults, seen)
    return (top if isinstance(top, Block) else Block(1)), faults


def _value(node: yaml.Node, path: str, faults: list[Fault], seen: set[int], named: int = 1) -> Value:
    """A node's value; ``named`` is the line of its name, which an alias does not tell."""
    line = node.start_mark.line + 1
    if id(node) in seen:
        faults.append(Fault("M102", named, path, "an alias (*name) is used", "Write the value out where it is meant"))
        return Text("", line)
    seen.add(id(node))
    prefix, _, kind = node.tag.rpartition(":")
    if prefix != "tag:yaml.org,2002" or kind not in _KINDS:
        shown = node.value if isinstance(node, yaml.ScalarNode) else node.tag
        faults.append(Fault("M102", line, path, f"the tag or merge key {shown} is used", "Write plain values"))
    if isinstance(node, yaml.ScalarNode):
        if node.tag.endswith(":null") and node.value:
            what = f"{node.value} would be a text here, and other readers of YAML take it for nothing"
            faults.append(Fault("M102", line, path, what, "Put it in quotes, or leave the name out"))
        return Text(node.value, line)
    if isinstance(node, yaml.SequenceNode):
        series = Series(line)
        for place, item in enumerate(node.value):
            series.append(_value(item, f"{path}.{place}" if path else str(place), faults, seen, line))
        return series
    block = Block(line)
    for key, value in _pairs(node, path, faults):
        name = key.value
        at = f"{path}.{name}" if path else name
        if name in block:
            first = block.lines[name]
            faults.append(
                Fault(
                    "M101",
                    key.start_mark.line + 1,
                    at,
                    f"{name} is already said on line {first}",
                    "Keep one of the two",
                )
            )
            continue
        block[name] = _value(value, at, faults, seen, key.start_mark.line + 1)
        block.lines[name] = key.start_mark.line + 1
    return block


def _pairs(node: yaml.Node, path: str, faults: list[Fault]) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            faults.append(Fault("M102", key.start_mark.line + 1, path, "a name is not a text", "Write a plain name"))
        elif key.value == "<<" and not key.style:
            faults.append(
                Fault("M102", key.start_mark.line + 1, path, "a merge key (<<) is used", "Write the values out")
            )
        else:
            if getattr(node, "flow_style", False) and _empty(value) and " " in key.value and not key.style:
                what = f"a comma ends the text before {key.value}"
                faults.append(Fault("M102", key.start_mark.line + 1, path, what, "Put the whole text in quotes"))
                continue
            yield key, value


def _empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index


def plain(value: Value) -> str | dict[str, object] | list[object]:
    """The value without lines."""
    if isinstance(value, Block):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, Series):
        return [plain(inner) for inner in value]
    return str(value)
