"""The fault runs at length: ``python -m tests.faults --help``."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import click

from tests.faults.campaign import Campaign, Fault, Kill, Outcome
from tests.faults.databases import Crashed, Ended
from tests.faults.few import few
from tests.faults.network import Cut, Trouble, proxied
from tests.faults.races import Races
from tests.faults.syscalls import Syscalls, available
from tests.faults.tampering import tamper
from tests.faults.worker import Step
from tests.faults.world import World
from tests.faults.zombies import Zombies

PLAN = (
    ("kills", 500, 10_000),
    ("kills", 500, 10_000),
    ("syscalls", 250, 2_500),
    ("syscalls", 250, 2_500),
    ("zombies", 100, 2_000),
    ("tampering", 10_000, 10_000),
    ("sessions", 100, 100),
    ("races", 45, 90),
    ("network --role partner", 32, 64),
    ("network --role exchange", 32, 64),
    ("crashes --role partner", 20, 100),
    ("crashes --role exchange", 20, 40),
)
"""What ``all`` runs: command, how many in the short run and in the long one."""
_TOGETHER = 3
"""Runs at a time on two cores: each waits now and then, for a disk or for a server that recovers."""
Counted = Callable[..., None]


def counted(default: int) -> Callable[[Counted], Counted]:
    """The two options that each run has."""

    def add(command: Counted) -> Counted:
        seed = click.option("--seed", type=int, help="To do again what a run printed; chosen if not given.")
        return click.option("--count", default=default, show_default=True, help="How many must strike.")(seed(command))

    return add


@click.group()
def main() -> None:
    """Throw faults at whole jobs and check the eight sets after each; exits with 1 at a violation."""


@main.command()
@counted(1000)
def kills(count: int, seed: int | None) -> None:
    """kill -9 of the loader at random moments of every step."""
    _campaign("kills", count, seed, Kill)


@main.command()
@counted(100)
def sessions(count: int, seed: int | None) -> None:
    """Sessions terminated by the partner's server in the middle of a COPY."""
    _campaign("sessions", count, seed, lambda _: Ended("partner", copying=True), {Step.DELIVER: 1})


@main.command()
@counted(20)
@click.option("--role", type=click.Choice(["exchange", "partner"]), default="partner", show_default=True)
def crashes(count: int, seed: int | None, role: str) -> None:
    """A database server killed under the loader, and recovered from its log."""
    weights = {Step.ACCEPT: 3, Step.SELECT: 1, Step.DELIVER: 3} if role == "exchange" else {Step.DELIVER: 1}
    _campaign(f"crashes of the {role}", count, seed, lambda world: Crashed(world, role), weights)


@main.command()
@counted(60)
@click.option("--role", type=click.Choice(["exchange", "partner"]), default="partner", show_default=True)
def network(count: int, seed: int | None, role: str) -> None:
    """Connections refused, reset or cut in the middle, and dripping."""

    def run(world: World, chosen: int) -> Outcome:
        total = Outcome(chosen)
        with proxied(world, role) as (proxy, route):
            for trouble in (Trouble.REFUSE, Trouble.RESET, Trouble.TRUNCATE, Trouble.DRIP):
                campaign = Campaign(world, chosen + trouble, Cut(proxy, trouble), route=route)
                click.echo(trouble.name.lower())
                total += campaign.run(-(-count // 4), click.echo)
        return total

    _report(f"network of the {role}", seed, run)


@main.command()
@counted(500)
def syscalls(count: int, seed: int | None) -> None:
    """System calls of the loader that fail or are its last."""
    missing = available()
    if missing:
        raise click.ClickException(missing)
    _report("syscalls", seed, lambda world, chosen: Syscalls(world, chosen).run(count, click.echo), durable=True)


@main.command()
@counted(200)
def zombies(count: int, seed: int | None) -> None:
    """Loaders frozen in a delivery and thawed after their retry and a later window."""
    _report("zombies", seed, lambda world, chosen: Zombies(world, chosen).run(count, click.echo))


@main.command()
@counted(60)
def races(count: int, seed: int | None) -> None:
    """Scheduled runs, backfills and shares of the same windows at once."""
    _report("races", seed, lambda world, chosen: Races(world, chosen).run(count, click.echo))


@main.command()
@counted(10_000)
def tampering(count: int, seed: int | None) -> None:
    """Values of sealed entries changed behind the exchange's back."""
    chosen = random.randrange(1, 10**6) if seed is None else seed
    with World(durable=False) as world, world.settled(chosen, days=2, records=10) as (place, _):
        outcome = tamper(place, chosen, count, click.echo)
    click.echo(f"tampering, {outcome}")
    for column, missed in outcome.missed.items():
        click.echo(f"{column}: {missed} of {outcome.tried[column]} not found")
    sys.exit(bool(outcome.missed or outcome.alarms))


@main.command("few")
def little() -> None:
    """A few of each, for every test run: a line of JSON each."""
    with World() as world:
        for one in few(world):
            click.echo(json.dumps(one))


@main.command("all")
@click.option("--long", "longer", is_flag=True, help="Ten to twenty times as many; takes more than an hour.")
@click.option("--seed", type=int, help="To do again what a run printed; chosen if not given.")
def everything(longer: bool, seed: int | None) -> None:
    """Every fault, three runs at a time; the figures of each when it has ended."""
    chosen = random.randrange(1, 10**6) if seed is None else seed
    plan = [(words, long if longer else short) for words, short, long in PLAN]

    def one(place: int) -> tuple[str, subprocess.CompletedProcess[str]]:
        words, count = plan[place]
        options = [*words.split(), "--count", str(count), "--seed", str(chosen + place)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults", *options], capture_output=True, text=True, check=False
        )
        return " ".join(options), done

    begun, failed = time.monotonic(), 0
    with ThreadPoolExecutor(_TOGETHER) as pool:
        for words, done in pool.map(one, range(len(plan))):
            lines = done.stdout.strip().splitlines()
            click.echo(f"{words}\n  {lines[-1] if lines else 'said nothing'}")
            if done.returncode:
                failed += 1
                click.echo("\n".join([*lines[-5:], *done.stderr.strip().splitlines()[-5:]]))
    click.echo(f"{len(plan)} runs in {time.monotonic() - begun:.0f} s, {failed} failed; seed {chosen}")
    sys.exit(bool(failed))


def _campaign(
    name: str,
    count: int,
    seed: int | None,
    fault: Callable[[World], Fault],
    weights: dict[Step, int] | None = None,
) -> None:
    def run(world: World, chosen: int) -> Outcome:
        campaign = Campaign(world, chosen, fault(world))
        if weights:
            campaign.weights = weights
        return campaign.run(count, click.echo)

    _report(name, seed, run, durable=True)


def _report(name: str, seed: int | None, run: Callable[[World, int], Outcome], *, durable: bool = False) -> None:
    chosen = random.randrange(1, 10**6) if seed is None else seed
    begun = time.monotonic()
    click.echo(f"{name}, seed {chosen}")
    with World(durable=durable) as world:
        outcome = run(world, chosen)
    click.echo(f"{name}, {outcome}; {time.monotonic() - begun:.0f} s")
    for one in outcome.violations:
        click.echo(one)
    sys.exit(bool(outcome.violations))


if __name__ == "__main__":
    main()
