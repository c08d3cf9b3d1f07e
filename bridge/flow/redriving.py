"""Held records taken in again: the windows of their inputs anew from the archive, or the records offered anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge import settings
from bridge.connector import Window
from bridge.errors import Misconfigured
from bridge.exchange import Decision, Exchange, HeldProblem
from bridge.flow import collecting
from bridge.ledger import Books

MOST = 100_000
"""So many problems are redriven at a time."""


@dataclass(slots=True)
class Redriven:
    """What a redrive did.

    Args:
        books: of each window that was collected anew, oldest first.
        partners: to which records are due again with the next share, with how many.
        open: problems asked for that are still there, found again by the new runs.
    """

    problems: int
    books: list[Books] = field(default_factory=list)
    partners: dict[str, int] = field(default_factory=dict)
    open: int = 0


def redrive(
    ids: list[int] | None,
    by: str,
    reason: str,
    *,
    source: str | None = None,
    partner: str | None = None,
    code: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Redriven:
    """Take open problems in again, by number or by where and what they are; nothing is edited.

    Who asked and why is sealed first. At intake each window concerned is then collected anew from its archived bytes,
    with whatever has come since; what was sound comes out unchanged. At a partner the records are due again.

    Raises:
        Misconfigured: NOTHING_HELD, no open problem is meant; NOT_HELD, one of the numbers is none's; NO_REASON.
    """
    with Exchange(settings.exchange_url()) as exchange:
        found = exchange.held(source=source, partner=partner, code=code, limit=MOST, ids=ids)
        if not found:
            what = "no open problem is meant"
            raise Misconfigured("NOTHING_HELD", "bridge held redrive", what, "bridge held lists those that are open")
        for number in sorted(set(ids or ()) - {one.id for one in found}):
            what = "no open problem that is meant has this number; nothing was done about the others"
            raise Misconfigured("NOT_HELD", f"held {number}", what, "bridge held lists those that are open")
        exchange.decide([_decision(one, by, reason) for one in found])
        windows = {(one.name, window) for one in found if not one.at_partner and (window := _window(exchange, one))}
        done = Redriven(len(found))
        for one in found:
            if one.at_partner:
                done.partners[one.name] = done.partners.get(one.name, 0) + 1
        for name, window in sorted(windows, key=lambda pair: (pair[0], pair[1])):
            say(f"{name}: {window}")
            done.books.append(collecting.collect(name, window, fresh=False))
        again = exchange.held(source=source, code=code, limit=MOST) if windows else []
        mine = {one.id for one in found}
        done.open = sum(not one.at_partner and (one.redrive_of in mine or one.id in mine) for one in again)
    return done


def _decision(problem: HeldProblem, by: str, reason: str) -> Decision:
    partner = problem.name if problem.at_partner else None
    return Decision("redrive", by, reason, bridge_id=problem.bridge_id, partner=partner, held_id=problem.id)


def _window(exchange: Exchange, problem: HeldProblem) -> Window | None:
    return exchange.run(problem.run_id).window
