"""The fault runs at length: ``python -m tests.faults --help``."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import click

from bridge.content import Content
from bridge.mapping import load, refuse_findings
from tests.faults.campaign import ANY, Campaign, Fault, Kill, Outcome
from tests.faults.databases import Crashed, Ended
from tests.faults.network import Cut, Trouble, proxied
from tests.faults.races import Races
from tests.faults.syscalls import Syscalls, available
from tests.faults.tampering import tamper
from tests.faults.truth import Truth
from tests.faults.worker import Job, Step
from tests.faults.world import World
from tests.faults.zombies import Zombies

PLAN = (
    ("kills", 500, 10_000),
    ("kills", 500, 10_000),
    ("syscalls", 250, 2_500),
    ("syscalls", 250, 2_500),
    ("zombies", 200, 2_000),
    ("sessions", 100, 500),
    ("crashes --role partner", 20, 100),
    ("crashes --role exchange", 20, 100),
    ("network --role partner", 40, 400),
    ("network --role exchange", 40, 400),
    ("races", 60, 600),
    ("tampering", 10_000, 10_000),
)
"""What ``all`` runs: command, how many in the short run and in the long one."""
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
    _campaign("kills", count, seed, lambda _: Kill())


@main.command()
@counted(100)
def sessions(count: int, seed: int | None) -> None:
    """Sessions terminated by the partner's server in the middle of a COPY."""
    _campaign("sessions", count, seed, lambda _: Ended("partner", copying=True), {Step.DELIVER: 1}, records=200)


@main.command()
@counted(20)
@click.option("--role", type=click.Choice(["exchange", "partner"]), default="partner", show_default=True)
def crashes(count: int, seed: int | None, role: str) -> None:
    """A database server killed under the loader, and recovered from its log."""
    weights = {Step.ACCEPT: 1} if role == "exchange" else {Step.DELIVER: 1}
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
    _report("syscalls", seed, lambda world, chosen: Syscalls(world, chosen).run(count, click.echo))


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
    with World() as world:
        outcome = tamper(world, chosen, count, click.echo)
    click.echo(f"tampering, {outcome}")
    for column, missed in outcome.missed.items():
        click.echo(f"{column}: {missed} of {outcome.tried[column]} not found")
    sys.exit(bool(outcome.missed or outcome.alarms))


@main.command()
@click.option("--days", default=1, show_default=True, help="Windows from the first on.")
def job(days: int) -> None:
    """Do the whole job, undisturbed, where the environment says."""
    for day in range(days):
        one = Job(Truth(0).window(day), f"collect {day}", f"share {day}")
        for step in Step:
            one.do(step)


@main.command()
def sound() -> None:
    """Check the mappings of a job, and print their systems, ways and fingerprints as JSON."""
    content = Content.find()
    mappings = [load(content, "cen", "collect"), load(content, "cis", "share")]
    for mapping in mappings:
        refuse_findings(mapping)
    click.echo(json.dumps([[one.system, one.direction, one.fingerprint] for one in mappings]))


@main.command()
def few() -> None:
    """A few of each, for every test run: a line of JSON each, with how many struck and what was broken."""
    with World() as world:
        for name, run in FEW.items():
            outcome = run(world)
            told = {"name": name, "struck": outcome.struck, "checked": outcome.checked}
            click.echo(json.dumps(told | {"violations": outcome.violations, "told": str(outcome)}))


def _few(
    seed: int, count: int, fault: Callable[[World], Fault], step: Step | None = None, records: int = 30
) -> Callable[[World], Outcome]:
    weights = dict(ANY) if step is None else {step: 1}
    return lambda world: Campaign(world, seed, fault(world), weights, records=records).run(count)


def _cut(seed: int, trouble: Trouble) -> Callable[[World], Outcome]:
    def run(world: World) -> Outcome:
        with proxied(world, "partner") as (proxy, route):
            return Campaign(world, seed, Cut(proxy, trouble), {Step.DELIVER: 1}, route=route).run(1)

    return run


FEW: Final[Mapping[str, Callable[[World], Outcome]]] = {
    "killed": _few(101, 3, lambda _: Kill()),
    "session ended in a COPY": _few(102, 1, lambda _: Ended("partner", copying=True), Step.DELIVER, 60),
    "partner crashed": _few(104, 1, lambda world: Crashed(world, "partner"), Step.DELIVER),
    "connections reset": _cut(105, Trouble.RESET),
    "frozen and thawed": lambda world: Zombies(world, 108).run(1),
    "at once": lambda world: Races(world, 109, windows=2).run(4),
}
"""Seeds are fixed, moments are the machine's."""


@main.command("all")
@click.option("--long", "longer", is_flag=True, help="Ten to twenty times as many; takes more than an hour.")
@click.option("--seed", type=int, help="To do again what a run printed; chosen if not given.")
def everything(longer: bool, seed: int | None) -> None:
    """Every fault, two runs at a time; the figures of each at the end."""
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
    with ThreadPoolExecutor(2) as pool:
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
    records: int = 30,
) -> None:
    def run(world: World, chosen: int) -> Outcome:
        campaign = Campaign(world, chosen, fault(world), records=records)
        if weights:
            campaign.weights = weights
        return campaign.run(count, click.echo)

    _report(name, seed, run)


def _report(name: str, seed: int | None, run: Callable[[World, int], Outcome]) -> None:
    chosen = random.randrange(1, 10**6) if seed is None else seed
    begun = time.monotonic()
    click.echo(f"{name}, seed {chosen}")
    with World() as world:
        outcome = run(world, chosen)
    click.echo(f"{name}, {outcome}; {time.monotonic() - begun:.0f} s")
    for one in outcome.violations:
        click.echo(one)
    sys.exit(bool(outcome.violations))


if __name__ == "__main__":
    main()
