"""On which legal ground a partner may receive what: a mapping's release block, field by field, for its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bridge.content import Content
from bridge.exchange import Hop
from bridge.exchange.decisions import DUPLICATE, EXONERATED, EXPIRED, PERSONAL
from bridge.flow.retaining import REVIEW_DAYS
from bridge.flow.settling import CANCELLED
from bridge.ledger import Delivery
from bridge.mapping import Release, load_on
from bridge.policy import may_leave
from bridge.release import NO_POLICY

_FOUNDED: Final = (Delivery.DELIVERED, Delivery.UNCHANGED, Delivery.WITHHELD)
"""What has a ground; all else is not ended, or a fault."""
_ERASED: Final = "its documents were destroyed; who decided so, and why, stands at the decision to erase it"
_EXPIRED: Final = "the time is over for which this partner may keep it"
_UNKNOWN: Final = "a rule that this partner's policy has no more"
_ALWAYS: Final[Mapping[str, str]] = {
    CANCELLED: "its supplier has cancelled it",
    DUPLICATE: "a second report of one seizure: another report of it stands (Reg. (EC) No 515/97, Art. 32)",
    EXONERATED: "its subject was exonerated (Reg. (EC) No 515/97, Art. 45(4))",
    NO_POLICY: "the mapping had no release policy, without which nothing leaves",
}
"""Rules that hold whatever a policy says."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one partner may see.

    Args:
        partner: the system's name here.
        fields: by class, the common schema's fields that may leave, and those that may not.
        fingerprint: of the mapping that this was read from.
    """

    partner: str
    mapping: str
    version: str
    fingerprint: str
    release: Release
    fields: Mapping[str, tuple[list[str], list[str]]]

    def why(self, code: str | None) -> str:
        """Why a rule of this policy withholds; "" if it has no such rule."""
        return "; ".join(dict.fromkeys(rule.why for rule in self.release.withhold if rule.code == code))

    @property
    def kept_on(self) -> str:
        """The ground on which the partner keeps a record no longer than it may."""
        return self.release.keep.get("ground") or self.release.basis

    @property
    def kept(self) -> str:
        """How long the partner keeps a record, and what comes then, as a sentence; "" if the policy does not say."""
        keep = self.release.keep
        if not keep:
            return ""
        more = int(keep.get("extend", 0))
        longer = f", which people may extend by {_years(more)} in all" if more else ""
        then = "what is personal in it is taken out" if keep.get("of") == PERSONAL else "the whole record is taken back"
        review = keep.get("review_days", REVIEW_DAYS)
        return (
            f"{_years(int(keep['years']))} from its first delivery{longer}; then {then}."
            f" Listed for review {review} days before. Ground: {self.kept_on}"
        )


def ground(hop: Hop, policy: Policy | None, *, erased: bool) -> tuple[str, bool]:
    """Why a version was delivered, taken back or withheld, and whether that is what the policy says now.

    Args:
        hop: a delivery.
        policy: the partner's; None if there is none any more.
        erased: the version is the tombstone of an erased record.
    """
    if hop.disposition not in _FOUNDED:
        return "", False
    code = hop.code or ""
    if code in _ALWAYS:
        return _ERASED if erased and code == CANCELLED else _ALWAYS[code], False
    if policy is None:
        return _EXPIRED if code == EXPIRED else "", False
    if code == EXPIRED:
        return f"{_EXPIRED}: {policy.kept_on}", True
    return (policy.why(code) or _UNKNOWN) if code else policy.release.basis, True


def partners() -> list[str]:
    """Systems that we share with."""
    return Content.find().partners()


def policy(partner: str) -> Policy | None:
    """The partner's policy as its mapping says it now; None if there is no such mapping any more."""
    content = Content.find()
    if partner not in content.partners():
        return None
    changed = content.mapping(partner, "share").stat().st_mtime_ns
    return _policy(content, partner, changed)


@lru_cache(maxsize=64)
def _policy(content: Content, partner: str, changed: int) -> Policy | None:  # noqa: ARG001 -- part of the key
    mapping = load_on(content, partner, "share")
    if mapping.release is None:
        return None
    fields: dict[str, tuple[list[str], list[str]]] = {}
    for field in mapping.source_shape:
        kept = 0 if may_leave(mapping.release, field) else 1
        fields.setdefault(field.cls.value, ([], []))[kept].append(field.path)
    return Policy(partner, mapping.name, mapping.version, mapping.fingerprint, mapping.release, fields)


def _years(number: int) -> str:
    return f"{number} year{'' if number == 1 else 's'}"
