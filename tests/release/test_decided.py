"""What people and the calendar decide only ever takes away from a release, but for a text's form."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bridge.batch import ROOT
from bridge.content import Content
from bridge.exchange.decisions import decided, same_person
from bridge.policy import Decided
from bridge.release import Released, release
from bridge.shapes import read_shape
from tests.quality.records import batch
from tests.release.policies import EVERYTHING, policy

COMMON = read_shape(Content.find(), "common/seizure.json")
POLICY = policy(cap=EVERYTHING, scan=["modus_operandi", "summary"], nominal={"persons.surname": "present"})
HASH = b"h" * 32


def released(comment: str = "", **what: Any) -> Released:
    """Two records with two persons each, of which something was decided about the first."""
    root = {"summary": "Seven boxes", "modus_operandi": comment or None, "place": "Port"}
    persons = [{"surname": "Maes", "involvement": "OFFENDER"}, {"surname": "Lind", "involvement": "OFFENDER"}]
    both = batch(COMMON, [{ROOT: [root], "persons": persons}, {ROOT: [root], "persons": persons}])
    return release(POLICY, COMMON, both, {0: Decided(1, **what)})


def surnames(found: Released) -> list[tuple[int, int, str]]:
    table = found.batch.tables["persons"]
    return [(row["_row"], row["_i"], row["surname"]) for row in table.select(["_row", "_i", "surname"]).to_pylist()]


def comments(found: Released) -> list[str | None]:
    return list(found.batch.root.column("modus_operandi").to_pylist())


OTHER = [(2, 0, "Maes"), (2, 1, "Lind")]
"""Of the second record, whose number in the batch is 2."""


def test_an_exonerated_person_is_left_out_and_still_looked_for_in_texts() -> None:
    found = released("Maes drove the lorry", persons=frozenset({0}))
    assert surnames(found) == [(0, 0, "Lind"), *OTHER]
    assert comments(found) == [None, None]
    assert found.texts.to_pylist() == [{"_row": row, "field": "modus_operandi", "firm": True} for row in (0, 2)]


def test_where_nobody_knows_who_it_was_no_person_leaves() -> None:
    assert surnames(released(persons=None)) == OTHER


def test_without_what_is_personal_the_rest_leaves() -> None:
    found = released("Nothing else was found", impersonal=True)
    assert surnames(found) == OTHER
    assert comments(found) == [None, "Nothing else was found"]
    assert found.batch.root.column("place").to_pylist() == ["Port", "Port"]


def test_a_rule_of_the_calendar_withholds_the_record() -> None:
    found = released(withheld="EXPIRED")
    assert found.withheld.to_pylist() == [{"_row": 0, "rule": "EXPIRED"}]
    assert found.batch.rows().to_pylist() == [2]


@pytest.mark.parametrize(
    ("text", "leaves"),
    [("Call +32 470 12 34 56", True), ("Call +32 470 12 34 56, a Muslim", False), ("Mr Lind, +32 470 12 34 56", False)],
)
def test_a_cleared_text_leaves_only_if_nothing_but_its_form_speaks_against_it(text: str, leaves: bool) -> None:
    found = released(text, cleared=frozenset({"modus_operandi"}))
    assert comments(found) == [text if leaves else None, None]
    assert [row["_row"] for row in found.texts.to_pylist()] == ([2] if leaves else [0, 2])


def test_a_system_that_has_the_seizure_by_a_report_of_its_own_has_seen_it() -> None:
    one = policy(cap=EVERYTHING, withhold=[("SEEN", {"seen_by": ["CIS"]})])
    both = batch(COMMON, [{ROOT: [{"place": "Port", "seen_by": ["CEN"]}]}] * 2)
    found = release(one, COMMON, both, {0: Decided(1, seen_by=("CIS",))})
    assert found.withheld.to_pylist() == [{"_row": 0, "rule": "SEEN"}]


def made(kind: str, about: str = "", version: int = 1) -> Any:
    return SimpleNamespace(kind=kind, about=about, version=version, content_hash=HASH)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([made("approve", "modus_operandi")], Decided(1, cleared=frozenset({"modus_operandi"}))),
        ([made("approve", "modus_operandi", version=2)], Decided(1)),
        ([made("expire", "all")], Decided(1, withheld="EXPIRED")),
        ([made("expire", "personal"), made("extend")], Decided(2, impersonal=True)),
        ([made("exonerate", "1")], Decided(1, persons=frozenset({1}))),
        ([made("exonerate", "1", version=2)], Decided(1, persons=None)),
        ([made("exonerate", "1", version=2), made("exonerate", "none")], Decided(2)),
        ([made("exonerate", "1", version=2), made("exonerate", "0")], Decided(2, persons=frozenset({0}))),
    ],
)
def test_what_decisions_come_to_for_one_version(rows: list[Any], wanted: Decided) -> None:
    assert decided(rows, 1, HASH) == wanted


def test_an_exonerated_record_is_withheld_in_every_version() -> None:
    for version in (1, 2):
        assert decided([made("exonerate")], version, HASH).withheld == "EXONERATED"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Anna Maes", "MAES, Ánna", True),
        ("a.maes@customs.example", "A Maes (customs.example)", True),
        ("Anna Maes", "Anna Maas", False),
        ("anna.maes", "bo.lind", False),
    ],
)
def test_one_person_under_two_spellings_is_one(one: str, other: str, same: bool) -> None:
    assert same_person(one, other) is same
