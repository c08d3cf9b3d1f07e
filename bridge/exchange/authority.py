"""What the exchange stores of who may have what and who has read what: tables to which rows are only added."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, UUID

from bridge.exchange.tables import Big, Text, column, identity, metadata, moment, to_run

authorisation: Final = sa.Table(
    "authorisation",
    metadata,
    identity("its number"),
    column("run_id", Big, "the run that sealed it", to_run()),
    column("partner", Text, "the partner that may receive"),
    column(
        "revokes",
        Big,
        "revocation: the authorisation that it ends; all that follows is null",
        sa.ForeignKey("exchange.authorisation.id"),
        null=True,
    ),
    column("supplier", Text, "country that supplied the records, or their system of origin", null=True),
    column("commodity_groups", ARRAY(Text), "only records all of whose goods are of these; null for all", null=True),
    column("operation", Text, "only records of this joint operation; null for any", null=True),
    column("bridge_id", UUID, "only this record; null for any", null=True),
    column("conditions", Text, "the supplier's conditions; they travel with the record", null=True),
    moment("valid_from", "when it begins to hold, inclusive", null=True),
    moment("valid_until", "when it ends, exclusive", null=True),
    column("granted_by", Text, "who gave it at the supplier", null=True),
    column("entered_by", Text, "who entered or revoked it here"),
    column("reason", Text, "its ground, such as the act or the letter; or why it is revoked"),
    moment("at", "when it was entered", now=True),
    sa.UniqueConstraint("revokes"),
    sa.Index(None, "run_id"),
    sa.CheckConstraint(
        "(revokes IS NULL) = (num_nulls(supplier, conditions, valid_from, valid_until, granted_by) = 0)", name="kind"
    ),
    sa.CheckConstraint("valid_from < valid_until", name="period"),
    comment="Onward transfer that suppliers have authorised, and revocations of that; rows are added and never changed",
)

authorised: Final = sa.Table(
    "authorised",
    metadata,
    sa.Column("run_id", Big, primary_key=True, autoincrement=False, comment="the share run"),
    column("bridge_id", UUID, "the record", key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False, comment="its version"),
    column("authorisation", Big, "the authorisation", sa.ForeignKey("exchange.authorisation.id")),
    comment="Under which authorisation a share released a version that a rule would otherwise have withheld",
)

likeness: Final = sa.Table(
    "likeness",
    metadata,
    column("bridge_id", UUID, "the record", key=True),
    column("version", sa.Integer, "its version when it was compared"),
    column("origin_system", Text, "system that first recorded it"),
    column("supplier", Text, "country that supplied it, or its system of origin"),
    column("country", Text, "country of seizure", null=True),
    column("commodity_group", Text, "of the first goods line", null=True),
    column("day", sa.Date, "of the seizure, where it is a full date", null=True),
    column("quantity", sa.Numeric, "of the first goods line", null=True),
    column("step", sa.Integer, "which step of 5 % above 1 the quantity has reached", null=True),
    column("unit", Text, "of that quantity", null=True),
    column("containers", ARRAY(Text), "container numbers"),
    column("journeys", ARRAY(Text), "numbers of flights, voyages and trains"),
    column("route", Text, "countries in their order", null=True),
    column("came", Big, "the run that accepted its first version"),
    sa.Index("likeness_goods_idx", "country", "commodity_group", "unit", "step", "day"),
    comment="What records are compared by to find probable duplicates; made anew from documents at any time",
)

likeness_key: Final = sa.Table(
    "likeness_key",
    metadata,
    column("key", Text, "number of a container, or of a journey with its day", key=True),
    column("bridge_id", UUID, "the record", sa.ForeignKey("exchange.likeness.bridge_id", ondelete="CASCADE"), key=True),
    sa.Index(None, "bridge_id"),
    comment="Containers and journeys under which a record is looked up when another may be its duplicate",
)

duplicate: Final = sa.Table(
    "duplicate",
    metadata,
    identity("number of the pair"),
    column("first", UUID, "the record that came first"),
    column("second", UUID, "the other"),
    column("score", sa.Integer, "points of the parts that agree"),
    column("parts", ARRAY(Text), "what agrees, in words"),
    moment("at", "when it was found", now=True),
    sa.UniqueConstraint("first", "second"),
    comment="Pairs of records that may be one seizure; what a person says of them is a decision",
)

nominal_read: Final = sa.Table(
    "nominal_read",
    metadata,
    identity("its number"),
    column("who", Text, "the account that read, or the share that did"),
    column("purpose", Text, "what for"),
    column("run_id", Big, "share: the run, whose deliveries name the records", null=True),
    column("records", sa.Integer, "versions whose nominal part was read"),
    column("commitment", BYTEA, "SHA-256 of their bridge ids and versions (16 and 4 bytes each), in ascending order"),
    column("bridge_ids", ARRAY(UUID), "the records; null for a share", null=True),
    moment("at", "when", now=True),
    sa.Index(None, "at"),
    comment="Every read of nominal parts of documents; rows are added, never changed, and erased after six months",
)
