"""Seals are signed, and commit to every entry by itself: leaf hashes for each part of what a run wrote."""

from __future__ import annotations

from alembic import op

from bridge.errors import Misconfigured

revision = "0005"
down_revision = "0004"

TABLES = """
CREATE TABLE exchange.segment (
    run_id BIGINT NOT NULL,
    part TEXT NOT NULL,
    leaves BYTEA NOT NULL,
    CONSTRAINT segment_pkey PRIMARY KEY (run_id, part),
    CONSTRAINT segment_part_check CHECK (part IN ('intake', 'versions', 'deliveries'))
);

COMMENT ON TABLE exchange.segment IS
    'What a seal''s Merkle roots were made from, so that an entry that was changed can be named';
COMMENT ON COLUMN exchange.segment.run_id IS 'the sealed run';
COMMENT ON COLUMN exchange.segment.part IS 'which of its entries';
COMMENT ON COLUMN exchange.segment.leaves IS 'RFC 6962 leaf hashes one after another, 32 bytes each';

ALTER TABLE exchange.segment ALTER COLUMN leaves SET STORAGE EXTERNAL;
ALTER TABLE exchange.seal ADD COLUMN signer BYTEA NOT NULL, ADD COLUMN signature BYTEA NOT NULL;
COMMENT ON COLUMN exchange.seal.head IS 'SHA-256 of previous and of the manifest''s SHA-256';
COMMENT ON COLUMN exchange.seal.signer IS 'Ed25519 public key';
COMMENT ON COLUMN exchange.seal.signature IS 'its signature over number and head, as in a checkpoint';
"""


def upgrade() -> None:
    """The table of leaves, and the signature.

    Raises:
        Misconfigured: OLD_SEALS; they committed to other digests, which nobody can compute any more.
    """
    if op.get_bind().exec_driver_sql("SELECT EXISTS (SELECT FROM exchange.seal)").scalar():
        what = "the exchange was sealed by a development version that did not sign"
        fix = "Begin with a new exchange and collect again from the archive; in a checkout: make clean"
        raise Misconfigured("OLD_SEALS", "exchange.seal", what, fix)
    op.execute(TABLES)


def downgrade() -> None:
    """Both go."""
    op.execute("ALTER TABLE exchange.seal DROP COLUMN signer, DROP COLUMN signature")
    op.execute("COMMENT ON COLUMN exchange.seal.head IS 'SHA-256 of previous and manifest'")
    op.execute("DROP TABLE exchange.segment")
