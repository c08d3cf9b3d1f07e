"""A mapping that is brought back comes after the one it replaces; and each revision names the files behind it."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """One fingerprint may have several places in the order."""
    op.execute(
        """
        ALTER TABLE exchange.mapping_revision DROP CONSTRAINT mapping_revision_mapping_fingerprint_key;
        ALTER TABLE exchange.mapping_revision ADD COLUMN parts JSONB DEFAULT '{}' NOT NULL;
        COMMENT ON COLUMN exchange.mapping_revision.parts IS 'sha256 of every file behind the fingerprint, by path';
        COMMENT ON COLUMN exchange.mapping_revision.first_seen IS 'when a run first used it, since it last changed';
        COMMENT ON COLUMN exchange.run.revision IS 'how often the mapping had changed when the run began';
        """
    )


def downgrade() -> None:
    """Fails where a mapping was brought back, for then the older order cannot be had."""
    op.execute(
        """
        ALTER TABLE exchange.mapping_revision DROP COLUMN parts;
        ALTER TABLE exchange.mapping_revision
            ADD CONSTRAINT mapping_revision_mapping_fingerprint_key UNIQUE (mapping, fingerprint);
        COMMENT ON COLUMN exchange.mapping_revision.first_seen IS 'when a run first used it';
        COMMENT ON COLUMN exchange.run.revision IS
            'place of the fingerprint in the order in which this mapping''s were first seen';
        """
    )
