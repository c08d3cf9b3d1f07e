"""The exchange asked by a person at the command line: one transaction that can only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from bridge.exchange import Exchange, Role
from bridge.exchange.database import refusals


@contextmanager
def reading() -> Iterator[sa.Connection]:
    """A connection that cannot write and sees one state of the exchange; what it reads of nominal data is noted apart.

    Raises:
        TryLater: the database is away.
    """
    with (
        Exchange.of(Role.NOMINAL) as exchange,
        refusals("exchange"),
        exchange.engine.execution_options(
            postgresql_readonly=True, isolation_level="REPEATABLE READ"
        ).begin() as connection,
    ):
        yield connection
