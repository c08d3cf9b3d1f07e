"""Loaders frozen in the middle of a delivery, thawed when their retry and a later window are done."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.campaign import Campaign, Kill, Outcome
from tests.faults.scan import Scan
from tests.faults.worker import AGAIN, Job, Step, until_done
from tests.faults.world import World

_WINDOWS = 8


@dataclass(slots=True)
class Zombies:
    """In each window several loaders deliver and freeze; a retry delivers, the next window is delivered, they thaw.

    Args:
        together: loaders that deliver the same run at once; each is frozen at a moment of its own.
    """

    world: World
    seed: int
    together: int = 16
    campaign: Campaign = field(init=False)

    def __post_init__(self) -> None:
        self.campaign = Campaign(self.world, self.seed, Kill(self.world))

    def run(self, count: int, say: Callable[[str], None] = lambda _: None) -> Outcome:
        """Go on until so many were thawed in the middle of their work; stops at the first violation."""
        for scan in self.campaign.places(count, say):
            for day in range(0, _WINDOWS, 2):
                self._pair(scan, day)
                if self.campaign.over(count):
                    break
        return self.campaign.outcome

    def _pair(self, scan: Scan, day: int) -> None:
        outcome, worker, place, truth = self.campaign.outcome, self.campaign.worker, scan.place, scan.truth
        first, second = (Job(truth.window(n), f"collect {n}", f"share {n}") for n in (day, day + 1))
        truth.arrive(place.drop, day, self.campaign.records, files=1)
        outcome.later += until_done(lambda: worker(place, first, Step.EXTRACT, Step.SELECT))
        begun = time.monotonic()
        frozen = [worker(place, first, Step.DELIVER, Step.RECONCILE) for _ in range(self.together)]
        moments = sorted(self.campaign.chance.random() for _ in frozen)
        for one, moment in zip(frozen, moments, strict=True):
            one.reaches(Step.DELIVER)
            one.stopped_within(max(0.0, begun + moment * self.together * 0.4 - time.monotonic()))
            one.send(signal.SIGSTOP)
        self.world.give_up(place)
        outcome.later += until_done(lambda: worker(place, first, Step.DELIVER, Step.RECONCILE))
        truth.arrive(place.drop, day + 1, self.campaign.records, files=1)
        outcome.later += until_done(lambda: worker(place, second, Step.EXTRACT, Step.RECONCILE))
        outcome.note(scan, scan.settled(), f"window {day + 1}, before the thaw")
        for one in frozen:
            before = one.step if not one.over() else None
            one.send(signal.SIGCONT)
            code = one.wait()
            if before is not None:
                outcome.faults[before.name] += 1
            else:
                outcome.missed += 1
            # It finds its work done, its session ended, or its epoch past; anything else is a fault of ours.
            if code not in (0, AGAIN) and "RUN_OVER" not in one.told() and "EPOCH" not in one.told():
                raise AssertionError(f"a zombie ended with {code} in {one.step.name}: {one.told()}")
        outcome.note(scan, scan.settled(), f"window {day + 1}, after the thaw")
