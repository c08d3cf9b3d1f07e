"""Eight sets that must be empty, from the generator's truth, the exchange's books and a full scan of the partner.

Nothing here asks the bridge what it did: the exchange and the partner are read with SQL of this module's own.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, fields
from types import TracebackType
from typing import Any, Final, Self

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
SELECT m.bridge_id::text, r.origin_record_id, m.inserts, m.found, m.withdrawals FROM (
    SELECT d.bridge_id, count(*) FILTER (WHERE d.effect = 'insert') AS inserts,
           count(*) FILTER (WHERE d.effect = 'withdraw') AS withdrawals,
           count(DISTINCT d.idempotency_key) FILTER (WHERE d.disposition = 'unchanged' AND d.holds) AS found,
           count(DISTINCT d.idempotency_key) FILTER (WHERE d.disposition = 'unchanged' AND NOT d.holds) AS away
    FROM exchange.delivery d WHERE d.partner = 'cis' GROUP BY 1) m
JOIN exchange.record r USING (bridge_id)
WHERE m.inserts - m.withdrawals - m.away > 1 OR m.inserts + m.found < m.withdrawals
"""
_REMOVED: Final = """
SELECT key FROM bridge_inbox.cis_case WHERE (withdrawn OR recalled) AND previous_hash IS NOT NULL
"""
"""What was at the partner when it was taken back."""
"""Records that were put there twice by the books, or taken away without having been there.

What a try put there that died before the exchange knew of it counts as found there by the next, and what it took away
as found away; if the next is to take back what nobody knew to be there, the partner's own row says whether it was.
"""
_SENT: Final = """
SELECT DISTINCT idempotency_key FROM exchange.delivery
WHERE partner = 'cis' AND disposition IN ('delivered', 'unchanged') AND holds AND idempotency_key IS NOT NULL
"""
"""What a try put there that died before the exchange knew of it stands in the books as found there unchanged."""
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

    def named(self) -> list[str]:
        """Names of the sets that are not empty."""
        return sorted(one.name for one in fields(self) if getattr(self, one.name))

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
    """Looks at both databases of one installation, held against the truth; to be closed.

    The same twins must have the same winner at every look, in whatever order they came.
    """

    def __init__(self, place: Place, truth: Truth) -> None:
        self.place = place
        self.truth = truth
        self.records = 0
        self._before: dict[str, set[str]] = {}
        self._winners: dict[frozenset[str], str] = {}
        self._sessions: dict[str, psycopg.Connection[Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        while self._sessions:
            self._sessions.popitem()[1].close()

    def remember(self) -> None:
        """Keep what the partner must hold now: until the window that comes next is shared, it may hold that still."""
        self._before = self.truth.expected()

    def settled(self) -> Violations:
        """The eight sets, once every window was collected and shared to its end."""
        found = Violations()
        cases = self._cases()
        self.records = len(cases)
        self._once(cases, found)
        self._truthful(cases, found)
        self._accounted(cases, found)
        self._read(found, under_way=False)
        return found

    def under_way(self) -> Violations:
        """The eight sets as far as they must be empty at every moment, such as after a kill.

        Of each record the partner must hold what stood before the newest window, or what stands after it; of the
        newest window the books may say nothing yet.
        """
        found = Violations()
        cases = self._cases()
        self.records = len(cases)
        self._once(cases, found)
        self._between(cases, found)
        self._read(found, under_way=True)
        return found

    def _once(self, cases: list[Case], found: Violations) -> None:
        every = {version.mark: version for version in self.truth.every()}
        known = set(self.truth.refs.values())
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
            elif case.goods > self.truth.goods[case.mark]:
                found.duplicated.append(f"{case.ref} {case.mark} has {case.goods} goods lines")
            elif case.goods < self.truth.goods[case.mark]:
                found.stale.append(f"{case.ref} {case.mark} has {case.goods} goods lines")
            if not case.entries:
                found.stale.append(f"{case.ref} {case.mark} has no entry")
            if case.proof is None:
                found.phantom.append(f"{case.ref} {case.mark} has no proof")
            elif case.away:
                found.resurrected.append(f"{case.ref} {case.mark} was taken back")

    def _between(self, cases: list[Case], found: Violations) -> None:
        now = self.truth.expected()
        there = {case.ref for case in cases}
        found.lost += [f"{ref} is not there" for ref in sorted(set(self._before) & set(now) - there)]
        for case in cases:
            may = self._before.get(case.ref, set()) | now.get(case.ref, set())
            if not may:
                found.resurrected.append(f"{case.ref} {case.mark} stood neither before nor after")
            elif case.mark not in may:
                found.stale.append(f"{case.ref} {case.mark}, not {'/'.join(sorted(may))}")

    def _truthful(self, cases: list[Case], found: Violations) -> None:
        expected = self.truth.expected()
        gone = {self.truth.refs[number] for number in self.truth.erased}
        standing = {self.truth.refs[number]: tops for number, tops in self.truth.standing().items()}
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
        proofs = self._one("partner", _INBOX)
        if proofs != len(cases):
            found.lost.append(f"{proofs} proofs for {len(cases)} cases")
        sent = {bytes(key) for (key,) in self._rows("exchange", _SENT)}
        found.unaccounted += [f"{ref} version {n} for cis" for ref, n in self._rows("exchange", _UNTOLD)]
        found.unaccounted += [f"run {number} never ended" for (number,) in self._rows("exchange", _UNSEALED)]
        found.phantom += [f"{case.ref} {case.mark} is not in the books" for case in cases if case.proof not in sent]

    def _read(self, found: Violations, *, under_way: bool) -> None:
        """What was read and moved; ``under_way`` the newest window need not have been."""
        removed: set[str] | None = None
        for key, ref, inserts, there, withdrawals in self._rows("exchange", _MOVES):
            if withdrawals == inserts + there + 1:
                if removed is None:
                    removed = {one for (one,) in self._rows("partner", _REMOVED)}
                if key in removed:
                    continue
            found.double_accounted.append(f"{ref}: {inserts} inserts, {there} found there, {withdrawals} withdrawals")
        intake = self._rows("exchange", _READ)
        read = Counter((name, ordinal) for name, ordinal, _ in intake)
        became = {(name, ordinal): disposition for name, ordinal, disposition in intake}
        newest = max(self.truth.sent, default=-1)
        for day, arrivals in self.truth.sent.items():
            for arrival in arrivals:
                for ordinal, version in enumerate(arrival.versions):
                    times = read[arrival.name, ordinal]
                    if under_way and day == newest and not times:
                        continue
                    if times != 1:
                        (found.double_accounted if times else found.unaccounted).append(f"{arrival.name}:{ordinal}")
                    elif (became[arrival.name, ordinal] == "held") != (version.fault is not None):
                        found.unaccounted.append(f"{arrival.name}:{ordinal} is {became[arrival.name, ordinal]}")

    def _cases(self) -> list[Case]:
        if not self._one("partner", "SELECT to_regclass('bridge_inbox.cis_case') IS NOT NULL"):
            unproven = self._one("partner", "SELECT count(*) FROM cis.case")
            return [Case("", "a case without an inbox", "", 0, 0, None, True)] * unproven
        return [Case(ref.removeprefix("CEN:"), *rest) for ref, *rest in self._rows("partner", _CASES)]

    def _one(self, role: str, question: str) -> Any:
        ((value,),) = self._rows(role, question)
        return value

    def session(self, role: str) -> psycopg.Connection[Any]:
        """What this looks at one of the databases with."""
        if role not in self._sessions:
            self._sessions[role] = psycopg.connect(plain(getattr(self.place, role)), autocommit=True)
        return self._sessions[role]

    def _rows(self, role: str, question: str) -> list[tuple[Any, ...]]:
        with suppress(psycopg.OperationalError):
            return self.session(role).execute(question.encode()).fetchall()
        del self._sessions[role]  # the server crashed between two looks
        return self.session(role).execute(question.encode()).fetchall()
