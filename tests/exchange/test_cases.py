"""One seizure in several reports: one of them stands at a partner at any time, and nothing is lost."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.exchange import SELECTED, Exchange, Grant
from bridge.exchange.cases import connected
from tests.exchange.conftest import Query
from tests.exchange.samples import Version, collect, delivered, share, withheld
from tests.exchange.test_likeness import report, take

SIGNED = {"by": "A. Officer", "reason": "one file at both"}


def partner(exchange: Exchange, fingerprint: str = "g1") -> Counter[str]:
    """One share by what was decided; effects and rules with their numbers."""

    def decide(row: dict[str, Any]) -> dict[str, Any]:
        said = exchange.decided("cis", pa.Table.from_pylist([row], SELECTED)).get(0)
        if row["cancelled"] or said is None or not said.withheld:
            return delivered(row)
        if row["prior_holds"]:
            return delivered(row) | {"disposition": "delivered", "effect": "withdraw", "withdraw": True}
        return withheld(row) | {"code": said.withheld}

    books = share(exchange, decide=decide, fingerprint=fingerprint)[0]
    assert books.balanced
    (told,) = books.partners
    return Counter(told.effects) + Counter(told.reasons.get("withheld", {}))


def held(exchange: Exchange) -> set[str]:
    """What the partner has by the books."""
    with exchange.standing("cis") as (rows, *_):
        keys = {uuid.UUID(key) for key, _ in rows}
    with exchange.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT bridge_id, origin_record_id FROM exchange.record")
        return {row[1] for row in found if row[0] in keys}


def same(exchange: Exchange, first: str, second: str, *, differ: bool = False) -> None:
    """A person's word on the pair."""
    (pair,) = [one for one in exchange.duplicates(every=True) if {one.first_name, one.second_name} == {first, second}]
    exchange.decide_duplicate(pair.id, same=not differ, **SIGNED)


def three(exchange: Exchange) -> None:
    for number, system in enumerate(("CEN", "NCEN", "CIS")):
        take(exchange, number, [report(system, "ABC"[number])])
    exchange.find_duplicates()


def test_when_the_first_report_goes_the_next_one_stands(exchange: Exchange) -> None:
    three(exchange)
    assert partner(exchange) == {"insert": 3}
    same(exchange, "CEN:A", "NCEN:B")
    same(exchange, "NCEN:B", "CIS:C")
    one = {"bridge_id": Version("A").bridge_id.bytes, "version": 1, "content_hash": bytes(32), "seen_by": []}
    found = exchange.decided("cen", pa.table({name: [value] for name, value in one.items()}))[0]
    assert (len(found.later), found.seen_by, found.withheld) == (2, ("CIS", "NCEN"), "")
    assert partner(exchange) == {"withdraw": 2}
    assert held(exchange) == {"A"}
    take(exchange, 3, [report("CEN", "A", hour=1, status="CANCELLED")])
    assert partner(exchange) == {"withdraw": 1, "insert": 1, "DUPLICATE": 1}
    assert held(exchange) == {"B"}
    erased = exchange.find("NCEN", "B")
    assert erased is not None
    exchange.erase(erased, "A. Officer", "a court's order")
    assert partner(exchange) == {"withdraw": 1, "insert": 1}
    assert held(exchange) == {"C"}
    assert exchange.verify(contents=False) == []


def test_a_word_taken_back_undoes_it_and_comes_newer_than_the_recall(exchange: Exchange) -> None:
    def steps(name: str) -> int:
        key = Version(name, system={"A": "CEN", "B": "NCEN", "C": "CIS"}[name]).bridge_id.bytes
        row = {"bridge_id": key, "version": 1, "content_hash": bytes(32), "seen_by": []}
        found = exchange.decided("cis", pa.table({name: [value] for name, value in row.items()}))
        return found[0].steps if found else 0

    three(exchange)
    partner(exchange)
    before = [steps(name) for name in "ABC"]
    same(exchange, "CEN:A", "NCEN:B")
    assert partner(exchange) == {"withdraw": 1}
    middle = [steps(name) for name in "ABC"]
    same(exchange, "CEN:A", "NCEN:B", differ=True)
    assert partner(exchange) == {"insert": 1}
    after = [steps(name) for name in "ABC"]
    assert held(exchange) == {"A", "B", "C"}
    assert [a < b < c for a, b, c in zip(before, middle, after, strict=True)] == [True, True, False]


def test_a_pair_far_apart_costs_the_others_nothing(exchange: Exchange, query: Query) -> None:
    three(exchange)
    collect(exchange, [Version(f"S{n}") for n in range(5)], 9)
    partner(exchange)
    same(exchange, "CEN:A", "NCEN:B")
    partner(exchange)
    collect(exchange, [Version("S9")], 10)
    assert partner(exchange) == {"insert": 1}
    asked = "SELECT selected FROM exchange.run WHERE kind = 'share' ORDER BY id DESC LIMIT 2"
    assert query(asked) == [(1,), (2,)]
    now = datetime.now(UTC)
    period: dict[str, Any] = {"valid_from": now - timedelta(days=1), "valid_until": now + timedelta(days=1)}
    named: dict[str, Any] = {"granted_by": "the customs", "by": "A. Officer", "reason": "agreement 7"}
    exchange.authorise(Grant(partner="cis", supplier="FR", **period, **named))
    for expected in (2, 0):  # what one report may add can have changed, once
        partner(exchange)
        assert query(asked)[0] == (expected,)
    partner(exchange, "g2")
    assert query(asked)[0] == (9,)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_connected_is_what_pairs_connect(pairs: list[tuple[int, int]]) -> None:
    named = [(uuid.UUID(int=one), uuid.UUID(int=other)) for one, other in pairs]
    found = connected(named)
    assert set(found) == {one for pair in named for one in pair}
    assert all(found[one] == found[other] for one, other in named)
    for one, group in found.items():
        assert one in group
        assert all(found[other] is group for other in group)
        seen, more = {one}, {one}
        while more:
            more = {b for pair in named for a, b in (pair, pair[::-1]) if a in seen} - seen
            seen |= more
        assert group == seen
