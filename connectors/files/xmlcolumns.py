"""From the tags of a window to columns: which record, which element, which value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from bridge.batch import ROOT
from bridge.errors import Stop
from connectors.files.xmlcut import LONGEST_NAME, UNKNOWN, Bools, Grammar, Ints, OpeningNames, Tags, places_of, words_at

WIDTH: Final = 24
"""Most names with what follows them are shorter."""
ENTITIES: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
REFERENCE: Final = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(\w+));")


@dataclass(frozen=True, slots=True)
class Columns:
    """What array operations could read from some records.

    Args:
        columns: by list path and name, those that have a value; ``owners`` gives the record of each row.
        ordinary: per record, whether it stands in the tables; the others are for the authority.
    """

    columns: dict[str, dict[str, pa.Array]]
    owners: dict[str, Ints]
    ordinary: Bools


def columns_of(tags: Tags, begin: Ints, end: Ints, grammar: Grammar, names: OpeningNames, plain: Bools) -> Columns:
    """Read the records whose first and last tags are ``begin`` and ``end``.

    Args:
        plain: which records may be read here at all.
    """
    return _Reading(tags, begin, end, grammar, names, plain).run()


class _Reading:
    """One window. Opening tags inside records are the rows of its arrays: tag, record, node, parent."""

    def __init__(self, tags: Tags, begin: Ints, end: Ints, grammar: Grammar, names: OpeningNames, plain: Bools) -> None:
        self.tags, self.grammar = tags, grammar
        self.begin, self.end = begin, end
        opens = np.flatnonzero(~tags.closing)
        starts = np.zeros(len(tags.start) + 1, np.int64)
        starts[begin] = 1
        record = np.cumsum(starts)[opens] - 1
        inside = (record >= 0) & (opens <= end[record])
        self.tag, self.record = opens[inside], record[inside]
        self.name, self.name_end = names.number[inside], names.end[inside]
        self.ordinary = plain.copy()

    def run(self) -> Columns:
        self._mark_sections()
        self._step_down()
        self._mark(self.record[self.node == UNKNOWN])
        self._mark_text_between()
        attributes = self._attributes()
        self._own()
        self._mark_repeated()
        columns = self._columns(attributes)
        owners = {ROOT: np.flatnonzero(self.ordinary)}
        for place, path in enumerate(self.grammar.lists):
            owners[path] = self.record[self.entries[place]]
        return Columns(columns, owners, self.ordinary)

    def _mark(self, records: Ints) -> None:
        self.ordinary[records] = False

    def _mark_sections(self) -> None:
        """Comments, CDATA, instructions, single quotes: for the authority."""
        tags = self.tags
        offsets = np.concatenate([tags.opaque, tags.start[tags.odd]])
        record = np.searchsorted(tags.start[self.begin], offsets, "right") - 1
        hit = (record >= 0) & (offsets < tags.stop[self.end[record]])
        self._mark(record[hit])

    def _step_down(self) -> None:
        """The node of each tag, level by level from the record; what the schema does not know stays UNKNOWN."""
        level = self.tags.level[self.tag]
        self.node = np.full(len(self.tag), UNKNOWN, np.int64)
        self.parent = np.zeros(len(self.tag), np.int64)
        first = int(level.min())
        upper = np.flatnonzero(level == first)
        self.node[upper] = 0
        for depth in range(first + 1, first + self.grammar.depth):
            lower = np.flatnonzero(level == depth)
            above = upper[np.cumsum(level == depth - 1)[lower] - 1]
            self.parent[lower] = above
            self.node[lower] = self.grammar.child[self.node[above], self.name[lower]]
            upper = lower

    def _mark_text_between(self) -> None:
        """Text that stands where the schema has only elements."""
        tags = self.tags
        leaf = np.zeros(len(tags.start), np.bool_)
        leaf[self.tag[self.grammar.texts[self.node]]] = True
        leaf &= ~tags.alone
        leaf[self.end] = True
        begin, stop = tags.stop[:-1] + 1, tags.start[1:]
        gap = np.flatnonzero((stop > begin) & ~leaf[:-1])
        record = np.searchsorted(self.begin, gap, "right") - 1
        inside = (record >= 0) & (gap < self.end[record])
        gap, record = gap[inside], record[inside]
        if len(gap):
            edges = np.empty(2 * len(gap), np.int64)
            edges[0::2], edges[1::2] = begin[gap], stop[gap]
            highest = np.maximum.reduceat(tags.buffer, edges)[::2]
            self._mark(record[highest > ord(" ")])

    def _attributes(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Row, column, value's start and stop of each attribute that has a column."""
        tags, buffer = self.tags, self.tags.buffer
        row_of_tag = np.full(len(tags.start), UNKNOWN, np.int64)
        row_of_tag[self.tag] = np.arange(len(self.tag))
        kept = row_of_tag[tags.quoted] >= 0
        quotes, tag = tags.quotes[kept], tags.quoted[kept]
        begin, stop, tag = quotes[0::2] + 1, quotes[1::2], tag[0::2]
        row = row_of_tag[tag]
        first = np.ones(len(tag), np.bool_)
        first[1:] = tag[1:] != tag[:-1]
        left = np.empty(len(tag), np.int64)
        left[~first] = stop[:-1][~first[1:]] + 1
        left[first] = self.name_end[row[first]]
        while len(left) and bool((blank := buffer[left] <= ord(" ")).any()):
            left += blank
        right = begin - 2
        strange = (right <= left) | (buffer[right] != ord("=")) | (buffer[right - 1] <= ord(" "))
        self._mark(self.record[row[strange]])
        row, begin, stop, left, right = (part[~strange] for part in (row, begin, stop, left, right))
        name = self.grammar.names.find(words_at(tags.data), left, right)
        nil = np.isin(name, self.grammar.nil) & self.tags.alone[self.tag[row]]
        harmless = nil | np.isin(name, self.grammar.harmless)
        row, begin, stop, name = (part[~harmless] for part in (row, begin, stop, name))
        column = self.grammar.attribute[self.node[row], name]
        self._mark(self.record[row[column == UNKNOWN]])
        return row, column, begin, stop

    def _own(self) -> None:
        """The row of its table that each tag belongs to."""
        belongs = self.grammar.list_of[self.node]
        good = self.ordinary[self.record]
        self.entries = [
            np.flatnonzero(self.grammar.entry[self.node] & (belongs == place) & good)
            for place in range(len(self.grammar.lists))
        ]
        self.owner = self.record.copy()
        for place, entries in enumerate(self.entries):
            mine = np.flatnonzero(belongs == place)
            self.owner[mine] = np.searchsorted(entries, mine, "right") - 1

    def _mark_repeated(self) -> None:
        """Elements that stand twice in one parent where the schema allows one."""
        once = np.flatnonzero(~self.grammar.repeats[self.node])
        order = once[np.argsort(self.node[once].astype(np.int16), kind="stable")]
        same = (
            (self.node[order][1:] == self.node[order][:-1])
            & (self.parent[order][1:] == self.parent[order][:-1])
            & (self.node[order][1:] != 0)
        )
        if same.any():
            self._mark(self.record[order[1:][same]])
            self._own()

    def _columns(self, attributes: tuple[Ints, Ints, Ints, Ints]) -> dict[str, dict[str, pa.Array]]:
        place_of_record = np.cumsum(self.ordinary) - 1
        sizes = {
            ROOT: int(self.ordinary.sum()),
            **{path: len(self.entries[n]) for n, path in enumerate(self.grammar.lists)},
        }
        owner = np.where(self.grammar.list_of[self.node] >= 0, self.owner, place_of_record[self.record])
        found: dict[str, dict[str, pa.Array]] = {path: {} for path in sizes}
        row, column, begin, stop = attributes
        kept = self.ordinary[self.record[row]] & (stop > begin)
        values = _Texts(self.tags, begin[kept], stop[kept], inside_tag=True)
        for part, number in _groups(column[kept], len(self.grammar.columns)):
            place = self.grammar.columns[number]
            found[place.table][place.name] = values.column(part, owner[row[kept][part]], sizes[place.table], False)
        leaf = np.flatnonzero(self.grammar.texts[self.node] & self.ordinary[self.record] & ~self.tags.alone[self.tag])
        begin, stop = self.tags.stop[self.tag[leaf]] + 1, self.tags.start[self.tag[leaf] + 1]
        leaf, begin, stop = (part[stop > begin] for part in (leaf, begin, stop))
        values = _Texts(self.tags, begin, stop, inside_tag=False)
        for part, number in _groups(self.node[leaf], len(self.grammar.nodes)):
            text = self.grammar.nodes[number].text
            if text is not None:
                found[text.table][text.name] = values.column(part, owner[leaf[part]], sizes[text.table], text.many)
        return found


def _name_ends(tags: Tags, tag: Ints) -> Ints:
    """Where the names of some opening tags with attributes end."""
    begin, buffer = tags.start[tag] + 1, tags.buffer
    blank = buffer[np.minimum(begin[:, None] + np.arange(WIDTH), len(buffer) - 1)] <= ord(" ")
    length = blank.argmax(axis=1)
    wide = np.flatnonzero(~blank[np.arange(len(length)), length])
    if len(wide):
        blank = buffer[np.minimum(begin[wide, None] + np.arange(LONGEST_NAME + 1), len(buffer) - 1)] <= ord(" ")
        length[wide] = blank.argmax(axis=1)
    ends: Ints = begin + length
    return ends


def opening_names(tags: Tags, grammar: Grammar) -> OpeningNames:
    """The known names of all opening tags."""
    opens = np.flatnonzero(~tags.closing)
    begin = tags.start[opens] + 1
    end = tags.stop[opens] - tags.alone[opens]
    while len(end) and bool((blank := tags.buffer[end - 1] <= ord(" ")).any()):
        end -= blank
    special = np.zeros(len(tags.start), np.bool_)
    special[tags.quoted] = True
    special |= tags.odd
    at = np.flatnonzero(special[opens])
    if len(at):
        end[at] = _name_ends(tags, opens[at])
    return OpeningNames(grammar.names.find(words_at(tags.data), begin, end), end)


def _groups(numbers: Ints, count: int) -> list[tuple[Ints, int]]:
    """Positions of each number that occurs, in order."""
    order = np.argsort(numbers.astype(np.int16), kind="stable")
    edges = np.searchsorted(numbers[order], np.arange(count + 1))
    return [(order[edges[n] : edges[n + 1]], n) for n in range(count) if edges[n + 1] > edges[n]]


class _Texts:
    """Values that lie in the window, none of them empty, as one Arrow array without copying."""

    def __init__(self, tags: Tags, begin: Ints, stop: Ints, *, inside_tag: bool) -> None:
        data, buffer = tags.data, tags.buffer
        edges = np.empty(2 * len(begin), np.int32)
        edges[0::2], edges[1::2] = begin, stop
        # Values and the gaps between them alternate; the value at place n is element 2n.
        self.values = (
            pa.StringArray.from_buffers(max(len(edges) - 1, 0), pa.py_buffer(edges), pa.py_buffer(data))
            if len(edges)
            else pa.array([], pa.string())
        )
        self.place = 2 * np.arange(len(begin))
        special = [
            places_of(char, data, buffer) for char in ((b"&", b"\r", b"\n", b"\t") if inside_tag else (b"&", b"\r"))
        ]
        offsets = np.concatenate(special)
        holder = np.searchsorted(begin, offsets, "right") - 1
        hit = (holder >= 0) & (offsets < stop[holder]) if len(begin) else np.zeros(len(offsets), np.bool_)
        changed = np.unique(holder[hit])
        if len(changed):
            texts = [_decode(data[begin[n] : stop[n]].decode(), inside_tag) for n in changed]
            self.place[changed] = len(self.values) + np.arange(len(changed))
            self.values = pa.concat_arrays([self.values, pa.array(texts, pa.string())])

    def column(self, part: Ints, owner: Ints, size: int, many: bool) -> pa.Array:
        """Some of the values as a column of ``size`` rows, each value in the row that owns it."""
        if many:
            counts = np.bincount(owner, minlength=size)
            offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
            return pa.ListArray.from_arrays(
                pa.array(offsets), self.values.take(pa.array(self.place[part])), mask=pa.array(counts == 0)
            )
        if len(part) == size:
            return self.values.take(pa.array(self.place[part]))
        places = np.zeros(size, np.int64)
        empty = np.ones(size, np.bool_)
        places[owner], empty[owner] = self.place[part], False
        return self.values.take(pa.array(places, mask=empty))


def _decode(text: str, inside_tag: bool) -> str:
    """Line ends and references as XML reads them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if inside_tag:
        text = text.replace("\n", " ").replace("\t", " ")
    return REFERENCE.sub(_reference, text)


def _reference(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name:
        if name not in ENTITIES:
            raise Stop(
                "CHANGED", "xml", "the archived file is not the one that was proven", "Compare the file with its hash"
            )
        return ENTITIES[name]
    return chr(int(hexadecimal, 16) if hexadecimal else int(decimal))
