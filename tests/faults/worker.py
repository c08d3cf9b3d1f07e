"""A process that does a job's steps and can be killed, frozen or cut off anywhere in them.

It is forked from a process that has everything imported and both mappings read, and
does nothing else, so that a thousand of them cost little. Before each step it writes
the step's number and the time where its parent sees them, also after its death.
"""

from __future__ import annotations

import importlib
import mmap
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, partial
from pathlib import Path
from struct import Struct
from typing import Final

import sqlalchemy as sa

from bridge.connector import Window
from bridge.content import COLLECT, SHARE, Content
from bridge.errors import BridgeError, TryLater
from bridge.exchange import Exchange
from bridge.flow import collecting, sharing
from bridge.mapping import checks, load_on, versions
from tests.faults.truth import Truth

SECONDS: Final = 120
"""A job that takes longer than this hangs."""
AGAIN: Final = 75
_POLL: Final = 0.002
_BATCH: Final = 20
"""Records of a batch to a partner, of which the first is a quarter: so few that a window's records are two batches,
both under way at once."""


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


MAPPINGS: Final = (("cen", COLLECT), ("cis", SHARE))
"""What a job reads its records with."""
_MOMENT: Final = Struct("d")
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


def read_mappings() -> None:
    """Read both mappings here, once: every fork has them then, and would read the same files again at each step.

    They are taken as sound, which the tests of content show. Nothing here may use Polars, whose threads no fork has.
    """
    kept = cache(versions.load_versions)
    for module in (collecting, sharing, versions):
        vars(module)["load_versions"] = kept
    content = Content.find()
    for system, way in MAPPINGS:
        checks._SOUND.update((system, way, one.fingerprint) for one in kept(content, system, way).all)


def look_at_partner(url: str) -> None:
    """Ask this partner's database for its tables here, once: every fork has them then, and would ask the same again at
    each delivery.

    Args:
        url: of a database such as every installation's partner has.
    """
    content = Content.find()
    content.connector("sql")
    loading = importlib.import_module("connectors.sql.loading")
    mapping = load_on(content, "cis", SHARE)
    options = {**mapping.target, **(mapping.deliver or {})}
    engine = sa.create_engine(url)
    layout = loading.reflect(engine, mapping.target_shape, options["root"], options["key"])
    engine.dispose()
    vars(loading)["reflect"] = lambda *_: layout


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
        self._seen = _Seen()
        self._report = report
        report.unlink(missing_ok=True)
        self.ended: int | None = None
        self.pid = os.fork()
        if not self.pid:
            if held:
                os.kill(os.getpid(), signal.SIGSTOP)
            _work(job, steps, environ, self._seen, report)
        if held:
            os.waitpid(self.pid, os.WUNTRACED)  # a SIGCONT that came before it stands still would be lost
        self._end = os.pidfd_open(self.pid)

    @property
    def step(self) -> Step:
        """Where it is, or was when it died."""
        return self._seen.step

    def took(self) -> dict[Step, float]:
        """Seconds of each step that it came to the end of."""
        return self._seen.took()

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
                os.close(self._end)
        return self.ended is not None

    def stopped_within(self, seconds: float) -> bool:
        """Let so much time pass; whether it ended by itself meanwhile."""
        deadline = time.monotonic() + seconds
        while not self.over() and (left := deadline - time.monotonic()) > 0:
            if select.select([self._end], [], [], left)[0]:
                time.sleep(_POLL)  # whoever traces it is told first
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
        if not self.stopped_within(SECONDS):
            os.kill(self.pid, signal.SIGKILL)  # the one signal that also ends what a tracer has stopped
            os.waitpid(self.pid, 0)
            raise AssertionError(f"a worker hung in {self.step.name}: {self.told()}")
        assert self.ended is not None
        return self.ended

    def told(self) -> str:
        """What it left of its end."""
        return self._report.read_text(encoding="utf-8") if self._report.exists() else ""


class _Seen:
    """The step that a worker is in and when it began each, in memory that it shares with its parent."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, _MOMENT.size * (1 + len(Step)))

    @property
    def step(self) -> Step:
        return Step(self._shared[0])

    def begin(self, step: Step) -> None:
        _MOMENT.pack_into(self._shared, _MOMENT.size * (1 + step), time.monotonic())
        self._shared[0] = step

    def took(self) -> dict[Step, float]:
        began = {step: _MOMENT.unpack_from(self._shared, _MOMENT.size * (1 + step))[0] for step in Step}
        ends = zip(Step, list(Step)[1:], strict=False)
        return {step: began[after] - began[step] for step, after in ends if began[step] and began[after]}


def _work(job: Job, steps: tuple[Step, Step], environ: Mapping[str, str], seen: _Seen, report: Path) -> None:
    code = 1
    try:
        os.environ.update(environ)
        defaults = Exchange.candidates.__kwdefaults__
        assert defaults is not None
        defaults["size"] = _BATCH
        for step in Step:
            if steps[0] <= step <= steps[1]:
                seen.begin(step)
                job.do(step)
        seen.begin(Step(steps[1] + 1))
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


def until_done(attempt: Callable[[], Worker], tries: int = 40, learn: Callable[[Worker], None] = lambda _: None) -> int:
    """Workers one after another until one ends well; gives how many had to try later.

    Args:
        learn: is shown the one that ended well.

    Raises:
        AssertionError: one ended otherwise than by TryLater.
    """
    worker = None
    for tried in range(tries):
        worker = attempt()
        code = worker.wait()
        if code == 0:
            learn(worker)
            return tried
        if code != AGAIN:
            raise AssertionError(f"a retry ended with {code} in {worker.step.name}: {worker.told()}")
        time.sleep(0.05)
    raise AssertionError(f"a retry never got through: {worker and worker.told()}")


def undisturbed(days: int, truth: Truth, drop: Path, environ: Mapping[str, str], report: Path, records: int) -> None:
    """Let so many windows arrive, and do the whole job of each."""
    for day in range(days):
        truth.arrive(drop, day, records)
        job = Job(truth.window(day), f"collect {day}", f"share {day}")
        until_done(partial(Worker, job, (Step.EXTRACT, Step.RECONCILE), environ, report))
