"""Which codes a schema allows where it names a list and does not write it out."""

from __future__ import annotations

import csv
import io
from functools import lru_cache
from pathlib import Path

from bridge.content import Content
from bridge.shape import Field


def codes_of(content: Content, schema: str, field: Field) -> tuple[str, ...]:
    """Every code that the field can have: those the schema itself writes out, else those of the list that it names,
    ``codes/<list>.csv`` beside the schema, with the one column ``code``; empty if neither is there."""
    if field.codes or not field.code_list:
        return field.codes
    path = content.seek(f"schemas/{schema.rpartition('/')[0]}/codes/{field.code_list}.csv".replace("//", "/"))
    return () if path is None else _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _read(path: Path, _changed: int) -> tuple[str, ...]:
    rows = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    return tuple(dict.fromkeys(row["code"] for row in rows))
