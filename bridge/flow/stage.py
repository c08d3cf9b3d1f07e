"""What the steps of one run hand to one another: files in one folder, written whole or not at all.

The folder is named by source, window and run, so a step that is tried again
writes the same files again, and two runs over one window never share one.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bridge import encrypted, keys, settings
from bridge.errors import Stop


def mapping_changed(where: str, name: str) -> Stop:
    """What stops a later step of a run whose mapping is no longer the one that it began with."""
    return Stop(
        "MAPPING_CHANGED",
        where,
        f"mapping {name} changed between two steps of this run",
        "Clear the run from its first task on, so that all of it is done with one mapping",
    )


class Stage:
    """One run's folder.

    Args:
        name: source or partner.
        label: window or other name of the work; only for people who look into the folder.
        run_key: names the run; the same key gives the same folder.
    """

    def __init__(self, name: str, label: str, run_key: str) -> None:
        safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in label)
        mark = hashlib.sha256(run_key.encode()).hexdigest()[:12]
        self._name = name
        self.folder = settings.stage() / name / f"{safe}-{mark}"

    def clear(self, prefix: str) -> None:
        """Remove what an earlier try of this step left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob(f"{prefix}*"):
            old.unlink()

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write a table, encrypted under the key of the source, for records stand in it."""
        plain = io.BytesIO()
        pq.write_table(table, plain, compression="zstd", compression_level=1)
        plain.seek(0)

        def write(path: Path) -> None:
            with path.open("wb") as out:
                encrypted.write(plain, out, keys.current(self._name), self._bound(name))

        self._replace(name, write)

    def write_json(self, name: str, value: Any) -> None:
        self._replace(name, lambda path: path.write_text(json.dumps(value, sort_keys=True), encoding="utf-8"))

    def read_json(self, name: str) -> Any:
        path = self.folder / name
        if not path.exists():
            raise Stop(
                "STAGE_MISSING",
                str(path),
                "the step before this one left no result",
                "Clear the run from its first task on, so that it is done again from the archived bytes.",
            )
        return json.loads(path.read_text(encoding="utf-8"))

    def tables(self, prefix: str) -> Iterator[pa.Table]:
        """The tables written under names that begin so, in the order of their names."""
        for path in sorted(self.folder.glob(f"{prefix}*.parquet")):
            with path.open("rb") as source:
                plain = b"".join(encrypted.read(source, self._bound(path.name), str(path)))
            yield pq.read_table(pa.BufferReader(plain))

    def remove(self) -> None:
        """Drop the folder once its run is sealed; records live in the exchange from then on."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _bound(self, name: str) -> str:
        return f"{self.folder.name}/{name}"

    def _replace(self, name: str, write: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path: Path = self.folder / name
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        write(temporary)
        temporary.replace(path)
