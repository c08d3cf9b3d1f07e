"""A process that does a job's steps and can be killed, frozen or cut off anywhere in them.

It is forked from a process that has everything imported and does nothing else, so
that a thousand of them cost little. Before each step it writes the step's number
where its parent sees it, also after its death.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from bridge.connector import Window
from bridge.errors import BridgeError, TryLater
from bridge.exchange import Exchange
from bridge.flow import collecting, sharing

SECONDS: Final = 120
"""A job that takes longer than this hangs."""
AGAIN: Final = 75
_POLL: Final = 0.0005
_BATCH: Final = 12
"""Records of a batch to a partner: so few that a window's records are several, of which two are under way at once."""


class Step(IntEnum):
    """The steps of a job in order: a window collected, then shared."""

    BEGUN = 0
    EXTRACT = 1
    MAP = 2
    ACCEPT = 3
    SELECT = 4
    DELIVER = 5
    RECONCILE = 6
    DONE = 7


LOADS: Final = (Step.ACCEPT, Step.DELIVER)
"""Steps that write to a database under one key after another: killed there, a job is killed mid-load."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one DAG run of each kind would do: collect a window, share with CIS.

    Args:
        collect_key, share_key: keys of the runs; the same at each try.
    """

    window: Window
    collect_key: str
    share_key: str

    def do(self, step: Step) -> None:
        """One step, as one task of an orchestrator does it: with nothing in memory from the step before."""
        if step == Step.EXTRACT:
            collecting.extract("cen", self.window, self.collect_key)
        elif step == Step.MAP:
            collecting.map_and_validate(collecting.open_run("cen", self.window, self.collect_key))
        elif step == Step.ACCEPT:
            collecting.accept(collecting.open_run("cen", self.window, self.collect_key))
        elif step == Step.SELECT:
            sharing.select("cis", self.share_key)
        elif step == Step.DELIVER:
            sharing.deliver(sharing.open_share("cis", self.share_key))
        elif step == Step.RECONCILE:
            sharing.reconcile(sharing.open_share("cis", self.share_key))


class Worker:
    """One forked process on a job.

    Args:
        steps: the first and the last that it does.
        environ: set in it before anything else.
        report: file for what ended it, if it was not killed.
        held: it stops before it begins, until it is sent SIGCONT.
    """

    def __init__(
        self, job: Job, steps: tuple[Step, Step], environ: Mapping[str, str], report: Path, *, held: bool = False
    ) -> None:
        self._step = mmap.mmap(-1, 1)
        self._report = report
        self.ended: int | None = None
        self.pid = os.fork()
        if not self.pid:
            if held:
                os.kill(os.getpid(), signal.SIGSTOP)
            _work(job, steps, environ, self._step, report)

    @property
    def step(self) -> Step:
        """Where it is, or was when it died."""
        return Step(self._step[0])

    def reaches(self, step: Step) -> bool:
        """Wait until it is in this step or past it; False if it ended before."""
        deadline = time.monotonic() + SECONDS
        while self.step < step:
            if self.over() or time.monotonic() > deadline:
                return self.step >= step
            time.sleep(_POLL)
        return True

    def over(self) -> bool:
        """Whether it has ended."""
        if self.ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.ended = os.waitstatus_to_exitcode(status)
        return self.ended is not None

    def stopped_within(self, seconds: float) -> bool:
        """Let so much time pass; whether it ended by itself meanwhile."""
        deadline = time.monotonic() + seconds
        while not self.over() and time.monotonic() < deadline:
            time.sleep(_POLL)
        return self.over()

    def send(self, what: signal.Signals) -> None:
        """Kill, freeze or thaw it, if it still lives."""
        if not self.over():
            os.kill(self.pid, what)

    def wait(self) -> int:
        """Its exit code, negative for a signal.

        Raises:
            AssertionError: it hangs.
        """
        deadline = time.monotonic() + SECONDS
        while not self.over():
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGABRT)
                os.waitpid(self.pid, 0)
                raise AssertionError(f"a worker hung in {self.step.name}: {self.told()}")
            time.sleep(_POLL * 4)
        assert self.ended is not None
        return self.ended

    def told(self) -> str:
        """What it left of its end."""
        return self._report.read_text(encoding="utf-8") if self._report.exists() else ""


def _work(job: Job, steps: tuple[Step, Step], environ: Mapping[str, str], place: mmap.mmap, report: Path) -> None:
    code = 1
    try:
        os.environ.update(environ)
        defaults = Exchange.candidates.__kwdefaults__
        assert defaults is not None
        defaults["size"] = _BATCH
        for step in Step:
            if steps[0] <= step <= steps[1]:
                place[0] = step
                job.do(step)
        place[0] = Step.DONE
        code = 0
    except TryLater as error:
        report.write_text(str(error), encoding="utf-8")
        code = AGAIN
    except BridgeError as error:
        report.write_text(f"{type(error).__name__} {error}", encoding="utf-8")
    except BaseException:  # noqa: BLE001 - a fork must never return into its parent's code
        report.write_text(traceback.format_exc(), encoding="utf-8")
    finally:
        sys.stdout.flush()
        os._exit(code)


def apart(do: Callable[[], object]) -> None:
    """Do something in a fork of its own: the parent must never start the threads of a library that forks cannot use.

    Raises:
        AssertionError: it failed.
    """
    pid = os.fork()
    if not pid:
        code = 1
        try:
            do()
            code = 0
        except BaseException:  # noqa: BLE001 - a fork must never return into its parent's code
            traceback.print_exc()
        finally:
            os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        raise AssertionError("what was to be done apart failed; its traceback stands above")


def until_done(attempt: Callable[[], Worker], tries: int = 40) -> int:
    """Workers one after another until one ends well; gives how many had to try later.

    Raises:
        AssertionError: one ended otherwise than by TryLater.
    """
    worker = None
    for tried in range(tries):
        worker = attempt()
        code = worker.wait()
        if code == 0:
            return tried
        if code != AGAIN:
            raise AssertionError(f"a retry ended with {code} in {worker.step.name}: {worker.told()}")
        time.sleep(0.05)
    raise AssertionError(f"a retry never got through: {worker and worker.told()}")
