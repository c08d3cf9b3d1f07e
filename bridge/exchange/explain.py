"""Every hop of one record: where it came in, what became of it, where it went; the one home of these facts, for the
command line and for the pages in Airflow. Nothing here reads a document."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

_RECORD: Final = """
SELECT r.bridge_id, r.origin_system, r.origin_record_id, r.version, r.cancelled, r.source_version, v.record_status,
       v.seizure_date, v.seizure_country, v.commodity_group, v.operation_code, encode(r.content_hash, 'hex') AS hash
FROM exchange.record r
LEFT JOIN exchange.record_version v ON v.bridge_id = r.bridge_id AND v.version = r.version
"""
_HOPS: Final = """
SELECT coalesce(c.finished_at, c.started_at) AS at, 'intake' AS side, c.name, c.id AS run_id, v.version,
       t.disposition, NULL AS effect, t.code, NULL AS authorisation,
       i.name || ', record ' || t.ordinal || coalesce(', position ' || t.position, '') AS place,
       i.sha256, c.run_key, c.mapping, c.revision, c.fingerprint
FROM exchange.intake t
JOIN exchange.run c ON c.id = t.run_id
JOIN exchange.input i ON i.id = t.input_id
LEFT JOIN exchange.record_version v
       ON v.bridge_id = t.bridge_id AND v.run_id = t.run_id AND v.input_id = t.input_id AND v.ordinal = t.ordinal
WHERE t.bridge_id = :id
UNION ALL
SELECT d.at, 'delivery', d.partner, d.run_id, d.version, d.disposition, d.effect, d.code,
       'authorisation ' || g.id || ' of ' || g.supplier || ', given by ' || g.granted_by || ': ' || g.reason
           || CASE WHEN g.conditions <> '' THEN '; on condition: ' || g.conditions ELSE '' END,
       nullif(concat_ws('; ', d.receipt, mine.said, theirs.said), ''), NULL, c.run_key, c.mapping, c.revision,
       c.fingerprint
FROM exchange.delivery d
LEFT JOIN LATERAL (
    -- Noted by the run that decided; the one in which the partner answered may be a later one.
    SELECT u.authorisation FROM exchange.authorised u JOIN exchange.authorisation a ON a.id = u.authorisation
    WHERE u.bridge_id = d.bridge_id AND u.version = d.version AND a.partner = d.partner AND u.run_id <= d.run_id
      AND NOT EXISTS (SELECT FROM exchange.delivery e
                      WHERE e.bridge_id = d.bridge_id AND e.partner = d.partner AND e.version = d.version
                        AND e.run_id >= u.run_id AND e.run_id < d.run_id
                        AND e.disposition NOT IN ('pending', 'in_doubt'))
    ORDER BY u.run_id DESC LIMIT 1) u ON true
LEFT JOIN exchange.authorisation g ON g.id = u.authorisation
JOIN exchange.partner p ON p.partner = d.partner
JOIN exchange.run c ON c.id = d.run_id
LEFT JOIN LATERAL (
    SELECT 'one seizure with ' || f.origin_system || ':' || f.origin_record_id || ' version ' || k.first_version
        || CASE WHEN k.why <> '' THEN ', to which it added nothing: ' || k.why
                WHEN k.added = '{}' THEN ', to which it had nothing to add'
                ELSE ', to which it added ' || array_to_string(k.added, ', ') END AS said
    FROM exchange.contribution k JOIN exchange.record f ON f.bridge_id = k.first
    WHERE k.run_id = d.run_id AND k.bridge_id = d.bridge_id) mine ON true
LEFT JOIN LATERAL (
    SELECT string_agg(l.origin_system || ':' || l.origin_record_id || ' version ' || k.version || ' added '
                      || array_to_string(k.added, ', '), '; ' ORDER BY l.origin_system, l.origin_record_id) AS said
    FROM exchange.contribution k JOIN exchange.record l ON l.bridge_id = k.bridge_id
    WHERE k.run_id = d.run_id AND k.first = d.bridge_id AND k.added <> '{}') theirs ON true
WHERE d.bridge_id = :id
UNION ALL
SELECT x.at, 'decision', coalesce(x.partner, 'every partner'), x.run_id, x.version, x.kind, NULL,
       coalesce(o.origin_system || ':' || o.origin_record_id, nullif(x.about, '')), NULL,
       'by ' || x.decided_by || ': ' || x.reason || CASE WHEN x.ground <> '' THEN ' (' || x.ground || ')' ELSE '' END
           || coalesce(', until ' || to_char(x.until, 'YYYY-MM-DD'), ''),
       NULL, c.run_key, c.mapping, c.revision, c.fingerprint
FROM exchange.decision x
JOIN exchange.run c ON c.id = x.run_id
LEFT JOIN exchange.record o ON o.bridge_id = CASE
     WHEN x.kind NOT IN ('same', 'different') THEN NULL
     WHEN x.bridge_id = :id THEN CAST(x.about AS uuid) ELSE x.bridge_id END
WHERE x.bridge_id = :id OR x.kind IN ('same', 'different') AND x.about = CAST(:id AS text)
ORDER BY at, run_id
"""
_PROBLEMS: Final = """
SELECT name, partner IS NOT NULL AS at_partner, version, code, field, rule, reason, state, at
FROM exchange.held WHERE bridge_id = :id ORDER BY id
"""
_INPUT: Final = """
SELECT v.version, v.ordinal, v.revision, i.name, i.sha256, i.size, i.arrival, c.name AS source, c.mapping,
       c.fingerprint,       coalesce(c.finished_at, c.started_at) AS at
FROM exchange.record_version v
JOIN exchange.input i ON i.id = v.input_id
JOIN exchange.run c ON c.id = v.run_id
JOIN exchange.record r ON r.bridge_id = v.bridge_id AND r.version = v.version
WHERE v.bridge_id = :id
"""


@dataclass(frozen=True, slots=True)
class Hop:
    """One thing that happened to a record.

    Args:
        side: intake, delivery, or decision of a person or the calendar.
        name: the source or the partner.
        version: the version accepted or offered; None if intake made none.
        effect: of a delivery, and None of all else.
        code: problem code of held, rule of withheld or out of scope, or by which it was taken back, TIE, ECHO; of a
            decision what it is about.
        authorisation: the supplier's authorisation under which it was released, in words; None if it needed none.
        place: the input with the record's number and position in it, the receipt, or who decided and why.
        sha256: of the input; None for a delivery.
        fingerprint: of the mapping that the run used, and ``revision`` its place among all this mapping had.
    """

    at: datetime
    side: str
    name: str
    run_id: int
    version: int | None
    disposition: str
    effect: str | None
    code: str | None
    authorisation: str | None
    place: str | None
    sha256: str | None
    run_key: str
    mapping: str
    revision: int
    fingerprint: str

    @property
    def details(self) -> str:
        """Effect and code, as people read them; "" if it has neither."""
        return ", ".join(part for part in (self.effect, self.code) if part)


def explain(connection: sa.Connection, bridge_id: uuid.UUID) -> list[Hop]:
    """The record's hops, oldest first; empty if the exchange never met it."""
    return [Hop(*row) for row in connection.execute(sa.text(_HOPS), {"id": bridge_id})]


def problems(connection: sa.Connection, bridge_id: uuid.UUID) -> list[sa.Row[Any]]:
    """Why the record was held, at intake or at a partner."""
    return list(connection.execute(sa.text(_PROBLEMS), {"id": bridge_id}))


def came_from(connection: sa.Connection, bridge_id: uuid.UUID) -> sa.Row[Any] | None:
    """The input of the record's current version, its number in it, and the run and mapping that took it in."""
    return connection.execute(sa.text(_INPUT), {"id": bridge_id}).one_or_none()


def records(connection: sa.Connection, text: str, limit: int = 20) -> list[sa.Row[Any]]:
    """Records by bridge id, or by their identifier at the origin, with or without its system (CEN:2026-17)."""
    wanted = text.strip()
    where, values = "r.origin_record_id = :id", {"id": wanted, "system": ""}
    if re.fullmatch(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}", wanted):
        where = "r.bridge_id = CAST(:uuid AS uuid) OR r.origin_record_id = :id"
        values = {"uuid": str(uuid.UUID(wanted)), "id": wanted, "system": ""}
    elif ":" in wanted:
        system, _, rest = wanted.partition(":")
        where = "(r.origin_system = :system AND r.origin_record_id = :rest) OR r.origin_record_id = :id"
        values = {"system": system.strip().upper(), "rest": rest.strip(), "id": wanted}
    asked = sa.text(f"{_RECORD} WHERE {where} ORDER BY r.origin_system LIMIT :limit")
    return list(connection.execute(asked, {**values, "limit": limit}))


def find(connection: sa.Connection, origin_system: str, origin_record_id: str) -> uuid.UUID | None:
    """The bridge_id of a record, from its identifier at the origin."""
    asked = "SELECT bridge_id FROM exchange.record WHERE origin_system = :system AND origin_record_id = :id"
    found: uuid.UUID | None = connection.scalar(sa.text(asked), {"system": origin_system, "id": origin_record_id})
    return found
