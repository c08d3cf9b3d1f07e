"""The checker finds each kind of violation where there is one: a green run of faults means something."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.faults.scan import Scan, Violations
from tests.faults.truth import Truth
from tests.faults.world import Place, World, plain

ONE = "(SELECT min(key) FROM bridge_inbox.cis_case WHERE NOT withdrawn AND NOT recalled)"
AGAIN = """INSERT INTO exchange.delivery
SELECT (jsonb_populate_record(d, jsonb_build_object('run_id', run_id + 1000))).* FROM exchange.delivery d
WHERE effect = 'insert'"""
TWICE = f"""INSERT INTO cis.case SELECT (jsonb_populate_record(c, '{{"case_reference": "another"}}')).*
FROM cis.case c WHERE case_reference = {ONE}"""
SPOILED = {
    "a case deleted": ("partner", f"DELETE FROM cis.case WHERE case_reference = {ONE}", {"lost"}),
    "a case twice": ("partner", TWICE, {"duplicated", "phantom", "lost", "stale"}),
    "a case that nobody sent": (
        "partner",
        f"UPDATE cis.case SET document_reference = 'CEN:XX-1' WHERE case_reference = {ONE}",
        {"phantom", "lost", "leaked"},
    ),
    "goods lines gone": ("partner", f"DELETE FROM cis.commodity WHERE case_reference = {ONE}", {"stale"}),
    "a proof deleted": ("partner", f"DELETE FROM bridge_inbox.cis_case WHERE key = {ONE}", {"phantom", "lost"}),
    "taken back and there": (
        "partner",
        f"UPDATE bridge_inbox.cis_case SET withdrawn = true WHERE key = {ONE}",
        {"resurrected", "lost"},
    ),
    "deliveries forgotten": (
        "exchange",
        "DELETE FROM exchange.delivery WHERE disposition = 'delivered'",
        {"unaccounted", "phantom"},
    ),
    "an insert told twice": ("exchange", AGAIN, {"double_accounted"}),
    "a record that nobody counted": (
        "exchange",
        "DELETE FROM exchange.intake WHERE disposition = 'accepted'",
        {"unaccounted"},
    ),
    "a run that never ended": ("exchange", "UPDATE exchange.run SET state = 'running' WHERE id = 1", {"unaccounted"}),
}


@dataclass(frozen=True)
class Done:
    """An installation with some windows collected and shared, and its truth."""

    world: World
    place: Place
    truth: Truth

    def after(self, role: str, statement: str) -> Violations:
        """What a scan finds once somebody has changed a database behind everyone's back."""
        with self.world.copy(self.place) as copy:
            with psycopg.connect(plain(getattr(copy, role))) as session:
                session.execute("SET session_replication_role = replica")
                assert session.execute(statement.encode()).rowcount
            return Scan(copy, self.truth, {}).settled()

    def scan(self) -> Violations:
        return Scan(self.place, self.truth, {}).settled()


@pytest.fixture(scope="module")
def done(world: World) -> Iterator[Done]:
    truth = Truth(7)
    with world.place() as place:
        for day in range(2):
            truth.arrive(place.drop, day, 40)
        # In a process of its own, so that no session of it is left when the databases are copied.
        words = [sys.executable, "-m", "tests.faults", "job", "--days", "2"]
        subprocess.run(words, cwd=Path(__file__).parents[2], env=os.environ | place.environ(), check=True)
        yield Done(world, place, truth)


def test_an_installation_that_nobody_spoiled_has_no_violation(done: Done) -> None:
    assert not done.scan().count, str(done.scan())


@pytest.mark.parametrize("what", SPOILED)
def test_a_violation_is_found(done: Done, what: str) -> None:
    role, statement, sets = SPOILED[what]
    found = done.after(role, statement)
    assert {name for name in Violations.__slots__ if getattr(found, name)} == sets, str(found)


def test_an_erased_record_that_stands_is_found(done: Done) -> None:
    ref = next(iter(done.truth.expected()))
    number = next(n for n, known in done.truth.refs.items() if known == ref)
    done.truth.erased.add(number)
    try:
        assert done.scan().resurrected
    finally:
        done.truth.erased.remove(number)


def test_what_a_rule_withholds_is_found_where_it_stands(done: Done) -> None:
    mark = next(version.mark for version in done.truth.every() if version.withheld)
    found = done.after(
        "partner", f"UPDATE cis.case SET national_reference_number = '{mark}' WHERE case_reference = {ONE}"
    )
    assert found.leaked


def test_an_older_version_is_found(done: Done) -> None:
    found = done.after(
        "partner",
        "UPDATE cis.case SET national_reference_number = replace(national_reference_number, '.2p', '.1p')"
        " WHERE national_reference_number LIKE '%.2p'",
    )
    assert found.stale
