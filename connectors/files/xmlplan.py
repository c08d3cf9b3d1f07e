"""A shape as a tree of elements: what each element and attribute of a record is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bridge.batch import ROOT
from bridge.errors import Misconfigured
from bridge.shape import Shape, Type


@dataclass(frozen=True, slots=True)
class Column:
    """Where a value goes: table, column name, and whether several values make a list."""

    table: str
    name: str
    many: bool = False


@dataclass(slots=True)
class Node:
    """One element of a record.

    Args:
        path: below the record, for messages; "" for the record.
        table: the list whose entries hold it; "" for the record.
        entry: this element is itself an entry of the list ``table``.
    """

    path: str
    table: str
    entry: bool = False
    text: Column | None = None
    children: dict[str, Node] = field(default_factory=dict)
    attributes: dict[str, Column] = field(default_factory=dict)

    @property
    def repeats(self) -> bool:
        return self.entry or (self.text is not None and self.text.many)

    def walk(self) -> Iterator[Node]:
        """This element and all below, outer ones first."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def step(self, name: str) -> Node:
        """The child of that name, made if it is not there."""
        path = f"{self.path}/{name}" if self.path else name
        return self.children.setdefault(name, Node(path, self.table))


def plan(shape: Shape) -> Node:
    """The record's element tree, in the shape's order.

    Raises:
        Misconfigured: a list stands inside a list, or an element would hold text and elements at once.
    """
    root = Node("", ROOT)
    entries = {ROOT: root}
    for f in shape:
        if f.list not in entries:
            entries[f.list] = _list(root, f.list, shape)
        _field(entries[f.list], f.name, Column(f.list, f.name, f.type is Type.LIST))
    for path in shape.lists:
        if path not in entries:
            entries[path] = _list(root, path, shape)
    for node in root.walk():
        if node.text is not None and node.children:
            raise Misconfigured(
                "BAD_SCHEMA",
                f"{shape.name}: {node.path or 'the record'}",
                "text and elements at once cannot be read",
                "Declare the element with attributes and text, or with elements",
            )
    return root


def _list(root: Node, path: str, shape: Shape) -> Node:
    node = root
    for part in path.split("/"):
        if node.entry:
            raise Misconfigured(
                "BAD_SCHEMA",
                f"{shape.name}: {path}",
                "a list inside a list cannot be read",
                "Make the inner list a record of its own",
            )
        node = node.step(part)
    node.entry, node.table = True, path
    return node


def _field(node: Node, name: str, column: Column) -> None:
    *parts, last = name.split("/")
    for part in parts:
        node = node.step(part)
    if last.startswith("@"):
        node.attributes[last[1:]] = column
    elif last == ".":
        node.text = column
    else:
        node.step(last).text = column
