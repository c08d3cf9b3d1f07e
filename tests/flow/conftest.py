"""A whole installation for one test: an exchange, a partner's database, drop folders, and a feed with its truth."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bridge.connector import Window
from bridge.feed import Feed, generate
from bridge.feed.load import load_cases
from bridge.flow import sharing
from bridge.ledger import PartnerBooks
from bridge.postgres import Server

START = date(2026, 3, 2)
DAYS = 5
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Installation:
    """Where everything of one installation is."""

    home: Path
    exchange: str
    cis: str
    cen_out: Path

    def drop(self, source: str) -> Path:
        """A source's drop folder."""
        return self.home / f"{source}_drop"


def windows() -> list[Window]:
    """The feed's windows, one a day."""
    first = datetime(START.year, START.month, START.day, tzinfo=UTC)
    return [Window(first + timedelta(days=n), first + timedelta(days=n + 1)) for n in range(DAYS)]


def share() -> PartnerBooks:
    """Share with CIS, and see that the books balance."""
    books = sharing.share("cis")
    assert books.balanced
    (partner,) = books.partners
    return partner


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    """Five days with every kind of trouble the generator knows; read only."""
    return generate(tmp_path_factory.mktemp("feed") / "feed", DAYS, 150, seed=11, start=START, bad_share=0.06)


@pytest.fixture(scope="session")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A content root before ours in which no window is judged as a whole."""
    root = tmp_path_factory.mktemp("lenient")
    for folder in ("mappings", "schemas/quality"):
        (root / folder).mkdir(parents=True)
    for source in ("cen", "cis"):
        (root / f"schemas/quality/{source}.yaml").write_text("expect: []\n", encoding="utf-8")
    return root


@pytest.fixture
def unjudged(lenient: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that are not about quality, whose library takes half a second a window."""
    monkeypatch.setenv("BRIDGE_CONTENT", str(lenient))


@pytest.fixture
def installation(
    postgres: Server, migrated: str, cis_tables: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """An empty installation whose connections the settings know."""
    number = next(_numbers)
    exchange = postgres.ensure_database(f"flow_{number}_exchange", migrated)
    cis = postgres.ensure_database(f"flow_{number}_cis", cis_tables)
    cen_out = tmp_path / "cen_out"
    cen_out.mkdir()
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path / "home"))
    for name, value in {"exchange": exchange, "cis_db": cis, "cen_out": str(cen_out)}.items():
        monkeypatch.setenv(f"BRIDGE_CONN_{name.upper()}", value)
    yield Installation(tmp_path, exchange, cis, cen_out)
    with psycopg.connect(postgres.url().replace("+psycopg", ""), autocommit=True) as session:
        for name in ("exchange", "cis"):
            session.execute(f"DROP DATABASE flow_{number}_{name} WITH (FORCE)".encode())


@pytest.fixture
def fed(installation: Installation, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """The installation with the feed's files in CEN's drop folder and its cases in CIS."""
    monkeypatch.setenv("BRIDGE_CONN_CEN_DROP", str(feed.cen))
    load_cases(feed.cis, installation.cis)
    return installation
