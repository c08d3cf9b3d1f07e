"""Windows one after another, each struck by a fault at a random moment of a step, and a full check after each."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol

from bridge.exchange import Exchange
from bridge.flow.envelope import bridge_id
from tests.faults.scan import Scan, Violations
from tests.faults.truth import Truth
from tests.faults.worker import LOADS, Job, Step, Worker, apart, until_done
from tests.faults.world import Place, World

WINDOWS: Final = 12
"""Windows of one installation before the next begins anew."""
ANY: Final = {Step.EXTRACT: 1, Step.MAP: 1, Step.ACCEPT: 5, Step.SELECT: 1, Step.DELIVER: 5, Step.RECONCILE: 1}
"""Every step, and those that load most often."""


@dataclass(slots=True)
class Outcome:
    """What a campaign did and found.

    Args:
        faults: how many were struck, by the step they struck in.
        later: retries that had to try later.
        checked: records at the partner that were compared, over all checks.
    """

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    later: int = 0
    checks: int = 0
    checked: int = 0
    versions: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def struck(self) -> int:
        """Faults that struck a job under way."""
        return self.faults.total()

    @property
    def mid_load(self) -> float:
        """Share of them that struck in a step that loads."""
        return sum(self.faults[step.name] for step in LOADS) / max(1, self.struck)

    def note(self, scan: Scan, found: Violations, when: str) -> None:
        """Count a check and keep what it found."""
        self.checks += 1
        self.checked += scan.records
        if found.count:
            self.violations.append(f"{when}: {found}")

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.seed,
            self.faults + other.faults,
            self.missed + other.missed,
            self.later + other.later,
            self.checks + other.checks,
            self.checked + other.checked,
            self.versions + other.versions,
            self.violations + other.violations,
        )

    def __str__(self) -> str:
        steps = ", ".join(f"{count} in {step.lower()}" for step, count in sorted(self.faults.items()))
        return (
            f"seed {self.seed}: {self.struck} faults ({steps}), {self.mid_load:.0%} mid-load, {self.missed} came too "
            f"late, {self.later} retries had to try later; {self.checks} checks of {self.checked} cases and "
            f"{self.versions} versions sent: {len(self.violations)} violations"
        )


class Fault(Protocol):
    """Something that befalls a worker."""

    def strike(self, worker: Worker, place: Place, /) -> None:
        """Do it, now."""

    def mend(self) -> None:
        """Bring back what it took away; the worker has ended."""

    def explains(self, code: int) -> bool:
        """Whether a worker that was struck may end so.

        One that ends well was struck too late, unless this says that 0 is an end of the struck.
        """


class Kill:
    """SIGKILL to the loader."""

    def strike(self, worker: Worker, _: Place) -> None:
        """Kill it."""
        worker.send(signal.SIGKILL)

    def mend(self) -> None:
        """The dead need nothing."""

    def explains(self, code: int) -> bool:
        """By the signal."""
        return code == -signal.SIGKILL


@dataclass(slots=True)
class Campaign:
    """Windows one after another in fresh installations, each struck by faults and then checked.

    Args:
        weights: how often each step is struck.
        route: how workers reach an installation's databases.
        records: versions that arrive in a window.
    """

    world: World
    seed: int
    fault: Fault = field(default_factory=Kill)
    weights: dict[Step, int] = field(default_factory=lambda: dict(ANY))
    route: Callable[[Place], Place] = lambda place: place
    records: int = 30
    outcome: Outcome = field(init=False)
    chance: Random = field(init=False)
    _takes: dict[Step, float] = field(default_factory=lambda: dict.fromkeys(ANY, 0.3))
    winners: dict[frozenset[str], str] = field(default_factory=dict)
    _file: int = 0

    def __post_init__(self) -> None:
        self.outcome = Outcome(self.seed)
        self.chance = Random(self.seed)

    def run(self, faults: int, say: Callable[[str], None] = lambda _: None) -> Outcome:
        """Go on until so many faults have struck; stops at the first violation."""
        for place, truth in self.places(faults, say):
            for day in range(WINDOWS):
                self.window(place, truth, day)
                if self.over(faults):
                    break
        return self.outcome

    def places(self, faults: int, say: Callable[[str], None]) -> Iterator[tuple[Place, Truth]]:
        """Fresh installations with the truth of each, until over()."""
        number = 0
        while not self.over(faults):
            truth = Truth(self.seed * 1_000_003 + number)
            number += 1
            with self.world.place() as place:
                yield place, truth
                self.outcome.versions += sum(1 for _ in truth.every())
            say(str(self.outcome))

    def over(self, faults: int) -> bool:
        """Whether so many faults have struck, or something is broken."""
        return self.outcome.struck >= faults or bool(self.outcome.violations)

    def window(self, place: Place, truth: Truth, day: int) -> None:
        """One window arrives, is struck up to three times, recovers and is checked."""
        truth.arrive(place.drop, day, self.records)
        if day and self.chance.random() < 0.3:
            self._erase(place, truth)
        job = Job(truth.window(day), f"collect {day}", f"share {day}")
        scan = Scan(place, truth, self.winners)
        on: Step | None = Step.EXTRACT
        for _ in range(3):
            if on is not None:
                on = self._try(place, job, on)
                self.outcome.note(scan, scan.under_way(), f"window {day}, after a fault")
        if on is not None:
            first = on
            self.outcome.later += until_done(lambda: self.worker(place, job, first))
        self.outcome.note(scan, scan.settled(), f"window {day}, recovered")

    def _try(self, place: Place, job: Job, first: Step) -> Step | None:
        """One try that is struck in a step chosen at random; gives the step to go on from, None if it got through."""
        steps = [step for step in self.weights if step >= first] or [Step.RECONCILE]
        target = self.chance.choices(steps, [self.weights.get(step, 1) for step in steps])[0]
        worker = self.worker(place, job, first)
        if not worker.reaches(target):
            raise AssertionError(f"a try ended with {worker.wait()} in {worker.step.name}: {worker.told()}")
        begun = time.monotonic()
        delay = self.chance.random() * self._takes[target]
        while not worker.over() and worker.step == target and time.monotonic() - begun < delay:
            time.sleep(0.0003)
        struck = worker.step
        if struck != target:
            # It was faster than thought: remember that, and strike where it is now.
            self._takes[target] = 0.7 * self._takes[target] + 0.3 * (time.monotonic() - begun)
        self.fault.strike(worker, place)
        code = worker.wait()
        self.fault.mend()
        if code == 0 and not self.fault.explains(0):
            self.outcome.missed += 1
        elif self.fault.explains(code):
            self.outcome.faults[struck.name] += 1
        else:
            raise AssertionError(f"a worker ended with {code} in {worker.step.name}: {worker.told()}")
        return worker.step if code else None

    def worker(self, place: Place, job: Job, first: Step, last: Step = Step.RECONCILE, *, held: bool = False) -> Worker:
        """A process on the job, from one step to another."""
        self._file += 1
        return Worker(
            job, (first, last), self.route(place).environ(), self.world.folder / f"worker{self._file}", held=held
        )

    def _erase(self, place: Place, truth: Truth) -> None:
        record = bridge_id("CEN", truth.refs[truth.erase()])

        def erase() -> None:
            with Exchange(place.exchange) as exchange:
                exchange.erase(record, "A. Officer", "asked for by the person concerned")

        apart(erase)
