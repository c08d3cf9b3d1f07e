"""Two roles for readers: one for all that is not nominal, and one for the nominal part alone.

Where the owner of the exchange may not create roles, a person does, and grants the same.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

ROLES = {"bridge_reader": "exchange", "bridge_nominal": "exchange_nominal"}
GRANT = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') AND EXISTS (
        SELECT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole))
    THEN
        BEGIN
            CREATE ROLE {role} NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of this server is being migrated at the same time
        END;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        GRANT USAGE ON SCHEMA {schema} TO {role};
        GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role};
    END IF;
END $$
"""
REVOKE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} REVOKE SELECT ON TABLES FROM {role};
        REVOKE SELECT ON ALL TABLES IN SCHEMA {schema} FROM {role};
        REVOKE USAGE ON SCHEMA {schema} FROM {role};
    END IF;
END $$
"""


def upgrade() -> None:
    """Create the roles where allowed, and grant each its schema."""
    for role, schema in ROLES.items():
        op.execute(GRANT.format(role=role, schema=schema))


def downgrade() -> None:
    """Take the grants away; the roles stay, for other databases of the server may use them."""
    for role, schema in ROLES.items():
        op.execute(REVOKE.format(role=role, schema=schema))
