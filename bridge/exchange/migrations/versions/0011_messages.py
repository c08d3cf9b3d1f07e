"""Messages in the outbox can be encrypted for partners that may see nothing nominal, too."""

from __future__ import annotations

from alembic import op

from bridge.errors import Misconfigured

revision = "0011"
down_revision = "0010"

KEYED = """
ALTER TABLE exchange.outbox ADD COLUMN key_id TEXT;
COMMENT ON COLUMN exchange.outbox.key_id IS
    'the partner''s key under which they are; null if in plain, or nominal';
COMMENT ON COLUMN exchange.outbox.body IS
    'the bytes that are sent, each time, encrypted if it says a key; null if nominal';
"""
PLAIN = """
ALTER TABLE exchange.outbox DROP COLUMN key_id;
COMMENT ON COLUMN exchange.outbox.body IS 'the bytes that are sent, each time; null where they may be nominal';
"""


def upgrade() -> None:
    """A key's id beside each message; what is there stays in plain until bridge keys --renew."""
    op.execute(KEYED)


def downgrade() -> None:
    """No key's id.

    Raises:
        Misconfigured: ENCRYPTED.
    """
    encrypted = "SELECT EXISTS (SELECT FROM exchange.outbox WHERE key_id IS NOT NULL)"
    if op.get_bind().exec_driver_sql(encrypted).scalar():
        what = "messages are encrypted, and the version before cannot send them"
        raise Misconfigured("ENCRYPTED", "exchange.outbox", what, "Let shares send them first, or restore a backup")
    op.execute(PLAIN)
