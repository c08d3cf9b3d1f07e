"""What suppliers have authorised for a share: decided once, when its run begins, and kept with its mapping's revision.

Another set of authorisations in force counts as another revision of the mapping. So a try of the run that is repeated
decides as the first did or stops, what went under an authorisation that is gone is recalled like what a changed rule
withholds, and what is authorised anew comes after that recall in the order of versions.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from bridge.onward import Authorisation

_LOCK: Final = "SELECT pg_advisory_xact_lock_shared(hashtextextended('authorisation', 0))"
_IN_FORCE: Final = """
SELECT coalesce(array_agg(g.id ORDER BY g.id), '{}') FROM exchange.authorisation g
WHERE g.partner = :partner AND g.revokes IS NULL
  AND g.valid_from <= transaction_timestamp() AND transaction_timestamp() < g.valid_until
  AND NOT EXISTS (SELECT FROM exchange.authorisation r WHERE r.revokes = g.id)
"""
_THESE: Final = """
SELECT id, supplier, commodity_groups, operation, bridge_id, conditions
FROM exchange.authorisation WHERE id = ANY(:numbers) ORDER BY id
"""
_OF_RUN: Final = """
SELECT k.authorised FROM exchange.run c
JOIN exchange.mapping_revision k ON k.mapping = c.mapping AND k.revision = c.revision WHERE c.id = :run
"""
_GONE: Final = """
SELECT EXISTS (SELECT FROM exchange.authorisation WHERE revokes = ANY(:numbers)
               OR id = ANY(:numbers) AND valid_until <= clock_timestamp())
"""
_LISTED: Final = """
SELECT g.id, g.partner, g.supplier, g.commodity_groups, g.operation, g.bridge_id, g.conditions, g.valid_from,
       g.valid_until, g.granted_by, g.entered_by, g.reason, g.at,
       r.entered_by AS revoked_by, r.reason AS revoked_for, r.at AS revoked_at,
       CASE WHEN r.id IS NOT NULL THEN 'revoked' WHEN transaction_timestamp() < g.valid_from THEN 'not yet in force'
            WHEN transaction_timestamp() >= g.valid_until THEN 'expired' ELSE 'in force' END AS state
FROM exchange.authorisation g LEFT JOIN exchange.authorisation r ON r.revokes = g.id
WHERE g.revokes IS NULL AND (CAST(:partner AS text) IS NULL OR g.partner = :partner) ORDER BY g.id
"""
_USED: Final = """
INSERT INTO exchange.authorised (run_id, bridge_id, version, authorisation)
SELECT :run, * FROM unnest(CAST(:records AS uuid[]), CAST(:versions AS int[]), CAST(:numbers AS bigint[]))
ON CONFLICT DO NOTHING
"""
_GAINED: Final = """
INSERT INTO pg_temp.offer
SELECT d.bridge_id, r.version, false, false
FROM (SELECT DISTINCT ON (bridge_id) bridge_id, version, revision, disposition, effect, code
      FROM exchange.delivery WHERE partner = :partner ORDER BY bridge_id, version DESC, run_id DESC) d
JOIN exchange.record r ON r.bridge_id = d.bridge_id AND r.version = d.version
JOIN exchange.mapping_revision k ON k.mapping = :mapping AND k.revision = d.revision
WHERE (d.disposition = 'withheld' AND d.code = ANY(:liftable) OR d.effect = 'withdraw' AND NOT r.cancelled)
  AND NOT CAST(:authorised AS bigint[]) <@ k.authorised
  AND NOT EXISTS (SELECT FROM pg_temp.offer o WHERE o.bridge_id = d.bridge_id AND o.version = r.version)
"""
_LOST: Final = """
INSERT INTO pg_temp.offer
SELECT DISTINCT a.bridge_id, r.version, false, false
FROM exchange.authorised a
JOIN exchange.authorisation g ON g.id = a.authorisation AND g.partner = :partner
JOIN exchange.record r ON r.bridge_id = a.bridge_id
WHERE a.authorisation <> ALL(CAST(:authorised AS bigint[]))
  AND (SELECT m.holds AND m.version = a.version AND NOT EXISTS (
           SELECT FROM exchange.authorised b JOIN exchange.authorisation h ON h.id = b.authorisation
           WHERE b.bridge_id = a.bridge_id AND h.partner = :partner AND b.run_id > a.run_id AND b.run_id <= m.run_id)
       FROM exchange.delivery m
       WHERE m.partner = :partner AND m.bridge_id = a.bridge_id AND m.holds IS NOT NULL
       ORDER BY m.version DESC, m.run_id DESC LIMIT 1)
  AND NOT EXISTS (SELECT FROM pg_temp.offer o WHERE o.bridge_id = a.bridge_id AND o.version = r.version)
"""
"""What the partner holds went under the last that was noted for that version, be it by an earlier run: one that only
kept the message which a later run relayed."""


def in_force(connection: sa.Connection, partner: str) -> tuple[int, ...]:
    """Numbers of the authorisations in force for a share that begins now; waits for whoever is entering one."""
    connection.execute(sa.text(_LOCK))
    return tuple(connection.execute(sa.text(_IN_FORCE), {"partner": partner}).scalar_one())


def now(connection: sa.Connection, partner: str) -> tuple[Authorisation, ...]:
    """What is in force for a partner now; read only, for people who look ahead."""
    return _these(connection, connection.execute(sa.text(_IN_FORCE), {"partner": partner}).scalar_one())


def of_run(connection: sa.Connection, run_id: int) -> tuple[Authorisation, ...]:
    """What was in force when the run began, by which every try of it decides."""
    return _these(connection, connection.scalar(sa.text(_OF_RUN), {"run": run_id}) or [])


def gone(connection: sa.Connection, numbers: Sequence[int]) -> bool:
    """Whether any of these authorisations was revoked, or its time is over."""
    return bool(numbers) and bool(connection.scalar(sa.text(_GONE), {"numbers": list(numbers)}))


def listed(connection: sa.Connection, partner: str | None = None) -> list[sa.Row[Any]]:
    """Every authorisation ever entered, of one partner or of all, oldest first, with its state now."""
    return list(connection.execute(sa.text(_LISTED), {"partner": partner}))


def offer(connection: sa.Connection, here: Mapping[str, Any], liftable: Iterable[str]) -> None:
    """Offer again what was withheld for want of an authorisation, if one came, and what went under one that is gone.

    Args:
        here: partner, mapping and run of the share.
        liftable: codes of the release rules that an authorisation lifts.
    """
    authorised = connection.scalar(sa.text(_OF_RUN), here) or []
    asked = {**here, "authorised": authorised, "liftable": list(liftable)}
    if authorised and asked["liftable"]:
        connection.execute(sa.text(_GAINED), asked)
    connection.execute(sa.text(_LOST), asked)


def note(connection: sa.Connection, run_id: int, used: Sequence[tuple[bytes, int, int]]) -> None:
    """Keep under which authorisation each version (bridge id, version, number) leaves in this run."""
    here = {
        "run": run_id,
        "records": [uuid.UUID(bytes=record) for record, _, _ in used],
        "versions": [version for _, version, _ in used],
        "numbers": [number for _, _, number in used],
    }
    connection.execute(sa.text(_USED), here)


def _these(connection: sa.Connection, numbers: Sequence[int]) -> tuple[Authorisation, ...]:
    if not numbers:
        return ()
    return tuple(
        Authorisation(
            row.id, row.supplier, tuple(row.commodity_groups or ()), row.operation or "",
            str(row.bridge_id) if row.bridge_id else "", row.conditions,
        )
        for row in connection.execute(sa.text(_THESE), {"numbers": list(numbers)})
    )  # fmt: skip
