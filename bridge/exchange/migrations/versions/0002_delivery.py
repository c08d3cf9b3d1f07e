"""Held records, partners and deliveries, and the tables of work under way."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = """
CREATE TABLE exchange.held (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    run_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    input_id BIGINT,
    ordinal BIGINT,
    position BIGINT,
    partner TEXT,
    version INTEGER,
    bridge_id UUID,
    origin_record_id TEXT,
    code TEXT NOT NULL,
    field TEXT NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    redriven_by BIGINT,
    redrive_of BIGINT,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT held_pkey PRIMARY KEY (id),
    CONSTRAINT held_state_check CHECK (state IN ('open', 'redriven')),
    CONSTRAINT held_side_check CHECK ((input_id IS NULL) = (partner IS NOT NULL)),
    CONSTRAINT held_run_id_fkey FOREIGN KEY(run_id) REFERENCES exchange.run (id),
    CONSTRAINT held_redriven_by_fkey FOREIGN KEY(redriven_by) REFERENCES exchange.run (id),
    CONSTRAINT held_redrive_of_fkey FOREIGN KEY(redrive_of) REFERENCES exchange.held (id)
);
CREATE INDEX held_open_idx ON exchange.held (name, code) WHERE state = 'open';
CREATE INDEX held_run_id_idx ON exchange.held (run_id);

COMMENT ON TABLE exchange.held IS 'Problems of held records, one row each; a record may have several';
COMMENT ON COLUMN exchange.held.id IS 'number of the problem';
COMMENT ON COLUMN exchange.held.run_id IS 'the run that found it';
COMMENT ON COLUMN exchange.held.name IS 'the source, or the partner, where it was found';
COMMENT ON COLUMN exchange.held.input_id IS 'intake: the input';
COMMENT ON COLUMN exchange.held.ordinal IS 'intake: record number, -1 the input as a whole';
COMMENT ON COLUMN exchange.held.position IS 'intake: byte offset, line or sheet row';
COMMENT ON COLUMN exchange.held.partner IS 'delivery: the partner';
COMMENT ON COLUMN exchange.held.version IS 'delivery: the record''s version';
COMMENT ON COLUMN exchange.held.bridge_id IS 'the record, if known';
COMMENT ON COLUMN exchange.held.origin_record_id IS 'its identifier at the source, if known';
COMMENT ON COLUMN exchange.held.code IS 'kind of problem';
COMMENT ON COLUMN exchange.held.field IS 'path of the field; empty for the record';
COMMENT ON COLUMN exchange.held.rule IS 'what refused it';
COMMENT ON COLUMN exchange.held.reason IS 'one sentence, personal values masked';
COMMENT ON COLUMN exchange.held.state IS 'open, or redriven by a later run';
COMMENT ON COLUMN exchange.held.redriven_by IS 'the run that took the record in again';
COMMENT ON COLUMN exchange.held.redrive_of IS 'the same problem in an earlier run';
COMMENT ON COLUMN exchange.held.at IS 'when';

CREATE TABLE exchange.partner (
    partner TEXT NOT NULL,
    suspended BOOLEAN DEFAULT false NOT NULL,
    changed_by TEXT,
    reason TEXT,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT partner_pkey PRIMARY KEY (partner)
);

COMMENT ON TABLE exchange.partner IS 'Partners that shares were begun for, and their suspend switch';
COMMENT ON COLUMN exchange.partner.partner IS 'the partner';
COMMENT ON COLUMN exchange.partner.suspended IS 'nothing is selected for it';
COMMENT ON COLUMN exchange.partner.changed_by IS 'who moved the switch last';
COMMENT ON COLUMN exchange.partner.reason IS 'and why';
COMMENT ON COLUMN exchange.partner.changed_at IS 'when';

CREATE TABLE exchange.delivery (
    bridge_id UUID NOT NULL,
    partner TEXT NOT NULL,
    version INTEGER NOT NULL,
    run_id BIGINT NOT NULL,
    revision INTEGER NOT NULL,
    disposition TEXT NOT NULL,
    effect TEXT,
    code TEXT,
    holds BOOLEAN,
    released_hash BYTEA,
    idempotency_key BYTEA,
    receipt TEXT,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT delivery_pkey PRIMARY KEY (bridge_id, partner, version, run_id),
    CONSTRAINT delivery_disposition_check CHECK (
        disposition IN ('delivered', 'unchanged', 'superseded', 'held', 'withheld', 'pending', 'in_doubt')),
    CONSTRAINT delivery_effect_check CHECK (effect IN ('insert', 'update', 'withdraw')),
    CONSTRAINT delivery_delivered_check CHECK ((disposition = 'delivered') = (effect IS NOT NULL))
);
CREATE INDEX delivery_open_idx ON exchange.delivery (partner) WHERE disposition IN ('pending', 'in_doubt');
CREATE INDEX delivery_run_id_idx ON exchange.delivery (run_id);

COMMENT ON TABLE exchange.delivery IS 'Where each version went: one row per partner, version and run';
COMMENT ON COLUMN exchange.delivery.bridge_id IS 'the record';
COMMENT ON COLUMN exchange.delivery.partner IS 'the partner';
COMMENT ON COLUMN exchange.delivery.version IS 'its version';
COMMENT ON COLUMN exchange.delivery.run_id IS 'the share run';
COMMENT ON COLUMN exchange.delivery.revision IS 'share mapping''s revision in that run';
COMMENT ON COLUMN exchange.delivery.disposition IS 'the version''s end state at this partner, of this run';
COMMENT ON COLUMN exchange.delivery.effect IS 'delivered: insert, update or withdraw';
COMMENT ON COLUMN exchange.delivery.code IS 'problem code of held, rule of withheld';
COMMENT ON COLUMN exchange.delivery.holds IS 'whether the partner has the record after this; null if nothing moved';
COMMENT ON COLUMN exchange.delivery.released_hash IS 'SHA-256 of what was released';
COMMENT ON COLUMN exchange.delivery.idempotency_key IS 'key under which it was sent';
COMMENT ON COLUMN exchange.delivery.receipt IS 'proof at the partner';
COMMENT ON COLUMN exchange.delivery.at IS 'when';

CREATE TABLE exchange.coverage (
    partner TEXT NOT NULL,
    revision INTEGER NOT NULL,
    run_id BIGINT NOT NULL,
    share_run_id BIGINT NOT NULL,
    CONSTRAINT coverage_pkey PRIMARY KEY (partner, revision, run_id),
    CONSTRAINT coverage_run_id_fkey FOREIGN KEY(run_id) REFERENCES exchange.run (id),
    CONSTRAINT coverage_share_run_id_fkey FOREIGN KEY(share_run_id) REFERENCES exchange.run (id)
);

COMMENT ON TABLE exchange.coverage IS
    'Collect runs whose versions a partner has been offered: a share reads only the others';
COMMENT ON COLUMN exchange.coverage.partner IS 'the partner';
COMMENT ON COLUMN exchange.coverage.revision IS 'share mapping''s revision';
COMMENT ON COLUMN exchange.coverage.run_id IS 'the collect run';
COMMENT ON COLUMN exchange.coverage.share_run_id IS 'the share run that settled all its versions';

CREATE TABLE exchange.seal (
    number BIGINT NOT NULL,
    run_id BIGINT NOT NULL,
    previous BYTEA NOT NULL,
    manifest TEXT NOT NULL,
    head BYTEA NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT seal_pkey PRIMARY KEY (number),
    CONSTRAINT seal_run_id_fkey FOREIGN KEY(run_id) REFERENCES exchange.run (id)
);

COMMENT ON TABLE exchange.seal IS
    'The chain of seals: whoever keeps a head can prove that nothing before it was changed';
COMMENT ON COLUMN exchange.seal.number IS '1, 2, ... without a gap';
COMMENT ON COLUMN exchange.seal.run_id IS 'the run that was sealed';
COMMENT ON COLUMN exchange.seal.previous IS 'head of the seal before; 32 zero bytes at the first';
COMMENT ON COLUMN exchange.seal.manifest IS
    'canonical JSON: the run, its inputs, its books, and digests of what it wrote';
COMMENT ON COLUMN exchange.seal.head IS 'SHA-256 of previous and manifest';
COMMENT ON COLUMN exchange.seal.at IS 'when';

CREATE UNLOGGED TABLE exchange.selection (
    run_id BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    bridge_id UUID NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT selection_pkey PRIMARY KEY (run_id, ordinal)
);

COMMENT ON TABLE exchange.selection IS 'What a share under way must settle; emptied when it ends';
COMMENT ON COLUMN exchange.selection.run_id IS 'the share run';
COMMENT ON COLUMN exchange.selection.ordinal IS '1, 2, ... in the order of streaming';
COMMENT ON COLUMN exchange.selection.bridge_id IS 'the record';
COMMENT ON COLUMN exchange.selection.version IS 'its version';

CREATE UNLOGGED TABLE exchange.staging (
    run_id BIGINT NOT NULL,
    input_sha256 TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    origin_system TEXT,
    origin_record_id TEXT,
    record_status TEXT,
    source_version TIMESTAMP WITH TIME ZONE,
    seizure_date TEXT,
    seizure_day DATE,
    seizure_country TEXT,
    location_type TEXT,
    direction TEXT,
    seizure_status TEXT,
    fraud_type TEXT,
    operation_code TEXT,
    commodity_group TEXT,
    goods_lines INTEGER NOT NULL,
    goods_without_quantity INTEGER NOT NULL,
    goods_without_unit INTEGER NOT NULL,
    route_steps INTEGER NOT NULL,
    conveyances INTEGER NOT NULL,
    persons INTEGER NOT NULL,
    CONSTRAINT staging_pkey PRIMARY KEY (run_id, input_sha256, ordinal)
);

COMMENT ON TABLE exchange.staging IS
    'Header columns of a window under way, for expectations over the batch; emptied when it is sealed';
COMMENT ON COLUMN exchange.staging.run_id IS 'the collect run';
COMMENT ON COLUMN exchange.staging.input_sha256 IS 'the input';
COMMENT ON COLUMN exchange.staging.ordinal IS 'record number in the input';
COMMENT ON COLUMN exchange.staging.origin_system IS 'system that first recorded it';
COMMENT ON COLUMN exchange.staging.origin_record_id IS 'its identifier there';
COMMENT ON COLUMN exchange.staging.record_status IS 'code';
COMMENT ON COLUMN exchange.staging.source_version IS 'the source''s version time';
COMMENT ON COLUMN exchange.staging.seizure_date IS 'ISO date, month or year';
COMMENT ON COLUMN exchange.staging.seizure_day IS 'the date, where it is a full one';
COMMENT ON COLUMN exchange.staging.seizure_country IS 'ISO 3166-1 alpha-2';
COMMENT ON COLUMN exchange.staging.location_type IS 'code';
COMMENT ON COLUMN exchange.staging.direction IS 'code';
COMMENT ON COLUMN exchange.staging.seizure_status IS 'code';
COMMENT ON COLUMN exchange.staging.fraud_type IS 'code';
COMMENT ON COLUMN exchange.staging.operation_code IS 'joint operation';
COMMENT ON COLUMN exchange.staging.commodity_group IS 'code of the first goods line';
COMMENT ON COLUMN exchange.staging.goods_lines IS 'goods lines';
COMMENT ON COLUMN exchange.staging.goods_without_quantity IS 'goods lines that have no quantity';
COMMENT ON COLUMN exchange.staging.goods_without_unit IS 'goods lines with a quantity and no unit';
COMMENT ON COLUMN exchange.staging.route_steps IS 'steps of the route';
COMMENT ON COLUMN exchange.staging.conveyances IS 'means of transport';
COMMENT ON COLUMN exchange.staging.persons IS 'persons, only their number';
"""


def upgrade() -> None:
    """The share side."""
    op.execute(TABLES)


def downgrade() -> None:
    """Everything goes."""
    op.execute("DROP TABLE exchange.staging, exchange.seal, exchange.selection")
    op.execute("DROP TABLE exchange.coverage, exchange.delivery, exchange.partner, exchange.held")
