"""A gigabyte of XML in one file is read whole, in bounded memory: `make test-large`, no part of `make test`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bridge.feed import generate

RECORDS = 560_000
GIGABYTE = 10**9
LIMIT = 256
"""MiB of memory at most, of a process that does nothing else."""
READER = """
import json, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from bridge.connector import Window
from bridge.content import Content
from bridge.shapes import read_shape
from connectors.files import FilesSource

shape = read_shape(Content.find(), "cen/cen.xsd", "/CEN/Seizure")
source = FilesSource(sys.argv[1], {"record": "/CEN/Seizure"}, shape)
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
(offer,) = source.offers(Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)))
clock, cpu = time.monotonic(), time.process_time()
one = source.fetch(offer, Path(sys.argv[2]))
proved = time.monotonic() - clock, time.process_time() - cpu
clock, cpu = time.monotonic(), time.process_time()
records = lines = problems = 0
for batch in source.read(one):
    records += len(batch)
    lines += batch.tables["Goods/Item"].num_rows
    problems += len(batch.problems)
read = time.monotonic() - clock, time.process_time() - cpu
print(json.dumps({
    "size": one.size, "counted": one.counted, "records": records, "goods lines": lines, "problems": problems,
    "archive, prove and count": proved, "read": read, "idle": idle // 1024,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
}))
"""


@pytest.mark.large
def test_a_gigabyte_of_xml_is_read_in_bounded_memory(tmp_path: Path) -> None:
    start = date(2026, 1, 1)
    feed = generate(tmp_path / "feed", 1, RECORDS, seed=7, start=start, bad_share=0, files_per_day=1, cis_per_day=1)
    (row,) = pq.read_table(feed.truth / "inputs.parquet").to_pylist()
    command = [sys.executable, "-c", READER, os.fspath(feed.cen), os.fspath(tmp_path / "archive")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    sys.stdout.write(f"\n{json.dumps(told, indent=1)}\n")
    assert told["size"] >= GIGABYTE
    assert told["counted"] == told["records"] == row["records"] >= RECORDS
    assert told["problems"] == 0
    assert told["goods lines"] > told["records"]
    assert told["peak"] < LIMIT
