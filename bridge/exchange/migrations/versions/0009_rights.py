"""Nominal parts are encrypted; rows of sealed runs are shut, and a view shows shares what they selected.

What each role may do is granted by bridge.exchange.roles. The readers of 0003 lose what they had: bridge_reader gives
way to bridge_audit, and bridge_nominal is granted anew.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge import keys
from bridge.encrypted import encrypt, owner
from bridge.errors import Misconfigured

revision = "0009"
down_revision = "0008"

SHUT = """
ALTER TABLE exchange.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON exchange.{table} FOR SELECT USING (true);
CREATE POLICY added ON exchange.{table} FOR INSERT WITH CHECK (true);
CREATE POLICY until_sealed ON exchange.{table} FOR UPDATE USING ({open}) WITH CHECK (true);
"""
OPEN = {
    "run": "state <> 'sealed'",
    "input": "EXISTS (SELECT FROM exchange.run r WHERE r.id = run_id AND r.state <> 'sealed')",
    "delivery": "EXISTS (SELECT FROM exchange.run r WHERE r.id = run_id AND r.state <> 'sealed')",
}
VIEW = """
CREATE VIEW exchange_nominal.selected WITH (security_barrier) AS
SELECT s.run_id, s.ordinal, n.payload, n.key_id
FROM exchange.selection s
JOIN exchange_nominal.payload_nominal n ON n.bridge_id = s.bridge_id AND n.version = s.version;
COMMENT ON VIEW exchange_nominal.selected IS
    'The nominal part of what shares under way have selected; all that a share may read of it';
"""
FORMER = {"bridge_reader": "exchange", "bridge_nominal": "exchange_nominal"}
REVOKE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} REVOKE SELECT ON TABLES FROM {role};
        REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role};
        REVOKE ALL ON SCHEMA {schema} FROM {role};
    END IF;
END $$
"""
BACK = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT rolname FROM pg_roles WHERE rolname ~ '^bridge_(collect|share|share_nominal|audit|nominal)$' LOOP
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA exchange, exchange_nominal FROM %I', name);
        EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA exchange, exchange_nominal FROM %I', name);
        EXECUTE format('REVOKE ALL ON SCHEMA exchange, exchange_nominal FROM %I', name);
    END LOOP;
END $$
"""


ENCRYPTED = """
ALTER TABLE exchange_nominal.payload_nominal RENAME COLUMN payload TO plain;
ALTER TABLE exchange_nominal.payload_nominal ADD COLUMN payload BYTEA, ADD COLUMN key_id TEXT;
COMMENT ON COLUMN exchange_nominal.payload_nominal.payload IS
    'nonce and AES-256-GCM of the canonical JSON of all other fields';
COMMENT ON COLUMN exchange_nominal.payload_nominal.key_id IS 'the supplier''s key under which it is';
"""
KEPT = """
SELECT n.bridge_id, n.version, n.plain, r.name FROM exchange_nominal.payload_nominal n
JOIN exchange.record_version v USING (bridge_id, version) JOIN exchange.run r ON r.id = v.run_id
WHERE n.payload IS NULL LIMIT 5000
"""
SEALED = """
UPDATE exchange_nominal.payload_nominal SET payload = :payload, key_id = :key
WHERE bridge_id = :id AND version = :version
"""
WHOLE = """
ALTER TABLE exchange_nominal.payload_nominal ALTER COLUMN payload SET NOT NULL, ALTER COLUMN key_id SET NOT NULL,
    DROP COLUMN plain;
"""
PLAIN = """
ALTER TABLE exchange_nominal.payload_nominal DROP COLUMN payload, DROP COLUMN key_id;
ALTER TABLE exchange_nominal.payload_nominal ADD COLUMN payload TEXT NOT NULL;
COMMENT ON COLUMN exchange_nominal.payload_nominal.payload IS
    'canonical JSON of all other fields; lists keep their length';
"""


def upgrade() -> None:
    """Nominal parts encrypted, row security, the view, and the former readers' rights taken away."""
    op.execute(ENCRYPTED)
    while kept := op.get_bind().execute(sa.text(KEPT)).all():
        op.get_bind().execute(sa.text(SEALED), [_sealed(row) for row in kept])
    op.execute(WHOLE)
    for table, condition in OPEN.items():
        op.execute(SHUT.format(table=table, open=condition))
    op.execute(VIEW)
    for role, schema in FORMER.items():
        op.execute(REVOKE.format(role=role, schema=schema))


def downgrade() -> None:
    """Everything open to the owner alone; the roles stay, for other databases of the server may use them.

    Raises:
        Misconfigured: ENCRYPTED.
    """
    if op.get_bind().exec_driver_sql("SELECT EXISTS (SELECT FROM exchange_nominal.payload_nominal)").scalar():
        what = "nominal parts are encrypted, and the version before cannot read them"
        raise Misconfigured("ENCRYPTED", "exchange_nominal.payload_nominal", what, "Restore a backup of that version")
    op.execute(BACK)
    op.execute("DROP VIEW exchange_nominal.selected")
    op.execute(PLAIN)
    for table in OPEN:
        for policy in ("seen", "added", "until_sealed"):
            op.execute(f"DROP POLICY {policy} ON exchange.{table}")
        op.execute(f"ALTER TABLE exchange.{table} DISABLE ROW LEVEL SECURITY")


def _sealed(row: Any) -> dict[str, Any]:
    key = keys.current(row.name)
    (payload,) = encrypt(key, [row.plain], [owner(row.bridge_id.bytes, row.version)])
    return {"payload": payload, "key": key.id, "id": row.bridge_id, "version": row.version}
