"""Real parts for the tests: a PostgreSQL of their own, and the published data where they are at hand."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from bridge import settings
from bridge.postgres import Server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server for this run of the tests, apart from any that a developer runs, and gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="bridge-test-"))
    home.chmod(0o711)  # root's server runs as another account
    server = Server(home, durable=False)
    try:
        yield server.start()
    finally:
        server.remove()
        shutil.rmtree(home)


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """URL of a new, empty database, for SQLAlchemy with psycopg 3."""
    name = f"test_{next(_numbers)}"
    yield postgres.ensure_database(name)
    with psycopg.connect(postgres.url().replace("+psycopg", ""), autocommit=True) as session:
        session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of published data. Where it is absent the test is skipped, but never in CI."""
    folder = settings.real_data()
    if folder is None:
        reason = "the published data are absent: set BRIDGE_REAL_DATA to their folder"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
