"""Time stamps of seals as they are kept: which head waits for one, and whether those that were had hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bridge.exchange.outbound import stamp
from bridge.stamps import CLOCKS, OVERDUE, BadStamp, judge

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_NEWEST: Final = """
SELECT number, head, previous, sha256(convert_to(manifest, 'UTF8')) AS manifest FROM exchange.seal s
WHERE number = (SELECT max(number) FROM exchange.seal)
  AND NOT EXISTS (SELECT FROM exchange.stamp t WHERE t.number = s.number OR t.at > clock_timestamp() - :every)
"""
_WAITING: Final = """
SELECT coalesce(newest, 0) AS stamped, count(number) AS seals, coalesce(min(number), 0) AS first, min(at) AS since
FROM (SELECT max(number) AS newest FROM exchange.stamp) stamps
LEFT JOIN exchange.seal ON number > coalesce(newest, 0) GROUP BY newest
"""
_STAMPS: Final = """
SELECT t.number, t.answer, s.head, s.run_id, s.at FROM exchange.stamp t LEFT JOIN exchange.seal s USING (number)
ORDER BY t.number
"""
_LATE: Final = "SELECT count(*) FROM exchange.seal WHERE number > :after AND number <= :number AND at < :moment"
_COVERING: Final = """
SELECT number, answer FROM exchange.stamp WHERE number >= :number ORDER BY number LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Unstamped:
    """A head that no stamp covers.

    Args:
        previous, manifest: what it is the SHA-256 of.
    """

    number: int
    head: bytes
    previous: bytes
    manifest: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """Seals that no stamp covers.

    Args:
        stamped: the newest seal that has one; 0 if none has.
        seals: how many came after it.
        first: the oldest of them; 0 if there are none.
        since: when it was sealed.
    """

    stamped: int
    seals: int
    first: int
    since: datetime | None

    def overdue(self, now: datetime) -> bool:
        """Whether the oldest has waited for longer than it may."""
        return self.since is not None and self.since < now - OVERDUE


@dataclass(frozen=True, slots=True)
class Stamps:
    """What time stamps say of the chain.

    Args:
        held: how many hold.
        number, moment: the newest of these: the seal, and when it existed by the authority's word.
        late: seals that were stamped later than they should have been.
        flaws: seal, run and what is wrong with the stamp, one sentence each.
    """

    held: int
    number: int
    moment: datetime | None
    late: int
    waiting: Waiting
    flaws: tuple[tuple[int, int, str], ...]


def due(connection: sa.Connection, every: timedelta) -> Unstamped | None:
    """The newest head if it has no stamp, and the last one came longer ago than this; else None."""
    found = connection.execute(sa.text(_NEWEST), {"every": every}).one_or_none()
    if found is None:
        return None
    return Unstamped(found.number, bytes(found.head), bytes(found.previous), bytes(found.manifest))


def keep(connection: sa.Connection, number: int, answer: bytes) -> None:
    """Keep a stamp; where another process was first, its stays."""
    connection.execute(insert(stamp).values(number=number, answer=answer).on_conflict_do_nothing())


def waiting(connection: sa.Connection) -> Waiting:
    """The seals that no stamp covers."""
    found = connection.execute(sa.text(_WAITING)).one()
    return Waiting(*found)


def covering(connection: sa.Connection, number: int) -> tuple[int, bytes] | None:
    """The first stamp that covers this seal: which seal was stamped, and the answer; None if there is none yet."""
    found = connection.execute(sa.text(_COVERING), {"number": number}).one_or_none()
    return None if found is None else (found.number, bytes(found.answer))


def verify(connection: sa.Connection, roots: Sequence[Certificate]) -> Stamps:
    """Judge every stamp by these roots, offline; changes nothing."""
    flaws: list[tuple[int, int, str]] = []
    held = number = late = 0
    last: datetime | None = None
    for row, found in _judged(connection, roots):
        if isinstance(found, BadStamp):
            flaws.append((row.number, row.run_id or 0, f"its time stamp {found}"))
            continue
        if last is not None and found < last:
            what = f"its time stamp is of {_told(found)}, older than that of seal {number}"
            flaws.append((row.number, row.run_id, what))
            continue
        if found < row.at - CLOCKS:
            what = f"its time stamp is of {_told(found)}, and it says to be sealed at {_told(row.at)}, after that"
            flaws.append((row.number, row.run_id, what))
            continue
        asked = {"after": number, "number": row.number, "moment": found - OVERDUE}
        late += connection.scalar(sa.text(_LATE), asked) or 0
        held, number, last = held + 1, row.number, found
    return Stamps(held, number, last, late, waiting(connection), tuple(flaws))


def _judged(connection: sa.Connection, roots: Sequence[Certificate]) -> Iterator[tuple[Any, datetime | BadStamp]]:
    for row in connection.execute(sa.text(_STAMPS), execution_options={"yield_per": 500}):
        if row.head is None:
            yield row, BadStamp("is all that is left of it")
            continue
        try:
            yield row, judge(bytes(row.answer), bytes(row.head), roots)
        except BadStamp as why:
            yield row, why


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
