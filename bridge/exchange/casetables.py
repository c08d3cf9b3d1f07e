"""Tables of seizures with several reports: what later ones added, and what suppliers are asked to correct."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, UUID

from bridge.exchange.tables import Big, Text, column, identity, metadata, moment, one_of

contribution: Final = sa.Table(
    "contribution",
    metadata,
    sa.Column("run_id", Big, primary_key=True, autoincrement=False, comment="the share run"),
    column("bridge_id", UUID, "the later report", key=True),
    column("version", sa.Integer, "its version"),
    column("first", UUID, "the report that stands"),
    column("first_version", sa.Integer, "its version"),
    column("added", ARRAY(Text), "fields and lists of the first that the later report filled"),
    column("why", Text, "why it may add nothing: the rule that withholds it, or another; empty if it may"),
    comment="What a share took from a later report of a seizure into the first",
)

correction: Final = sa.Table(
    "correction",
    metadata,
    identity("number of the request"),
    column("kind", Text, "two reports differ, an entry of the later one cannot be matched, or another supplier amends"),
    column("bridge_id", UUID, "the record that its supplier is asked to correct"),
    column("version", sa.Integer, "its version when last compared"),
    column("later", UUID, "the report that says otherwise; of an amendment the record itself"),
    column("later_version", sa.Integer, "its version when last compared"),
    column("path", Text, "the field or list, entries counted from 1; empty for the record"),
    column("said", BYTEA, "SHA-256 of what both or the amendment say, so that what was answered is not asked again"),
    column("supplier", Text, "who is asked"),
    column("asked_by", Text, "who says otherwise"),
    column("stands", sa.Boolean, "both reports stand and still differ", default=sa.true()),
    column("answer", Big, "the decision that answers it", sa.ForeignKey("exchange.decision.id"), null=True),
    moment("at", "when it was found", now=True),
    one_of("kind", "differs unmatched foreign"),
    sa.UniqueConstraint("bridge_id", "later", "kind", "path", "said"),
    sa.Index(None, "later"),
    comment="What other suppliers' reports say otherwise; only the supplier of a record corrects it",
)
