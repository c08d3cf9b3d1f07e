"""Every vector kernel accepts nothing that the scalar rule would change or refuse, and accepts what data are full of.

BRIDGE_LAWS says how many records a mapping is shown; a kernel is shown ten times as many values.
"""

from __future__ import annotations

import os
from random import Random

import pyarrow as pa
import pytest

from bridge.content import COLLECT, SHARE, Content
from bridge.mapping import load
from bridge.mapping.columns import coded
from bridge.mapping.kernels import unchanged, unscaled
from bridge.mapping.made import surely_kept
from bridge.mapping.plan import Plan, mapping_plans

CONTENT = Content.find()
VALUES = 10 * int(os.environ.get("BRIDGE_LAWS", "300"))
WHICH = [*((one, COLLECT) for one in CONTENT.sources()), *((one, SHARE) for one in CONTENT.partners())]
PLANS = [(f"{one}-{way}", plan) for one, way in WHICH for plan in mapping_plans(load(CONTENT, one, way)).values()]
ANSWERING = [(name, one) for name, one in PLANS if not one.rule.unit and unchanged(one, pa.array(["1"])) is not None]
ONE = coded(pa.array(["1"]))
QUANTITIES = [(name, one) for name, one in PLANS if one.same_unit is not None and unscaled(one, ONE, ONE) is not None]


def like(plan: Plan) -> tuple[object, ...]:
    """What of a plan a kernel looks at: plans that are alike in it are proven once."""
    rule, field = plan.rule, plan.field
    return rule.datetime, rule.number, field.type, field.scale, field.pattern, field.max_length


KINDS = {like(plan): (name, plan) for name, plan in ANSWERING}
SEEDS = ["2026-11-15T03:01:41Z", "2024-02-29T23:59:59Z", "0999-01-01T00:00:00Z", "12.5", "0", "-0.25", "1" * 19]
LETTERS = "0123456789-+.,:TZ eE\u0660\u00a0\n"


def texts(chance: Random, count: int) -> list[str]:
    """Values as they come, and such as differ from them in one letter."""
    found: list[str] = []
    while len(found) < count:
        text = chance.choice(SEEDS)
        kind = chance.random()
        if kind < 0.3:
            text = f"{chance.randrange(10 ** chance.randrange(1, 19))}"
        elif kind < 0.5:
            text = f"{chance.randrange(10**9)}.{chance.randrange(10 ** chance.randrange(1, 9))}"
        elif kind < 0.7:
            at = [chance.randrange(limit) for limit in (3000, 15, 34, 26, 62, 62)]
            text = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*at)
        if chance.random() < 0.4 and text:
            place = chance.randrange(len(text))
            text = text[:place] + chance.choice(LETTERS) * chance.randrange(2) + text[place + chance.randrange(2) :]
        found.append(text)
    return found


def test_there_are_kernels_to_prove() -> None:
    assert len(KINDS) >= 3
    assert QUANTITIES


@pytest.mark.parametrize("kind", sorted(KINDS, key=str), ids=lambda kind: KINDS[kind][1].field.path)
def test_what_a_kernel_accepts_the_scalar_rule_keeps(kind: tuple[object, ...]) -> None:
    plan = KINDS[kind][1]
    some = texts(Random(20261122), VALUES)
    sure = unchanged(plan, pa.array(some, pa.string()))
    assert sure is not None
    accepted = [text for text, kept in zip(some, sure.tolist(), strict=True) if kept]
    assert [text for text in accepted if plan.make(text, None) != text] == []
    assert len(accepted) > VALUES / 100


@pytest.mark.parametrize(
    "which", range(len(QUANTITIES)), ids=lambda at: f"{QUANTITIES[at][0]}-{QUANTITIES[at][1].field.path}"
)
def test_a_quantity_that_a_kernel_accepts_the_scalar_rule_keeps(which: int) -> None:
    plan = QUANTITIES[which][1]
    assert plan.quantity is not None
    chance = Random(20261122)
    some = texts(chance, VALUES)
    names = [chance.choice(["KGM", "LBR", "H87", "GRM", "KG", "gramas", "NO", "nothing", ""]) for _ in some]
    same = unscaled(plan, coded(pa.array(some)), coded(pa.array(names)))
    assert same is not None
    for text, name, kept in zip(some, names, same.tolist(), strict=True):
        if kept:
            assert plan.quantity(text, name, None) == text


def test_texts_taken_over_whole_are_those_that_the_scalar_check_takes() -> None:
    chance = Random(20261122)
    name, plan = next((name, one) for name, one in PLANS if one.plain and one.field.max_length)
    longest = plan.field.max_length or 0
    for _ in range(VALUES // 100):
        some = [
            "".join(chance.choice("aÄ\x00 😀") for _ in range(chance.choice((1, 3, longest - 1, longest, longest + 1))))
            for _ in range(3)
        ]
        if surely_kept(pa.array(some), longest):
            assert [plan.make(text, None) for text in some] == some, name
