"""Windows one after another, each struck by faults at random moments of its steps, and a full check after each.

A window is struck several times and goes on each time from the step that it was struck in, as an orchestrator's next
try does. So most of what a strike costs is the step that is struck, and not the whole way there.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol

from bridge.exchange import Exchange
from bridge.flow.envelope import bridge_id
from tests.faults.scan import Scan, Violations
from tests.faults.truth import Truth
from tests.faults.worker import AGAIN, LOADS, Job, Step, Worker, apart, until_done
from tests.faults.world import Place, World

WINDOWS: Final = 8
"""Windows of one installation before the next begins anew."""
RECORDS: Final = 24
"""Versions that arrive in a window: two batches to the partner, both of which are under way at once."""
BLOWS: Final = 30
"""Strikes that are meant for one window."""
ANY: Final = {Step.EXTRACT: 1, Step.MAP: 1, Step.ACCEPT: 8, Step.SELECT: 1, Step.DELIVER: 2, Step.RECONCILE: 2}
"""Every step, and those that load most often: of these, the one whose try costs far less."""
FEW: Final = 50
"""Of so many faults that may strike anywhere, one at least must have struck in each step."""


@dataclass(slots=True)
class Outcome:
    """What a campaign did and found.

    Args:
        faults: how many were struck, by the step they struck in.
        kinds: the same by what struck.
        writing: how many of them found a transaction open that had written.
        later: retries that had to try later.
        checked: records at the partner that were compared, over all checks.
    """

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    writing: int = 0
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
        loads = {step.name for step in LOADS}
        return sum(count for where, count in self.faults.items() if where.split()[0] in loads) / max(1, self.struck)

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
            self.kinds + other.kinds,
            self.writing + other.writing,
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
            f"seed {self.seed}: {self.struck} faults ({steps}), {self.mid_load:.0%} mid-load, {self.writing} while a "
            f"transaction had written, {self.missed} came too late, {self.later} retries had to try later; "
            f"{self.checks} checks of {self.checked} cases and {self.versions} versions sent: "
            f"{len(self.violations)} violations"
        )


class Fault(Protocol):
    """Something that befalls a worker."""

    def strike(self, worker: Worker, place: Place, /) -> bool:
        """Do it, now; whether a transaction was seen open that had written."""

    def mend(self) -> None:
        """Bring back what it took away; the worker has ended."""

    def explains(self, code: int) -> bool:
        """Whether a worker that was struck may end so.

        One that ends well was struck too late, unless this says that 0 is an end of the struck.
        """


class Kill:
    """SIGKILL to the loader, which is frozen for a look at what it has open."""

    def __init__(self, world: World) -> None:
        self._world = world

    def strike(self, worker: Worker, place: Place) -> bool:
        """Kill it."""
        worker.send(signal.SIGSTOP)
        writing = self._world.writing(place)
        worker.send(signal.SIGKILL)
        return writing

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
        blows: strikes that are meant for a window.
    """

    world: World
    seed: int
    fault: Fault
    weights: dict[Step, int] = field(default_factory=lambda: dict(ANY))
    route: Callable[[Place], Place] = lambda place: place
    records: int = RECORDS
    blows: int = BLOWS
    outcome: Outcome = field(init=False)
    chance: Random = field(init=False)
    _takes: dict[Step, float] = field(default_factory=lambda: dict.fromkeys(ANY, 0.3))
    _file: int = 0

    def __post_init__(self) -> None:
        self.outcome = Outcome(self.seed)
        self.chance = Random(self.seed)

    def run(self, faults: int, say: Callable[[str], None] = lambda _: None) -> Outcome:
        """Go on until so many faults have struck; stops at the first violation."""
        for scan in self.places(faults, say):
            for day in range(WINDOWS):
                steps = self.chance.choices(list(self.weights), list(self.weights.values()), k=self.blows)
                self.window(scan, day, [(step, self.fault) for step in sorted(steps)], faults)
                if self.over(faults):
                    break
        self._spread()
        return self.outcome

    def places(self, faults: int, say: Callable[[str], None]) -> Generator[Scan, None, None]:
        """Fresh installations, each with what it is held against, until over()."""
        number = 0
        while not self.over(faults):
            truth = Truth(self.seed * 1_000_003 + number)
            number += 1
            with self.world.place() as place, Scan(place, truth) as scan:
                yield scan
                self.outcome.versions += sum(1 for _ in truth.every())
            say(str(self.outcome))

    def over(self, faults: int) -> bool:
        """Whether so many faults have struck, or something is broken."""
        return self.outcome.struck >= faults or bool(self.outcome.violations)

    def window(self, scan: Scan, day: int, blows: Sequence[tuple[Step, Fault]], faults: int) -> None:
        """One window arrives, is struck by these faults, in the order of their steps, recovers and is checked."""
        place, truth = scan.place, scan.truth
        scan.remember()
        truth.arrive(place.drop, day, self.records, files=1)
        if day and self.chance.random() < 0.3:
            self._erase(place, truth)
        job = Job(truth.window(day), f"collect {day}", f"share {day}")
        on: Step | None = Step.EXTRACT
        for target, fault in blows:
            if on is None or self.over(faults):
                break
            if target < on:
                continue  # a try got further than it was meant to
            on = self._try(place, job, on, target, fault)
            self.outcome.note(scan, scan.under_way(), f"window {day}, after a fault")
        if on is not None:
            first = on
            self.outcome.later += until_done(lambda: self.worker(place, job, first), learn=self._learn)
        self.outcome.note(scan, scan.settled(), f"window {day}, recovered")

    def _try(self, place: Place, job: Job, first: Step, target: Step, fault: Fault) -> Step | None:
        """One try that is struck in this step; gives the step to go on from, None if it got through."""
        worker = self.worker(place, job, first)
        if not worker.reaches(target):
            if worker.wait() != AGAIN:
                raise AssertionError(f"a try ended with {worker.ended} in {worker.step.name}: {worker.told()}")
            self.outcome.later += 1
            return worker.step
        worker.stopped_within(self.chance.random() * self._takes[target])
        struck = worker.step
        writing = fault.strike(worker, place)
        code = worker.wait()
        fault.mend()
        self._learn(worker)
        if struck == Step.DONE or (code == 0 and not fault.explains(0)):
            self.outcome.missed += 1
        elif fault.explains(code):
            self.outcome.faults[struck.name] += 1
            self.outcome.kinds[type(fault).__name__] += 1
            self.outcome.writing += writing
        else:
            raise AssertionError(f"a worker ended with {code} in {worker.step.name}: {worker.told()}")
        return worker.step if code and worker.step != Step.DONE else None

    def worker(self, place: Place, job: Job, first: Step, last: Step = Step.RECONCILE, *, held: bool = False) -> Worker:
        """A process on the job, from one step to another."""
        self._file += 1
        return Worker(
            job, (first, last), self.route(place).environ(), self.world.folder / f"worker{self._file}", held=held
        )

    def _learn(self, worker: Worker) -> None:
        """How long steps take, so that a moment can be chosen anywhere in one."""
        for step, seconds in worker.took().items():
            if step in self._takes:
                self._takes[step] = 0.7 * self._takes[step] + 0.3 * seconds

    def _spread(self) -> None:
        """Refuse to pass faults that struck only some steps, or seldom where it matters."""
        scarce = [step.name for step in self.weights if self.outcome.faults[step.name] < self.outcome.struck // FEW]
        if (
            self.outcome.struck >= FEW
            and not self.outcome.violations
            and ((scarce and len(self.weights) > 1) or self.outcome.mid_load < 0.5)
        ):
            raise AssertionError(f"too few faults in {', '.join(scarce) or 'the steps that load'}: {self.outcome}")

    def _erase(self, place: Place, truth: Truth) -> None:
        record = bridge_id("CEN", truth.refs[truth.erase()])

        def erase() -> None:
            with Exchange(place.exchange) as exchange:
                exchange.erase(record, "A. Officer", "asked for by the person concerned")

        apart(erase)
