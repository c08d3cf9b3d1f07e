"""The same rows into the same server with dlt, as its documentation says to; run by .venv-bench's Python.

It reads the XML with lxml as dictionaries and merges them (delete-insert by key), their lists as child tables: the
record as collected, which is what the exchange keeps. Then it merges the partner's cases with their sections in the
same way; these it is handed mapped, for nothing. It maps no field, checks no value, decides of no version by anything
but its place in the file, and proves nothing: it is measured at less work.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from lxml import etree


def records(folder: Path, tag: str) -> Iterator[dict[str, Any]]:
    """Each element as a dictionary, its attributes and elements by name, elements that stand twice as a list."""
    for path in sorted(folder.glob("*.xml")):
        for _, element in etree.iterparse(str(path), tag=tag):
            yield _record(element)
            element.clear(keep_tail=False)
            while element.getprevious() is not None:
                del element.getparent()[0]


def _record(element: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict(element.attrib)
    for child in element:
        value: Any = _record(child) if len(child) or child.attrib else child.text
        if len(child) and all(entry.tag == child[0].tag and (len(entry) or entry.attrib) for entry in child):
            value = [_record(entry) for entry in child]
        found[child.tag] = value
    return found


def cases(mapped: Path) -> Iterator[dict[str, Any]]:
    """The mapped cases, one JSON object a line."""
    with mapped.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def main(url: str, folder: str, work: str, tag: str, mapped: str) -> None:
    """Load all records and cases and print what it cost this process, in seconds, and how many of each are there."""
    dlt: Any = import_module("dlt")  # not installed beside the engine
    merge = {"disposition": "merge", "strategy": "delete-insert"}
    collected = dlt.resource(records(Path(folder), tag), name="record", primary_key="ref", write_disposition=merge)
    delivered = dlt.resource(cases(Path(mapped)), name="case", primary_key="case_reference", write_disposition=merge)
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.postgres(url),
        dataset_name="cis",
        pipelines_dir=work,
        progress=None,
    )
    wall, cpu = time.monotonic(), _cpu()
    pipeline.run([collected, delivered])
    spent = {"wall": time.monotonic() - wall, "client": _cpu() - cpu}
    with pipeline.sql_client() as asked:
        for name in ("record", "case"):
            ((spent[f"{name}s"],),) = asked.execute_sql(f'SELECT count(*) FROM "{name}"')  # noqa: S608 - our own names
    print(json.dumps(spent))  # noqa: T201


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main(*sys.argv[1:])
