"""The records that the exchange now has, with what one partner holds of each, for people who look ahead.

Whoever reads a document here says what for, and that is noted before they have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from bridge.exchange import nominal, reads

_ROWS: Final = """
SELECT r.bridge_id, r.version, r.cancelled, r.origin_system, r.origin_record_id, v.run_id, v.payload,
       n.payload AS nominal, n.key_id AS nominal_key, c.name AS source,
       array_prepend(r.origin_system, coalesce(seen.partners, '{}')) AS seen_by,
       seen.holds AS prior_holds, seen.released_hash AS prior_hash, run.fingerprint AS prior_fingerprint,
       last.disposition AS prior_disposition, last.code AS prior_code
FROM exchange.record r
JOIN exchange.record_version v ON v.bridge_id = r.bridge_id AND v.version = r.version
JOIN exchange.run c ON c.id = v.run_id
LEFT JOIN exchange_nominal.payload_nominal n ON n.bridge_id = r.bridge_id AND n.version = r.version
CROSS JOIN LATERAL (
    SELECT array_agg(d.partner) FILTER (WHERE d.holds AND d.partner <> lower(r.origin_system)) AS partners,
           bool_or(d.holds) FILTER (WHERE d.partner = :partner) AS holds,
           (array_agg(d.released_hash) FILTER (WHERE d.partner = :partner))[1] AS released_hash,
           max(d.run_id) FILTER (WHERE d.partner = :partner) AS run_id
    FROM (SELECT DISTINCT ON (d.partner) d.partner, d.holds, d.released_hash, d.run_id
          FROM exchange.delivery d WHERE d.bridge_id = r.bridge_id AND d.holds IS NOT NULL
          ORDER BY d.partner, d.version DESC, d.run_id DESC) d) seen
LEFT JOIN exchange.run run ON run.id = seen.run_id
LEFT JOIN LATERAL (
    SELECT d.disposition, d.code FROM exchange.delivery d
    WHERE d.bridge_id = r.bridge_id AND d.partner = :partner
    ORDER BY d.version DESC, d.run_id DESC LIMIT 1) last ON true
WHERE (CAST(:since AS timestamptz) IS NULL OR c.until > :since)
  AND (CAST(:record AS uuid) IS NULL OR r.bridge_id = :record)
"""
_TAKEN: Final = """
SELECT v.ordinal, r.bridge_id, r.version, v.payload, n.payload AS nominal, n.key_id AS nominal_key
FROM exchange.input i
JOIN exchange.record_version v ON v.input_id = i.id
JOIN exchange.record r ON r.bridge_id = v.bridge_id AND r.version = v.version
LEFT JOIN exchange_nominal.payload_nominal n ON n.bridge_id = v.bridge_id AND n.version = v.version
WHERE i.sha256 = :sha256 AND NOT r.cancelled
"""
_NEWEST: Final = " ORDER BY v.run_id DESC, v.ordinal DESC LIMIT :last"
_NEXT: Final = " AND (CAST(:after AS uuid) IS NULL OR r.bridge_id > :after) ORDER BY r.bridge_id LIMIT :size"


def newest(connection: sa.Connection, purpose: str, last: int, partner: str = "") -> list[dict[str, Any]]:
    """The records that came last, the newest first."""
    asked = {"partner": partner, "since": None, "record": None, "last": last}
    return _noted(connection, purpose, connection.execute(sa.text(_ROWS + _NEWEST), asked))


def one(connection: sa.Connection, purpose: str, bridge_id: object, partner: str = "") -> dict[str, Any] | None:
    """One record; None if the exchange has none of this id."""
    asked = {"partner": partner, "since": None, "record": bridge_id}
    found = _noted(connection, purpose, connection.execute(sa.text(_ROWS), asked))
    return found[0] if found else None


def taken(connection: sa.Connection, purpose: str, sha256: str) -> dict[int, dict[str, Any]]:
    """By its number in the input of this hash, each record that stands as it came from there and is not cancelled."""
    found = _noted(connection, purpose, connection.execute(sa.text(_TAKEN), {"sha256": sha256}))
    return {row["ordinal"]: row for row in found}


def each(
    connection: sa.Connection, purpose: str, partner: str, since: datetime | None = None, size: int = 2_000
) -> Iterator[list[dict[str, Any]]]:
    """Every record in pages, by id.

    Args:
        since: only records whose current version came in a window that ends after this.
    """
    after = None
    while True:
        asked = {"partner": partner, "since": since, "record": None, "after": after, "size": size}
        page = _noted(connection, purpose, connection.execute(sa.text(_ROWS + _NEXT), asked))
        if not page:
            return
        yield page
        after = page[-1]["bridge_id"]


def _noted(connection: sa.Connection, purpose: str, found: sa.CursorResult[Any]) -> list[dict[str, Any]]:
    """The rows, once it is noted whose nominal part is among them."""
    rows = [dict(row._mapping) for row in found]
    read = [(row["bridge_id"], row["version"]) for row in rows if row["nominal"] is not None]
    reads.by_person(connection, purpose, read)
    return nominal.plain(rows)


def documents(page: list[dict[str, Any]]) -> pa.Table:
    """A page as a table that decode() reads, with what the exchange gives a record beside it."""
    return pa.table(
        {
            "_row": pa.array(range(len(page)), pa.int64()),
            "payload": pa.array([row["payload"] for row in page], pa.string()),
            "nominal": pa.array([row["nominal"] for row in page], pa.string()),
            "bridge_id": pa.array([row["bridge_id"].bytes for row in page], pa.binary(16)),
            "version": pa.array([row["version"] for row in page], pa.int32()),
            "seen_by": pa.array([row["seen_by"] for row in page], pa.list_(pa.string())),
        }
    )
