"""What is refused in a release policy before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from bridge.content import Content
from bridge.mapping.model import Release
from bridge.release import findings
from bridge.shape import Class, Field, Sensitivity, shape_of
from bridge.shapes import read_shape
from tests.release import policies
from tests.release.policies import ALL_CLASSES, ARTICLE_27, EVERYTHING, OPEN_CLASSES

COMMON = read_shape(Content.find(), "common/seizure.json")
PARTNER = shape_of(
    "partner",
    [
        Field("", "Date", cls=Class.EVENT, sensitivity=Sensitivity.NON_NOMINAL),
        Field("", "Place", cls=Class.EVENT, sensitivity=Sensitivity.NON_NOMINAL),
        Field("", "Remarks", cls=Class.FREE_TEXT, sensitivity=Sensitivity.FREE_TEXT),
        Field("", "Firm", cls=Class.BUSINESS, sensitivity=Sensitivity.QUASI_NOMINAL),
        Field("", "Plate", cls=Class.CONVEYANCE, sensitivity=Sensitivity.QUASI_NOMINAL),
        Field("Person", "Name", cls=Class.PERSON, sensitivity=Sensitivity.NOMINAL),
    ],
)
CONTROL = ("NO_AUTHORISATION", {"handling_code": ["H2", "H3"]})
NAMED = ("NOT_A_RECIPIENT", {"recipients": "present"}, {"recipients": ["CIS"]})


def policy(allow: Iterable[Class] = ALL_CLASSES, withhold: Iterable[tuple[Any, ...]] = (), **more: Any) -> Release:
    """A policy that keeps back what its supplier controls, or means for others."""
    return policies.policy(allow, withhold=[CONTROL, NAMED, *withhold], **more)


OPEN = policy(OPEN_CLASSES)
FULL = policy(ALL_CLASSES, cap=EVERYTHING, scan=["summary"], nominal=ARTICLE_27)


def codes(rules: Release | None, uses: dict[str, list[str]]) -> list[tuple[str, str]]:
    found = findings(rules, COMMON, PARTNER, uses)
    assert all(message.rstrip(".").count(".") or ":" in message for _, _, message in found)
    return [(code, field) for code, field, _ in found]


@pytest.mark.parametrize("rules", [None, OPEN, FULL])
def test_a_date_may_become_a_date(rules: Release | None) -> None:
    assert codes(rules, {"Date": ["seizure_date"], "Place": ["place", "seizure_country"]}) == []


@pytest.mark.parametrize(
    ("target", "sources", "code"),
    [
        ("Place", ["place", "persons.surname"], "M041"),
        ("Place", ["summary"], "M041"),
        ("Firm", ["persons.surname"], "M041"),
        ("Remarks", ["businesses.name"], "M041"),
        ("Place", ["conveyances.licence_plate"], "M041"),
    ],
)
def test_nothing_personal_is_smuggled_into_a_field_declared_less(target: str, sources: list[str], code: str) -> None:
    for rules in (None, FULL):
        assert codes(rules, {target: sources}) == [(code, target)]


def test_what_is_declared_as_it_is_may_be_mapped() -> None:
    uses = {
        "Remarks": ["summary"], "Firm": ["businesses.name"], "Plate": ["conveyances.licence_plate"],
        "Person/Name": ["persons.surname", "persons.first_names"],
    }  # fmt: skip
    assert codes(FULL, uses) == []


def test_a_class_without_a_ground_and_a_sensitivity_above_the_cap_are_found() -> None:
    assert codes(OPEN, {"Firm": ["businesses.name"]}) == [("M040", "Firm")]
    assert codes(OPEN, {"Plate": ["conveyances.licence_plate"]}) == [("M042", "Plate")]
    assert codes(policy(ALL_CLASSES, cap=EVERYTHING, nominal=ARTICLE_27), {"Remarks": ["summary"]}) == [
        ("M045", "Remarks")
    ]


@pytest.mark.parametrize(
    ("rules", "code", "field"),
    [
        (policy(withhold=[("X", {"handlng_code": ["H2"]})]), "M043", "handlng_code"),
        (policy(withhold=[("X", {"goods": "present", "persons.name": "present"})]), "M043", "persons.name"),
        (policy(scan=["sumary"]), "M043", "sumary"),
        (policy(scan=["place"]), "M045", "place"),
        (policy(scan=["summary"]), "M045", "summary"),
        (policy(OPEN_CLASSES, cap=EVERYTHING, scan=["summary"], nominal=ARTICLE_27), "M045", "summary"),
        (policy(ALL_CLASSES, cap=EVERYTHING), "M044", ""),
        (policy(nominal=ARTICLE_27), "M044", ""),
        (policy(cap=[Sensitivity.NON_NOMINAL, Sensitivity.SPECIAL_CATEGORY]), "M046", ""),
        (policy(list(Class)), "M046", ""),
    ],
)
def test_a_policy_that_does_not_do_what_it_says_is_found(rules: Release, code: str, field: str) -> None:
    assert codes(rules, {}) == [(code, field)]


@pytest.mark.parametrize(
    ("withhold", "left"),
    [
        ([], "H2 or H3"),
        ([("X", {"handling_code": ["H2"]})], "H3"),
        ([("X", {"handling_code": ["H2", "H3"], "seizure_country": ["FR"]})], "H2 or H3"),
        ([("X", {"handling_code": ["H2", "H3"]})], ""),
        ([("X", {"handling_code": ["H2"]}), ("Y", {"handling_code": ["H3"]})], ""),
        ([("X", {"handling_code": "present"})], ""),
    ],
)
def test_records_that_their_supplier_controls_never_leave_without_a_word(
    withhold: list[tuple[str, dict[str, Any]]], left: str
) -> None:
    found = findings(policies.policy(OPEN_CLASSES, withhold=[NAMED, *withhold]), COMMON, PARTNER, {})
    assert [code for code, _, _ in found] == (["M047"] if left else [])
    assert all(f"handled as {left} would leave without their supplier's word" in message for _, _, message in found)


@pytest.mark.parametrize(
    ("rule", "sound"),
    [
        (NAMED, True),
        (("X", {"recipients": "present"}), True),
        (("X", {"recipients": ["CEN"]}, {"recipients": ["CIS"]}), False),
        (("X", {"recipients": "present", "seizure_country": ["FR"]}, {"recipients": ["CIS"]}), False),
        (("X", {"recipients": "present"}, {"seizure_country": ["FR"]}), False),
        (("X", {"recipients": "present"}, {"recipients": "present"}), False),
        (("X", {"recipients": "present"}, {"recipients": ["CIS"], "handling_code": ["H0"]}), True),
    ],
)
def test_records_that_their_supplier_means_for_others_never_leave(rule: tuple[Any, ...], sound: bool) -> None:
    found = findings(policies.policy(OPEN_CLASSES, withhold=[CONTROL, rule]), COMMON, PARTNER, {})
    assert [code for code, _, _ in found] == ([] if sound else ["M048"])


def test_messages_name_the_partner_the_field_and_what_to_do() -> None:
    [(_, _, message)] = findings(OPEN, COMMON, PARTNER, {"Firm": ["businesses.name"]})
    assert message == (
        "businesses.name is business data: no legal ground is given for Partner. "
        "Give one in release.allow, or ignore the field"
    )
