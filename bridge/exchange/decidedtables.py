"""Tables of what people and the calendar decide about single records."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, UUID

from bridge.exchange.tables import Big, Text, column, identity, metadata, moment, one_of, to_run

KINDS = "propose approve redrive erase extend expire exonerate same different amend keep handover"


def _to_decision() -> sa.ForeignKey:
    return sa.ForeignKey("exchange.decision.id")


decision = sa.Table(
    "decision",
    metadata,
    identity("number of the decision"),
    column("run_id", Big, "the run that sealed it", to_run()),
    column("kind", Text, "what was decided"),
    column("bridge_id", UUID, "the record, if known", null=True),
    column("partner", Text, "the partner; null for all", null=True),
    column("version", sa.Integer, "the version that it is bound to; null for the record", null=True),
    column("content_hash", BYTEA, "hash of that version's document", null=True),
    column("about", Text, "field released; all or personal that expired; number of the person", default=""),
    column("decision_id", Big, "approve: the proposal", _to_decision(), null=True),
    column("held_id", Big, "propose, redrive: the held problem", sa.ForeignKey("exchange.held.id"), null=True),
    column("decided_by", Text, "who"),
    column("reason", Text, "why; no personal data"),
    column("ground", Text, "the legal ground", default=""),
    moment("until", "extend: the new end", null=True),
    moment("at", "when", now=True),
    one_of("kind", KINDS),
    sa.Index(None, "bridge_id"),
    sa.Index(None, "run_id"),
    sa.Index("decision_case_idx", "bridge_id", "about", postgresql_where=sa.text("kind IN ('same', 'different')")),
    sa.Index("decision_approved_key", "decision_id", unique=True, postgresql_where=sa.text("kind = 'approve'")),
    comment="What people and the calendar decided about single records, sealed like all else; only ever added to",
)

applied = sa.Table(
    "applied",
    metadata,
    column("partner", Text, "the partner", key=True),
    sa.Column("decision_id", Big, _to_decision(), primary_key=True, autoincrement=False, comment="the decision"),
    column("share_run_id", Big, "the share run", to_run()),
    comment="Decisions that a share has carried out: the records concerned were offered anew",
)

cut_short = sa.Table(
    "cut_short",
    metadata,
    column("sha256", Text, "hash of the bytes, and their name in the archive", key=True),
    column("bridge_id", UUID, "the erased record"),
    moment("at", "when", now=True),
    comment="Inputs whose bytes may no longer be kept, for an erased record stands in them",
)
