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

from tests.faults.campaign import WINDOWS, Campaign, Outcome
from tests.faults.scan import Scan
from tests.faults.truth import Truth
from tests.faults.worker import SECONDS, Job, Step, Worker, until_done
from tests.faults.world import Place, World

FILES: Final = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,mkdir,unlink,ftruncate"
"""Calls by which the loader changes a file."""
FAULTS: Final = {
    "SIGKILL": (f"{FILES},sendto", "signal=KILL"),
    "EIO": (FILES, "error=EIO"),
    "ENOSPC": (FILES, "error=ENOSPC"),
}
"""A socket's calls fail only with its connection, which is another test's: libpq that is told of a failed send on one
that lives waits for the server's word on it, for ever."""
_STEPS: Final = (Step.EXTRACT, Step.MAP, Step.ACCEPT, Step.DELIVER)


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
    """In each window one step is struck at one system call, then goes on from there and is checked.

    The calls of a step are counted as they come up: the n-th is struck for n chosen up to a bit beyond the most
    that were seen, so a try that gets through widens what is known.
    """

    world: World
    seed: int
    campaign: Campaign = field(init=False)
    _most: dict[tuple[Step, str], int] = field(
        default_factory=lambda: {(step, kind): 30 for step in _STEPS for kind in FAULTS}
    )

    def __post_init__(self) -> None:
        self.campaign = Campaign(self.world, self.seed, records=12)

    def run(self, count: int, say: Callable[[str], None] = lambda _: None) -> Outcome:
        """Go on until so many calls were struck; stops at the first violation."""
        for place, truth in self.campaign.places(count, say):
            for day in range(WINDOWS):
                self._window(place, truth, day)
                if self.campaign.over(count):
                    break
        return self.campaign.outcome

    def _window(self, place: Place, truth: Truth, day: int) -> None:
        outcome, chance, worker = self.campaign.outcome, self.campaign.chance, self.campaign.worker
        truth.arrive(place.drop, day, self.campaign.records)
        job = Job(truth.window(day), f"collect {day}", f"share {day}")
        scan = Scan(place, truth, self.campaign.winners)
        now = Step.EXTRACT
        for step in _STEPS:
            if step > now:
                outcome.later += until_done(lambda: worker(place, job, now, Step(step - 1)))  # noqa: B023
            kind = chance.choice(list(FAULTS))
            nth = chance.randint(1, self._most[step, kind])
            victim = worker(place, job, step, step, held=True)
            struck = _inject(victim, kind, nth, self.world.folder / "strace")
            if struck:
                outcome.faults[f"{step.name} {kind}"] += 1
                self._most[step, kind] = max(self._most[step, kind], nth + 1 + nth // 4)
            else:
                outcome.missed += 1
                self._most[step, kind] = max(4, min(self._most[step, kind], nth))
            outcome.note(scan, scan.under_way(), f"window {day}, {kind} at call {nth} of {step.name}")
            now = Step(step + 1) if victim.ended == 0 else step
            if outcome.violations:
                return
        outcome.later += until_done(lambda: worker(place, job, now))
        outcome.note(scan, scan.settled(), f"window {day}, recovered")


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
