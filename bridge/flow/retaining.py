"""Retention: what a partner may keep no longer is taken back, or stripped of what is personal, and said so."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.content import SHARE, Content
from bridge.errors import Misconfigured
from bridge.exchange import Decision, Exchange, Term
from bridge.flow import forgetting
from bridge.mapping import load_on

REVIEW_DAYS: Final = 90
"""So long before their time is over records are listed for review, where the policy says nothing else."""
_AT_ONCE: Final = 10_000
ALL: Final = "all"
FOR_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Keep:
    """A partner's rule, as its release policy declares it.

    Args:
        of: ``all`` of a record or what is ``personal`` in it.
        extend: years by which people may extend it, in all.
    """

    partner: str
    years: int
    extend: int
    of: str
    review_days: int
    ground: str


@dataclass(slots=True)
class Applied:
    """What was done: records that expired by partner, whose policies could not be read, so that nothing expired there,
    and what was removed from the archive."""

    expired: dict[str, int] = field(default_factory=dict)
    unread: list[Misconfigured] = field(default_factory=list)
    swept: forgetting.Swept = field(default_factory=forgetting.Swept)


def rule_of(content: Content, partner: str) -> Keep | None:
    """The partner's rule; None where its policy declares none.

    Raises:
        Misconfigured: the mapping cannot be read as one, so that nobody knows.
    """
    mapping = load_on(content, partner, SHARE)
    for fault in mapping.faults:
        fix = f"Mend it, for nothing expires at {partner} before: bridge check {partner}"
        raise Misconfigured(fault.code, f"{mapping.where}:{fault.line}", fault.what, fix)
    policy = mapping.release
    if policy is None or not policy.keep:
        return None
    said = policy.keep
    return Keep(
        partner,
        int(said["years"]),
        int(said.get("extend", 0)),
        said.get("of", ALL),
        int(said.get("review_days", REVIEW_DAYS)),
        said.get("ground") or policy.basis,
    )


def due(exchange: Exchange, rule: Keep, now: datetime) -> list[Term]:
    """Records for review: their time at the partner is over, or soon will be."""
    return exchange.terms(rule.partner, rule.years, rule.extend, rule.of, now + timedelta(days=rule.review_days))


def extend(
    exchange: Exchange, rule: Keep | None, partner: str, record: uuid.UUID, by: str, reason: str, until: datetime | None
) -> tuple[datetime, int]:
    """Let a partner keep a record longer, within what its rule allows; gives the new end and the decision's number.

    Args:
        until: the new end; as long as the rule allows if it is None.

    Raises:
        Misconfigured: NO_RETENTION, NO_TERM or TOO_LONG_KEPT; NO_REASON.
    """
    where = f"{partner} {record}"
    if rule is None or not rule.extend:
        what = "the release policy lets nobody extend how long this partner keeps a record"
        raise Misconfigured("NO_RETENTION", where, what, "Say keep: {years: ..., extend: ...} in its release policy")
    found = exchange.terms(partner, rule.years, rule.extend, rule.of, FOR_EVER, record)
    if not found:
        what = "the partner does not hold this record, or its time there is over already"
        raise Misconfigured("NO_TERM", where, what, "bridge retention lists what can be extended")
    term = found[0]
    end = until or term.last
    if not term.until < end <= term.last:
        what = f"{end:%Y-%m-%d} is not after {term.until:%Y-%m-%d} and up to {term.last:%Y-%m-%d}"
        raise Misconfigured("TOO_LONG_KEPT", where, what, "Name a day within that, or none for the last one")
    made = Decision("extend", by, reason, bridge_id=record, partner=partner, ground=rule.ground, until=end)
    return end, exchange.decide([made])[0]


def apply(exchange: Exchange, content: Content, by: str, reason: str, now: datetime) -> Applied:
    """Decide that what is over its time has expired, so that the next shares take it back, and empty the archive of
    what is over its own."""
    done = Applied()
    for partner in content.partners():
        try:
            rule = rule_of(content, partner)
        except Misconfigured as error:
            done.unread.append(error)
            continue
        if rule is None:
            continue
        over = exchange.terms(partner, rule.years, rule.extend, rule.of, now)
        for start in range(0, len(over), _AT_ONCE):
            exchange.decide(
                [
                    Decision(
                        "expire", by, reason, bridge_id=term.bridge_id, partner=partner, about=rule.of,
                        ground=rule.ground, until=term.until,
                    )
                    for term in over[start : start + _AT_ONCE]
                ]
            )  # fmt: skip
        if over:
            done.expired[partner] = len(over)
    done.swept = forgetting.sweep(exchange, forgetting.kept_days(content), now)
    return done
