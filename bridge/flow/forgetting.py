"""Forgetting: a record erased wherever we keep it, and bytes as received removed when their time is over."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bridge import settings
from bridge.connector import Window
from bridge.content import COLLECT, Content
from bridge.exchange import Exchange
from bridge.flow import archive
from bridge.flow.holders import holding
from bridge.flow.stage import Stage
from bridge.ledger import Books
from bridge.mapping import load_versions


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
        doubtful = [row for row in exchange.doubtful_inputs() if row.sha256 not in holders]
        holders |= {row.sha256: row.name for row in holding(Content.find(), found, doubtful)}
        done = Forgotten(exchange.erase(record, by, reason, ground, sorted(holders)))
        done.partners = exchange.holders_of(record)
        swept = sweep(exchange, {}, datetime.now(UTC))
    done.removed, done.waiting, done.lapsed = swept.removed, swept.waiting, swept.lapsed
    return done


def sweep(exchange: Exchange, keep: Mapping[str, tuple[int | None, int | None]], now: datetime) -> Swept:
    """Remove archived bytes whose time is over: those of erased records at once, with what broken-off runs left of
    them, others after their source's days, and never before they were taken in.

    Args:
        keep: by source the days for which bytes are kept after the last run that had them ended, and for which those
            are in which a problem is open; None for ever.
    """
    done = Swept()
    gone = []
    inputs = exchange.archived_inputs()
    _drop_stages(exchange, [one.sha256 for one in inputs if one.cut])
    for one in inputs:
        path = archive.path_of(one.sha256)
        if not path.is_file() or not (one.cut or (one.taken and _over(one.sources, one.held, one.last, keep, now))):
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


def _drop_stages(exchange: Exchange, hashes: Sequence[str]) -> None:
    """Remove what broken-off runs over these inputs left between their steps."""
    for row in exchange.runs_left(hashes):
        Stage(row.name, str(Window(row.since, row.until)), row.run_key).remove()
