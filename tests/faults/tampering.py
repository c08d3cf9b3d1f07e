"""Any value of any sealed entry, changed behind the exchange's back, is found at its own seal; nothing else ever is.

One value at a time is changed and put back. Verifying names the seals that do not hold, oldest first: the first must
be the one that commits to the changed row, and what comes after it need not be looked at.
"""

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
from bridge.exchange.documents import altered
from bridge.exchange.verifying import verify
from tests.faults.world import Place

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
_ANY: Final = """
SELECT {0}.ctid::text, {1}::text, greatest(1, length({1}::text)), seal.number FROM {0} {2} ORDER BY random() LIMIT 1
"""
_CHANGE: Final = "UPDATE {0} SET {1} = {2} WHERE ctid = '{3}' RETURNING {1}::text"
_OF_RUN: Final = "JOIN exchange.seal USING (run_id)"
_SEAL_OF: Final = {
    "exchange_nominal.payload_nominal": f"JOIN exchange.record_version USING (bridge_id, version) {_OF_RUN}",
    "exchange.run": "JOIN exchange.seal ON seal.run_id = run.id",
    "exchange.seal": "",
}
"""How the seal is found that commits to a row."""
_CHECKS: Final = """
SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint
WHERE contype = 'c' AND connamespace::regnamespace::text IN ('exchange', 'exchange_nominal')
"""
_SOUND: Final = 50
"""Looks at what nobody changed: one in so many."""


@dataclass(slots=True)
class Tampered:
    """What was changed and found.

    Args:
        missed: tables and columns whose change was not found, or not at the seal that commits to it.
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


def tamper(place: Place, seed: int, count: int, say: Callable[[str], None] = lambda _: None) -> Tampered:
    """Change one value, look, and put it back, so many times; the installation is of no other use afterwards."""
    chance, outcome = Random(seed), Tampered(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRIDGE_HOME", str(place.home))  # documents are opened here with the keys of the jobs
        engine = connect(place.exchange)
        with engine.connect() as connection:
            # Whoever tampers drops them first; once is enough, and each time would have all statements planned anew.
            for table, constraint in connection.execute(sa.text(_CHECKS)).all():
                connection.execute(sa.text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))
            connection.commit()
            types = {(table, column): kind for table, column, kind in connection.execute(sa.text(_TYPES))}
            targets = [(table, column) for table, columns in SEALED.items() for column in columns.split()]
            turns = 0
            while outcome.tried.total() < count:
                table, column = targets[turns] if turns < len(targets) else chance.choice(targets)
                turns += 1
                seal = _change(connection, table, column, types[table, column], chance)
                if seal is not None:
                    outcome.tried[f"{table}.{column}"] += 1
                    if _first(connection) != seal:
                        outcome.missed[f"{table}.{column}"] += 1
                connection.rollback()
                if turns % _SOUND == 0:
                    outcome.looks += 1
                    outcome.alarms += _first(connection) is not None
                    connection.rollback()
                if turns % 1000 == 999:
                    say(str(outcome))
        engine.dispose()
    return outcome


def _first(connection: sa.Connection) -> int | None:
    """Number of the first seal that does not hold; None if all do."""
    flaws = verify(connection, None, None, partial(altered, connection))
    return flaws[0].number if flaws else None


def _change(connection: sa.Connection, table: str, column: str, kind: str, chance: Random) -> int | None:
    """Change the column in a row chosen at random; gives the seal that commits to it, None if nothing was changed."""
    connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
    only = {
        "exchange.run": "WHERE state = 'sealed'",
        "exchange.record_version": "WHERE payload <> ''" if column == "payload" else "",
        "exchange.input": "WHERE same_as IS NULL",
    }.get(table, "")
    name = f"{table.rpartition('.')[2]}.{column}"
    found = f"{_SEAL_OF.get(table, _OF_RUN)} {only}"
    row: Any = connection.execute(sa.text(_ANY.format(table, name, found))).one_or_none()
    if row is None:
        return None
    place, before, length, seal = row
    other = _OTHER[kind].format(column, chance.randint(1, min(length, 5000)))
    try:
        after = connection.scalar(sa.text(_CHANGE.format(table, column, other.replace(":", "\\:"), place)))
    except sa.exc.IntegrityError:  # by chance another row has that key
        return None
    return int(seal) if after != before else None
