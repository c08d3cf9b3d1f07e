"""A scheduled run, backfills over the same windows and several shares, all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.faults.campaign import Campaign, Kill, Outcome
from tests.faults.scan import Scan
from tests.faults.worker import AGAIN, Job, Step, Worker, until_done
from tests.faults.world import World

_TOGETHER = 4
_TRIES = 60


@dataclass(slots=True)
class Races:
    """All windows of an installation are collected and shared several times over by workers that run together."""

    world: World
    seed: int
    windows: int = 5
    turns: int = 3
    campaign: Campaign = field(init=False)

    def __post_init__(self) -> None:
        self.campaign = Campaign(self.world, self.seed, Kill(self.world))

    def run(self, count: int, say: Callable[[str], None] = lambda _: None) -> Outcome:
        """Go on until so many jobs have run beside others; stops at the first violation."""
        for scan in self.campaign.places(count, say):
            self._race(scan)
        return self.campaign.outcome

    def _race(self, scan: Scan) -> None:
        place, truth = scan.place, scan.truth
        outcome, chance = self.campaign.outcome, self.campaign.chance
        for day in range(self.windows):
            truth.arrive(place.drop, day, self.campaign.records)
        jobs = [
            Job(truth.window(day), f"collect {day} {turn}", f"share {day} {turn}")
            for turn in range(self.turns)
            for day in range(self.windows)
        ]
        chance.shuffle(jobs)
        waiting = [(job, Step.EXTRACT, 0) for job in jobs]
        running: list[tuple[Worker, Job, int]] = []
        while waiting or running:
            while waiting and len(running) < _TOGETHER:
                job, step, tries = waiting.pop(0)
                running.append((self.campaign.worker(place, job, step), job, tries))
            worker, job, tries = running.pop(0)
            if not worker.stopped_within(0.01):
                running.append((worker, job, tries))
                continue
            code = worker.wait()
            if code == 0:
                outcome.faults["RACE"] += 1
            elif code == AGAIN and tries < _TRIES:
                outcome.later += 1
                waiting.append((job, worker.step, tries + 1))
            elif "STALE_EPOCH" in worker.told():
                # A later share delivered first: this run is over, and a person or schedule begins another.
                outcome.later += 1
                again = replace(job, share_key=f"{job.share_key}'")
                waiting.append((again, Step.SELECT, tries + 1))
            else:
                raise AssertionError(f"a worker ended with {code} in {worker.step.name}: {worker.told()}")
        last = Job(truth.window(self.windows), "collect last", "share last")
        outcome.later += until_done(lambda: self.campaign.worker(place, last, Step.EXTRACT))
        outcome.note(scan, scan.settled(), "after the race")
