"""Rows of texts to batches: what CSV and XLSX share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from bridge.batch import POSITION, ROOT, ROW, Batch
from bridge.connector import Input
from bridge.errors import Problem, Refused
from bridge.shape import Shape

BATCH_ROWS = 20_000
WARN = "warn"


def columns_note(header: Sequence[str], shape: Shape) -> dict[str, str]:
    """A note of the columns that an input has; their types a text does not tell.

    Nothing is noted of what may be no header line, for then its names are the values of a record.
    """
    if not _known(header, shape):
        return {}
    return {"columns": json.dumps(dict.fromkeys(header, ""), ensure_ascii=False)}


def _known(header: Sequence[str], shape: Shape) -> int:
    """How many of the schema's columns the header names; 0 if fewer than half, which makes it no header line."""
    expected = {f.name for f in shape.table(ROOT)}
    found = len(expected.intersection(header))
    return found if 2 * found >= len(expected) else 0


def refuse_header(header: Sequence[str], shape: Shape, drift: Mapping[str, str]) -> tuple[str, str] | None:
    """What is wrong with a header and what to do, or None. A shape without fields accepts any names, once each.

    Args:
        drift: where ``new`` or ``missing`` columns only warn, they are no fault.
    """
    if not any(header):
        return "the header line is empty", "Have the supplier write the column names there"
    expected = [f.name for f in shape.table(ROOT)]
    if expected and not _known(header, shape):
        what = f"this is no header line: it names fewer than half of the schema's {len(expected)} columns"
        return what, "Have the supplier write the column names there, or change the schema and the mapping together"
    blank = [str(place) for place, name in enumerate(header, 1) if not name.strip()]
    if blank:
        return f"column {', '.join(blank)} of the header has no name", "Name every column"
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        places = [str(place) for place, name in enumerate(header, 1) if name in twice]
        which = _names(twice) if expected else f"what stands in columns {', '.join(places)}"
        return f"the header names {which} more than once", "Give each column a name of its own"
    missing = [name for name in expected if name not in header and drift.get("missing") != WARN]
    unknown = [name for name in header if name not in expected and drift.get("new") != WARN]
    if expected and (missing or unknown):
        parts = [f"lacks {_names(missing)}"] * bool(missing) + [
            f"has {_names(unknown)}, which the schema does not know"
        ] * bool(unknown)
        return (
            f"the header {' and '.join(parts)}",
            "Have the columns restored, or change the schema and the mapping together",
        )
    return None


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


@dataclass(slots=True)
class Rows:
    """Rows gathered for one batch after another; row numbers run on, refused rows have theirs too.

    Args:
        header: column names; every row given to add() has as many values.
        wanted: names of the columns that a batch has: those of the header that the schema knows, and null for what
            the header lacks; all of the header if empty.
    """

    source: Input
    header: Sequence[str]
    wanted: Sequence[str] = ()
    next_row: int = 0
    _rows: list[int] = field(default_factory=list)
    _positions: list[int] = field(default_factory=list)
    _values: list[Sequence[str | None]] = field(default_factory=list)
    _problems: list[Problem] = field(default_factory=list)

    def add(self, values: Sequence[str | None], position: int) -> None:
        """Take a row; empty text is null."""
        self._rows.append(self.next_row)
        self._positions.append(position)
        self._values.append(values)
        self.next_row += 1

    def refuse(self, position: int, rule: str, at: str, why: Refused) -> None:
        """Take a row that cannot be read; ``at`` says where in words."""
        reason = f"{at}: {why.reason}"
        self._problems.append(Problem(self.next_row, position, why.code, why.field, rule, reason))
        self.next_row += 1

    @property
    def full(self) -> bool:
        return len(self._rows) + len(self._problems) >= BATCH_ROWS

    @property
    def empty(self) -> bool:
        return not self._rows and not self._problems

    def batch(self) -> Batch:
        """What was gathered since the last batch."""
        columns: Iterable[tuple[str | None, ...]] = (
            zip(*self._values, strict=True) if self._values else ((),) * len(self.header)
        )
        texts = {
            name: pa.array([text or None for text in column], pa.string())
            for name, column in zip(self.header, columns, strict=True)
            if not self.wanted or name in self.wanted
        }
        for name in self.wanted:
            texts.setdefault(name, pa.nulls(len(self._rows), pa.string()))
        table = pa.table(
            {ROW: pa.array(self._rows, pa.int64()), POSITION: pa.array(self._positions, pa.int64()), **texts}
        )
        done = Batch({ROOT: table}, self.source.name, self.source.sha256, tuple(self._problems))
        self._rows, self._positions, self._values, self._problems = [], [], [], []
        return done

    def flush(self) -> Iterator[Batch]:
        """The last batch, if anything is left; an input without records gives an empty one, which has its columns."""
        if not self.empty or self.next_row == 0:
            yield self.batch()
