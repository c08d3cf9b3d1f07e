"""The least that any such job must do: decode the XML with a bare parser, and copy the rows with bare COPY."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from xml2arrow import XmlToArrowParser
from xml2arrow.exceptions import Xml2ArrowError

from bridge.batch import ROOT
from bridge.shape import Shape

_TOGETHER: Final = 500
"""Records tried at once for what the bare parser refuses."""


def parser(shape: Shape, record: str, folder: Path) -> XmlToArrowParser:
    """xml2arrow set to read every field of the shape that the job reads, as text, lists as tables of their own."""
    config = folder / "floor.yaml"
    told = {
        "parser_options": {"trim_text": False},
        "tables": [table for path in shape.tables if (table := _table(shape, record, path))["fields"]],
    }
    config.write_text(yaml.safe_dump(told), encoding="utf-8")
    return XmlToArrowParser(str(config))


def _table(shape: Shape, record: str, path: str) -> dict[str, Any]:
    row = record if path == ROOT else f"{record}/{path}"
    levels = ["record"] if path == ROOT else ["record", "entry"]
    fields = [
        {
            "name": field.name,
            "xml_path": row if field.name == "." else f"{row}/{field.name}",
            "data_type": "Utf8",
            "nullable": True,
        }
        for field in shape.table(path)
    ]
    return {"name": path or "record", "xml_path": row.rpartition("/")[0], "levels": levels, "fields": fields}


def decode(bare: XmlToArrowParser, paths: Iterable[Path]) -> Counter[str]:
    """Parse the files to Arrow in memory of bounded size, and drop what comes; rows by table."""
    rows: Counter[str] = Counter()
    for path in paths:
        for name, batch in bare.parse_batches(str(path), max_rows_per_batch=16_384):
            rows[name] += batch.num_rows
    return rows


def readable(bare: XmlToArrowParser, path: Path, copy: Path, tag: str) -> int:
    """Copy a file without the records that the bare parser refuses, for one such record ends it; how many those are.

    The job reads and holds them.
    """
    end = f"</{tag}>".encode()
    text = path.read_bytes()
    start = text.index(f"<{tag}".encode())
    head, (*records, tail) = text[:start], text[start:].split(end)
    refused = 0
    with copy.open("wb") as out:
        out.write(head)
        for place in range(0, len(records), _TOGETHER):
            some = records[place : place + _TOGETHER]
            kept = list(_kept(bare, head, some, end, tail))
            refused += len(some) - len(kept)
            out.write(b"".join(record + end for record in kept))
        out.write(tail)
    return refused


def _kept(bare: XmlToArrowParser, head: bytes, records: list[bytes], end: bytes, tail: bytes) -> Iterator[bytes]:
    """The records that can be parsed: all at once if possible, else by halves."""
    try:
        bare.parse(head + b"".join(record + end for record in records) + tail)
    except Xml2ArrowError:
        if len(records) > 1:
            middle = len(records) // 2
            yield from _kept(bare, head, records[:middle], end, tail)
            yield from _kept(bare, head, records[middle:], end, tail)
        return
    yield from records
