"""Probable duplicates: two suppliers' reports that may be of one seizure, found by what they say and decided by people.

Every current record gets a row of what it is compared by. It is compared only with those of other suppliers that share
a key with it: country, commodity group and about the same quantity near the same day; or a container; or the number of
a journey near that day. So the work grows with the records that came, not with their square. It is done apart from
taking in.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

import sqlalchemy as sa

from bridge.errors import Misconfigured
from bridge.exchange import decisions
from bridge.exchange.decisions import DIFFERENT, SAME, Decision

_FORGET: Final = """
DELETE FROM exchange.likeness l USING exchange.record r
WHERE r.bridge_id = l.bridge_id AND (r.cancelled OR r.version <> l.version)
"""
_FRESH: Final = r"""
CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT r.bridge_id, r.version, r.origin_system, coalesce(d.said ->> 'supplier_country', r.origin_system) AS supplier,
       v.seizure_country AS country, v.commodity_group,
       CASE WHEN v.seizure_date ~ '^\d{4}-\d\d-\d\d$' THEN v.seizure_date::date END AS day,
       q.quantity, CASE WHEN q.quantity > 0 THEN floor(ln(q.quantity::float8) / ln(1.05))::int END AS step,
       d.said #>> '{goods,0,unit}' AS unit,
       ARRAY(SELECT DISTINCT c FROM jsonb_path_query(d.said, '$.conveyances[*].container_number[*]') n(c0),
             LATERAL (SELECT c0 #>> '{}') t(c) WHERE c IS NOT NULL) AS containers,
       ARRAY(SELECT DISTINCT c FROM jsonb_path_query(d.said, '$.conveyances[*].conveyance_reference') n(c0),
             LATERAL (SELECT c0 #>> '{}') t(c) WHERE c IS NOT NULL) AS journeys,
       nullif((SELECT string_agg(step ->> 'country', '>' ORDER BY place)
               FROM jsonb_array_elements(d.said -> 'route') WITH ORDINALITY s(step, place)), '') AS route,
       (SELECT w.run_id FROM exchange.record_version w WHERE w.bridge_id = r.bridge_id AND w.version = 1) AS came
FROM exchange.record r
JOIN exchange.record_version v ON v.bridge_id = r.bridge_id AND v.version = r.version
CROSS JOIN LATERAL (SELECT CAST(v.payload AS jsonb) AS said OFFSET 0) d
CROSS JOIN LATERAL (SELECT (d.said #>> '{goods,0,quantity}')::numeric AS quantity) q
WHERE NOT r.cancelled AND v.payload <> ''
  AND NOT EXISTS (SELECT FROM exchange.likeness l WHERE l.bridge_id = r.bridge_id)
LIMIT :size
"""
_KEEP: Final = """
INSERT INTO exchange.likeness (bridge_id, version, origin_system, supplier, country, commodity_group, day, quantity,
                               step, unit, containers, journeys, route, came)
SELECT bridge_id, version, origin_system, supplier, country, commodity_group, day, quantity, step, unit, containers,
       journeys, route, came FROM pg_temp.fresh
"""
_KEYS: Final = """
INSERT INTO exchange.likeness_key (key, bridge_id)
SELECT one, bridge_id FROM pg_temp.fresh CROSS JOIN unnest(containers) one
UNION ALL SELECT concat(one, ' ', day), bridge_id FROM pg_temp.fresh CROSS JOIN unnest(journeys) one
ON CONFLICT DO NOTHING
"""
_PAIRS: Final = """
CREATE TEMP TABLE pairs ON COMMIT DROP AS
SELECT least(p.bridge_id, k.bridge_id) AS a, greatest(p.bridge_id, k.bridge_id) AS b
FROM pg_temp.fresh p JOIN exchange.likeness k
     ON k.country = p.country AND k.commodity_group = p.commodity_group AND k.unit = p.unit
    AND k.step = ANY(ARRAY[p.step - 1, p.step, p.step + 1]) AND k.day BETWEEN p.day - 3 AND p.day + 3
WHERE (k.origin_system, k.supplier) <> (p.origin_system, p.supplier)
UNION
SELECT least(p.bridge_id, k.bridge_id), greatest(p.bridge_id, k.bridge_id)
FROM pg_temp.fresh p
     CROSS JOIN LATERAL (
         SELECT one FROM unnest(p.containers) one UNION ALL
         SELECT concat(one, ' ', p.day + days) FROM unnest(p.journeys) one, generate_series(-3, 3) days) sought
     JOIN exchange.likeness_key h ON h.key = sought.one JOIN exchange.likeness k ON k.bridge_id = h.bridge_id
WHERE k.day BETWEEN p.day - 3 AND p.day + 3 AND (k.origin_system, k.supplier) <> (p.origin_system, p.supplier)
"""
_QUEUE: Final = """
INSERT INTO exchange.duplicate (first, second, score, parts)
SELECT CASE WHEN a_first THEN a ELSE b END, CASE WHEN a_first THEN b ELSE a END, score, parts
FROM (
    SELECT p.a, p.b, (a.came, a.bridge_id) < (b.came, b.bridge_id) AS a_first, said.score, said.parts
    FROM pg_temp.pairs p
    JOIN exchange.likeness a ON a.bridge_id = p.a
    JOIN exchange.likeness b ON b.bridge_id = p.b
    CROSS JOIN LATERAL (
        SELECT sum(points) AS score, array_agg(part ORDER BY place) AS parts,
               bool_or(place >= 5) AS telling
        FROM (VALUES
            (1, a.day = b.day, 2, 'date'),
            (2, a.day <> b.day, 1, 'date within 3 days'),
            (3, a.country = b.country, 1, 'country'),
            (4, a.commodity_group = b.commodity_group, 1, 'commodity group'),
            (5, a.commodity_group = b.commodity_group AND a.unit = b.unit
                AND abs(a.quantity - b.quantity) <= 0.05 * greatest(a.quantity, b.quantity), 2, 'quantity within 5 %'),
            (6, a.containers && b.containers, 3, 'container'),
            (7, a.journeys && b.journeys, 2, 'journey'),
            (0, a.route = b.route, 1, 'route')) v(place, agrees, points, part)
        WHERE agrees) said
    WHERE abs(a.day - b.day) <= 3 AND said.telling) scored
WHERE score >= :score
ON CONFLICT ON CONSTRAINT duplicate_first_second_key DO NOTHING
"""
ENOUGH: Final = 5
"""Points at which two records go to the queue: near in time, same country and goods, and as much; or a container."""
_STATE: Final = """
SELECT u.id, u.first, u.second, u.score, u.parts, u.at,
       a.origin_system || ':' || a.origin_record_id AS first_name,
       b.origin_system || ':' || b.origin_record_id AS second_name,
       coalesce(d.kind, 'open') AS state, d.decided_by, d.reason, a.cancelled AS first_cancelled
FROM exchange.duplicate u
JOIN exchange.record a ON a.bridge_id = u.first
JOIN exchange.record b ON b.bridge_id = u.second
LEFT JOIN LATERAL (
    SELECT kind, decided_by, reason FROM exchange.decision d
    WHERE d.bridge_id = u.second AND d.about = u.first::text AND d.kind IN ('same', 'different')
    ORDER BY d.id DESC LIMIT 1) d ON true
"""
_WAITS: Final = "d.kind IS NULL AND NOT a.cancelled AND NOT b.cancelled"


def find(connection: sa.Connection, size: int) -> tuple[int, bool]:
    """Compare ``size`` records that are new or have changed with those like them, in one transaction.

    Returns:
        Number of pairs newly queued, and whether there may be more records to compare.
    """
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('likeness', 0))"))
    connection.execute(sa.text(_FORGET))
    looked = connection.execute(sa.text(_FRESH), {"size": size}).rowcount
    connection.execute(sa.text(_KEEP))
    connection.execute(sa.text(_KEYS))
    connection.execute(sa.text("ANALYZE pg_temp.fresh; ANALYZE exchange.likeness; ANALYZE exchange.likeness_key"))
    # The planner knows nothing of what this transaction has just written, and would hash all there is.
    connection.execute(sa.text("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"))
    connection.execute(sa.text(_PAIRS))
    connection.execute(sa.text("ANALYZE pg_temp.pairs"))
    return int(connection.execute(sa.text(_QUEUE), {"score": ENOUGH}).rowcount), looked == size


def listed(connection: sa.Connection, *, every: bool, limit: int) -> list[sa.Row[Any]]:
    """Pairs that wait for a decision, the likeliest first; with ``every`` also those that were decided."""
    where = "true" if every else _WAITS
    asked = f"{_STATE} WHERE {where} ORDER BY u.score DESC, u.id LIMIT :limit"
    return list(connection.execute(sa.text(asked), {"limit": limit}))


def waiting(connection: sa.Connection) -> int:
    """How many pairs wait for a decision."""
    return int(connection.scalar(sa.text(f"SELECT count(*) FROM ({_STATE} WHERE {_WAITS}) waits")) or 0)  # noqa: S608


def decide(connection: sa.Connection, number: int, *, same: bool, by: str, reason: str) -> sa.Row[Any]:
    """Say whether a pair is one seizure, and seal that; gives the pair.

    If it is, the second stands no longer as a report of its own, as long as the first does: every partner's next share
    takes it back, or never gives it. Saying that they are different undoes it.

    Raises:
        Misconfigured: NO_SUCH_PAIR, or NO_REASON.
    """
    asked = sa.text(f"{_STATE} WHERE u.id = :number")
    pair = connection.execute(asked, {"number": number}).one_or_none()
    if pair is None:
        what = "there is no such pair of records"
        raise Misconfigured("NO_SUCH_PAIR", f"pair {number}", what, "bridge duplicates list names them")
    second: uuid.UUID = pair.second
    kind = SAME if same else DIFFERENT
    decisions.make(connection, [Decision(kind, by, reason, bridge_id=second, about=str(pair.first))])
    return pair
