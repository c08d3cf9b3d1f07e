"""An exchange on a real PostgreSQL, and a look into its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bridge.exchange import Exchange

Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def exchange(exchange_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchange]:
    """A migrated, empty exchange, whose key for seals is its own."""
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path / "home"))
    with Exchange(exchange_url) as made:
        yield made


@pytest.fixture
def query(exchange_url: str, exchange: Exchange) -> Iterator[Query]:
    """Runs a statement in the exchange's database and gives its rows."""
    with psycopg.connect(exchange_url.replace("+psycopg", ""), autocommit=True) as session:

        def run(statement: str, *values: Any) -> list[tuple[Any, ...]]:
            cursor = session.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

        yield run
