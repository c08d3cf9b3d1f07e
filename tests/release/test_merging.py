"""What a later report adds to the first is what could have left alone, and changes nothing of the first."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import document
from bridge.batch import INDEX, ROOT, ROW, Batch
from bridge.comparing import ABOUT
from bridge.content import Content
from bridge.mapping.model import Release
from bridge.merging import PERSONAL_RULE, TERMS, Merged, Reports, merge
from bridge.onward import Authorisation
from bridge.policy import Decided
from bridge.release import release
from bridge.shape import Class, Sensitivity
from bridge.shapes import read_shape
from tests.quality.records import batch
from tests.release.policies import ALL_CLASSES, EVERYTHING, policy

COMMON = read_shape(Content.find(), "common/seizure.json")
Record = dict[str, list[dict[str, Any]]]
ROOTS = ("direction", "transport_mode", "concealment_type", "place", "place_unlocode", "summary", "supplier_service")
LINES = ("commodity_group", "hs_code", "quantity", "unit", "brand", "manufacturer", "description")


def a_record(chance: random.Random, own: str) -> Record:
    """A report whose values tell by their first letter whose they are, but for some that both may say."""

    def entry(names: tuple[str, ...]) -> dict[str, Any]:
        chosen = [name for name in names if chance.random() < 0.5]
        return {name: f"{chance.choice([own, 'S'])} {name}" for name in chosen}

    root = entry(ROOTS) | {
        "handling_code": chance.choice([None, None, "H0", "H1", "H2"]),
        "legal_basis": chance.choice([None, "ACT_1", "ACT_1", "ACT_2"]),
        "recipients": chance.choice([None, None, None, [], ["CIS"], ["CIS", "BE"]]),
        "supplier_country": {"F": "FR", "L": "LT"}[own],
    }
    goods = [{"line": n + 1, **entry(LINES)} for n in range(chance.randint(0, 2))]
    route = [entry(("country", "place")) for _ in range(chance.randint(0, 1))]
    persons = [{"surname": f"{own} surname", "involvement": f"{own} role"}][: chance.randint(0, 1)]
    return {ROOT: [root], "goods": goods, "route": route, "persons": persons}


RULES: list[tuple[str, dict[str, Any]]] = [
    ("HANDLING", {"handling_code": ["H2"]}),
    ("DIRECTION", {"direction": ["L direction"]}),
    ("BOTH", {"direction": "present", "concealment_type": "present"}),
    ("PERSON", {"persons": "present"}),
]


def a_policy(chance: random.Random) -> Release:
    """A policy that lets most classes leave, with some of the rules."""
    allow = [one for one in ALL_CLASSES if chance.random() < 0.9]
    return liftable(policy(allow, EVERYTHING, chance.sample(RULES, chance.randint(0, 2)), scan=["summary"]))


def authorised_by(chance: random.Random) -> list[Authorisation]:
    """Up to two authorisations of either supplier, some with conditions."""
    return [
        Authorisation(number, chance.choice(["FR", "LT"]), conditions=chance.choice(["", "ask us"]))
        for number in range(1, chance.randint(1, 3))
    ]


def liftable(one: Release) -> Release:
    """The policy whose rule on handling an authorisation lifts."""
    rules = tuple(replace(rule, unless="authorised") if rule.code == "HANDLING" else rule for rule in one.withhold)
    return replace(one, withhold=rules)


def joined(
    one: Release,
    pairs: Sequence[tuple[Record, Record]],
    authorised: Sequence[Authorisation],
    said: Mapping[int, Decided] = MappingProxyType({}),
) -> tuple[Batch, Batch, Merged, Batch]:
    """The first reports whole and as they are released, both merged, and the later ones as they are released alone."""
    mine, theirs = (batch(COMMON, [pair[side] for pair in pairs]) for side in (0, 1))
    documents = document.encode(theirs, COMMON)  # a share reads but the plain half of a later report
    plain = document.decode(documents.select([ROW, "payload"]), COMMON)
    rows = mine.rows().to_pylist()
    decided = {row: Decided(1, later=(uuid.uuid4(),)) for row in rows}
    released = release(one, COMMON, mine, decided, authorised)
    alone = release(one, COMMON, theirs, said, authorised)
    merged = merge(one, COMMON, mine, released, Reports({n: [n] for n in rows}, plain, said), decided, authorised)
    return mine, released.batch, merged, alone.batch


Place = tuple[int, str, int, str]


def values(found: Batch) -> dict[Place, Any]:
    """Every value by record, list, place and field."""
    return {
        (entry[ROW], name, entry.get(INDEX) or 0, field): value
        for name, table in found.tables.items()
        for entry in table.to_pylist()
        for field, value in entry.items()
        if value not in (None, []) and field not in (ROW, INDEX)
    }


def test_nothing_leaves_in_anothers_case_that_would_not_have_left_alone() -> None:
    added = 0

    @settings(max_examples=12, deadline=None)
    @given(st.integers(0, 2**32))
    def holds(seed: int) -> None:
        nonlocal added
        chance = random.Random(seed)
        pairs = [(a_record(chance, "F"), a_record(chance, "L")) for _ in range(30)]
        expired = {2 * n: Decided(1, withheld="EXPIRED") for n in range(30) if chance.random() < 0.1}
        added += _proven(a_policy(chance), pairs, authorised_by(chance), expired)

    holds()
    assert added >= 20, "the law was hardly tried"


def _proven(
    one: Release,
    pairs: Sequence[tuple[Record, Record]],
    authorised: Sequence[Authorisation],
    said: Mapping[int, Decided],
) -> int:
    """How many values were added, once each is proven to be as it must be."""
    whole, released, merged, alone = joined(one, pairs, authorised, said)
    before, after, theirs, had = values(released), values(merged.batch), values(alone), values(whole)
    assert {place: after.get(place) for place in before} == before, "the first report stands as it is"
    extra = {place: value for place, value in after.items() if place not in before}
    paths = {(found.row, path) for found in merged.contributions for path in found.added}
    assert bool(extra) == bool(paths)
    for (row, name, place, field), value in extra.items():
        known = COMMON.at(name, field)
        assert known is not None
        assert known.cls in ABOUT
        assert known.sensitivity is Sensitivity.NON_NOMINAL
        assert (row, name, place, field) not in had, "what the first said and may not say is not said by another"
        assert any((at[0], at[1], at[3]) == (row, name, field) and other == value for at, other in theirs.items())
        assert {(row, name), (row, f"{name}.{place + 1}.{field}" if name else field)} & paths
        (root,), (other,) = pairs[row // 2][0][ROOT], pairs[row // 2][1][ROOT]
        assert other["handling_code"] in (None, "H0", root["handling_code"])
        assert other["legal_basis"] in (None, root["legal_basis"])
        assert not other["recipients"] or other["recipients"] == root["recipients"]
    everything = release(one, COMMON, _with(whole, extra), {}, authorised)
    rules = {row for row, *_ in extra} & set(everything.withheld.column(ROW).to_pylist())
    assert not rules, "no rule withholds both together"
    return len(extra)


def _with(whole: Batch, extra: dict[Place, Any]) -> Batch:
    """The first reports as if their suppliers had said all of it."""
    tables = {name: {(one[ROW], one.get(INDEX)): one for one in t.to_pylist()} for name, t in whole.tables.items()}
    for (row, name, place, field), value in extra.items():
        at = (row, place if name else None)
        tables[name].setdefault(at, {ROW: row, INDEX: place})[field] = value
    made = {
        name: pa.Table.from_pylist([rows[at] for at in sorted(rows, key=str)], whole.tables[name].schema)
        for name, rows in tables.items()
    }
    return replace(whole, tables=made)


FULL: Record = {ROOT: [{"direction": "IMPORT", "handling_code": "H2", "supplier_country": "LT"}]}
BARE: Record = {ROOT: [{"place": "Gent", "handling_code": "H2", "supplier_country": "FR"}]}


def why(one: Release, first: Record, later: Record, *authorised: Authorisation) -> tuple[tuple[str, ...], str]:
    (found,) = joined(one, [(first, later)], authorised)[2].contributions
    return found.added, found.why


def test_a_report_adds_under_its_own_suppliers_authorisation_and_conditions() -> None:
    one = liftable(policy(ALL_CLASSES, EVERYTHING, [RULES[0]]))
    mine, theirs = Authorisation(1, "FR"), Authorisation(2, "LT")
    assert why(one, BARE, FULL, mine) == ((), "HANDLING")
    assert why(one, BARE, FULL, mine, theirs) == (("direction",), "")
    assert joined(one, [(BARE, FULL)], [mine, theirs])[2].authorised == {0: 2}
    bound = replace(theirs, conditions="ask us")
    assert why(one, BARE, FULL, mine, bound) == ((), TERMS)
    assert why(one, BARE, FULL, replace(mine, conditions="ask us"), bound) == (("direction",), "")


def test_a_rule_that_both_together_meet_keeps_back_what_was_added() -> None:
    one = policy(ALL_CLASSES, EVERYTHING, [RULES[2]])
    both: Record = {ROOT: [{"concealment_type": "X", "place": "Gent"}]}
    assert why(one, both, {ROOT: [{"direction": "IMPORT"}]}) == ((), "BOTH")
    assert why(one, both, {ROOT: [{"transport_mode": "ROAD"}]}) == (("transport_mode",), "")


def test_where_a_rule_looks_at_personal_data_nothing_is_added() -> None:
    one = policy([Class.EVENT, Class.ADMIN], EVERYTHING, [("NAMED", {"persons.surname": "present"})])
    assert why(one, BARE, FULL) == ((), PERSONAL_RULE)
