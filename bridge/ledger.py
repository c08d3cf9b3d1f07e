"""What happened: the dispositions a record can end in, the books, and the equations that must hold.

Plain values and arithmetic, without a database: bridge/exchange/ fills them,
the command line prints them, an asset event carries them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from bridge.errors import Stop


class Intake(StrEnum):
    """The one end state of a record that a run read from an input."""

    ACCEPTED = "accepted"
    """It became a new version in the exchange."""
    UNCHANGED = "unchanged"
    """The exchange already has this content as the record's current version."""
    SUPERSEDED = "superseded"
    """A higher version of the record is known, from this input or an earlier one."""
    HELD = "held"
    """It has a problem; a person mends the cause and drives it in again."""
    OUT_OF_SCOPE = "out_of_scope"
    """The mapping's scope leaves it out."""
    ECHO = "echo"
    """Our own record, come back from a partner."""


class Delivery(StrEnum):
    """The one end state of an accepted version at one partner."""

    DELIVERED = "delivered"
    UNCHANGED = "unchanged"
    """The partner already has this released content."""
    SUPERSEDED = "superseded"
    """The record has a higher version, which is or will be offered instead."""
    HELD = "held"
    WITHHELD = "withheld"
    """The partner's release policy keeps it back."""
    PENDING = "pending"
    """Handed to an outbox and not yet sent."""
    IN_DOUBT = "in_doubt"
    """Sent, and no receipt has come."""


class Effect(StrEnum):
    """What a delivery did at the partner."""

    INSERT = "insert"
    UPDATE = "update"
    WITHDRAW = "withdraw"


TRANSIENT: Final = frozenset({Delivery.PENDING, Delivery.IN_DOUBT})
"""Dispositions that a later run must end."""
AWAITING: Final = "awaiting"
"""Versions sealed since the partner's last share, or outside the windows it was given: nobody has offered them yet."""

LAWS: Final[Mapping[str, str]] = {
    "E0": "the source's sealed windows leave no gap between the first and the last",
    "E1": "records counted apart from reading = records read",
    "E2": "records read = sum of intake dispositions; versions written = records accepted",
    "E3": "versions offered to the partner = sum of delivery dispositions",
    "E4": "records that the partner holds of ours = records delivered and not taken back",
    "E5": "multiset hash of what the partner holds of ours = that of what the books say was released",
    "E6": "the partner's proofs of delivery = the deliveries in the books, record by record",
}


@dataclass(frozen=True, slots=True)
class Equation:
    """One law of the books with the two numbers that must be equal.

    Args:
        law: E0, E1, E2 or E3.
        subject: source or partner, and what of it.
        terms: what the right side is the sum of.
        broken: places where it does not hold, such as an input's name with a record number; sums that
            agree by chance do not hide them.
    """

    law: str
    subject: str
    left: int
    right: int
    terms: Mapping[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether both sides are equal, here and in every part."""
        return self.left == self.right and not self.broken

    def __str__(self) -> str:
        sign = "=" if self.left == self.right else "≠"
        parts = " + ".join(f"{count} {name}" for name, count in self.terms.items() if count)
        places = f" [{'; '.join(self.broken)}]" if self.broken else ""
        shown = f" ({parts})" if parts else ""
        return f"{self.law} {self.subject}: {self.left} {sign} {self.right}{shown}{places}"

    def as_dict(self) -> dict[str, Any]:
        """The equation as JSON values."""
        return {
            "law": self.law,
            "subject": self.subject,
            "left": self.left,
            "right": self.right,
            "terms": dict(self.terms),
            "holds": self.holds,
            "broken": list(self.broken),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The equation that as_dict() gave."""
        return cls(
            values["law"], values["subject"], values["left"], values["right"], values["terms"], tuple(values["broken"])
        )


@dataclass(frozen=True, slots=True)
class SourceBooks:
    """What came from one source in the sealed windows asked for.

    Args:
        refused: inputs held as a whole, such as a truncated file; nothing of them was read.
        read: rows or records read, of every sealed run; a window collected twice counts twice on both sides.
        counts: rows by disposition (Intake).
        reasons: rows by disposition and code: problem code of held, rule of out_of_scope, TIE.
        gaps: stretches between the source's first and last sealed window that no window covers.
    """

    source: str
    windows: int
    runs: int
    inputs: int
    read: int
    counts: Mapping[str, int]
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    refused: int = 0


@dataclass(frozen=True, slots=True)
class PartnerBooks:
    """Where the accepted versions went at one partner.

    Args:
        accepted: versions accepted in the sealed windows asked for.
        counts: versions by disposition (Delivery), of each version's latest offer, and AWAITING.
        effects: delivered versions by effect.
        reasons: versions by disposition and code or rule.
    """

    partner: str
    accepted: int
    counts: Mapping[str, int]
    effects: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Books:
    """The counts that must balance, and whether they do."""

    sources: tuple[SourceBooks, ...] = ()
    partners: tuple[PartnerBooks, ...] = ()
    equations: tuple[Equation, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def balanced(self) -> bool:
        """Whether every record is accounted for (E1 to E3)."""
        return all(e.holds for e in self.equations if e.law != "E0")

    @property
    def contiguous(self) -> bool:
        """Whether no window is missing between sealed ones (E0); a backfill under way may leave gaps."""
        return all(e.holds for e in self.equations if e.law == "E0")

    def require(self, where: str) -> Self:
        """These books, if they balance.

        Raises:
            Stop: BOOKS_UNBALANCED with each broken equation, its numbers and its places.
        """
        broken = [str(e) for e in self.equations if not e.holds and e.law != "E0"]
        if broken:
            what = "the books do not balance: " + ". ".join(broken)
            raise Stop("BOOKS_UNBALANCED", where, what, "Nothing of this run is visible; find the records named")
        return self

    def rows(self) -> list[dict[str, str | int]]:
        """One row per count, for a table: of (source or partner), name, state, code, count."""
        out: list[dict[str, str | int]] = []
        for s in self.sources:
            out += [
                _row("source", s.source, "inputs", "", s.inputs),
                _row("source", s.source, "refused", "", s.refused),
            ]
            out.append(_row("source", s.source, "read", "", s.read))
            out += _counted("source", s.source, s.counts, s.reasons)
        for p in self.partners:
            out.append(_row("partner", p.partner, "accepted", "", p.accepted))
            out += _counted("partner", p.partner, p.counts, {**p.reasons, str(Delivery.DELIVERED): p.effects})
        return out

    def as_dict(self) -> dict[str, Any]:
        """The books as JSON values; from_dict() gives them back."""
        return {
            "balanced": self.balanced,
            "contiguous": self.contiguous,
            "since": _text(self.since),
            "until": _text(self.until),
            "sources": [
                {
                    "source": s.source,
                    "windows": s.windows,
                    "runs": s.runs,
                    "inputs": s.inputs,
                    "refused": s.refused,
                    "read": s.read,
                    "counts": dict(s.counts),
                    "reasons": {k: dict(v) for k, v in s.reasons.items()},
                    "gaps": [[_text(a), _text(b)] for a, b in s.gaps],
                }
                for s in self.sources
            ],
            "partners": [
                {
                    "partner": p.partner,
                    "accepted": p.accepted,
                    "counts": dict(p.counts),
                    "effects": dict(p.effects),
                    "reasons": {k: dict(v) for k, v in p.reasons.items()},
                }
                for p in self.partners
            ],
            "equations": [e.as_dict() for e in self.equations],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The books that as_dict() gave."""
        sources = [
            SourceBooks(**{**s, "gaps": tuple((_moment(a), _moment(b)) for a, b in s["gaps"])})
            for s in values["sources"]
        ]
        return cls(
            tuple(sources),
            tuple(PartnerBooks(**p) for p in values["partners"]),
            tuple(Equation.from_dict(e) for e in values["equations"]),
            _moment(values["since"]) if values["since"] else None,
            _moment(values["until"]) if values["until"] else None,
        )


def total(counts: Mapping[str, int], names: Iterable[str]) -> int:
    """Sum of the named counts."""
    return sum(counts.get(name, 0) for name in names)


def _row(of: str, name: str, state: str, code: str, count: int) -> dict[str, str | int]:
    return {"of": of, "name": name, "state": state, "code": code, "count": count}


def _counted(
    of: str, name: str, counts: Mapping[str, int], reasons: Mapping[str, Mapping[str, int]]
) -> list[dict[str, str | int]]:
    out = []
    for state, count in counts.items():
        out.append(_row(of, name, state, "", count))
        out += [_row(of, name, state, code, n) for code, n in reasons.get(state, {}).items()]
    return out


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
