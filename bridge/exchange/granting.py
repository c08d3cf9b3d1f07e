"""A supplier's word on onward transfer, as a person enters it or takes it back: each act is sealed, none is changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from bridge.errors import Misconfigured
from bridge.exchange.authority import authorisation
from bridge.exchange.chain import append
from bridge.exchange.decisions import DECIDE
from bridge.exchange.revisions import Used
from bridge.exchange.runs import begin, end
from bridge.ledger import Books

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('authorisation', 0))"
_STANDS: Final = """
SELECT g.partner, EXISTS (SELECT FROM exchange.authorisation r WHERE r.revokes = g.id) AS revoked
FROM exchange.authorisation g WHERE g.id = :number AND g.revokes IS NULL
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a supplier authorises.

    Args:
        supplier: the country that supplied the records meant, or their system of origin where they name no country.
        valid_until: the first moment at which it no longer holds.
        granted_by: who gave it at the supplier.
        by: who enters it here; ``reason``: its ground, such as the act or the letter.
        groups: only records all of whose goods are of these commodity groups; all if empty.
        operation: only records of this joint operation; any if "".
        record: bridge id of the one record meant; None for any.
        conditions: under which the supplier gives it; they travel with the record.
    """

    partner: str
    supplier: str
    valid_from: datetime
    valid_until: datetime
    granted_by: str
    by: str
    reason: str
    groups: tuple[str, ...] = ()
    operation: str = ""
    record: uuid.UUID | None = None
    conditions: str = ""


def grant(connection: sa.Connection, given: Grant) -> int:
    """Enter an authorisation and seal it, as the last thing in the transaction; gives its number.

    Raises:
        Misconfigured: NO_REASON, a name or the ground is missing; BAD_PERIOD, it ends before it begins or is over.
    """
    _named(given.partner, given.supplier, given.granted_by, given.by, given.reason)
    if given.valid_from >= given.valid_until:
        what = "the authorisation would end before it begins"
        raise Misconfigured("BAD_PERIOD", given.partner, what, "Give --until a moment after --from")
    if given.valid_until <= datetime.now(UTC):
        what = "the authorisation would be over before it is entered"
        raise Misconfigured("BAD_PERIOD", given.partner, what, "Give --until a moment that is still to come")
    return _enter(
        connection,
        "authorise",
        partner=given.partner,
        supplier=given.supplier,
        commodity_groups=list(given.groups) or None,
        operation=given.operation or None,
        bridge_id=given.record,
        conditions=given.conditions,
        valid_from=given.valid_from,
        valid_until=given.valid_until,
        granted_by=given.granted_by,
        entered_by=given.by,
        reason=given.reason,
    )


def revoke(connection: sa.Connection, number: int, by: str, reason: str) -> str:
    """Revoke an authorisation and seal that, as the last thing in the transaction; gives its partner.

    Raises:
        Misconfigured: NO_REASON, NO_SUCH_AUTHORISATION or ALREADY_REVOKED.
    """
    where = f"authorisation {number}"
    _named(where, by, reason)
    found = connection.execute(sa.text(_STANDS), {"number": number}).one_or_none()
    if found is None:
        what = "there is no such authorisation"
        raise Misconfigured("NO_SUCH_AUTHORISATION", where, what, "bridge authorise list names them")
    if found.revoked:
        what = "it was revoked before"
        raise Misconfigured("ALREADY_REVOKED", where, what, "bridge authorise list says by whom and why")
    _enter(connection, "revoke", partner=found.partner, revokes=number, entered_by=by, reason=reason)
    return str(found.partner)


def _enter(connection: sa.Connection, act: str, **values: Any) -> int:
    """Write one act under a run of its own; no share begins meanwhile, so each knows either all of it or nothing."""
    connection.execute(sa.text(_LOCK))
    run = begin(connection, DECIDE, act, None, Used(DECIDE, DECIDE, {}), f"{DECIDE} {uuid.uuid4()}")
    written = authorisation.insert().values(run_id=run.id, **values).returning(authorisation.c.id)
    number = int(connection.execute(written).scalar_one())
    books = Books()
    end(connection, run, "sealed", books)
    append(connection, run, books)
    return number


def _named(where: str, *said: str) -> None:
    if not all(one.strip() for one in said):
        what = "somebody at the supplier gives an authorisation; a named person enters or revokes it, for a reason"
        raise Misconfigured("NO_REASON", where, what, "Give all names and the reason")
