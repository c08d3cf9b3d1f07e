"""The same partner's rows into the same server with dlt, as its documentation says to; run by .venv-bench's Python.

It reads the XML with lxml as dictionaries, is then handed the mapped cases for nothing, and merges them
(delete-insert by key) with their sections as child tables. It maps no field, checks no value, has no exchange,
keeps no versions and proves nothing: it is measured at less work.
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


def cases(folder: Path, tag: str, mapped: Path) -> Iterator[dict[str, Any]]:
    """The mapped cases, one JSON object a line, each once a record of the XML has been read."""
    decoded = records(folder, tag)
    with mapped.open(encoding="utf-8") as lines:
        for line in lines:
            next(decoded, None)
            yield json.loads(line)
    for _ in decoded:
        pass  # held or superseded: read all the same


def main(url: str, folder: str, work: str, tag: str, mapped: str) -> None:
    """Load all cases and print what it cost this process, in seconds."""
    dlt: Any = import_module("dlt")  # not installed beside the engine
    resource_of = dlt.resource(
        cases(Path(folder), tag, Path(mapped)),
        name="case",
        primary_key="case_reference",
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
    )
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.postgres(url),
        dataset_name="cis",
        pipelines_dir=work,
        progress=None,
    )
    wall, cpu = time.monotonic(), _cpu()
    pipeline.run(resource_of)
    print(json.dumps({"wall": time.monotonic() - wall, "client": _cpu() - cpu}))  # noqa: T201


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main(*sys.argv[1:])
