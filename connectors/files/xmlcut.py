"""Columnar reading of proven XML: all tags of a window at once, as arrays.

expat has proven the file, so ``<`` begins a tag, comment, CDATA section or
processing instruction and nothing else. Tags are found, named, nested and
turned into columns by array operations; a record with anything out of the
ordinary is only marked, and the authority in xmltree reads it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.batch import ROOT
from bridge.errors import Stop
from connectors.files.xmlplan import Column, Node
from connectors.files.xmltree import XSI, Context

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

UNKNOWN: Final = -1
TAG: Final = re.compile(rb"<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
LONGEST_NAME: Final = 64
"""Names longer than this are left to the authority."""
PAD: Final = bytes(LONGEST_NAME + 8)
_MASKS: Final = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
_MIX: Final = np.array(
    [
        0x9E3779B97F4A7C15,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0xD6E8FEB86659FD93,
        0xA0761D6478BD642F,
        0xE7037ED1A0B428DB,
        0x8EBC6AF09C88C6E3,
        0x589965CC75374CC3,
    ],
    np.uint64,
)


def words_at(data: bytes) -> Words:
    """Every eight bytes of padded data as a number, at each offset: a view, not a copy."""
    view: Words = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))
    return view


class Names:
    """Known names, found among bytes by their words; two names never share a number."""

    def __init__(self, names: Sequence[bytes]) -> None:
        self.words = (max((len(name) for name in names), default=1) + 7) // 8
        self._known = np.zeros((max(len(names), 1), self.words), np.uint64)
        for place, name in enumerate(names):
            self._known[place] = np.frombuffer(name.ljust(8 * self.words, b"\0"), "<u8")
        hashes = self._hash([self._known[: len(names), k] for k in range(self.words)])
        for bits in range(6, 22):
            self._shift = np.uint64(64 - bits)
            if len(np.unique(hashes >> self._shift)) == len(names):
                break
        else:
            raise Stop("NAMES", "xml", "two element names share a hash", "Report the names of the schema's elements")
        self._slots = np.zeros(1 << bits, np.int64)
        self._slots[hashes >> self._shift] = np.arange(len(names))

    @staticmethod
    def _hash(words: Sequence[Words]) -> Words:
        total: Words = words[0] * _MIX[0]
        for place, word in enumerate(words[1:], 1):
            total = (total ^ (total >> np.uint64(29))) * _MIX[place] + word
        return total

    def find(self, at: Words, start: Ints, stop: Ints) -> Ints:
        """Numbers of the names that stand at [start, stop); UNKNOWN for others."""
        length = stop - start
        words = [at[start + 8 * k] & _MASKS[np.clip(length - 8 * k, 0, 8)] for k in range(self.words)]
        number = self._slots[self._hash(words) >> self._shift]
        same = length <= 8 * self.words
        for k, word in enumerate(words):
            same &= self._known[number, k] == word
        return np.where(same, number, UNKNOWN)


class Grammar:
    """The element tree as tables that array operations can step through."""

    def __init__(self, root: Node, record: str, context: Context, home: str) -> None:
        self.nodes: list[Node] = list(root.walk())
        number = {id(node): place for place, node in enumerate(self.nodes)}
        prefixes = [prefix for prefix, uri in context.prefixes.items() if uri in ("", home)]
        if "" not in context.prefixes:
            prefixes.append("")
        names: dict[bytes, int] = {}

        def name(local: str, *spellings: str) -> list[int]:
            found = []
            for prefix in spellings:
                spelled = (f"{prefix}:{local}" if prefix else local).encode()
                if len(spelled) <= LONGEST_NAME:
                    found.append(names.setdefault(spelled, len(names)))
            return found

        steps = [
            (number[id(node)], place, number[id(child)])
            for node in self.nodes
            for local, child in node.children.items()
            for place in name(local, *prefixes)
        ]
        self.columns: list[Column] = []
        attributes: list[tuple[int, int, int]] = []
        for node in self.nodes:
            for local, column in node.attributes.items():
                attributes += [(number[id(node)], place, len(self.columns)) for place in name(local, "")]
                self.columns.append(column)
        self.record = np.array(name(record, *prefixes), np.int64)
        instance = [prefix for prefix, uri in context.prefixes.items() if uri == XSI and prefix]
        self.nil = np.array(name("nil", *instance), np.int64)
        self.harmless = np.array(name("type", *instance) + name("schemaLocation", *instance), np.int64)
        self.names = Names(list(names))
        # One column and row more than names and nodes, so that UNKNOWN (-1) leads to UNKNOWN.
        self.child = np.full((len(self.nodes) + 1, len(names) + 1), UNKNOWN, np.int64)
        self.attribute = np.full((len(self.nodes) + 1, len(names) + 1), UNKNOWN, np.int64)
        for parent, place, to in steps:
            self.child[parent, place] = to
        for parent, place, to in attributes:
            self.attribute[parent, place] = to
        self.texts = np.array([node.text is not None for node in self.nodes] + [False])
        self.repeats = np.array([node.repeats for node in self.nodes] + [False])
        self.lists = [node.table for node in self.nodes if node.entry]
        self.list_of = np.array([self.lists.index(node.table) if node.table else -1 for node in self.nodes] + [-1])
        self.list_number = {ROOT: -1, **{path: place for place, path in enumerate(self.lists)}}
        self.entry = np.array([node.entry for node in self.nodes] + [False])
        self.many = np.array([node.text is not None and node.text.many for node in self.nodes] + [False])
        self.depth = max(node.path.count("/") + 2 if node.path else 1 for node in self.nodes)


@dataclass(slots=True)
class Tags:
    """All tags of a window outside comments and the like, in order.

    Args:
        data: the window, padded; ``buffer`` is the same as numbers, without the padding.
        start, stop: offsets of ``<`` and ``>``.
        level: depth of the element that the tag opens or closes; the root element's is 1.
        odd: the tag has single quotes, or a ``>`` inside a value.
        quotes: offsets of the double quotes inside tags that are not odd, and the tag of each.
        opaque: where comments, CDATA sections and instructions begin.
        complete: where a tag or section begins whose end is behind the window, else the window's length.
    """

    data: bytes
    buffer: npt.NDArray[np.uint8]
    start: Ints
    stop: Ints
    closing: Bools
    alone: Bools
    level: Ints
    odd: Bools
    quotes: Ints
    quoted: Ints
    opaque: Ints
    complete: int


@dataclass(frozen=True, slots=True)
class OpeningNames:
    """Of each opening tag: the number of its name, UNKNOWN if no grammar has it, and the offset where the name ends."""

    number: Ints
    end: Ints


def tags_of(data: bytes, depth: int) -> Tags:
    """Find the tags of a window that begins outside any tag, inside ``depth`` elements."""
    padded = data + PAD
    buffer = np.frombuffer(padded, np.uint8)[: len(data)]
    start = np.flatnonzero(buffer == ord("<"))
    stop = np.flatnonzero(buffer == ord(">"))
    after = buffer[np.minimum(start + 1, len(buffer) - 1)]
    plain = not bool(((after == ord("!")) | (after == ord("?"))).any())
    sections, whole_until = (np.zeros((0, 2), np.int64), len(data)) if plain else _sections(data)
    if len(sections) or whole_until < len(data):
        start, stop = (_outside(places[places < whole_until], sections) for places in (start, stop))
    if len(start) != len(stop) or bool((stop < start).any()) or bool((start[1:] < stop[:-1]).any()):
        # A > in text is no end of a tag, and the last tag may end behind the window.
        place = np.searchsorted(stop, start)
        ended = place < len(stop)
        whole_until = min([whole_until, *start[~ended].tolist()])
        start, stop = start[ended], stop[place[ended]]
        if bool((start[1:] < stop[:-1]).any()):
            raise Stop(
                "CHANGED", "xml", "the archived file is not the one that was proven", "Compare the file with its hash"
            )
    quotes, quoted = _inside(np.flatnonzero(buffer == ord('"')), start, stop)
    singles = _inside(places_of(b"'", data, buffer), start, stop)[1]
    odd = np.zeros(len(start), np.bool_)
    odd[singles] = True
    odd |= np.bincount(quoted, minlength=len(start)) % 2 == 1
    for tag in np.flatnonzero(odd):
        match = TAG.match(data, int(start[tag]))
        if match is None:  # the > seen is inside a value whose end is behind the window
            whole_until = int(start[tag])
            start, stop, odd = start[:tag], stop[:tag], odd[:tag]
            break
        stop[tag] = match.end() - 1
    regular = np.flatnonzero(quoted < len(start))
    regular = regular[~odd[quoted[regular]]]
    closing = buffer[start + 1] == ord("/")
    alone = ~closing & (buffer[stop - 1] == ord("/"))
    change = np.where(closing, -1, np.where(alone, 0, 1))
    level = depth + np.cumsum(change) + (alone | closing)
    return Tags(
        padded,
        buffer,
        start,
        stop,
        closing,
        alone,
        level,
        odd,
        quotes[regular],
        quoted[regular],
        sections[:, 0],
        whole_until,
    )


def places_of(char: bytes, data: bytes, buffer: npt.NDArray[np.uint8]) -> Ints:
    """Where a rare character stands."""
    return np.flatnonzero(buffer == ord(char)) if char in data else np.zeros(0, np.int64)


def _sections(data: bytes) -> tuple[Ints, int]:
    """Where comments, CDATA sections and instructions begin and end, and where one begins that does not end here."""
    found: list[tuple[int, int]] = []
    bang, ask, at = data.find(b"<!"), data.find(b"<?"), 0
    while bang >= 0 or ask >= 0:
        at = min(place for place in (bang, ask) if place >= 0)
        if at == ask:
            end = b"?>"
        elif data.startswith(b"<!--", at):
            end = b"-->"
        elif data.startswith(b"<![CDATA[", at):
            end = b"]]>"
        else:
            return np.array(found, np.int64).reshape(-1, 2), at
        stop = data.find(end, at + (4 if end == b"-->" else 2))
        if stop < 0:
            return np.array(found, np.int64).reshape(-1, 2), at
        found.append((at, stop + len(end)))
        bang = data.find(b"<!", found[-1][1]) if 0 <= bang < found[-1][1] else bang
        ask = data.find(b"<?", found[-1][1]) if 0 <= ask < found[-1][1] else ask
    return np.array(found, np.int64).reshape(-1, 2), len(data)


def _outside(places: Ints, sections: Ints) -> Ints:
    if not len(sections):
        return places
    section = np.searchsorted(sections[:, 0], places, "right") - 1
    outside: Ints = places[(section < 0) | (places >= sections[section, 1])]
    return outside


def _inside(places: Ints, start: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """Those places that lie inside a tag, and the tag of each."""
    tag = np.searchsorted(start, places, "right") - 1
    kept = (tag >= 0) & (places < stop[tag]) if len(start) else np.zeros(len(places), np.bool_)
    return places[kept], tag[kept]
