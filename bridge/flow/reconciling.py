"""A partner's own state against the books, by a full scan of both: E4 to E6."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bridge import settings
from bridge.connector import Telling
from bridge.content import Content
from bridge.errors import Misconfigured, TryLater
from bridge.exchange import Exchange, Role
from bridge.flow.settling import HALF
from bridge.flow.sharing import opened
from bridge.ledger import Equation
from bridge.mapping import load_on

NAMED: Final = 5
"""So many places are named of each kind."""
_WORD: Final = 8
"""Bytes of each record's hash that are added up for E5."""


@dataclass(slots=True)
class Reconciliation:
    """What a full scan found.

    Args:
        missing: in the books and not at the partner; phantom: the other way round.
        altered: other content than was released last.
        gone: the proof is there and the partner's record is not.
        in_doubt: records of which nobody knows whether the partner has them, for no receipt has come; left out on both
            sides.
        behind: the partner was delivered to by later runs than this exchange knows: it was restored from a backup.
    """

    partner: str
    equations: list[Equation] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    phantom: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    in_doubt: int = 0
    behind: bool = False

    @property
    def balanced(self) -> bool:
        """Whether the partner holds just what the books say."""
        return not self.behind and all(one.holds for one in self.equations)


def reconcile(partner: str, *, catch_up: bool = False) -> Reconciliation:
    """Hold what the partner has of ours against the books; changes no record at the partner.

    Args:
        catch_up: numbers runs on from where the partner last was delivered to, so that deliveries are taken again
            after a restore.

    Raises:
        Misconfigured: CANNOT_TELL for a partner that cannot be asked.
        TryLater: SHARE_UNDER_WAY, for what was delivered and is not yet in the books would look made up.
    """
    mapping = load_on(Content.find(), partner, "share")
    target = opened(mapping)
    keys = target.keys() if isinstance(target, Telling) else None
    if not isinstance(target, Telling) or keys is None:
        what = f"{partner} cannot be asked what it holds: no database with an inbox of ours, no service with a list"
        fix = "What it was sent stands in the books; ask the partner for its own count"
        raise Misconfigured("CANNOT_TELL", str(mapping.file), what, fix)
    found = Reconciliation(partner)
    with Exchange.of(Role.AUDIT) as exchange:
        past = target.past() or 0
        with exchange.standing(partner) as (books, last_run, under_way, in_doubt):
            found.behind = past > last_run
            if under_way and not found.behind:  # behind, its share was refused and has delivered nothing
                what = f"a share with {partner} is under way, or was broken off and waits to go on"
                raise TryLater("SHARE_UNDER_WAY", partner, what, "Reconcile when it has ended, or clear its run")
            found.in_doubt = len(in_doubt)
            known = (one for one in books if one[0] not in in_doubt)
            counts, sums = _compare(found, known, (one for one in keys if one[0] not in in_doubt))
    if found.behind and catch_up:
        with Exchange(settings.exchange_url()) as exchange:
            exchange.advance(past)
        found.behind = False
    broken = [
        f"{what} {key}" for what in ("missing", "phantom", "altered", "gone") for key in getattr(found, what)[:NAMED]
    ]
    count = sum(len(getattr(found, what)) for what in ("missing", "phantom", "altered", "gone"))
    found.equations = [
        Equation("E4", f"{partner} records", *counts),
        Equation("E5", f"{partner} multiset hash", *sums),
        Equation("E6", f"{partner} proofs that differ", count, 0, {}, tuple(broken)),
    ]
    return found


def _compare(
    found: Reconciliation, books: Iterator[tuple[str, bytes]], keys: Iterator[tuple[str, bytes, bool]]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Merge both, which come by key; numbers of records and multiset hashes, each the partner's, then the books'."""
    there = held = at_partner = in_books = 0
    mine, its = next(books, None), next(keys, None)
    while mine is not None or its is not None:
        if its is None or (mine is not None and mine[0] < its[0]):
            assert mine is not None  # noqa: S101 - the loop's condition
            found.missing.append(mine[0])
            held += 1
            in_books += _word(mine[0], mine[1][:HALF])
            mine = next(books, None)
            continue
        there += its[2]
        at_partner += _word(its[0], its[1][HALF:])
        if not its[2]:
            found.gone.append(its[0])
        if mine is None or its[0] < mine[0]:
            found.phantom.append(its[0])
        else:
            held += 1
            in_books += _word(mine[0], mine[1][:HALF])
            if its[1][HALF:] != mine[1][:HALF]:
                found.altered.append(its[0])
            mine = next(books, None)
        its = next(keys, None)
    size = 1 << (8 * _WORD)
    return (there, held), (at_partner % size, in_books % size)


def _word(key: str, released: bytes) -> int:
    return int.from_bytes(hashlib.sha256(key.encode() + released).digest()[:_WORD], "big")
