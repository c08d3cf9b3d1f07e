"""What moves between steps: a batch of records as Arrow tables, one table per list.

The root table has one row per record, each child table one row per entry of a
list inside a record (goods lines, route steps). Children refer to their record
by its number, so order and position survive every step and no join explodes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.abc import MetaPathFinder

import pyarrow as pa
import pyarrow.compute as pc

from bridge.errors import Problem

ROOT = ""
"""Name of the table that has one row per record."""
ROW = "_row"
"""int64, in every table: the record's number in its input, from 0."""
INDEX = "_i"
"""int64, in child tables: the entry's place in its record's list, from 0."""
POSITION = "_pos"
"""int64, in the root table: byte offset (XML), line or sheet row (from 1); null where the source has none."""
PART = "_part"
"""int64, in the root table if it has rows of several inputs: which of them. Rows of two inputs are never one record."""
RESERVED = (ROW, INDEX, POSITION, PART)


class _NoPandas(MetaPathFinder):
    """Says that pandas is not installed."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ImportError(name=fullname)


if "pandas" not in sys.modules:
    # The first array made of Python values has Arrow import pandas if it is there, to know pandas' own kinds of null:
    # half a second in every process, for values that no batch has.
    sys.meta_path.insert(0, _NoPandas())
    pa.array([None])
    del sys.meta_path[0]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of one input, in input order.

    Args:
        tables: by list path: "" for the records themselves, "goods" or "Goods/Item" for a list.
            Columns of a source are utf8 as received, named by their path below the record or the
            list's entry; columns of a mapped batch have the target field's Arrow type.
        where: the input's name, for messages.
        sha256: the input's hash, lower-case hex.
        problems: faults met while reading; a record that could not be read at all stands only here.
    """

    tables: Mapping[str, pa.Table]
    where: str
    sha256: str
    problems: tuple[Problem, ...] = field(default=())

    @property
    def root(self) -> pa.Table:
        return self.tables[ROOT]

    def __len__(self) -> int:
        return int(self.root.num_rows)

    def rows(self) -> pa.Array:
        """Record numbers of the root table, in order."""
        return self.root.column(ROW).combine_chunks()

    def only(self, rows: pa.Array) -> Batch:
        """The same batch with just the records whose numbers are given; problems are kept."""
        kept = {name: table.filter(pc.is_in(table.column(ROW), value_set=rows)) for name, table in self.tables.items()}
        return replace(self, tables=kept)

    def without(self, rows: pa.Array) -> Batch:
        """The same batch without the records whose numbers are given; problems are kept."""
        kept = {
            name: table.filter(pc.invert(pc.is_in(table.column(ROW), value_set=rows)))
            for name, table in self.tables.items()
        }
        return replace(self, tables=kept)
