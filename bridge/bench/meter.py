"""What a stretch of work costs: CPU of this process and of the whole database server, wall time, peak memory."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 15)
"""Fields of /proc/<pid>/stat behind the name: the parent; utime, stime, cutime, cstime."""


@dataclass(slots=True)
class Cost:
    """Seconds, and bytes. ``client`` is CPU of this process and its ended children, ``server`` of PostgreSQL's
    processes, ``memory`` this process's peak meanwhile."""

    wall: float = 0.0
    client: float = 0.0
    server: float = 0.0
    memory: int = 0

    @property
    def cpu(self) -> float:
        """Client and server together."""
        return self.client + self.server

    def __add__(self, other: Cost) -> Cost:
        sums = (self.wall + other.wall, self.client + other.client, self.server + other.server)
        return Cost(*sums, max(self.memory, other.memory))


class Meter:
    """Costs by name of the stretch, in the order in which they were measured.

    Args:
        server: process number of PostgreSQL's postmaster.
    """

    def __init__(self, server: int) -> None:
        self._server = server
        self.costs: dict[str, Cost] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Charge what happens inside to this name."""
        _forget_peak()
        wall, client, server = time.monotonic(), client_cpu(), tree_cpu(self._server)
        yield
        spent = Cost(
            time.monotonic() - wall, client_cpu() - client, tree_cpu(self._server) - server, memory=peak_memory()
        )
        self.costs[name] = self.costs.get(name, Cost()) + spent


def client_cpu() -> float:
    """CPU seconds of this process, all its threads and its ended children."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def tree_cpu(root: int) -> float:
    """CPU seconds of a process and all below it, those that ended included: their parent has waited for them."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue  # it ended between the two looks
            parents[int(folder.name)] = int(fields[_PARENT])
            ticks[int(folder.name)] = sum(map(int, fields[_TIMES]))
    return sum(ticks[pid] for pid in ticks if _below(pid, root, parents)) / _TICK


def _below(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid and pid != root:
        pid = parents.get(pid, 0)
    return pid == root


def _forget_peak() -> None:
    """Let the peak begin anew at what is resident now (proc(5): clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory() -> int:
    """The most memory that this process had resident since its peak was last forgotten, in bytes; PostgreSQL's is not
    in it."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
