"""Values that lie in a window, as Arrow arrays that share its bytes."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa

from bridge.errors import Stop
from connectors.files.xmlcut import Bools, Ints, Tags, places_of

ENTITIES: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
REFERENCE: Final = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(\w+));")


class Texts:
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

    def spread(self, slots: Ints, total: int) -> pa.Array:
        """All values in an array of ``total`` places, each in its slot; the other places are null."""
        places = np.zeros(total, np.int64)
        empty: Bools = np.ones(total, np.bool_)
        places[slots], empty[slots] = self.place, False
        return self.values.take(pa.array(places, mask=empty))

    def lists(self, which: Ints, owner: Ints, size: int) -> pa.Array:
        """Some values as ``size`` lists, each value in the list that owns it; a list without values is null."""
        counts = np.bincount(owner, minlength=size)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        values = self.values.take(pa.array(self.place[which]))
        return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(counts == 0))


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
