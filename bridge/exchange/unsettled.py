"""Records that a partner may have from a share that never said so.

A partner commits before the exchange does, and a share may die between the two. So a batch is written down before it
is handed over, and crossed off with what became of it. What was never crossed off is remembered until an order for this
version of the record or a higher one has been answered: meanwhile the books do not tell what the partner holds, and it
is asked.

Two shares with one partner may be under way at once. One that selects keeps the others from handing anything over
meanwhile, and each looks, before it hands over, whether somebody selected since it read what it is about to give: then
what has a newer version, or was decided about, is left to the share that knows of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bridge.exchange.outbound import handing

_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtextextended('turn:' || :partner, 0))"
_TOGETHER: Final = "SELECT pg_advisory_xact_lock_shared(hashtextextended('turn:' || :partner, 0))"
_NEXT: Final = "UPDATE exchange.partner SET selections = selections + 1 WHERE partner = :partner"
_TURN: Final = """
SELECT selections, (SELECT coalesce(max(id), 0) FROM exchange.decision) AS decision
FROM exchange.partner WHERE partner = :partner
"""
_REMEMBER: Final = """
INSERT INTO exchange.unsettled (partner, bridge_id, run_id)
SELECT DISTINCT ON (q.name, s.bridge_id) q.name, s.bridge_id, q.id {given} AND {which}
ORDER BY q.name, s.bridge_id, q.id
ON CONFLICT DO NOTHING
"""
_GIVEN: Final = """
FROM exchange.handing h JOIN exchange.run q ON q.id = h.run_id
CROSS JOIN LATERAL unnest(h.ordinals) AS o(ordinal)
JOIN exchange.selection s ON s.run_id = h.run_id AND s.ordinal = o.ordinal
WHERE NOT EXISTS (
    SELECT FROM exchange.delivery d
    WHERE d.partner = q.name AND d.bridge_id = s.bridge_id AND d.idempotency_key IS NOT NULL
      AND d.disposition IN ('delivered', 'unchanged', 'withheld')
      AND (d.version > s.version OR d.version = s.version AND d.at > h.at))
"""
"""What any share is handing over or was, but for what the partner has answered for since."""
_OFFER: Final = (
    """
    UPDATE pg_temp.offer o SET due = true FROM exchange.unsettled u
    WHERE u.partner = :partner AND u.bridge_id = o.bridge_id AND NOT o.superseded
    """,
    """
    INSERT INTO pg_temp.offer SELECT r.bridge_id, r.version, false, true
    FROM exchange.unsettled u JOIN exchange.record r USING (bridge_id)
    WHERE u.partner = :partner AND NOT EXISTS (
        SELECT FROM pg_temp.offer o WHERE o.bridge_id = r.bridge_id AND o.version = r.version)
    """,
)
_ANSWERED: Final = """
DELETE FROM exchange.unsettled u USING pg_temp.settled s
WHERE u.partner = :partner AND u.bridge_id = s.bridge_id
  AND s.idempotency_key IS NOT NULL AND s.disposition IN ('delivered', 'unchanged', 'withheld')
"""
_WRITE: Final = """
INSERT INTO exchange.handing AS h (run_id, first, ordinals) VALUES (:run, :first, :ordinals)
-- An attempt that should have died may be at the same batch.
ON CONFLICT ON CONSTRAINT handing_pkey DO UPDATE SET ordinals = h.ordinals || excluded.ordinals
"""
_OVERTAKEN: Final = """
SELECT s.ordinal FROM exchange.selection s JOIN exchange.record r USING (bridge_id)
WHERE s.run_id = :run AND s.ordinal = ANY(:ordinals)
  AND (r.version > s.version
       OR EXISTS (SELECT FROM exchange.decision d WHERE d.bridge_id = s.bridge_id AND d.id > :decision))
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a share knows of when it reads what it will hand over.

    Args:
        selections: how often shares with the partner had selected.
        decision: number of the newest decision.
    """

    selections: int
    decision: int


def alone(connection: sa.Connection, partner: str) -> None:
    """Until this transaction ends no share hands anything to the partner, and none selects for it."""
    connection.execute(sa.text(_ALONE), {"partner": partner})


def turn(connection: sa.Connection, partner: str) -> Turn:
    """What is known now."""
    found = connection.execute(sa.text(_TURN), {"partner": partner}).one()
    return Turn(found.selections, found.decision)


def selecting(connection: sa.Connection, partner: str) -> None:
    """The partner's next selection: remember what any share is handing to it, and let them know."""
    connection.execute(sa.text(_NEXT), {"partner": partner})
    connection.execute(sa.text(_remember("q.name = :partner")), {"partner": partner})


def offer(connection: sa.Connection, partner: str) -> None:
    """Offer the partner anew what nobody has said the end of, whatever else is offered (pg_temp.offer)."""
    for statement in _OFFER:
        connection.execute(sa.text(statement), {"partner": partner})


def cross_off(connection: sa.Connection, runs: Sequence[int]) -> None:
    """Remember what these runs were handing over, whose work under way is about to go."""
    here = {"runs": list(runs)}
    connection.execute(sa.text(_remember("h.run_id = ANY(:runs)")), here)
    connection.execute(handing.delete().where(handing.c.run_id.in_(here["runs"])))


def write_down(connection: sa.Connection, run: int, partner: str, known: Turn, ordinals: Sequence[int]) -> set[int]:
    """Write down that these of the run's selection are about to be handed over; gives those that must not be.

    The caller has made sure, in this transaction and after together(), that the run may still write and release.
    """
    overtaken: set[int] = set()
    if turn(connection, partner).selections != known.selections:
        asked: dict[str, Any] = {"run": run, "ordinals": list(ordinals), "decision": known.decision}
        overtaken = set(connection.scalars(sa.text(_OVERTAKEN), asked))
    left = [ordinal for ordinal in ordinals if ordinal not in overtaken]
    if left:
        connection.execute(sa.text(_WRITE), {"run": run, "first": min(left), "ordinals": left})
    return overtaken


def together(connection: sa.Connection, partner: str) -> None:
    """Wait until no share is selecting for the partner, and until this transaction ends let none begin to."""
    connection.execute(sa.text(_TOGETHER), {"partner": partner})


def settled(connection: sa.Connection, run: int, partner: str, upto: int | None) -> None:
    """Cross off the batch that ends with this ordinal, and forget of pg_temp.settled what the partner answered for."""
    if upto is not None:
        connection.execute(handing.delete().where(handing.c.run_id == run, handing.c.first <= upto))
    connection.execute(sa.text(_ANSWERED), {"partner": partner})


def _remember(which: str) -> str:
    return _REMEMBER.format(given=_GIVEN, which=which)
