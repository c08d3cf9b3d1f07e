"""bridge roles: the SQL by which a person who may makes the exchange's roles and grants each what it may do."""

from __future__ import annotations

import click

from bridge.exchange.roles import Role, script

_LOGIN = """\
-- An account of its own for each kind of work; give it a password (\\password in psql), and name it in
-- BRIDGE_CONN_EXCHANGE_{upper}, or in an Airflow connection exchange_{role}:
--   CREATE ROLE exchange_{role} LOGIN IN ROLE {there};
-- or let the account of BRIDGE_CONN_EXCHANGE do this work, too:
--   GRANT {there} TO account;
"""


def show() -> None:
    """Print it; nothing is changed."""
    click.echo("-- Run this in the exchange's database once its tables are there: bridge roles | psql URL")
    click.echo(script())
    for role in Role:
        click.echo(_LOGIN.format(role=role, upper=role.upper(), there=role.there), nl=False)
