"""Letting a text go that the scan kept back: one person proposes, another approves, and it is bound to what they saw.

Only a text that has the form of personal data can be released. One that names the record's own persons, or tells a
special category of data, never is; nor is anything that a policy gives no ground for: no decision reaches those.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from bridge.errors import Misconfigured
from bridge.exchange import decisions
from bridge.exchange.decisions import APPROVE, PROPOSE, Decision
from bridge.exchange.held import HeldProblem, one

RELEASABLE: Final = "TEXT_KEPT_BACK"
"""Code of the one problem that two people can settle."""
_RECORD: Final = "SELECT version, content_hash, cancelled FROM exchange.record WHERE bridge_id = :id FOR SHARE"
_PROPOSAL: Final = """
SELECT p.*, EXISTS (SELECT FROM exchange.decision a WHERE a.decision_id = p.id AND a.kind = 'approve') AS approved
FROM exchange.decision p WHERE p.id = :id AND p.kind = 'propose'
"""


def propose(connection: sa.Connection, held_id: int, by: str, reason: str) -> int:
    """Propose that the text of a held problem leave; gives the number to be approved.

    Raises:
        Misconfigured: NOT_HELD, NOT_RELEASABLE, RECORD_CHANGED or NO_REASON.
    """
    problem = one(connection, held_id)
    where = f"held {held_id}"
    _require_releasable(problem, where)
    record = _record(connection, problem.bridge_id)
    if record.version != problem.version or record.cancelled:
        raise _changed(where)
    made = Decision(
        PROPOSE,
        by,
        reason,
        bridge_id=problem.bridge_id,
        partner=problem.name,
        version=record.version,
        content_hash=bytes(record.content_hash),
        about=problem.field,
        held_id=held_id,
    )
    return decisions.make(connection, [made])[0]


def approve(connection: sa.Connection, proposal_id: int, by: str, reason: str) -> Any:
    """Approve another person's proposal; gives it. The next share with the partner lets the text go.

    Raises:
        Misconfigured: NO_PROPOSAL, ALREADY_APPROVED, SAME_PERSON, RECORD_CHANGED, NOT_RELEASABLE or NO_REASON.
    """
    where = f"decision {proposal_id}"
    proposal = connection.execute(sa.text(_PROPOSAL), {"id": proposal_id}).one_or_none()
    if proposal is None:
        raise Misconfigured("NO_PROPOSAL", where, "there is no such proposal", "Propose first: bridge held release ID")
    if proposal.approved:
        what = "another person has approved this already"
        raise Misconfigured("ALREADY_APPROVED", where, what, f"Share with the partner: bridge share {proposal.partner}")
    if decisions.same_person(by, proposal.decided_by):
        what = "nobody approves what they have proposed themselves"
        raise Misconfigured("SAME_PERSON", where, what, "Have another person look at it and approve it")
    problem = one(connection, proposal.held_id)
    _require_releasable(problem, where)
    record = _record(connection, proposal.bridge_id)
    if (record.version, bytes(record.content_hash)) != (proposal.version, bytes(proposal.content_hash)):
        raise _changed(where)
    made = Decision(
        APPROVE,
        by,
        reason,
        bridge_id=proposal.bridge_id,
        partner=proposal.partner,
        version=proposal.version,
        content_hash=bytes(proposal.content_hash),
        about=proposal.about,
        decision_id=proposal.id,
    )
    decisions.make(connection, [made])
    return proposal


def _record(connection: sa.Connection, bridge_id: Any) -> Any:
    """The record as it is now; nobody moves it before this transaction ends."""
    return connection.execute(sa.text(_RECORD), {"id": bridge_id}).one()


def _require_releasable(problem: HeldProblem, where: str) -> None:
    if problem.code != RELEASABLE or not problem.at_partner:
        what = f"{problem.code} is not for people to let pass"
        fix = f"Only {RELEASABLE} can be released; have the cause mended at the source, in the mapping or in the policy"
        raise Misconfigured("NOT_RELEASABLE", where, what, fix)
    if problem.state != "open":
        raise _changed(where)


def _changed(where: str) -> Misconfigured:
    what = "the record, or what is released of it, has changed since"
    return Misconfigured("RECORD_CHANGED", where, what, "Look at it as it is now: bridge held --code TEXT_KEPT_BACK")
