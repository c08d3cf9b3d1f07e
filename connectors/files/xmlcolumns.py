"""From the tags of a window to columns: which record, which element, which value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from bridge.batch import ROOT
from connectors.files.xmlcut import LONGEST_NAME, UNKNOWN, Bools, Grammar, Ints, OpeningNames, Tags, words_at
from connectors.files.xmltexts import Texts

WIDTH: Final = 24
"""Most names with what follows them are shorter."""


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
    """One window. Opening tags inside records are the rows of its arrays: tag, record, node, owner."""

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
        slots = self._slots()
        while len(twice := _repeated(slots[~self.grammar.repeats[self.node]], self.total)):
            self._mark(self.record[np.isin(slots, twice) & ~self.grammar.repeats[self.node]])
            slots = self._slots()
        columns: dict[str, dict[str, pa.Array]] = {path: {} for path in (ROOT, *self.grammar.lists)}
        self._add_attributes(columns, *attributes)
        self._add_texts(columns, slots)
        owners = {ROOT: np.flatnonzero(self.ordinary)}
        for place, path in enumerate(self.grammar.lists):
            owners[path] = self.record[self.entries[self.entry_list == place]]
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
        first = int(level.min())
        upper = np.flatnonzero(level == first)
        self.node[upper] = 0
        for depth in range(first + 1, first + self.grammar.depth):
            lower = np.flatnonzero(level == depth)
            above = upper[np.cumsum(level == depth - 1)[lower] - 1]
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

    def _slots(self) -> Ints:
        """A place of its own for each node of each row of its table. Sets the row that owns each tag.

        Tags of records that are not ordinary share the place behind the last, ``total``.
        """
        grammar = self.grammar
        good = self.ordinary[self.record]
        entry = grammar.entry[self.node] & good
        self.entries = np.flatnonzero(entry)
        self.entry_list = grammar.list_of[self.node[self.entries]]
        rank = np.zeros(len(self.entries) + 1, np.int64)
        self.sizes = [int(self.ordinary.sum())]
        for place in range(len(grammar.lists)):
            mine = np.flatnonzero(self.entry_list == place)
            rank[mine] = np.arange(len(mine))
            self.sizes.append(len(mine))
        # Lists do not nest, so that a tag in a list belongs to the entry that was opened last.
        in_list = grammar.list_of[self.node] >= 0
        of_record = (np.cumsum(self.ordinary) - 1)[self.record]
        self.owner: Ints = np.where(in_list, rank[np.cumsum(entry) - 1], of_record)
        sizes = np.array(self.sizes)[grammar.list_of[:-1] + 1]
        self.base = np.concatenate([[0], np.cumsum(sizes)])
        self.total = int(self.base[-1])
        slots: Ints = np.where(good, self.base[self.node] + self.owner, self.total)
        return slots

    def _add_attributes(
        self, columns: dict[str, dict[str, pa.Array]], row: Ints, column: Ints, begin: Ints, stop: Ints
    ) -> None:
        kept = self.ordinary[self.record[row]] & (stop > begin)
        row, column, begin, stop = (part[kept] for part in (row, column, begin, stop))
        sizes = [self.sizes[self.grammar.list_number[place.table] + 1] for place in self.grammar.columns]
        base = np.concatenate([[0], np.cumsum(np.array(sizes, np.int64))])
        values = Texts(self.tags, begin, stop, inside_tag=True).spread(base[column] + self.owner[row], int(base[-1]))
        for place, size, first in zip(self.grammar.columns, sizes, base[:-1].tolist(), strict=True):
            columns[place.table][place.name] = values.slice(first, size)

    def _add_texts(self, columns: dict[str, dict[str, pa.Array]], slots: Ints) -> None:
        grammar = self.grammar
        leaf = np.flatnonzero(grammar.texts[self.node] & ~self.tags.alone[self.tag] & self.ordinary[self.record])
        begin, stop = self.tags.stop[self.tag[leaf]] + 1, self.tags.start[self.tag[leaf] + 1]
        leaf, begin, stop = (part[stop > begin] for part in (leaf, begin, stop))
        values = Texts(self.tags, begin, stop, inside_tag=False)
        many = grammar.many[self.node[leaf]]
        single = values.spread(np.where(many, self.total, slots[leaf]), self.total + 1)
        for number, node in enumerate(grammar.nodes):
            size = self.sizes[grammar.list_number[node.table] + 1]
            if node.text is not None and node.text.many:
                which = np.flatnonzero(self.node[leaf] == number)
                columns[node.table][node.text.name] = values.lists(which, self.owner[leaf[which]], size)
            elif node.text is not None:
                columns[node.table][node.text.name] = single.slice(int(self.base[number]), size)


def _repeated(slots: Ints, total: int) -> Ints:
    """The slots, of those below total, that were given more than once."""
    slots = slots[slots < total]
    seen = np.zeros(total, np.bool_)
    seen[slots] = True
    if int(seen.sum()) == len(slots):
        return slots[:0]
    given: Ints = np.flatnonzero(np.bincount(slots, minlength=total) > 1)
    return given


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
