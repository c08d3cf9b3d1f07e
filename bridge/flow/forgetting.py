"""Forgetting: a record erased wherever we keep it, and bytes as received removed when their time is over."""

from __future__ import annotations

import re
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

from bridge import settings
from bridge.connector import Input, Window
from bridge.content import COLLECT, Content
from bridge.exchange import Exchange
from bridge.flow import archive
from bridge.flow.stage import Stage
from bridge.ledger import Books
from bridge.mapping import load_versions

_BLOCK: Final = 8 << 20


@dataclass(slots=True)
class Forgotten:
    """What an erasure destroyed.

    Args:
        books: of the erasure.
        removed: names of inputs whose bytes are gone from the archive.
        waiting: names of those that a run is still reading; bridge retention apply, or upkeep, removes them.
        lapsed: held problems that can no longer be redriven, for their bytes are gone.
        partners: that have the record, or may have it, and get the withdrawal with their next share.
    """

    books: Books
    removed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    lapsed: int = 0
    partners: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Swept:
    """What was removed from the archive, why by count, and what could no longer be redriven."""

    removed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    lapsed: int = 0


def erase(record: uuid.UUID, by: str, reason: str, ground: str) -> Forgotten:
    """Destroy every version of a record, the bytes it came in, and working files; what is left are hashes and keys.

    The bytes of an input go as a whole, with the other records in it: what was taken in of those stands.

    Raises:
        Misconfigured: NO_SUCH_RECORD or NO_REASON.
    """
    with Exchange(settings.exchange_url()) as exchange:
        found = exchange.record(record)
        holders = {row.sha256: row.name for row in exchange.inputs_with(record)}
        needles = {found.origin_record_id, str(record)}
        for row in exchange.doubtful_inputs():
            if row.sha256 not in holders and _mentions(archive.path_of(row.sha256), needles):
                holders[row.sha256] = row.name
        done = Forgotten(exchange.erase(record, by, reason, ground, sorted(holders)))
        done.partners = exchange.holders_of(record)
        _drop_stages(exchange, holders)
        swept = sweep(exchange, {}, datetime.now(UTC))
    done.removed, done.waiting, done.lapsed = swept.removed, swept.waiting, swept.lapsed
    return done


def sweep(exchange: Exchange, keep: Mapping[str, tuple[int | None, int | None]], now: datetime) -> Swept:
    """Remove archived bytes whose time is over: those of erased records at once, others after their source's days.

    Args:
        keep: by source the days for which bytes are kept after the last run that had them ended, and for which those
            are in which a problem is open; None for ever.
    """
    done = Swept()
    gone = []
    for one in exchange.archived_inputs():
        path = archive.path_of(one.sha256)
        if not path.is_file() or not (one.cut or _over(one.sources, one.held, one.last, keep, now)):
            continue
        if one.busy:
            done.waiting.append(one.name)
            continue
        path.unlink(missing_ok=True)
        gone.append(one.sha256)
        done.removed.append(one.name)
    done.lapsed = exchange.lapse(gone) if gone else 0
    return done


def kept_days(content: Content) -> dict[str, tuple[int | None, int | None]]:
    """By source the days for which its bytes are kept after their seal, and with an open problem; as its mapping
    declares them."""
    found = {}
    for source in content.sources():
        collect = load_versions(content, source, COLLECT).all[-1].collect or {}
        days = int(collect["keep_days"]) if "keep_days" in collect else None
        held = int(collect["keep_held_days"]) if "keep_held_days" in collect else days
        found[source] = (days, held)
    return found


def _over(
    sources: tuple[str, ...],
    held: bool,
    last: datetime,
    keep: Mapping[str, tuple[int | None, int | None]],
    now: datetime,
) -> bool:
    for source in sources:
        days = keep.get(source, (None, None))[held]
        if days is None or now < last + timedelta(days=days):
            return False
    return True


def _drop_stages(exchange: Exchange, hashes: Mapping[str, str]) -> None:
    """Remove what broken-off runs over these inputs left between their steps."""
    for row in exchange.runs_left(sorted(hashes)):
        Stage(row.name, str(Window(row.since, row.until)), row.run_key).remove()


def _mentions(path: Path, needles: set[str]) -> bool:
    """Whether one of the identifiers stands in the file as a word of its own, however it is encoded or packed."""
    if not path.is_file():
        return False
    with archive.copies("erasure") as copies:
        return _stands(copies.open(Input(path.name, path.name, 0, datetime.now(UTC), path)).path, needles)


def _stands(path: Path, needles: set[str]) -> bool:
    words = [
        re.compile(rb"(?<![0-9A-Za-z])" + re.escape(needle.encode(encoding)) + rb"(?![0-9A-Za-z])")
        for needle in needles
        for encoding in ("utf-8", "utf-16-le", "utf-16-be")
    ]
    return any(word.search(block) for block in _blocks(path) for word in words)


def _blocks(path: Path) -> Iterator[bytes]:
    """The file's bytes, of a ZIP those of its members, in blocks that overlap."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                with packed.open(name) as member:
                    yield from _overlapping(member)
    else:
        with path.open("rb") as file:
            yield from _overlapping(file)


def _overlapping(stream: IO[bytes]) -> Iterator[bytes]:
    tail = b""
    while block := stream.read(_BLOCK):
        yield tail + block
        tail = block[-1024:]
