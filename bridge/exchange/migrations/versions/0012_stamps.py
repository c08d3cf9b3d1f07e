"""Time stamps (RFC 3161) of the heads of seals, where an authority is configured."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

TABLE = """
CREATE TABLE exchange.stamp (
    number BIGINT NOT NULL,
    answer BYTEA NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT stamp_pkey PRIMARY KEY (number)
);
COMMENT ON TABLE exchange.stamp IS
    'Time stamps (RFC 3161) of heads: an authority''s signed word on when they existed';
COMMENT ON COLUMN exchange.stamp.number IS 'the seal that was stamped, and all before';
COMMENT ON COLUMN exchange.stamp.answer IS 'the authority''s answer, a TimeStampResp in DER';
COMMENT ON COLUMN exchange.stamp.at IS 'when it came';
"""


def upgrade() -> None:
    """A table for stamps; seals of before are covered by the next stamp."""
    op.execute(TABLE)


def downgrade() -> None:
    """No stamps: those that were had are lost, and the chain stands without them."""
    op.execute("DROP TABLE exchange.stamp")
