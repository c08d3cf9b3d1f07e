"""Real parts for the tests: a PostgreSQL of their own, and the published data where they are at hand."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from bridge import settings
from bridge.content import Content
from bridge.exchange import Exchange
from bridge.postgres import Server

if TYPE_CHECKING:
    from tests.connectors.https_partner import Authority

LIVE = ("tests/airflow/test_pages.py", "tests/airflow/test_story.py")
"""What plays in the one running Airflow: minutes of waiting, in which other tests work."""
LAWS = "tests/laws/"
_numbers = itertools.count(1)


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Each worker takes whole files, for fixtures are made per file; one takes all that plays in Airflow, and laws,
    which share nothing and take minutes where they are shown many records, go one by one."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(LIVE):
            return LIVE[0]
        return nodeid if nodeid.startswith(LAWS) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """How the tests are shared out among the workers of `make test`."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest begins first."""
    items.sort(key=lambda item: not item.nodeid.startswith(LIVE))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported stays to the end, and looking through it for garbage was a twentieth of all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


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


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> str:
    """Name of a database with the exchange's tables and nothing in them: a copy of it is made in no time."""
    with Exchange(postgres.ensure_database("migrated")) as exchange:
        exchange.migrate()
    return "migrated"


@pytest.fixture(scope="session")
def cis_tables(postgres: Server) -> str:
    """Name of a database with CIS's tables and nothing in them, to be copied."""
    with psycopg.connect(postgres.ensure_database("cis_tables").replace("+psycopg", "")) as session:
        session.execute(Content.find().path("schemas/cis/cis.sql").read_text(encoding="utf-8").encode())
    return "cis_tables"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority for services on this machine."""
    from tests.connectors.https_partner import Authority

    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> tuple[Path, Path]:
    """A certificate that it gave to localhost, and its key."""
    return authority.sign("service", "localhost")


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """URL of a new, empty database, for SQLAlchemy with psycopg 3."""
    yield from _database(postgres, "template1")


@pytest.fixture
def exchange_url(postgres: Server, migrated: str) -> Iterator[str]:
    """URL of a new database with the exchange's tables."""
    yield from _database(postgres, migrated)


def _database(postgres: Server, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    yield postgres.ensure_database(name, template)
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
