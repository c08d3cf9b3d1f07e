"""What a share has selected outlives a crash of the exchange's server, so that its next try can settle it."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """The selection is written to the server's log."""
    op.execute("ALTER TABLE exchange.selection SET LOGGED")


def downgrade() -> None:
    """A crash empties the selection again."""
    op.execute("ALTER TABLE exchange.selection SET UNLOGGED")
