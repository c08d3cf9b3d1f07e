"""Which tables the database has: migrations run from here, never by hand.

Alembic is imported by what uses it: it takes a fifth of a second, and a task that moves records does without.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from bridge.exchange import authority, casetables, decidedtables, roles, tables

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK: Final = 0x627269646765
"""Key of the advisory lock under which migrations run: two containers may start at once."""
SCHEMAS: Final = (tables.SCHEMA, tables.NOMINAL)
_MODULES: Final = (authority, casetables, decidedtables)
"""The modules that add their tables to the metadata, beside those which these import."""
metadata: Final = tables.metadata


def migrate(connection: sa.Connection) -> None:
    """Bring the database to the newest tables and its roles to their rights, inside the caller's transaction."""
    from alembic import command

    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    command.upgrade(configuration(connection), "head")
    roles.grant(connection)


def configuration(connection: sa.Connection) -> Config:
    """Alembic's configuration for this connection, without an ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def differences(connection: sa.Connection) -> list[object]:
    """What the database has otherwise than the metadata says; empty if they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": _ours,
            "version_table_schema": tables.SCHEMA,
            "compare_type": True,
            "compare_server_default": True,
        },
    )
    return list(compare_metadata(context, metadata))


def _ours(name: str | None, kind: str, parents: Any) -> bool:  # noqa: ARG001  (Alembic passes three)
    return name in SCHEMAS if kind == "schema" else name != "alembic_version"
