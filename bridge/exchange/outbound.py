"""What the exchange stores about partners, held records and a window under way: the other half of the tables."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, UUID

from bridge.exchange.tables import DELIVERY, NOMINAL, Big, Text, column, identity, metadata, moment, one_of, to_run

held = sa.Table(
    "held",
    metadata,
    identity("number of the problem"),
    column("run_id", Big, "the run that found it", to_run()),
    column("name", Text, "the source, or the partner, where it was found"),
    column("input_id", Big, "intake: the input", null=True),
    column("ordinal", Big, "intake: record number, -1 the input as a whole", null=True),
    column("position", Big, "intake: byte offset, line or sheet row", null=True),
    column("partner", Text, "delivery: the partner", null=True),
    column("version", sa.Integer, "delivery: the record's version", null=True),
    column("bridge_id", UUID, "the record, if known", null=True),
    column("origin_record_id", Text, "its identifier at the source, if known", null=True),
    column("code", Text, "kind of problem"),
    column("field", Text, "path of the field; empty for the record"),
    column("rule", Text, "what refused it"),
    column("reason", Text, "one sentence, personal values masked"),
    column("state", Text, "open, redriven by a later run, or lapsed: its bytes are no longer kept", default="open"),
    column("redriven_by", Big, "the run that took the record in again", to_run(), null=True),
    column("redrive_of", Big, "the same problem in an earlier run", sa.ForeignKey("exchange.held.id"), null=True),
    moment("at", "when", now=True),
    one_of("state", "open redriven lapsed"),
    sa.CheckConstraint("(input_id IS NULL) = (partner IS NOT NULL)", name="side"),
    sa.Index(None, "run_id"),
    sa.Index("held_open_idx", "name", "code", postgresql_where=sa.text("state = 'open'")),
    comment="Problems of held records, one row each; a record may have several",
)

partners = sa.Table(
    "partner",
    metadata,
    column("partner", Text, "the partner", key=True),
    column("suspended", sa.Boolean, "nothing is selected for it", default=sa.false()),
    column("changed_by", Text, "who moved the switch last", null=True),
    column("reason", Text, "and why", null=True),
    moment("changed_at", "when", now=True),
    column("selections", Big, "how often a share has selected for it", default=sa.text("0")),
    comment="Partners that shares were begun for, and their suspend switch",
)

delivery = sa.Table(
    "delivery",
    metadata,
    column("bridge_id", UUID, "the record", key=True),
    column("partner", Text, "the partner", key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False, comment="its version"),
    sa.Column("run_id", Big, primary_key=True, autoincrement=False, comment="the share run"),
    column("revision", sa.Integer, "share mapping's revision in that run"),
    column("disposition", Text, "the version's end state at this partner, of this run"),
    column("effect", Text, "delivered: insert, update or withdraw", null=True),
    column("code", Text, "problem code of held, rule of withheld", null=True),
    column("holds", sa.Boolean, "whether the partner has the record after this; null if nothing moved", null=True),
    column("released_hash", BYTEA, "SHA-256 of what was released", null=True),
    column("idempotency_key", BYTEA, "key under which it was sent", null=True),
    column("receipt", Text, "proof at the partner", null=True),
    moment("at", "when", now=True),
    one_of("disposition", DELIVERY),
    one_of("effect", "insert update withdraw"),
    sa.CheckConstraint("(disposition = 'delivered') = (effect IS NOT NULL)", name="delivered"),
    sa.Index(None, "run_id"),
    sa.Index("delivery_open_idx", "partner", postgresql_where=sa.text("disposition IN ('pending', 'in_doubt')")),
    comment="Where each version went: one row per partner, version and run",
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column(
        "number",
        Big,
        sa.Identity(always=True),
        primary_key=True,
        comment="number of the message, in the order of sending",
    ),
    column("partner", Text, "the partner"),
    column("bridge_id", UUID, "the record"),
    column("version", sa.Integer, "its version"),
    column("run_id", Big, "the share run that answers for it now"),
    column("revision", sa.Integer, "share mapping's revision that made it"),
    column("effect", Text, "what it will do there: insert, update or withdraw"),
    column("released_hash", BYTEA, "SHA-256 of what was released"),
    column("code", Text, "rule by which a record is taken back", null=True),
    column("decisions", sa.Integer, "how many decisions about the record it goes by"),
    column("idempotency_key", BYTEA, "key under which it is sent, each time"),
    column("body", BYTEA, "the bytes that are sent, each time, encrypted if it says a key; null if nominal", null=True),
    column("key_id", Text, "the partner's key under which they are; null if in plain, or nominal", null=True),
    column("sent", sa.Boolean, "the partner may have it", default=sa.false()),
    moment("at", "when it was put here", now=True),
    sa.UniqueConstraint("partner", "idempotency_key"),
    one_of("effect", "insert update withdraw"),
    sa.Index(None, "run_id", "number"),
    sa.Index(None, "bridge_id", "partner"),
    comment="What a partner is to be sent, or was and has not answered for; a row goes with its answer",
)

message = sa.Table(
    "message",
    metadata,
    sa.Column(
        "number", Big, sa.ForeignKey("exchange.outbox.number", ondelete="CASCADE"), primary_key=True,
        autoincrement=False, comment="number of the message",
    ),
    column("body", BYTEA, "nonce and AES-256-GCM of the bytes that are sent; empty once the record is erased"),
    column("key_id", Text, "the partner's key under which it is"),
    schema=NOMINAL,
    comment="Bytes in the outbox for partners that may see nominal data",
)  # fmt: skip

coverage = sa.Table(
    "coverage",
    metadata,
    column("partner", Text, "the partner", key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False, comment="share mapping's revision"),
    sa.Column("run_id", Big, to_run(), primary_key=True, autoincrement=False, comment="the collect run"),
    column("share_run_id", Big, "the share run that settled all its versions", to_run()),
    comment="Collect runs whose versions a partner has been offered: a share reads only the others",
)

seal = sa.Table(
    "seal",
    metadata,
    sa.Column("number", Big, primary_key=True, autoincrement=False, comment="1, 2, ... without a gap"),
    column("run_id", Big, "the run that was sealed", to_run(), sa.UniqueConstraint()),
    column("previous", BYTEA, "head of the seal before; 32 zero bytes at the first"),
    column("manifest", Text, "canonical JSON: the run, its inputs, its books, and digests of what it wrote"),
    column("head", BYTEA, "SHA-256 of previous and of the manifest's SHA-256"),
    moment("at", "when", now=True),
    column("signer", BYTEA, "Ed25519 public key"),
    column("signature", BYTEA, "its signature over number and head, as in a checkpoint"),
    comment="The chain of seals: whoever keeps a head can prove that nothing before it was changed",
)

stamp = sa.Table(
    "stamp",
    metadata,
    # No foreign key: the stamp of a seal that somebody has taken away stays, and tells of it.
    sa.Column(
        "number", Big, primary_key=True, autoincrement=False, comment="the seal that was stamped, and all before"
    ),
    column("answer", BYTEA, "the authority's answer, a TimeStampResp in DER"),
    moment("at", "when it came", now=True),
    comment="Time stamps (RFC 3161) of heads: an authority's signed word on when they existed",
)

segment = sa.Table(
    "segment",
    metadata,
    column("run_id", Big, "the sealed run", key=True),
    column("part", Text, "which of its entries", key=True),
    column("leaves", BYTEA, "RFC 6962 leaf hashes one after another, 32 bytes each"),
    one_of("part", "intake versions deliveries decisions authorisations authorised contributions"),
    comment="What a seal's Merkle roots were made from, so that an entry that was changed can be named",
)

selection = sa.Table(
    "selection",
    metadata,
    column("run_id", Big, "the share run", key=True),
    sa.Column("ordinal", Big, primary_key=True, autoincrement=False, comment="1, 2, ... in the order of streaming"),
    column("bridge_id", UUID, "the record"),
    column("version", sa.Integer, "its version"),
    comment="What a share under way must settle; emptied when it ends",
)

handing = sa.Table(
    "handing",
    metadata,
    column("run_id", Big, "the share run", key=True),
    sa.Column("first", Big, primary_key=True, autoincrement=False, comment="the lowest of the ordinals"),
    column("ordinals", ARRAY(Big), "places in its selection of what the partner is being given"),
    moment("at", "when it was written", now=True),
    comment="Batches on their way to a partner: written before, crossed off with what became of them",
)

unsettled = sa.Table(
    "unsettled",
    metadata,
    column("partner", Text, "the partner", key=True),
    column("bridge_id", UUID, "the record", key=True),
    column("run_id", Big, "the share run that handed it over, or may have"),
    comment="Records that a partner may have from a share that never said so; gone once the partner has answered",
)

staging = sa.Table(
    "staging",
    metadata,
    column("run_id", Big, "the collect run", key=True),
    column("input_sha256", Text, "the input", key=True),
    sa.Column("ordinal", Big, primary_key=True, autoincrement=False, comment="record number in the input"),
    column("origin_system", Text, "system that first recorded it", null=True),
    column("origin_record_id", Text, "its identifier there", null=True),
    column("record_status", Text, "code", null=True),
    moment("source_version", "the source's version time", null=True),
    column("seizure_date", Text, "ISO date, month or year", null=True),
    column("seizure_day", sa.Date, "the date, where it is a full one", null=True),
    column("seizure_country", Text, "ISO 3166-1 alpha-2", null=True),
    column("location_type", Text, "code", null=True),
    column("direction", Text, "code", null=True),
    column("seizure_status", Text, "code", null=True),
    column("fraud_type", Text, "code", null=True),
    column("operation_code", Text, "joint operation", null=True),
    column("commodity_group", Text, "code of the first goods line", null=True),
    column("goods_lines", sa.Integer, "goods lines"),
    column("goods_without_quantity", sa.Integer, "goods lines that have no quantity"),
    column("goods_without_unit", sa.Integer, "goods lines with a quantity and no unit"),
    column("route_steps", sa.Integer, "steps of the route"),
    column("conveyances", sa.Integer, "means of transport"),
    column("persons", sa.Integer, "persons, only their number"),
    comment="Header columns of a window under way, for expectations over the batch; emptied when it is sealed",
    prefixes=["UNLOGGED"],
)
