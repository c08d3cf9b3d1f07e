"""What people and the calendar decide about single records, from the release of a text to an erasure."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

TABLES = """
CREATE TABLE exchange.decision (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    run_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    bridge_id UUID,
    partner TEXT,
    version INTEGER,
    content_hash BYTEA,
    about TEXT DEFAULT '' NOT NULL,
    decision_id BIGINT,
    held_id BIGINT,
    decided_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    ground TEXT DEFAULT '' NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT decision_pkey PRIMARY KEY (id),
    CONSTRAINT decision_kind_check CHECK (
        kind IN ('propose', 'approve', 'redrive', 'erase', 'extend', 'expire', 'exonerate')),
    CONSTRAINT decision_run_id_fkey FOREIGN KEY(run_id) REFERENCES exchange.run (id),
    CONSTRAINT decision_decision_id_fkey FOREIGN KEY(decision_id) REFERENCES exchange.decision (id),
    CONSTRAINT decision_held_id_fkey FOREIGN KEY(held_id) REFERENCES exchange.held (id)
);
CREATE INDEX decision_bridge_id_idx ON exchange.decision (bridge_id);
CREATE INDEX decision_run_id_idx ON exchange.decision (run_id);
CREATE UNIQUE INDEX decision_approved_key ON exchange.decision (decision_id) WHERE kind = 'approve';

COMMENT ON TABLE exchange.decision IS
    'What people and the calendar decided about single records, sealed like all else; only ever added to';
COMMENT ON COLUMN exchange.decision.id IS 'number of the decision';
COMMENT ON COLUMN exchange.decision.run_id IS 'the run that sealed it';
COMMENT ON COLUMN exchange.decision.kind IS 'what was decided';
COMMENT ON COLUMN exchange.decision.bridge_id IS 'the record, if known';
COMMENT ON COLUMN exchange.decision.partner IS 'the partner; null for all';
COMMENT ON COLUMN exchange.decision.version IS 'the version that it is bound to; null for the record';
COMMENT ON COLUMN exchange.decision.content_hash IS 'hash of that version''s document';
COMMENT ON COLUMN exchange.decision.about IS 'field released; all or personal that expired; number of the person';
COMMENT ON COLUMN exchange.decision.decision_id IS 'approve: the proposal';
COMMENT ON COLUMN exchange.decision.held_id IS 'propose, redrive: the held problem';
COMMENT ON COLUMN exchange.decision.decided_by IS 'who';
COMMENT ON COLUMN exchange.decision.reason IS 'why; no personal data';
COMMENT ON COLUMN exchange.decision.ground IS 'the legal ground';
COMMENT ON COLUMN exchange.decision.until IS 'extend: the new end';
COMMENT ON COLUMN exchange.decision.at IS 'when';

CREATE TABLE exchange.applied (
    partner TEXT NOT NULL,
    decision_id BIGINT NOT NULL,
    share_run_id BIGINT NOT NULL,
    CONSTRAINT applied_pkey PRIMARY KEY (partner, decision_id),
    CONSTRAINT applied_decision_id_fkey FOREIGN KEY(decision_id) REFERENCES exchange.decision (id),
    CONSTRAINT applied_share_run_id_fkey FOREIGN KEY(share_run_id) REFERENCES exchange.run (id)
);

COMMENT ON TABLE exchange.applied IS 'Decisions that a share has carried out: the records concerned were offered anew';
COMMENT ON COLUMN exchange.applied.partner IS 'the partner';
COMMENT ON COLUMN exchange.applied.decision_id IS 'the decision';
COMMENT ON COLUMN exchange.applied.share_run_id IS 'the share run';

CREATE TABLE exchange.cut_short (
    sha256 TEXT NOT NULL,
    bridge_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT cut_short_pkey PRIMARY KEY (sha256)
);

COMMENT ON TABLE exchange.cut_short IS 'Inputs whose bytes may no longer be kept, for an erased record stands in them';
COMMENT ON COLUMN exchange.cut_short.sha256 IS 'hash of the bytes, and their name in the archive';
COMMENT ON COLUMN exchange.cut_short.bridge_id IS 'the erased record';
COMMENT ON COLUMN exchange.cut_short.at IS 'when';

ALTER TABLE exchange.run ADD COLUMN decisions BIGINT[];
COMMENT ON COLUMN exchange.run.decisions IS 'share: decisions whose records were all selected';
COMMENT ON COLUMN exchange.run.kind IS 'collect: a source''s window; share: one partner''s turn; decide: a decision';
ALTER TABLE exchange.run DROP CONSTRAINT run_kind_check;
ALTER TABLE exchange.run ADD CONSTRAINT run_kind_check CHECK (kind IN ('collect', 'share', 'decide'));
ALTER TABLE exchange.segment DROP CONSTRAINT segment_part_check;
ALTER TABLE exchange.segment ADD CONSTRAINT segment_part_check CHECK (
    part IN ('intake', 'versions', 'deliveries', 'decisions'));
ALTER TABLE exchange.held DROP CONSTRAINT held_state_check;
ALTER TABLE exchange.held ADD CONSTRAINT held_state_check CHECK (state IN ('open', 'redriven', 'lapsed'));
COMMENT ON COLUMN exchange.held.state IS 'open, redriven by a later run, or lapsed: its bytes are no longer kept';
COMMENT ON TABLE exchange.run IS
    'One row per attempt to collect a window or to share with a partner, and per decision';
"""


def upgrade() -> None:
    """Decisions, and what they touch."""
    op.execute(TABLES)


def downgrade() -> None:
    """Decisions go, and with them every seal that they are part of."""
    op.execute(
        """
        ALTER TABLE exchange.held DROP CONSTRAINT held_state_check;
        UPDATE exchange.held SET state = 'open' WHERE state = 'lapsed';
        ALTER TABLE exchange.held ADD CONSTRAINT held_state_check CHECK (state IN ('open', 'redriven'));
        COMMENT ON COLUMN exchange.held.state IS 'open, or redriven by a later run';
        DELETE FROM exchange.segment WHERE part = 'decisions';
        ALTER TABLE exchange.segment DROP CONSTRAINT segment_part_check;
        ALTER TABLE exchange.segment ADD CONSTRAINT segment_part_check CHECK (
            part IN ('intake', 'versions', 'deliveries'));
        DROP TABLE exchange.cut_short, exchange.applied, exchange.decision;
        DELETE FROM exchange.seal s USING exchange.run r WHERE r.id = s.run_id AND r.kind = 'decide';
        DELETE FROM exchange.run WHERE kind = 'decide';
        ALTER TABLE exchange.run DROP COLUMN decisions;
        ALTER TABLE exchange.run DROP CONSTRAINT run_kind_check;
        ALTER TABLE exchange.run ADD CONSTRAINT run_kind_check CHECK (kind IN ('collect', 'share'));
        COMMENT ON COLUMN exchange.run.kind IS 'collect: a source''s window; share: one partner''s turn';
        COMMENT ON TABLE exchange.run IS 'One row per attempt to collect a window or to share with a partner';
        """
    )
