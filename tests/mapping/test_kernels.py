"""What is accepted for a whole column at once is what the scalar functions keep as it is."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.content import Content
from bridge.mapping import load
from bridge.mapping.columns import coded
from bridge.mapping.kernels import unchanged, unscaled
from bridge.mapping.plan import Plan, mapping_plans

CEN = load(Content.find(), "cen", "collect")
PLANS = list(mapping_plans(CEN).values())
ANSWERING = [plan for plan in PLANS if not plan.rule.unit and unchanged(plan, pa.array(["1"])) is not None]
QUANTITIES = [plan for plan in PLANS if plan.same_unit is not None]

TWO = st.integers(0, 65).map(lambda n: f"{n:02}")
MOMENTS = st.builds(
    "{:04}-{}-{}T{}:{}:{}{}".format, st.integers(0, 9999), TWO, TWO, TWO, TWO, TWO, st.sampled_from("Zz ")
)
NUMBERS = st.from_regex(r"-?[0-9]{0,20}\.?[0-9]{0,19}\s?", fullmatch=True)
SOUND = st.decimals(0, 10**9, places=3).map(lambda n: f"{n.normalize():f}")
TEXTS = st.one_of(
    MOMENTS, NUMBERS, SOUND, st.datetimes().map(lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")), st.text(max_size=30)
)
UNITS = st.sampled_from(["KGM", "LBR", "H87", "GRM", "nothing", ""])


def test_there_are_rules_to_judge() -> None:
    assert {plan.field.name for plan in ANSWERING} >= {"updated_at", "latitude", "value_amount"}
    assert [plan.field.name for plan in QUANTITIES] == ["quantity"]


@pytest.mark.parametrize("plan", ANSWERING, ids=lambda plan: plan.field.path)
@given(st.lists(TEXTS, min_size=1, max_size=30))
def test_a_text_accepted_as_it_is_is_kept_as_it_is(plan: Plan, texts: list[str]) -> None:
    sure = unchanged(plan, pa.array(texts))
    assert sure is not None
    for text, accepted in zip(texts, sure.tolist(), strict=True):
        if accepted:
            assert plan.make(text, None) == text


@given(st.lists(st.tuples(st.one_of(NUMBERS, SOUND), UNITS), min_size=1, max_size=30))
def test_a_quantity_accepted_as_it_is_is_kept_as_it_is(pairs: list[tuple[str, str]]) -> None:
    (plan,) = QUANTITIES
    assert plan.quantity is not None
    start, unit = (coded(pa.array(column)) for column in zip(*pairs, strict=True))
    same = unscaled(plan, start, unit)
    assert same is not None
    for (number, name), accepted in zip(pairs, same.tolist(), strict=True):
        if accepted:
            assert plan.quantity(number, name, None) == number


def test_what_a_feed_is_full_of_is_accepted_at_once() -> None:
    by_name = {plan.field.name: plan for plan in ANSWERING}
    for name, text in (("updated_at", "2026-11-15T03:01:41Z"), ("latitude", "47.4583"), ("value_amount", "2824680")):
        sure = unchanged(by_name[name], pa.array([text]))
        assert sure is not None
        assert sure.all()
