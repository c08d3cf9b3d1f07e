"""How fast the whole way of a record is, as ratios to a floor and to a peer measured in the same minutes.

Seconds say more of the machine than of the program; so every round measures the
job and, right after it, the least that any such job must do: decode the same XML
with a bare parser, and bring the same rows into the same keyed and logged tables
by bare binary COPY. Ratios of one round are compared, never rounds with others.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from bridge.bench.world import World

EXPECTATIONS: Final = "expectations"
"""The step that judges a window as a whole. It is measured in a job of its own and in no ratio: an orchestrator runs it
as a task, a process by itself, and importing its library takes longer than all else at small sizes."""
BOUND: Final = {"cpu": 3.0, "wall": 2.0, "memory": 700e6, "peer": 10.0, "proof": 1.5, "verify": 10.0}
"""What is aimed at: at most so many times the floor, so many bytes, at least so many times as fast as the peer; at
most so many times the CPU of the job without its proofs, and so many seconds to verify a million entries."""


def measure(
    home: Path,
    sizes: Sequence[int],
    rounds: int,
    seed: int,
    peer: Path | None,
    beside: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Measure each size in interleaved rounds; gives all that was measured, and the ratios.

    Args:
        home: folder for everything; emptied first, deleted afterwards.
        peer: a Python that has dlt; None leaves the peer out.
        beside: above this size neither the peer nor the judging of the window is measured.
    """
    world = World(home)
    try:
        machine = {
            "cpus": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "postgresql": world.version(),
            "load_before": os.getloadavg(),
        }
        found = [_size(world, size, rounds, seed, size <= beside, peer, say) for size in sizes]
        return {"machine": {**machine, "load_after": os.getloadavg()}, "seed": seed, "sizes": found}
    finally:
        world.close()


def _size(
    world: World, size: int, rounds: int, seed: int, beside: bool, peer: Path | None, say: Callable[[str], None]
) -> dict[str, Any]:
    say(f"{size} records: writing the feed")
    files = world.feed(size, seed)
    measured: list[dict[str, Any]] = []
    written: dict[str, int] = {}
    for number in range(1, rounds + 1):
        say(f"{size} records: round {number} of {rounds}")
        one = {"job": world.job(files)}
        say(f"{size} records: job {_told(one['job'])}")
        if number == 1:
            written = world.keep(files, size)
        one["floor"] = world.floor(size)
        say(f"{size} records: floor {_told(one['floor'])}")
        if beside and number == 1:
            if peer is not None:
                say(f"{size} records: dlt")
                one["peer"] = world.peer(peer, files)
            say(f"{size} records: a job with expectations")
            one["judged"] = world.job(files, judge=True)
        measured.append(one)
    return {
        "records": files.records,
        "bytes": files.size,
        "rows": written,
        "rounds": measured,
        **ratios(measured, files.records),
    }


def ratios(measured: Sequence[dict[str, Any]], records: int) -> dict[str, Any]:
    """Least and median over the rounds of each ratio, and what a record costs."""
    jobs = [_sum(one["job"]) for one in measured]
    floors = [_sum(one["floor"]) for one in measured]
    pairs = list(zip(jobs, floors, strict=True))
    told: dict[str, Any] = {
        "cpu_to_floor": _least_and_median([job["cpu"] / floor["cpu"] for job, floor in pairs]),
        "wall_to_floor": _least_and_median([job["wall"] / floor["wall"] for job, floor in pairs]),
        "cpu_us_per_record": _least_and_median([1e6 * job["cpu"] / records for job in jobs]),
        "floor_cpu_us_per_record": _least_and_median([1e6 * floor["cpu"] / records for floor in floors]),
        "records_per_second": records / statistics.median(job["wall"] for job in jobs),
        "memory": max(one["job"]["memory"] for one in measured),
        "proof": _least_and_median([_proof(one["job"]) for one in measured]),
        "verify": measured[0]["job"]["verify"],
    }
    judged = [one["judged"] for one in measured if "judged" in one]
    if judged:
        told["expectations"] = {**judged[0]["costs"][EXPECTATIONS], "memory": judged[0]["memory"]}
    peers = [one["peer"] for one in measured if "peer" in one]
    if peers:
        told["peer_wall_to_job"] = peers[0]["wall"] / jobs[0]["wall"]
        told["peer_cpu_to_job"] = (peers[0]["client"] + peers[0]["server"]) / jobs[0]["cpu"]
    return told


def _sum(one: dict[str, Any]) -> dict[str, float]:
    costs = one["costs"].values()
    cpu = sum(cost["client"] + cost["server"] for cost in costs)
    return {"cpu": cpu, "wall": sum(cost["wall"] for cost in costs)}


def _proof(one: dict[str, Any]) -> float:
    """The job's CPU to that of the same job without its proofs."""
    cpu = _sum(one)["cpu"]
    without: float = cpu - one["proof"]["client"] - one["proof"]["server"]
    return cpu / without


def _told(one: dict[str, Any]) -> str:
    spent = _sum(one)
    return f"{spent['cpu']:.1f} s of CPU in {spent['wall']:.1f} s, {one['memory'] / 1e6:.0f} MB"


def _least_and_median(values: Sequence[float]) -> dict[str, float]:
    return {"min": min(values), "median": statistics.median(values)}
