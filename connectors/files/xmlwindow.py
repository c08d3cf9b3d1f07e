"""Some megabytes of an XML file: which records lie in them, and their values."""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from bridge.batch import INDEX, POSITION, ROOT, ROW
from bridge.errors import Problem, Refused
from bridge.shape import Field, Shape, Type
from connectors.files.xmlcolumns import Columns, columns_of, opening_names
from connectors.files.xmlcut import LONGEST_NAME, Bools, Grammar, Ints, Tags, tags_of, words_at
from connectors.files.xmlplan import Node
from connectors.files.xmltree import Context, Record, read_record

NAME: Final = re.compile(rb"[^\s/>]+")


class Around:
    """The elements around the records, as they open and close from window to window."""

    def __init__(self, record: tuple[str, ...]) -> None:
        self.record = record
        self.inside = 0
        """Open elements at or below the records' level that no window holds whole."""
        self._stack: list[str] = []
        self._contexts: list[Context] = [Context()]
        self._grammar: Grammar | None = None
        self._grammar_of = (Context(), "")

    @property
    def context(self) -> Context:
        """Namespaces in force now."""
        return self._contexts[-1]

    @property
    def open_elements(self) -> int:
        return len(self._stack) + self.inside

    def is_record(self, name: bytes) -> bool:
        """Whether an element of that name, one level below the innermost open one, is a record."""
        return name.rpartition(b":")[2] == self.record[-1].encode() and tuple(self._stack) == self.record[:-1]

    def leave(self, depth: int) -> None:
        """Note how many elements are open at a window's end."""
        self.inside = depth - len(self._stack)

    def open(self, tag: bytes) -> None:
        """Take an opening tag; its attributes may put namespaces in force."""
        prefixes = dict(self.context.prefixes)

        def start(name: str, attributes: dict[str, str]) -> None:
            self._stack.append(name.rpartition(":")[2])
            prefixes.update(
                {key[6:]: uri for key, uri in attributes.items() if key == "xmlns" or key.startswith("xmlns:")}
            )

        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = start
        parser.Parse(tag, False)
        self._contexts.append(Context(prefixes) if prefixes != self.context.prefixes else self.context)

    def grammar(self, root: Node, context: Context, home: str) -> Grammar:
        """The grammar for records of one namespace, made once as long as it stays the same."""
        if self._grammar is None or self._grammar_of != (context, home):
            self._grammar, self._grammar_of = Grammar(root, self.record[-1], context, home), (context, home)
        return self._grammar

    def close(self) -> None:
        """Take a closing tag."""
        self._stack.pop()
        self._contexts.pop()


class Window:
    """Bytes that begin outside any tag, comment or record.

    Args:
        data: UTF-8, whatever the file is written in.
        base: offset in the file of the first byte.
        encoding: of the file, a Python codec name.
    """

    def __init__(self, data: bytes, base: int, encoding: str) -> None:
        self.used = 0
        """Bytes of ``data`` that are done with."""
        self._data, self._base, self._encoding = data, base, encoding
        self._begin: Ints = np.zeros(0, np.int64)
        self._contexts: list[Context] = []
        self._columns = Columns({}, {}, np.zeros(0, np.bool_))
        self._sound: dict[int, Record] = {}
        self._refused: dict[int, Refused] = {}

    @property
    def records(self) -> int:
        return len(self._begin)

    def read(self, around: Around, root: Node, longest: int) -> None:
        """Find the records and read them; ``around`` moves on to the end of what was used."""
        tags = tags_of(self._data, around.open_elements)
        begin, plain = self._find(tags, around)
        end = _ends(tags, begin, len(around.record))
        self.used = tags.complete
        if len(end) < len(begin) and len(self._data) - int(tags.start[begin[-1]]) <= longest:
            self.used = int(tags.start[begin[-1]])
            begin = begin[:-1]
        elif len(tags.level):
            around.leave(int(tags.level[-1]) - int(tags.closing[-1] or tags.alone[-1]))
        self._begin = tags.start[begin]
        large = np.ones(len(begin), np.bool_)
        large[: len(end)] = tags.stop[end] + 1 - self._begin[: len(end)] > longest
        self._refused = {int(place): _too_large(longest) for place in np.flatnonzero(large)}
        if len(end):
            self._read(tags, begin[: len(end)], end, plain[: len(end)] & ~large[: len(end)], around, root)

    def _read(self, tags: Tags, begin: Ints, end: Ints, plain: Bools, around: Around, root: Node) -> None:
        # The first plain record tells the namespace; where it is another, the authority reads.
        first = int(plain.argmax())
        usual = self._contexts[first]
        plain = plain & np.array([context is usual for context in self._contexts[: len(end)]])
        prefix = _name(self._data, int(self._begin[first])).rpartition(b":")[0].decode()
        grammar = around.grammar(root, usual, usual.prefixes.get(prefix, ""))
        self._columns = columns_of(tags, begin, end, grammar, opening_names(tags, grammar), plain)
        for place in np.flatnonzero(~self._columns.ordinary).tolist():
            if place not in self._refused:
                raw = self._data[tags.start[begin[place]] : tags.stop[end[place]] + 1]
                self._ask(place, raw, root, (ROOT, *grammar.lists))

    def _find(self, tags: Tags, around: Around) -> tuple[Ints, Bools]:
        """First tags of the records, and which are spelled like the first; other elements are looked at singly."""
        level = len(around.record)
        upper = np.flatnonzero(tags.level <= level)
        if len(upper):
            around.inside = 0
        candidates = upper[(tags.level[upper] == level) & ~tags.closing[upper]]
        spellings = (_name(tags.data, int(tags.start[tag])) for tag in candidates)
        spelled = next((name for name in spellings if name.rpartition(b":")[2] == around.record[-1].encode()), b"")
        alike = _spelled(tags.data, tags.start[candidates] + 1, spelled)
        singly = np.sort(np.concatenate([candidates[~alike], upper[tags.level[upper] < level]]))
        candidates = candidates[alike]
        begin: list[Ints] = []
        plain: list[Bools] = []
        last = -1
        for tag in [*singly.tolist(), len(tags.start)]:
            if around.is_record(spelled):
                block = candidates[np.searchsorted(candidates, last) : np.searchsorted(candidates, tag)]
                begin.append(block)
                plain.append(np.ones(len(block), np.bool_))
                self._contexts += [around.context] * len(block)
            last = tag
            if tag == len(tags.start):
                break
            at = int(tags.start[tag])
            if tags.closing[tag]:
                around.close()
            elif tags.level[tag] < level:
                around.open(self._data[at : tags.stop[tag] + 1])
                if tags.alone[tag]:
                    around.close()
            elif around.is_record(_name(self._data, at)):
                begin.append(np.array([tag]))
                plain.append(np.zeros(1, np.bool_))
                self._contexts.append(around.context)
        none: Ints = np.zeros(0, np.int64)
        return np.concatenate([none, *begin]), np.concatenate([none.astype(np.bool_), *plain])

    def _ask(self, place: int, raw: bytes, root: Node, tables: tuple[str, ...]) -> None:
        try:
            self._sound[place] = read_record(raw, self._contexts[place], root, tables)
        except Refused as why:
            self._refused[place] = why

    def rest(self) -> tuple[bytes, int]:
        """What is left for the next window, and its offset in the file."""
        return self._data[self.used :], int(self._offsets(np.array([self.used]))[0])

    def _offsets(self, places: Ints) -> Ints:
        """Offsets in the file of places in ``data``."""
        if self._encoding == "utf-8":
            return self._base + places
        buffer = np.frombuffer(self._data, np.uint8)
        units = ((buffer & 0xC0) != 0x80).astype(np.int64)
        if self._encoding.startswith("utf-16"):
            units = 2 * (units + (buffer >= 0xF0))
        return self._base + np.concatenate([[0], np.cumsum(units)])[places]

    def problems(self, first_row: int) -> list[Problem]:
        """The records that cannot be read."""
        positions = self._offsets(self._begin)
        return [
            Problem(
                first_row + place,
                int(positions[place]),
                why.code,
                why.field,
                "xml",
                f"record at byte {positions[place]}: {why.reason}",
            )
            for place, why in sorted(self._refused.items())
        ]

    def table(self, shape: Shape, path: str, first_row: int) -> pa.Table:
        """The rows of one table, in order."""
        owners = self._columns.owners.get(path, np.zeros(0, np.int64))
        columns = {ROW: pa.array(owners + first_row, pa.int64())}
        if path == ROOT:
            columns[POSITION] = pa.array(self._offsets(self._begin)[owners], pa.int64())
        else:
            columns[INDEX] = pa.array(np.arange(len(owners)) - np.searchsorted(owners, owners), pa.int64())
        found = self._columns.columns.get(path, {})
        for f in shape.table(path):
            columns[f.name] = found[f.name] if f.name in found else pa.nulls(len(owners), _type(f))
        table = pa.table(columns)
        if self._sound:
            table = pa.concat_tables([table, self._asked(shape, path, first_row)])
            table = table.sort_by([(ROW, "ascending")] if path == ROOT else [(ROW, "ascending"), (INDEX, "ascending")])
        return table

    def _asked(self, shape: Shape, path: str, first_row: int) -> pa.Table:
        rows = [
            (place, index, values)
            for place, record in self._sound.items()
            for index, values in enumerate(record.entries[path])
        ]
        columns = {ROW: pa.array([first_row + place for place, _, _ in rows], pa.int64())}
        if path == ROOT:
            positions = self._offsets(self._begin)
            columns[POSITION] = pa.array([int(positions[place]) for place, _, _ in rows], pa.int64())
        else:
            columns[INDEX] = pa.array([index for _, index, _ in rows], pa.int64())
        for f in shape.table(path):
            columns[f.name] = pa.array([values.get(f.name) for _, _, values in rows], _type(f))
        return pa.table(columns)


def empty(shape: Shape, path: str) -> pa.Table:
    """A table without rows."""
    return Window(b"", 0, "utf-8").table(shape, path, 0)


def _type(f: Field) -> pa.DataType:
    return pa.list_(pa.string()) if f.type is Type.LIST else pa.string()


def _too_large(longest: int) -> Refused:
    return Refused(
        "TOO_LARGE",
        "",
        f"longer than max_record_bytes allows ({longest}). Have the record split, or raise max_record_bytes",
    )


def _ends(tags: Tags, begin: Ints, level: int) -> Ints:
    """The last tag of each record; the last record has none if it ends behind the window."""
    ends = np.flatnonzero((tags.level == level) & (tags.closing | tags.alone))
    place = np.searchsorted(ends, begin)
    return ends[place[place < len(ends)]]


def _spelled(data: bytes, at: Ints, name: bytes) -> Bools:
    """Where exactly this name stands; one that is too long is looked at singly."""
    if len(name) > LONGEST_NAME:
        return np.zeros(len(at), np.bool_)
    words = words_at(data)
    same = np.ones(len(at), np.bool_)
    for place in range(0, len(name), 8):
        part = name[place : place + 8]
        same &= (words[at + place] & np.uint64((1 << 8 * len(part)) - 1)) == np.uint64(int.from_bytes(part, "little"))
    return same & np.isin(np.frombuffer(data, np.uint8)[at + len(name)], np.frombuffer(b" \t\r\n/>", np.uint8))


def _name(data: bytes, at: int) -> bytes:
    match = NAME.match(data, at + 1)
    return match[0] if match else b""
