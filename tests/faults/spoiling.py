"""Databases that somebody spoiled behind everyone's back: the checker finds each kind of violation there is.

Each way of spoiling is tried in a transaction that looks at its own work and is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from tests.faults.scan import Scan, Violations
from tests.faults.truth import Truth
from tests.faults.world import Place

ONE: Final = "(SELECT min(key) FROM bridge_inbox.cis_case WHERE NOT withdrawn AND NOT recalled)"
_AGAIN: Final = """INSERT INTO exchange.delivery
SELECT (jsonb_populate_record(d, jsonb_build_object('run_id', run_id + 1000))).* FROM exchange.delivery d
WHERE effect = 'insert'"""
_TWICE: Final = f"""INSERT INTO cis.case SELECT (jsonb_populate_record(c, '{{"case_reference": "another"}}')).*
FROM cis.case c WHERE case_reference = {ONE}"""
_WITHHELD: Final = f"UPDATE cis.case SET national_reference_number = '{{mark}}' WHERE case_reference = {ONE}"
_OLDER: Final = """UPDATE cis.case SET national_reference_number = replace(national_reference_number, '.2p', '.1p')
WHERE national_reference_number LIKE '%.2p'"""


ERASED: Final = "a record that was erased"


class Spoiled(NamedTuple):
    """A statement that spoils one of the two databases, and the sets that are not empty then."""

    role: str
    statement: str
    sets: frozenset[str]


def _spoiled(role: str, statement: str, *sets: str) -> Spoiled:
    return Spoiled(role, statement, frozenset(sets))


SPOILED: Final = {
    "a case deleted": _spoiled("partner", f"DELETE FROM cis.case WHERE case_reference = {ONE}", "lost"),
    "a case twice": _spoiled("partner", _TWICE, "duplicated", "phantom", "lost", "stale"),
    "a case that nobody sent": _spoiled(
        "partner",
        f"UPDATE cis.case SET document_reference = 'CEN:XX-1' WHERE case_reference = {ONE}",
        *("phantom", "lost", "leaked"),
    ),
    "goods lines gone": _spoiled("partner", f"DELETE FROM cis.commodity WHERE case_reference = {ONE}", "stale"),
    "a proof deleted": _spoiled("partner", f"DELETE FROM bridge_inbox.cis_case WHERE key = {ONE}", "phantom", "lost"),
    "taken back and there": _spoiled(
        "partner", f"UPDATE bridge_inbox.cis_case SET withdrawn = true WHERE key = {ONE}", "resurrected", "lost"
    ),
    "deliveries forgotten": _spoiled(
        "exchange", "DELETE FROM exchange.delivery WHERE disposition = 'delivered'", "unaccounted", "phantom"
    ),
    "an insert told twice": _spoiled("exchange", _AGAIN, "double_accounted"),
    "a record that nobody counted": _spoiled(
        "exchange", "DELETE FROM exchange.intake WHERE disposition = 'accepted'", "unaccounted"
    ),
    "a run that never ended": _spoiled(
        "exchange", "UPDATE exchange.run SET state = 'running' WHERE id = 1", "unaccounted"
    ),
    "what a rule withholds": _spoiled("partner", _WITHHELD, "leaked", "stale"),
    "an older version": _spoiled("partner", _OLDER, "stale"),
    "nothing": _spoiled("exchange", "UPDATE exchange.run SET note = note"),
    ERASED: _spoiled("exchange", "UPDATE exchange.run SET note = note", "resurrected"),
}


def spoil(place: Place, truth: Truth) -> Iterator[tuple[str, Violations]]:
    """What a look finds in an installation where nothing is under way, for each way of spoiling it."""
    mark = next(version.mark for version in truth.every() if version.withheld)
    for name, how in SPOILED.items():
        with Scan(place, truth) as scan:
            session = scan.session(how.role)
            session.execute("BEGIN; SET LOCAL session_replication_role = replica")
            done = session.execute(how.statement.replace("{mark}", mark).encode())
            assert done.rowcount, f"nothing was there for: {name}"
            truth.erased = {_standing(truth)} if name == ERASED else set()
            yield name, scan.settled()
            truth.erased = set()


def _standing(truth: Truth) -> int:
    ref = next(iter(truth.expected()))
    return next(number for number, known in truth.refs.items() if known == ref)
