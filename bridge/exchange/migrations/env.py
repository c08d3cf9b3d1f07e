"""Run by Alembic: applies the migrations on the connection that bridge.exchange.schema hands over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from bridge.exchange.schema import metadata
from bridge.exchange.tables import SCHEMA

connection: sa.Connection = context.config.attributes["connection"]
connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
context.configure(connection=connection, target_metadata=metadata, version_table_schema=SCHEMA, include_schemas=True)
context.run_migrations()
