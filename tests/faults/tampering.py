"""Any value of any sealed entry, changed behind the exchange's back, is found; nothing else ever is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

import pytest
import sqlalchemy as sa

from bridge.exchange.database import connect
from bridge.exchange.verifying import verify
from tests.faults.truth import Truth
from tests.faults.worker import Job, Step, Worker, until_done
from tests.faults.world import World

SEALED: Final = {
    "exchange.intake": "input_id ordinal position rows bridge_id disposition code",
    "exchange.record_version": (
        "bridge_id version source_version revision content_hash cancelled record_status input_id ordinal payload"
    ),
    "exchange_nominal.payload_nominal": "payload",
    "exchange.delivery": (
        "partner bridge_id version revision disposition effect code holds released_hash idempotency_key receipt"
    ),
    "exchange.input": "name sha256 size counted rows_read",
    "exchange.run": "kind name since until mapping fingerprint revision",
    "exchange.seal": "run_id previous manifest head signer signature",
    "exchange.segment": "leaves",
}
"""Every column that a seal commits to, or that says what it is."""
_OTHER: Final = {
    "bigint": "coalesce({0}, 0) + 1 + floor(random() * 1000)::bigint",
    "integer": "coalesce({0}, 0) + 1 + floor(random() * 1000)::int",
    "text": "overlay(coalesce({0}, '') placing chr(97 + (ascii(substr({0}, {1}, 1)) + 3) % 26) from {1} for 1)",
    "bytea": "coalesce(set_byte({0}, {1} % length({0}), (get_byte({0}, {1} % length({0})) + {1}) % 256), '\\x01')",
    "boolean": "{0} IS NOT TRUE",
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 microsecond' * {1}",
}
"""Another value, by the column's type: a byte somewhere, a number, a moment."""
_TYPES: Final = """
SELECT table_schema || '.' || table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema IN ('exchange', 'exchange_nominal')
"""
_ANY: Final = "SELECT ctid::text, {1}::text, greatest(1, length({1}::text)) FROM {0} {2} ORDER BY random() LIMIT 1"
_CHANGE: Final = "UPDATE {0} SET {1} = {2} WHERE ctid = '{3}' RETURNING {1}::text"
_ALL: Final = (Step.EXTRACT, Step.RECONCILE)
_SOUND: Final = 50
"""Looks at what nobody changed: one in so many."""


@dataclass(slots=True)
class Tampered:
    """What was changed and found.

    Args:
        missed: tables and columns whose change was not found.
        alarms: looks that found something where nothing was changed.
    """

    seed: int
    tried: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    alarms: int = 0

    def __str__(self) -> str:
        count = self.tried.total()
        return (
            f"seed {self.seed}: {count - self.missed.total()} of {count} changes found in {len(self.tried)} columns, "
            f"{self.alarms} false alarms in {self.looks} looks at what nobody changed"
        )


def tamper(world: World, seed: int, count: int, say: Callable[[str], None] = lambda _: None) -> Tampered:
    """Change one value, look, and put it back, so many times."""
    chance, outcome = Random(seed), Tampered(seed)
    truth = Truth(seed)
    with world.place() as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRIDGE_HOME", str(place.home))  # documents are opened here with the keys of the jobs
        for day in range(2):
            truth.arrive(place.drop, day, 10, files=1)
            job = Job(truth.window(day), f"collect {day}", f"share {day}")
            until_done(partial(Worker, job, _ALL, place.environ(), world.folder / "tampered"))
        engine = connect(place.exchange)
        with engine.connect() as connection:
            types = {(table, column): kind for table, column, kind in connection.execute(sa.text(_TYPES))}
            targets = [(table, column) for table, columns in SEALED.items() for column in columns.split()]
            for number in range(count):
                table, column = targets[number % len(targets)] if number < len(targets) else chance.choice(targets)
                if _change(connection, table, column, types[table, column], chance):
                    outcome.tried[f"{table}.{column}"] += 1
                    if not list(verify(connection, None, None, contents=True)):
                        outcome.missed[f"{table}.{column}"] += 1
                connection.rollback()
                if number % _SOUND == 0:
                    outcome.looks += 1
                    outcome.alarms += bool(list(verify(connection, None, None, contents=True)))
                    connection.rollback()
                if number % 1000 == 999:
                    say(str(outcome))
        engine.dispose()
    return outcome


def _change(connection: sa.Connection, table: str, column: str, kind: str, chance: Random) -> bool:
    """Change the column in a row chosen at random; False if there is none or it is no other value."""
    connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
    only = {
        "exchange.run": "WHERE state = 'sealed'",
        "exchange.record_version": "WHERE payload <> ''" if column == "payload" else "",
        "exchange.input": "WHERE same_as IS NULL",
    }.get(table, "")
    row: Any = connection.execute(sa.text(_ANY.format(table, column, only))).one_or_none()
    if row is None:
        return False
    place, before, length = row
    other = _OTHER[kind].format(column, chance.randint(1, min(length, 5000)))
    for constraint in connection.scalars(
        sa.text("SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass) AND contype = 'c'"),
        {"table": table},
    ).all():
        connection.execute(sa.text(f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}"'))
    after = connection.scalar(sa.text(_CHANGE.format(table, column, other.replace(":", "\\:"), place)))
    return bool(after != before)
