"""Messages to a partner that shares no transaction with us: kept until the partner has answered for them.

A message is durable, with its key, before it is first sent, and is marked as sent
before each try. Whatever dies when, the next run knows which messages may have
arrived. Two that relay at once never hold the same message: rows are taken with
FOR UPDATE SKIP LOCKED and stay locked while they are sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from bridge import keys
from bridge.encrypted import Opener, encrypt, order
from bridge.errors import Problem
from bridge.exchange import decisions, delivery, reads
from bridge.exchange.database import Copier, driver
from bridge.exchange.layouts import DISPOSITIONS, MESSAGES, PROBLEMS, conform
from bridge.exchange.revisions import require_in_force
from bridge.exchange.runs import Run
from bridge.ledger import Delivery, Effect

SIZE: Final = 100
"""Messages that are marked, sent and answered for together."""

_KEEP: Final = """
INSERT INTO exchange.outbox (partner, bridge_id, version, run_id, revision, effect, released_hash, code, decisions,
                             idempotency_key, body, key_id)
SELECT partner, bridge_id, version, run_id, revision, effect, released_hash, code, decisions, idempotency_key, {body}
FROM pg_temp.composed ORDER BY place
ON CONFLICT ON CONSTRAINT outbox_partner_idempotency_key_key DO NOTHING
"""
_KEEP_APART: Final = """
WITH kept AS ({keep} RETURNING number, idempotency_key)
INSERT INTO exchange_nominal.message (number, body, key_id)
SELECT k.number, c.body, c.key_id FROM kept k JOIN pg_temp.composed c USING (idempotency_key)
"""
_CLAIM: Final = """
UPDATE exchange.outbox SET run_id = :run WHERE number IN (
    SELECT o.number FROM exchange.outbox o
    JOIN exchange.selection s ON s.run_id = :run AND s.bridge_id = o.bridge_id AND s.version = o.version
    WHERE o.partner = :partner AND o.run_id <> :run FOR UPDATE OF o SKIP LOCKED)
RETURNING number
"""
_DUE: Final = """
SELECT o.number, o.bridge_id, o.version, o.effect, o.released_hash, o.code, o.idempotency_key, o.sent,
       o.version = r.version AS newest, o.version = r.version AND o.revision = :revision AS current, o.decisions
FROM exchange.outbox o JOIN exchange.record r USING (bridge_id)
WHERE o.run_id = :run AND o.partner = :partner AND o.number <> ALL(:tried)
ORDER BY o.number LIMIT :size FOR UPDATE OF o SKIP LOCKED
"""
_HOLD: Final = """
SELECT o.number, {body} FROM exchange.outbox o {message}
WHERE o.number = ANY(:numbers) AND o.run_id = :run FOR UPDATE OF o SKIP LOCKED
"""
_OPEN: Final = _HOLD.format(body="o.body, o.key_id", message="")
_APART: Final = _HOLD.format(
    body="coalesce(m.body, o.body) AS body, coalesce(m.key_id, o.key_id) AS key_id",
    message="LEFT JOIN exchange_nominal.message m USING (number)",
)
_DOUBT: Final = "SELECT DISTINCT bridge_id::text FROM exchange.outbox WHERE partner = :partner AND sent"
_MARK: Final = "UPDATE exchange.outbox SET sent = :sent WHERE number = ANY(:numbers)"
_END: Final = "DELETE FROM exchange.outbox WHERE number = ANY(:numbers)"
_HOLDS: Final = """
UPDATE exchange.delivery SET holds = :holds, released_hash = CASE WHEN :certain THEN released_hash END
WHERE partner = :partner AND bridge_id = :bridge_id AND version = :version AND run_id = :run
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One message and where it stands.

    Args:
        effect: what it will do at the partner.
        rule: by which a record is taken back.
        sent: the partner may have it from an earlier try.
        newest: no higher version of the record has been accepted since.
        current: and it is what the mapping in force and all decisions make of it, so that it may still be sent.
    """

    number: int
    bridge_id: bytes
    version: int
    effect: Effect
    released: bytes
    rule: str | None
    key: bytes
    sent: bool
    newest: bool
    current: bool
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message.

    Args:
        stays: it stays in the outbox, for a later run to end.
        holds: whether the partner is taken to have the record, where the disposition does not say.
        certain: that is known; else it may have this or an earlier content, and none counts as delivered.
    """

    disposition: Delivery
    effect: Effect | None = None
    code: str | None = None
    receipt: str | None = None
    problem: Problem | None = None
    stays: bool = False
    holds: bool | None = None
    certain: bool = True


@dataclass(slots=True)
class Taken:
    """Messages that are locked for this relay, and what became of each; one without an outcome was not tried."""

    messages: list[Message]
    missed: frozenset[int] = frozenset()
    """Numbers that another relay took meanwhile."""
    outcomes: dict[int, Outcome] = field(default_factory=dict)


def keep(connection: sa.Connection, run: Run, messages: pa.Table, *, nominal: bool) -> None:
    """Put composed messages (MESSAGES) where relay() finds them, encrypted if the partner has a key.

    Bytes that may be ``nominal`` stand apart, and never without a key.
    """
    table = conform(messages, MESSAGES, "MESSAGES")
    if not table.num_rows:
        return
    session = driver(connection)
    session.execute(
        "CREATE TEMP TABLE composed ON COMMIT DROP AS"
        " SELECT *, 0::bigint AS place FROM exchange.outbox WITH NO DATA;"
        "ALTER TABLE pg_temp.composed DROP COLUMN number, DROP COLUMN sent, DROP COLUMN at"
    )
    constants = {
        "partner": pa.repeat(run.name, table.num_rows),
        "run_id": pa.repeat(pa.scalar(run.id, pa.int64()), table.num_rows),
        "revision": pa.repeat(pa.scalar(run.revision, pa.int32()), table.num_rows),
        "place": pa.array(range(table.num_rows), pa.int64()),
    }
    columns = {name: table.column(name) for name in MESSAGES.names}
    key = keys.current(run.name) if nominal else next(iter(keys.keys_of(run.name)), None)
    if key is not None:
        owners = map(order, table.column("bridge_id").to_pylist(), table.column("version").to_pylist())
        # Any bytes are a text in Latin-1.
        texts = [body.decode("latin-1") for body in table.column("body").to_pylist()]
        columns["body"] = pa.array(encrypt(key, texts, list(owners)), pa.binary())
        constants["key_id"] = pa.repeat(key.id, table.num_rows)
    Copier(session).copy("pg_temp", "composed", pa.table(columns | constants))
    kept = _KEEP.format(body="NULL, NULL" if nominal else "body, key_id")
    connection.execute(sa.text(_KEEP_APART.format(keep=kept) if nominal else kept))


def in_doubt(connection: sa.Connection, partner: str) -> set[str]:
    """Keys of the records of which nobody knows what the partner has."""
    return set(connection.scalars(sa.text(_DOUBT), {"partner": partner}))


def claim(connection: sa.Connection, run: Run, *, nominal: bool) -> None:
    """Make the run answer for the open messages of the versions that it selected.

    What is ``nominal`` in those of earlier runs it will read though it does not read their documents: that is noted.
    """
    claimed = connection.scalars(sa.text(_CLAIM), {"run": run.id, "partner": run.name}).all()
    if nominal and claimed:
        reads.by_relay(connection, run.name, run.mapping, run.id, claimed)


def mark(connection: sa.Connection, run: Run, tried: Collection[int]) -> list[Message]:
    """The next messages in order, without their bodies; those that may be sent are marked as sent.

    Args:
        tried: numbers to pass over.

    Raises:
        Stop: as stream(): a later step of an old run sends nothing that what is in force now could withhold.
    """
    require_in_force(connection, run)
    here = {"run": run.id, "partner": run.name, "revision": run.revision, "tried": list(tried), "size": SIZE}
    due = connection.execute(sa.text(_DUE), here).all()
    steps = decisions.steps(connection, run.name, [row.bridge_id for row in due])
    found = [
        Message(
            row.number, row.bridge_id.bytes, row.version, Effect(row.effect), bytes(row.released_hash), row.code,
            bytes(row.idempotency_key), row.sent, row.newest,
            row.current and row.decisions == steps.get(row.bridge_id, 0),
        )
        for row in due
    ]  # fmt: skip
    going = [one for one in found if one.current]
    if going:
        connection.execute(sa.text(_MARK), {"sent": True, "numbers": [one.number for one in going]})
        doubt = Outcome(Delivery.IN_DOUBT)
        delivery.settle(connection, run, _dispositions(dict.fromkeys(going, doubt)), None, anew=False)
    return found


def hold(connection: sa.Connection, run: Run, marked: Sequence[Message], *, nominal: bool) -> Taken:
    """The marked messages with their bodies, locked until the transaction ends."""
    asked = sa.text(_APART if nominal else _OPEN)
    found = connection.execute(asked, {"numbers": [one.number for one in marked], "run": run.id}).all()
    places = {one.number: order(one.bridge_id, one.version) for one in marked}
    opener = Opener()
    bodies = {
        row.number: opener.text(row.key_id, bytes(row.body), places[row.number]).encode("latin-1")
        if row.body and row.key_id
        else bytes(row.body or b"")
        for row in found
    }
    messages = [
        # An erased record's bytes are gone, whenever that happened.
        replace(one, body=bodies[one.number], current=one.current and bodies[one.number] != b"")
        for one in marked
        if one.number in bodies
    ]
    return Taken(messages, frozenset(one.number for one in marked if one.number not in bodies))


def settle(connection: sa.Connection, run: Run, taken: Taken) -> None:
    """Write what became of the messages; what was not tried stands again as it stood before it was marked."""
    outcomes = {one: taken.outcomes[one.number] for one in taken.messages if one.number in taken.outcomes}
    untried = [one for one in taken.messages if one.number not in taken.outcomes and one.current and not one.sent]
    told = outcomes | dict.fromkeys(untried, Outcome(Delivery.PENDING, stays=True))
    if not told:
        return
    problems = [
        {
            "bridge_id": one.bridge_id, "version": one.version, "code": outcome.problem.code,
            "field": outcome.problem.field, "rule": outcome.problem.rule, "reason": outcome.problem.reason,
        }
        for one, outcome in outcomes.items()
        if outcome.problem is not None
    ]  # fmt: skip
    delivery.settle(connection, run, _dispositions(told), pa.Table.from_pylist(problems, schema=PROBLEMS), anew=False)
    connection.execute(sa.text(_MARK), {"sent": False, "numbers": [one.number for one in untried]})
    ended = [one.number for one, outcome in outcomes.items() if not outcome.stays]
    connection.execute(sa.text(_END), {"numbers": ended})
    for one, outcome in outcomes.items():
        if outcome.holds is not None:
            place: dict[str, Any] = {"partner": run.name, "run": run.id, "version": one.version}
            place |= {"bridge_id": one.bridge_id.hex(), "holds": outcome.holds, "certain": outcome.certain}
            connection.execute(sa.text(_HOLDS), place)


def _dispositions(outcomes: Mapping[Message, Outcome]) -> pa.Table:
    rows = [
        {
            "bridge_id": one.bridge_id,
            "version": one.version,
            "disposition": str(outcome.disposition),
            "effect": outcome.effect,
            "code": outcome.problem.code if outcome.problem else outcome.code or (one.rule if outcome.effect else None),
            "withdraw": one.effect is Effect.WITHDRAW,
            "released_hash": one.released,
            "idempotency_key": one.key,
            "receipt": outcome.receipt,
        }
        for one, outcome in outcomes.items()
    ]
    return pa.Table.from_pylist(rows, schema=DISPOSITIONS)
