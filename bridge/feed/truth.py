"""What a feed must lead to: one row a record in a file, one row a record in the end, and totals of each window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

RECORDS: Final = pa.schema(
    [
        pa.field("source", pa.string(), False),
        pa.field("window", pa.date32(), False),
        pa.field("file", pa.string(), False),
        pa.field("ordinal", pa.int64(), False),
        pa.field("ref", pa.string(), False),
        pa.field("version", pa.int32(), False),
        pa.field("cancelled", pa.bool_(), False),
        pa.field("disposition", pa.string(), False),
        pa.field("code", pa.string()),
        pa.field("field", pa.string()),
    ]
)
"""One row for each record of each file. ``ordinal`` counts from 0 in the file; ``disposition`` is what intake must make
of it if files are taken once, in order of arrival; ``code`` and ``field`` tell why a record is held."""
FINAL: Final = pa.schema(
    [
        pa.field("source", pa.string(), False),
        pa.field("ref", pa.string(), False),
        pa.field("version", pa.int32(), False),
        pa.field("cancelled", pa.bool_(), False),
        pa.field("updated_at", pa.string(), False),
        pa.field("seizure_date", pa.string(), False),
        pa.field("seizure_country", pa.string(), False),
        pa.field("commodity_group", pa.string(), False),
        pa.field("goods", pa.int32(), False),
        pa.field("quantity", pa.string(), False),
        pa.field("unit", pa.string(), False),
    ]
)
"""One row for each record of which any version is sound: the one that stands when all has been taken, as the common
schema has it. ``goods`` counts goods lines, ``quantity`` and ``unit`` are the first one's. A partner that takes records
of this source holds exactly those not cancelled, unless its release policy withholds them."""
INPUTS: Final = pa.schema(
    [
        pa.field("window", pa.date32(), False),
        pa.field("file", pa.string(), False),
        pa.field("arrival", pa.timestamp("us", tz="UTC"), False),
        pa.field("records", pa.int64(), False),
        pa.field("problem", pa.string()),
    ]
)
"""One row a file; ``problem`` is the code of a file that is bad as a whole, of which nothing may flow."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What intake of one source must report for one window.

    Args:
        held: of those held, how many by code.
    """

    window: date
    read: int
    dispositions: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)


def expected(truth: Path, source: str = "cen") -> list[Expected]:
    """What intake must report, by window, if each day is one window and files are taken once, in order of arrival.

    Args:
        truth: the folder ``truth`` of a feed.
        source: ``cen`` or ``cis``.
    """
    table = pq.read_table(truth / "records.parquet", filters=pc.field("source") == source)
    counts = table.group_by(["window", "disposition", "code"]).aggregate([([], "count_all")]).to_pylist()
    windows: dict[date, Expected] = {}
    for row in sorted(counts, key=lambda row: row["window"]):
        before = windows.get(row["window"], Expected(row["window"], 0))
        before.dispositions[row["disposition"]] += row["count_all"]
        if row["code"] is not None:
            before.held[row["code"]] += row["count_all"]
        windows[row["window"]] = Expected(
            row["window"], before.read + row["count_all"], before.dispositions, before.held
        )
    return list(windows.values())


class Writer:
    """Rows into one Parquet file, a block of bounded memory at a time."""

    def __init__(self, path: Path, schema: pa.Schema, block: int = 8192) -> None:
        self._schema = schema
        self._block = block
        self._rows: list[Sequence[Any]] = []
        self._file = pq.ParquetWriter(path, schema, compression="zstd")

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._flush()
        self._file.close()

    def add(self, *row: Any) -> None:
        """One row, its values in the order of the schema."""
        self._rows.append(row)
        if len(self._rows) >= self._block:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = zip(*self._rows, strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._file.write_table(pa.table(arrays, schema=self._schema))
        self._rows.clear()
