"""What a share was handing over when it died is remembered until its partner has been asked."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"

REMEMBER = """
ALTER TABLE exchange.partner ADD COLUMN selections BIGINT DEFAULT 0 NOT NULL;
COMMENT ON COLUMN exchange.partner.selections IS 'how often a share has selected for it';
CREATE TABLE exchange.handing (
    run_id BIGINT NOT NULL,
    first BIGINT NOT NULL,
    ordinals BIGINT[] NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT handing_pkey PRIMARY KEY (run_id, first)
);
COMMENT ON TABLE exchange.handing IS
    'Batches on their way to a partner: written before, crossed off with what became of them';
COMMENT ON COLUMN exchange.handing.run_id IS 'the share run';
COMMENT ON COLUMN exchange.handing.first IS 'the lowest of the ordinals';
COMMENT ON COLUMN exchange.handing.ordinals IS 'places in its selection of what the partner is being given';
COMMENT ON COLUMN exchange.handing.at IS 'when it was written';
CREATE TABLE exchange.unsettled (
    partner TEXT NOT NULL,
    bridge_id UUID NOT NULL,
    run_id BIGINT NOT NULL,
    CONSTRAINT unsettled_pkey PRIMARY KEY (partner, bridge_id)
);
COMMENT ON TABLE exchange.unsettled IS
    'Records that a partner may have from a share that never said so; gone once the partner has answered';
COMMENT ON COLUMN exchange.unsettled.partner IS 'the partner';
COMMENT ON COLUMN exchange.unsettled.bridge_id IS 'the record';
COMMENT ON COLUMN exchange.unsettled.run_id IS 'the share run that handed it over, or may have';
"""
FORGET = """
DROP TABLE exchange.handing, exchange.unsettled;
ALTER TABLE exchange.partner DROP COLUMN selections;
"""


def upgrade() -> None:
    """Tables for what is on its way and for what nobody has said the end of; of shares that died before this, they know
    nothing: let those be tried again first."""
    op.execute(REMEMBER)


def downgrade() -> None:
    """It is not remembered: let the shares that died be tried again before."""
    op.execute(FORGET)
