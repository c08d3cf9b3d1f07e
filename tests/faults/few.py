"""A few of each fault, all in one world, for every test run; ``make test-faults`` strikes thousands of times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.faults.campaign import WINDOWS, Campaign, Fault, Kill, Outcome
from tests.faults.databases import Crashed, Ended
from tests.faults.network import Cut, Trouble, proxied
from tests.faults.races import Races
from tests.faults.spoiling import spoil
from tests.faults.syscalls import Syscalls, available
from tests.faults.tampering import tamper
from tests.faults.worker import Step
from tests.faults.world import World
from tests.faults.zombies import Zombies

KINDS: Final = ("Kill", "Ended", "Crashed", "Cut")
"""What strikes windows of one campaign: loaders killed, sessions ended, the partner's server killed, resets."""
ALONE: Final = ("frozen and thawed", "at once", "system calls")
_ENOUGH: Final = 10_000


def few(world: World) -> Iterator[dict[str, Any]]:
    """What each came to, by ``name``. Seeds are fixed, moments are the machine's."""
    mixed = _mixed(world)
    yield from ({"name": kind, **_told(mixed), "struck": mixed.kinds[kind]} for kind in KINDS)
    yield {"name": "frozen and thawed", **_told(Zombies(world, 108, together=2).run(1))}
    yield {"name": "at once", **_told(Races(world, 109, windows=1, turns=3).run(3))}
    missing = available()
    calls = Syscalls(world, 110)
    calls.campaign.records = 60  # the one window that is struck must hold enough to be checked
    yield {"name": "system calls", "missing": missing, **({} if missing else _told(calls.run(1)))}
    with world.settled(7, days=2, records=40) as (place, truth):
        for name, found in spoil(place, truth):
            yield {"name": name, "sets": found.named()}
        tampered = tamper(place, 111, 60)
        yield {"name": "tampered", "tried": tampered.tried, "missed": tampered.missed, "alarms": tampered.alarms}


def _mixed(world: World) -> Outcome:
    """Windows of one installation, struck until each kind has struck."""
    with proxied(world, "partner") as (proxy, route):
        faults: list[tuple[Step, Fault]] = [
            (Step.ACCEPT, Kill(world)),
            (Step.DELIVER, Kill(world)),
            (Step.DELIVER, Ended("partner", copying=True)),
            (Step.DELIVER, Cut(proxy, Trouble.RESET)),
            (Step.DELIVER, Crashed(world, "partner")),
        ]
        campaign = Campaign(world, 101, faults[0][1], route=route)
        scan = next(places := campaign.places(_ENOUGH, lambda _: None))
        for day in range(WINDOWS):
            left = [(step, one) for step, one in faults if not campaign.outcome.kinds[type(one).__name__]]
            if not left or campaign.outcome.violations:
                break
            campaign.window(scan, day, left, _ENOUGH)
        places.close()
        return campaign.outcome


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "struck": outcome.struck,
        "checked": outcome.checked,
        "violations": outcome.violations,
        "told": str(outcome),
    }
