"""System calls of the loader that fail, or are its last, one after another: strace injects at the n-th."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.campaign import WINDOWS, Campaign, Kill, Outcome
from tests.faults.scan import Scan
from tests.faults.worker import SECONDS, Job, Step, Worker, until_done
from tests.faults.world import World

FILES: Final = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,mkdir,unlink,ftruncate"
"""Calls by which the loader changes a file."""
_BLOWS: Final = {Step.EXTRACT: 12, Step.MAP: 10, Step.ACCEPT: 12, Step.DELIVER: 6}
"""Strikes that are meant for a step of one window."""
_LEAST: Final = 1
"""Calls of a kind that each step of a fresh installation is thought to make."""
FAULTS: Final = {
    "SIGKILL": (f"{FILES},sendto", "signal=KILL"),
    "EIO": (FILES, "error=EIO"),
    "ENOSPC": (FILES, "error=ENOSPC"),
}
"""A socket's calls fail only with its connection, which is another test's: libpq that is told of a failed send on one
that lives waits for the server's word on it, for ever."""


_FIRST: Final = {
    (Step.EXTRACT, "SIGKILL"): 55,
    (Step.EXTRACT, "EIO"): 10,
    (Step.EXTRACT, "ENOSPC"): 10,
    (Step.MAP, "SIGKILL"): 45,
    (Step.MAP, "EIO"): 10,
    (Step.MAP, "ENOSPC"): 10,
    (Step.ACCEPT, "SIGKILL"): 75,
    (Step.DELIVER, "SIGKILL"): 275,
}
"""About how many calls a step makes; how many it does is learned as the run goes."""


def available() -> str:
    """Why this cannot run here, nothing if it can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(
        [shutil.which("strace") or "strace", "-o", "/dev/null", "/bin/true"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "this machine lets no process trace another"


@dataclass(slots=True)
class Syscalls:
    """In each window every step is struck at several system calls, one a try, then the window goes on and is checked.

    The calls of a step are counted as they come up: the n-th is struck for n chosen up to a bit beyond the most
    that were seen. A try that gets through shows that there are fewer, until the next installation: a step without
    calls of a kind is not tried again and again.
    """

    world: World
    seed: int
    campaign: Campaign = field(init=False)
    _most: dict[tuple[Step, str], int] = field(
        default_factory=lambda: {(step, kind): _FIRST.get((step, kind), _LEAST) for step in _BLOWS for kind in FAULTS}
    )

    def __post_init__(self) -> None:
        self.campaign = Campaign(self.world, self.seed, Kill(self.world), records=12)

    def run(self, count: int, say: Callable[[str], None] = lambda _: None) -> Outcome:
        """Go on until so many calls were struck; stops at the first violation."""
        for scan in self.campaign.places(count, say):
            self._most = {known: max(most, _LEAST) for known, most in self._most.items()}
            for day in range(WINDOWS):
                self._window(scan, day, count)
                if self.campaign.over(count):
                    break
        return self.campaign.outcome

    def _window(self, scan: Scan, day: int, count: int) -> None:
        outcome, worker, place, truth = self.campaign.outcome, self.campaign.worker, scan.place, scan.truth
        scan.remember()
        truth.arrive(place.drop, day, self.campaign.records, files=1)
        job = Job(truth.window(day), f"collect {day}", f"share {day}")
        now = Step.EXTRACT
        for step, blows in _BLOWS.items():
            if step > now:
                outcome.later += until_done(lambda: worker(place, job, now, Step(step - 1)))  # noqa: B023
                now = step
            for _ in range(blows):
                kinds = [kind for kind in FAULTS if self._most[step, kind]]
                if now > step or not kinds or self.campaign.over(count):
                    break
                now = self._strike(scan, job, step, self.campaign.chance.choice(kinds))
            if outcome.violations:
                return
        outcome.later += until_done(lambda: worker(place, job, now))
        outcome.note(scan, scan.settled(), f"window {day}, recovered")

    def _strike(self, scan: Scan, job: Job, step: Step, kind: str) -> Step:
        """One try of a step with one fault; gives the step to go on from."""
        outcome, chance = self.campaign.outcome, self.campaign.chance
        nth = chance.randint(1, self._most[step, kind])
        victim = self.campaign.worker(scan.place, job, step, step, held=True)
        struck = _inject(victim, kind, nth, self.world.folder / "strace")
        if struck:
            outcome.faults[f"{step.name} {kind}"] += 1
            self._most[step, kind] = max(self._most[step, kind], nth + 1 + nth // 8)
        else:
            outcome.missed += 1
            self._most[step, kind] = nth - 1
        outcome.note(scan, scan.under_way(), f"{job.collect_key}, {kind} at call {nth} of {step.name}")
        return Step(step + 1) if victim.ended == 0 else step


def _inject(victim: Worker, kind: str, nth: int, log: Path) -> bool:
    """Let the held worker go under strace with one fault; whether it struck. The worker has ended then."""
    log.unlink(missing_ok=True)
    calls, what = FAULTS[kind]
    inject = f"inject={calls}:{what}:when={nth}"
    tracer = subprocess.Popen(
        [
            shutil.which("strace") or "strace",
            "-qq",
            "-f",
            "-o",
            str(log),
            "-e",
            f"trace={calls}",
            "-e",
            inject,
            "-p",
            str(victim.pid),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _traced(victim, tracer)
        victim.send(signal.SIGCONT)
        victim.wait()
    finally:
        tracer.terminate()
        tracer.wait(timeout=SECONDS)
    return b"(INJECTED)" in log.read_bytes() or victim.ended == -signal.SIGKILL


def _traced(victim: Worker, tracer: subprocess.Popen[bytes]) -> None:
    status = Path(f"/proc/{victim.pid}/status")
    deadline = time.monotonic() + SECONDS
    while f"TracerPid:\t{tracer.pid}\n" not in status.read_text(encoding="ascii"):
        if tracer.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"strace could not follow the worker: it ended with {tracer.poll()}")
        time.sleep(0.002)
