"""What the exchange stores: the tables, as SQLAlchemy metadata with a comment on each table and column.

Two schemas: ``exchange`` holds nothing nominal; ``exchange_nominal`` holds the
other half of each document and is granted apart. Tables that get one row per
record carry no foreign keys: a check per row would cost more than the row. The
books prove the same from the counts, for every run.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, TIMESTAMP, UUID

SCHEMA: Final = "exchange"
NOMINAL: Final = "exchange_nominal"

metadata = sa.MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    },
)

Moment = TIMESTAMP(timezone=True)
Big = sa.BigInteger
Text = sa.Text


def column(
    name: str, kind: Any, comment: str, *rest: Any, null: bool = False, key: bool = False, default: Any = None
) -> sa.Column[Any]:
    """A column that is filled unless ``null``."""
    return sa.Column(name, kind, *rest, primary_key=key, nullable=null, server_default=default, comment=comment)


def identity(comment: str) -> sa.Column[Any]:
    """The table's own number, given by the database."""
    return sa.Column("id", Big, sa.Identity(always=True), primary_key=True, comment=comment)


def one_of(name: str, values: str) -> sa.CheckConstraint:
    """The column has one of the words."""
    listed = ", ".join(f"'{value}'" for value in values.split())
    return sa.CheckConstraint(f"{name} IN ({listed})", name=name)


def moment(name: str, comment: str, *, null: bool = False, now: bool = False) -> sa.Column[Any]:
    """A moment in UTC."""
    default = sa.text("clock_timestamp()") if now else None
    return sa.Column(name, Moment, nullable=null, server_default=default, comment=comment)


def to_run() -> sa.ForeignKey:
    """Points at a run."""
    return sa.ForeignKey("exchange.run.id")


INTAKE = "accepted unchanged superseded held out_of_scope echo"
DELIVERY = "delivered unchanged superseded held withheld pending in_doubt"

run = sa.Table(
    "run",
    metadata,
    identity("number of the attempt; grows with time"),
    column("kind", Text, "collect: a source's window; share: one partner's turn; decide: a decision"),
    column("name", Text, "the source or the partner"),
    column("run_key", Text, "what the orchestrator calls this run; the same at every attempt"),
    column("attempt", sa.Integer, "1 for the first attempt under this key"),
    moment("since", "start of the window, inclusive; null in a share of everything", null=True),
    moment("until", "end of the window, exclusive", null=True),
    column("mapping", Text, "name of the mapping"),
    column("fingerprint", Text, "hash of the mapping with its code lists and schemas"),
    column("revision", sa.Integer, "how often the mapping had changed when the run began"),
    column("redeliver", sa.Boolean, "share: offers again what already has its end state", default=sa.false()),
    column("state", Text, "running, sealed, failed, or abandoned for a later attempt"),
    moment("started_at", "when the attempt began", now=True),
    moment("finished_at", "when it was sealed or failed", null=True),
    column("selected", Big, "share: versions that must be settled in this run", null=True),
    column("covers", ARRAY(Big), "share: collect runs whose versions were all selected", null=True),
    column("books", JSONB, "counts and equations at the end", null=True),
    column("note", Text, "why it failed, free of values", null=True),
    column("judgement", JSONB, "what quality found, without values, and who let it pass", null=True),
    column("decisions", ARRAY(Big), "share: decisions whose records were all selected", null=True),
    column("approved", JSONB, "share: who let it pass the partner's limits, when, and with what figures", null=True),
    sa.UniqueConstraint("run_key", "attempt"),
    one_of("kind", "collect share decide"),
    one_of("state", "running sealed failed abandoned"),
    sa.Index(None, "kind", "name", "state"),
    comment="One row per attempt to collect a window or to share with a partner, and per decision",
)

sealed_window = sa.Table(
    "sealed_window",
    metadata,
    column("source", Text, "the source", key=True),
    sa.Column("since", Moment, primary_key=True, comment="start, inclusive"),
    sa.Column("until", Moment, primary_key=True, comment="end, exclusive"),
    column("run_id", Big, "the run that sealed it last", to_run()),
    moment("sealed_at", "when", now=True),
    column("rows_read", Big, "rows read by that run"),
    sa.CheckConstraint("since < until", name="since"),
    comment="Windows collected completely; windows of other lengths may overlap, for intake changes nothing twice",
)

inputs = sa.Table(
    "input",
    metadata,
    identity("number of the input in its run"),
    column("run_id", Big, "the run that took it in", to_run()),
    column("name", Text, "unique within the source: a path below the drop folder, or the window"),
    column("sha256", Text, "hash of the bytes as received, and their name in the archive"),
    column("size", Big, "bytes"),
    moment("arrival", "when it came to be there"),
    column("counted", Big, "rows counted apart from reading; null if the connector cannot count", null=True),
    column("rows_read", Big, "rows read; null until sealed", null=True),
    column("same_as", Big, "input of this run with the same bytes, which is read instead", null=True),
    column("problem_code", Text, "why the input as a whole is held", null=True),
    column("problem_rule", Text, "what refused it", null=True),
    column("problem", Text, "the reason in words", null=True),
    column("notes", JSONB, "what else the connector says of it", null=True),
    sa.UniqueConstraint("run_id", "name"),
    sa.Index(None, "sha256"),
    comment="Inputs of collect runs: files, or the extract of a window",
)

mapping_revision = sa.Table(
    "mapping_revision",
    metadata,
    column("mapping", Text, "name of the mapping", key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False, comment="1 for the first seen"),
    column("fingerprint", Text, "hash of the mapping with its code lists and schemas"),
    moment("first_seen", "when a run first used it, since it last changed", now=True),
    column("parts", JSONB, "sha256 of every file behind the fingerprint, by path", default=sa.text("'{}'")),
    column(
        "authorised",
        ARRAY(Big),
        "share: authorisations in force for the partner; another set is another revision",
        default=sa.text("'{}'"),
    ),
    comment="The order of a mapping's fingerprints: a higher revision decides between equal source versions",
)

record = sa.Table(
    "record",
    metadata,
    column("bridge_id", UUID, "UUIDv5 of origin system and record id", key=True),
    column("origin_system", Text, "system that first recorded the seizure"),
    column("origin_record_id", Text, "its identifier there"),
    column("version", sa.Integer, "the current version"),
    column("cancelled", sa.Boolean, "order, first: a cancelled record never comes back"),
    moment("source_version", "order, second: the source's version time, of the newest version with this content"),
    column("revision", sa.Integer, "order, third: the mapping revision"),
    column("content_hash", BYTEA, "order, last: SHA-256 of the document, nominal part included"),
    column("run_id", Big, "the run that last moved it"),
    column("supplier", Text, "the country that supplied it first, which alone may amend it", null=True),
    sa.UniqueConstraint("origin_system", "origin_record_id"),
    comment="One row per seizure: its current version and its place in the order of versions",
)

record_version = sa.Table(
    "record_version",
    metadata,
    column("bridge_id", UUID, "the record", key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False, comment="1, 2, ... as accepted"),
    moment("source_version", "the source's version time"),
    column("revision", sa.Integer, "mapping revision that made the document"),
    column("content_hash", BYTEA, "SHA-256 of the document, nominal part included"),
    column("cancelled", sa.Boolean, "the record status says it no longer stands"),
    column("record_status", Text, "code", null=True),
    column("seizure_date", Text, "ISO date, month or year", null=True),
    column("seizure_country", Text, "ISO 3166-1 alpha-2", null=True),
    column("commodity_group", Text, "code of the first goods line", null=True),
    column("operation_code", Text, "joint operation", null=True),
    column("input_id", Big, "the input it came from"),
    column("ordinal", Big, "its number in that input, from 0"),
    column("run_id", Big, "the run that accepted it"),
    column("payload", Text, "canonical JSON of all non-nominal fields"),
    sa.Index(None, "run_id", postgresql_include=["bridge_id", "version"]),
    comment="Every accepted version with its document; never changed",
)

payload_nominal = sa.Table(
    "payload_nominal",
    metadata,
    column("bridge_id", UUID, "the record", key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False, comment="its version"),
    column("payload", BYTEA, "nonce and AES-256-GCM of the canonical JSON of all other fields"),
    column("key_id", Text, "the supplier's key under which it is"),
    schema=NOMINAL,
    comment="The nominal part of documents; read only where a release policy allows it",
)

intake = sa.Table(
    "intake",
    metadata,
    column("run_id", Big, "the run", key=True),
    sa.Column("input_id", Big, primary_key=True, autoincrement=False, comment="the input"),
    sa.Column("ordinal", Big, primary_key=True, autoincrement=False, comment="record number; -1 the input as a whole"),
    column("position", Big, "byte offset, line or sheet row", null=True),
    column("rows", sa.Integer, "rows of the input that make this record"),
    column("bridge_id", UUID, "the record, if its identifier could be read", null=True),
    column("disposition", Text, "its end state in this run"),
    column("code", Text, "problem code of held, rule of out_of_scope, TIE for equal versions", null=True),
    one_of("disposition", INTAKE),
    comment="One row per record of every run: nothing read is unaccounted, nothing is accounted twice",
)
