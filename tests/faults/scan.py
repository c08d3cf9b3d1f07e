"""Eight sets that must be empty, from the generator's truth, the exchange's books and a full scan of the partner.

Nothing here asks the bridge what it did: the exchange and the partner are read with SQL of this module's own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any, Final

import psycopg

from tests.faults.truth import Truth
from tests.faults.world import Place, plain

_CASES: Final = """
SELECT c.document_reference, c.national_reference_number, c.case_reference,
       (SELECT count(*) FROM cis.commodity g WHERE g.case_reference = c.case_reference AND g.cash_amount IS NULL),
       (SELECT count(*) FROM cis.entry e WHERE e.case_reference = c.case_reference),
       i.idempotency_key, coalesce(i.withdrawn OR i.recalled, true) AS away
FROM cis.case c LEFT JOIN bridge_inbox.cis_case i ON i.key = c.case_reference
"""
_INBOX: Final = "SELECT count(*) FROM bridge_inbox.cis_case WHERE NOT withdrawn AND NOT recalled"
_READ: Final = """
SELECT i.name, t.ordinal, t.disposition FROM exchange.sealed_window w
JOIN exchange.input i ON i.run_id = w.run_id AND i.same_as IS NULL
JOIN exchange.intake t ON t.run_id = w.run_id AND t.input_id = i.id
WHERE w.source = 'cen'
"""
_UNTOLD: Final = """
SELECT r.origin_record_id, v.version FROM exchange.record_version v JOIN exchange.record r USING (bridge_id)
WHERE NOT EXISTS (SELECT FROM exchange.delivery d WHERE d.partner = 'cis' AND d.bridge_id = v.bridge_id
                  AND d.version = v.version AND d.disposition NOT IN ('pending', 'in_doubt'))
"""
_MOVES: Final = """
SELECT r.origin_record_id, count(*) FILTER (WHERE d.effect = 'insert'), count(*) FILTER (WHERE d.effect = 'withdraw')
FROM exchange.delivery d JOIN exchange.record r USING (bridge_id) WHERE d.partner = 'cis' GROUP BY 1
"""
_SENT: Final = (
    "SELECT DISTINCT idempotency_key FROM exchange.delivery WHERE partner = 'cis' AND disposition = 'delivered'"
)
_UNSEALED: Final = """
SELECT id FROM exchange.run r WHERE state IN ('running', 'failed') AND NOT EXISTS (
    SELECT FROM exchange.run later WHERE (later.kind, later.name, later.state) = (r.kind, r.name, 'sealed')
    AND r.kind = 'share' AND later.id > r.id)
"""
"""A share that a later one overtook does not count: that one had all its work to do."""


@dataclass(slots=True)
class Violations:
    """The eight sets; each entry says what and where, by identifiers of invented records."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    phantom: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    resurrected: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)
    double_accounted: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Entries of all sets together."""
        return sum(len(getattr(self, one.name)) for one in fields(self))

    def __str__(self) -> str:
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return "; ".join(f"{name}: {', '.join(entries[:5])}" for name, entries in found.items() if entries) or "none"


@dataclass(frozen=True, slots=True)
class Case:
    """One case as it lies at the partner."""

    ref: str
    mark: str
    key: str
    goods: int
    entries: int
    proof: bytes | None
    away: bool


class Scan:
    """One look at both databases, held against the truth.

    Args:
        winners: which of several twins stood, by the twins; the same twins must always have the same winner,
            whatever the order in which they came. Kept by the caller over all its scans.
    """

    def __init__(self, place: Place, truth: Truth, winners: dict[frozenset[str], str]) -> None:
        self._truth = truth
        self._winners = winners
        self._exchange = plain(place.exchange)
        self._partner = plain(place.partner)
        self.records = 0

    def settled(self) -> Violations:
        """The eight sets, once every window was collected and shared to its end."""
        found = Violations()
        cases = self._cases()
        self.records = len(cases)
        self._once(cases, found)
        self._truthful(cases, found)
        self._accounted(cases, found)
        return found

    def under_way(self) -> Violations:
        """What must hold at every moment, such as after a kill: nothing doubled, come back, leaked or made up."""
        found = Violations()
        self._once(self._cases(), found)
        return found

    def _once(self, cases: list[Case], found: Violations) -> None:
        every = {version.mark: version for version in self._truth.every()}
        known = set(self._truth.refs.values())
        for ref, times in Counter(case.ref for case in cases).items():
            if times > 1:
                found.duplicated.append(f"{ref} is there {times} times")
        for case in cases:
            version = every.get(case.mark)
            if version is None or case.ref not in known:
                found.phantom.append(f"{case.ref} {case.mark} was never sent")
            elif version.withheld or version.fault:
                found.leaked.append(f"{case.ref} {case.mark}")
            elif version.cancelled:
                found.resurrected.append(f"{case.ref} {case.mark} is a cancellation")
            elif case.goods > self._truth.goods[case.mark]:
                found.duplicated.append(f"{case.ref} {case.mark} has {case.goods} goods lines")
            elif case.goods < self._truth.goods[case.mark]:
                found.stale.append(f"{case.ref} {case.mark} has {case.goods} goods lines")
            if not case.entries:
                found.stale.append(f"{case.ref} {case.mark} has no entry")
            if case.proof is None:
                found.phantom.append(f"{case.ref} {case.mark} has no proof")
            elif case.away:
                found.resurrected.append(f"{case.ref} {case.mark} was taken back")

    def _truthful(self, cases: list[Case], found: Violations) -> None:
        expected = self._truth.expected()
        gone = {self._truth.refs[number] for number in self._truth.erased}
        standing = {self._truth.refs[number]: tops for number, tops in self._truth.standing().items()}
        there = {case.ref: case for case in cases}
        found.lost += [f"{ref} is not there" for ref in sorted(set(expected) - set(there))]
        for ref, case in there.items():
            if ref not in expected:
                top = next(iter(standing.get(ref, ())), None)
                if ref in gone or (top is not None and top.cancelled):
                    found.resurrected.append(f"{ref} {case.mark}")
                else:
                    found.leaked.append(f"{ref} {case.mark}")
            elif case.mark not in expected[ref]:
                found.stale.append(f"{ref} {case.mark}, not {'/'.join(sorted(expected[ref]))}")
            elif len(expected[ref]) > 1:
                winner = self._winners.setdefault(frozenset(expected[ref]), case.mark)
                if winner != case.mark:
                    found.stale.append(f"{ref} {case.mark}, and in another order {winner}")

    def _accounted(self, cases: list[Case], found: Violations) -> None:
        with psycopg.connect(self._partner) as session:
            proofs = _one(session, _INBOX)
        if proofs != len(cases):
            found.lost.append(f"{proofs} proofs for {len(cases)} cases")
        with psycopg.connect(self._exchange) as session:
            read = Counter((name, ordinal) for name, ordinal, _ in session.execute(_READ))
            became = {(name, ordinal): disposition for name, ordinal, disposition in session.execute(_READ)}
            sent = {bytes(key) for (key,) in session.execute(_SENT)}
            found.unaccounted += [f"{ref} version {n} for cis" for ref, n in session.execute(_UNTOLD)]
            found.unaccounted += [f"run {number} never ended" for (number,) in session.execute(_UNSEALED)]
            for ref, inserts, withdrawals in session.execute(_MOVES):
                if inserts - withdrawals not in (0, 1):
                    found.double_accounted.append(f"{ref}: {inserts} inserts, {withdrawals} withdrawals")
        found.phantom += [f"{case.ref} {case.mark} is not in the books" for case in cases if case.proof not in sent]
        for arrivals in self._truth.sent.values():
            for arrival in arrivals:
                for ordinal, version in enumerate(arrival.versions):
                    times = read[arrival.name, ordinal]
                    if times != 1:
                        (found.double_accounted if times else found.unaccounted).append(f"{arrival.name}:{ordinal}")
                    elif (became[arrival.name, ordinal] == "held") != (version.fault is not None):
                        found.unaccounted.append(f"{arrival.name}:{ordinal} is {became[arrival.name, ordinal]}")

    def _cases(self) -> list[Case]:
        with psycopg.connect(self._partner) as session:
            if not _one(session, "SELECT to_regclass('bridge_inbox.cis_case') IS NOT NULL"):
                return [Case("", "a case without an inbox", "", 0, 0, None, True)] * _one(
                    session, "SELECT count(*) FROM cis.case"
                )
            rows = session.execute(_CASES).fetchall()
        return [Case(ref.removeprefix("CEN:"), *rest) for ref, *rest in rows]


def _one(session: psycopg.Connection[Any], question: str) -> Any:
    row = session.execute(question.encode()).fetchone()
    return row[0] if row else None
