"""Messages to partners that share no transaction with us, kept until the partner has answered for them."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = """
CREATE TABLE exchange.outbox (
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    partner TEXT NOT NULL,
    bridge_id UUID NOT NULL,
    version INTEGER NOT NULL,
    run_id BIGINT NOT NULL,
    revision INTEGER NOT NULL,
    effect TEXT NOT NULL,
    released_hash BYTEA NOT NULL,
    code TEXT,
    decisions INTEGER NOT NULL,
    idempotency_key BYTEA NOT NULL,
    body BYTEA,
    sent BOOLEAN DEFAULT false NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (number),
    CONSTRAINT outbox_effect_check CHECK (effect IN ('insert', 'update', 'withdraw')),
    CONSTRAINT outbox_partner_idempotency_key_key UNIQUE (partner, idempotency_key)
);
CREATE INDEX outbox_run_id_number_idx ON exchange.outbox (run_id, number);
CREATE INDEX outbox_bridge_id_partner_idx ON exchange.outbox (bridge_id, partner);

COMMENT ON TABLE exchange.outbox IS
    'What a partner is to be sent, or was and has not answered for; a row goes with its answer';
COMMENT ON COLUMN exchange.outbox.number IS 'number of the message, in the order of sending';
COMMENT ON COLUMN exchange.outbox.partner IS 'the partner';
COMMENT ON COLUMN exchange.outbox.bridge_id IS 'the record';
COMMENT ON COLUMN exchange.outbox.version IS 'its version';
COMMENT ON COLUMN exchange.outbox.run_id IS 'the share run that answers for it now';
COMMENT ON COLUMN exchange.outbox.revision IS 'share mapping''s revision that made it';
COMMENT ON COLUMN exchange.outbox.effect IS 'what it will do there: insert, update or withdraw';
COMMENT ON COLUMN exchange.outbox.released_hash IS 'SHA-256 of what was released';
COMMENT ON COLUMN exchange.outbox.code IS 'rule by which a record is taken back';
COMMENT ON COLUMN exchange.outbox.decisions IS 'how many decisions about the record it goes by';
COMMENT ON COLUMN exchange.outbox.idempotency_key IS 'key under which it is sent, each time';
COMMENT ON COLUMN exchange.outbox.body IS 'the bytes that are sent, each time; null where they may be nominal';
COMMENT ON COLUMN exchange.outbox.sent IS 'the partner may have it';
COMMENT ON COLUMN exchange.outbox.at IS 'when it was put here';

CREATE TABLE exchange_nominal.message (
    number BIGINT NOT NULL,
    body BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    CONSTRAINT message_pkey PRIMARY KEY (number),
    CONSTRAINT message_number_fkey FOREIGN KEY (number) REFERENCES exchange.outbox (number) ON DELETE CASCADE
);

COMMENT ON TABLE exchange_nominal.message IS 'Bytes in the outbox for partners that may see nominal data';
COMMENT ON COLUMN exchange_nominal.message.number IS 'number of the message';
COMMENT ON COLUMN exchange_nominal.message.body IS
    'nonce and AES-256-GCM of the bytes that are sent; empty once the record is erased';
COMMENT ON COLUMN exchange_nominal.message.key_id IS 'the partner''s key under which it is';
"""


def upgrade() -> None:
    """The tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """They go.

    What may have left and is not answered for would be forgotten: let each partner's share end first.
    """
    op.execute("DROP TABLE exchange_nominal.message")
    op.execute("DROP TABLE exchange.outbox")
