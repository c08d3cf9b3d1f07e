"""A few of each fault; ``make test-faults`` strikes a thousand times. Seeds are fixed, moments are the machine's."""

from __future__ import annotations

import pytest

from tests.faults.campaign import Campaign, Kill, Outcome
from tests.faults.databases import Crashed, Ended
from tests.faults.network import Cut, Trouble, proxied
from tests.faults.races import Races
from tests.faults.syscalls import Syscalls, available
from tests.faults.worker import Step
from tests.faults.world import World
from tests.faults.zombies import Zombies


def nothing_broken(outcome: Outcome, faults: int) -> None:
    assert not outcome.violations, outcome.violations
    assert outcome.struck >= faults, outcome
    assert outcome.checked >= 20, outcome


def test_a_killed_loader_is_recovered_by_its_retry(world: World) -> None:
    nothing_broken(Campaign(world, 101, Kill()).run(6), 6)


def test_a_session_ended_in_the_middle_of_a_copy(world: World) -> None:
    fault = Ended("partner", copying=True)
    nothing_broken(Campaign(world, 102, fault, {Step.DELIVER: 1}, records=120).run(2), 2)
    assert fault.ended >= 2


@pytest.mark.parametrize(("role", "step"), [("exchange", Step.ACCEPT), ("partner", Step.DELIVER)])
def test_a_server_that_crashes_under_the_loader(world: World, role: str, step: Step) -> None:
    nothing_broken(Campaign(world, 103, Crashed(world, role), {step: 1}).run(1), 1)


@pytest.mark.parametrize("trouble", [Trouble.RESET, Trouble.TRUNCATE, Trouble.DRIP])
def test_a_network_that_fails_under_the_loader(world: World, trouble: Trouble) -> None:
    with proxied(world, "partner") as (proxy, route):
        nothing_broken(Campaign(world, 104, Cut(proxy, trouble), {Step.DELIVER: 1}, route=route).run(1), 1)


def test_frozen_loaders_thawed_after_their_retry_overwrite_nothing(world: World) -> None:
    nothing_broken(Zombies(world, 105).run(4), 4)


def test_runs_over_the_same_windows_at_once_end_in_the_truth(world: World) -> None:
    nothing_broken(Races(world, 106, windows=2).run(6), 6)


def test_a_system_call_that_fails_or_is_the_last(world: World) -> None:
    missing = available()
    if missing:
        pytest.skip(missing)
    nothing_broken(Syscalls(world, 107).run(3), 3)
