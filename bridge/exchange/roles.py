"""Who may do what in the exchange: one role of the database for each kind of work, with the least that it needs.

What collects writes documents and cannot read them back; what shares reads what it delivers, and the nominal part only
of versions that a share under way has selected, only where the partner's policy lets nominal fields pass; what audits
reads everything but the nominal part and writes nothing. None of them changes or deletes what is sealed: entries are
only ever added, and rows of a run that is sealed are shut by row security.

The roles belong to the whole server, the grants to one database. Both are made by every migration, where the account
that migrates may make roles; where it may not, a person with that right runs what script() gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from bridge.exchange.tables import NOMINAL, SCHEMA


class Role(StrEnum):
    """A kind of work."""

    COLLECT = "collect"
    SHARE = "share"
    """Shares with partners whose policy lets nothing nominal pass."""
    SHARE_NOMINAL = "share_nominal"
    """Shares with the other partners."""
    AUDIT = "audit"
    """Books, held records, seals, pages: everything but the nominal part."""
    NOMINAL = "nominal"
    """What a person asks of whole documents: try, plan, explain, verify."""

    @property
    def there(self) -> str:
        """Its name on the server."""
        return f"bridge_{self}"


_ADD: Final = "SELECT, INSERT"
_WORK: Final = "SELECT, INSERT, DELETE"
_RUN: Final = "SELECT, INSERT, UPDATE (state, finished_at, note, books, {})"
_DOCUMENT: Final = (
    "bridge_id, version, source_version, revision, content_hash, cancelled, record_status, seizure_date,"
    " seizure_country, commodity_group, operation_code, input_id, ordinal, run_id"
)
GRANTS: Final[Mapping[str, tuple[str, str]]] = {
    "exchange.run": (_RUN.format("judgement"), _RUN.format("selected, covers, decisions, approved")),
    "exchange.sealed_window": ("SELECT, INSERT, UPDATE (run_id, rows_read, sealed_at)", ""),
    "exchange.input": (
        "SELECT, INSERT, UPDATE (sha256, size, arrival, counted, rows_read, same_as, problem_code, problem_rule,"
        " problem, notes)",
        "SELECT",
    ),
    "exchange.mapping_revision": (_ADD, _ADD),
    "exchange.record": (
        "SELECT, INSERT, UPDATE (version, cancelled, source_version, revision, content_hash, run_id, supplier)",
        "SELECT",
    ),
    "exchange.record_version": (f"INSERT, SELECT ({_DOCUMENT})", "SELECT"),
    "exchange_nominal.payload_nominal": ("INSERT", ""),
    "exchange.intake": (_ADD, "SELECT (run_id, disposition)"),
    "exchange.held": (
        "SELECT, INSERT, UPDATE (state, redriven_by, redrive_of)",
        f"{_ADD}, UPDATE (state, redriven_by)",
    ),
    "exchange.partner": ("", "SELECT, INSERT (partner), UPDATE (selections)"),
    "exchange.delivery": (
        "",
        "SELECT, INSERT, UPDATE (disposition, effect, code, holds, released_hash, idempotency_key, receipt, at)",
    ),
    "exchange.coverage": ("", _ADD),
    "exchange.outbox": ("", "SELECT, INSERT, UPDATE (run_id, sent), DELETE"),
    "exchange_nominal.message": ("", _ADD),
    "exchange.decision": ("SELECT", "SELECT"),
    "exchange.applied": ("", _ADD),
    "exchange.cut_short": ("", ""),
    "exchange.authorisation": ("SELECT", "SELECT"),
    "exchange.authorised": ("", _ADD),
    "exchange.contribution": ("", f"{_ADD}, UPDATE (version, first, first_version, added, why)"),
    "exchange.correction": (_ADD, ""),
    "exchange.likeness": ("", ""),
    "exchange.likeness_key": ("", ""),
    "exchange.duplicate": ("", ""),
    "exchange.nominal_read": ("", "INSERT, SELECT (id)"),
    "exchange.seal": (_ADD, _ADD),
    "exchange.segment": ("INSERT", "INSERT"),
    "exchange.stamp": (_ADD, _ADD),
    "exchange.selection": ("", _WORK),
    "exchange.handing": ("", f"{_WORK}, UPDATE (ordinals)"),
    "exchange.unsettled": ("", _WORK),
    "exchange.staging": (_WORK, ""),
}
"""What collecting and what sharing may do with each table; a test holds it against the tables there are."""
SELECTED: Final = f"{NOMINAL}.selected"
"""The view of nominal parts that shares under way have selected."""
_READERS: Final = (Role.AUDIT, Role.NOMINAL)
_NEVER_NOMINAL: Final = (Role.AUDIT, Role.SHARE)


def grant(connection: sa.Connection) -> None:
    """Make the roles, where the account may, and give each that exists just what it may do here."""
    may = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    if connection.scalar(sa.text(may)):
        connection.exec_driver_sql("\n".join(map(_made, Role)))
    known = set(connection.scalars(sa.text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'bridge\\_%'")))
    given = [line for role in Role if role.there in known for line in _given(role)]
    if given:
        connection.exec_driver_sql("\n".join(given))


def script() -> str:
    """SQL that makes the roles and grants all they may do, for a person who may; run again it changes nothing."""
    return "\n".join([*map(_made, Role), *(line for role in Role for line in _given(role))]) + "\n"


def _made(role: Role) -> str:
    # Another database of this server may be migrated at the same time.
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role.there}') THEN"
        f" CREATE ROLE {role.there} NOLOGIN; END IF;"
        " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;"
    )


def _given(role: Role) -> Iterator[str]:
    """Statements that take all away from the role and give it what it may do."""
    name = role.there
    for schema in (SCHEMA, NOMINAL):
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {name};"
        yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {name};"
        yield f"REVOKE ALL ON SCHEMA {schema} FROM {name};"
    yield f"GRANT USAGE ON SCHEMA {SCHEMA} TO {name};"
    if role is Role.NOMINAL:  # who reads it leaves word of it
        yield f"GRANT INSERT ON {SCHEMA}.nominal_read TO {name};"
    if role in _READERS:
        yield f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {name};"
        yield f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {name};"
    if role not in _NEVER_NOMINAL:
        yield f"GRANT USAGE ON SCHEMA {NOMINAL} TO {name};"
    if role is Role.NOMINAL:
        yield f"GRANT SELECT ON ALL TABLES IN SCHEMA {NOMINAL} TO {name};"
    if role is Role.SHARE_NOMINAL:
        yield f"GRANT SELECT ON {SELECTED} TO {name};"
    if role not in _READERS:
        for table, (collects, shares) in GRANTS.items():
            rights = collects if role is Role.COLLECT else shares
            shut = role in _NEVER_NOMINAL and table.startswith(f"{NOMINAL}.")
            if rights and not shut:
                yield f"GRANT {rights} ON {table} TO {name};"
