"""What the books say that a partner holds, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

_STANDING: Final = """
SELECT key, released_hash FROM (
    SELECT DISTINCT ON (bridge_id) bridge_id, bridge_id::text AS key, released_hash, holds FROM exchange.delivery
    WHERE partner = :partner AND holds IS NOT NULL ORDER BY bridge_id, version DESC, run_id DESC) latest
WHERE holds ORDER BY bridge_id
"""
_LAST: Final = "coalesce(pg_sequence_last_value(pg_get_serial_sequence('exchange.run', 'id')::regclass), 0)"
_SHARING: Final = """
SELECT EXISTS (
    SELECT FROM exchange.run r WHERE kind = 'share' AND name = :partner AND state IN ('running', 'failed')
    AND selected > 0 AND NOT EXISTS (SELECT FROM exchange.run later WHERE later.kind = 'share'
                                     AND later.name = :partner AND later.state = 'sealed' AND later.id > r.id))
"""
_BLOCK: Final = 20_000


def standing(connection: sa.Connection, partner: str) -> Iterator[tuple[str, bytes]]:
    """Key and hash of what was released, of each record that the partner holds by the books, by key."""
    streamed = connection.execution_options(stream_results=True, yield_per=_BLOCK)
    for key, released in streamed.execute(sa.text(_STANDING), {"partner": partner}):
        yield key, bytes(released or b"")


def last_run(connection: sa.Connection) -> int:
    """The highest number that a run had or a catching up set; deliveries carry it as their epoch."""
    return int(connection.scalar(sa.text(f"SELECT {_LAST}")) or 0)


def sharing(connection: sa.Connection, partner: str) -> bool:
    """Whether a share with the partner is under way or was broken off: the books may not know all it delivered."""
    return bool(connection.scalar(sa.text(_SHARING), {"partner": partner}))


def advance(connection: sa.Connection, past: int) -> None:
    """Let the next run have a higher number than this."""
    moved = f"SELECT setval(pg_get_serial_sequence('exchange.run', 'id'), greatest(:past, {_LAST}, 1))"
    connection.execute(sa.text(moved), {"past": past})
