"""Archived inputs read once more, as the source's connector reads them; an input whose bytes are gone is said to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge import settings
from bridge.batch import Batch
from bridge.connector import Input, Source
from bridge.errors import Misconfigured
from bridge.flow import archive, envelope
from bridge.mapping import Mapping


def archived(row: Any) -> Input | None:
    """The input of a row with name, sha256, size and arrival; None if its bytes are no longer kept."""
    path = archive.path_of(row.sha256)
    return Input(row.name, row.sha256, row.size, row.arrival, path) if path.is_file() else None


def batches(mapping: Mapping, one: Input) -> Iterator[Batch]:
    """The input's records; of a mapping that must see an input whole, all in one batch."""
    with archive.copies("reading") as copies:
        copy = copies.open(one)
        found = _reader(mapping, copy.path.parent).read(copy)
        if not mapping.grouped:
            yield from found
            return
        every = list(found)
        if every:
            yield envelope.joined(every)


def _reader(mapping: Mapping, folder: Path) -> Source:
    """The connector; what it reads lies in the archive, so a source that cannot be reached now does not matter."""
    options: dict[str, Any] = {**mapping.source, **(mapping.collect or {})}
    module = mapping.content.connector(options["connector"])
    try:
        connection = settings.connection(options["connection"])
        source: Source = module.source(connection, options, mapping.source_shape)
    except Misconfigured as bad:
        if bad.code not in ("NO_CONNECTION", "NO_FOLDER"):
            raise
        source = module.source(str(folder), options, mapping.source_shape)
    return source
