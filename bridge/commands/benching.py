"""bridge bench: measure, print what was found, and keep it as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bridge import settings
from bridge.bench import BOUND, measure

_PEER = Path(".venv-bench/bin/python")


def bench(sizes: Sequence[int], rounds: int, seed: int, out: str, *, dlt: bool, dlt_limit: int) -> None:
    """Measure each size, print a table and write all numbers to a file."""
    python = _PEER if dlt and _PEER.exists() else None
    if dlt and python is None:
        click.echo(f"dlt is left out: {_PEER} is not there; make bench installs it.", err=True)
    home = settings.home() / "bench"
    found = measure(home, sizes, rounds, seed, python, dlt_limit, lambda text: click.echo(text, err=True))
    for one in found["sizes"]:
        _print(one)
    machine = found["machine"]
    load = ", ".join(f"{machine[when][0]:.1f}" for when in ("load_before", "load_after"))
    click.echo(
        f"{machine['cpus']} processors, Python {machine['python']}, PostgreSQL {machine['postgresql']}; seed {seed};"
        f" load before and after {load}. Much load of others makes wall time and its ratio worthless."
    )
    path = Path(out) if out else settings.home() / "bench.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    click.echo(
        "Expectations: the window judged once as a whole, mostly the import of its library; in no ratio."
        " Memory is the client's."
    )
    click.echo(f"All numbers: {path}")


def _print(one: dict[str, Any]) -> None:
    count = one["records"]
    click.echo(f"\n{count} records, {one['bytes'] / count:.0f} bytes each, {sum(one['rows'].values())} rows written")
    click.echo(f"  {'CPU us a record':18} {'client':>8} {'server':>8} {'wall s':>8} {'MB':>6}   first round")
    for what in ("job", "floor"):
        for name, cost in one["rounds"][0][what]["costs"].items():
            client, server = (1e6 * cost[side] / count for side in ("client", "server"))
            least = f"{client:4.0f} {server:8.0f} {cost['wall']:8.1f} {cost['memory'] / 1e6:6.0f}"
            click.echo(f"  {what + ' ' + name:22.22} {least}")
    lines = [
        ("CPU, times the floor", one["cpu_to_floor"], f"aim at most {BOUND['cpu']:.0f}"),
        ("wall, times the floor", one["wall_to_floor"], f"aim at most {BOUND['wall']:.0f}"),
        ("CPU us a record", one["cpu_us_per_record"], ""),
        ("of the floor", one["floor_cpu_us_per_record"], ""),
    ]
    lines.append(("CPU, times without proof", one["proof"], f"aim at most {BOUND['proof']:.1f}"))
    for name, value, aim in lines:
        click.echo(f"  {name:24} least {value['min']:7.2f}, median {value['median']:7.2f}  {aim}")
    click.echo(
        f"  {one['records_per_second']:.0f} records a second; peak memory {one['memory'] / 1e6:.0f} MB, aim at most 700"
    )
    checked = one["verify"]
    whole, quick = (checked["costs"][name]["wall"] for name in ("verify", "quick"))
    click.echo(
        f"  bridge verify: {checked['entries']} entries with documents in {whole:.1f} s, without in {quick:.1f} s:"
        f" {1e6 * whole / checked['entries']:.1f} and {1e6 * quick / checked['entries']:.1f} s a million, aim at most"
        f" {BOUND['verify']:.0f}; {checked['flaws']} flaws"
    )
    if "expectations" in one:
        judged = one["expectations"]
        cpu, took, most = judged["client"] + judged["server"], judged["wall"], judged["memory"] / 1e6
        click.echo(f"  expectations in the same process: {cpu:.1f} s of CPU, {took:.1f} s, peak memory {most:.0f} MB")
    if "peer_wall_to_job" in one:
        wall, cpu = one["peer_wall_to_job"], one["peer_cpu_to_job"]
        click.echo(f"  dlt takes {wall:.1f} times as long and {cpu:.1f} times the CPU, aim at least 10")
