"""The partner's own state against the books, and an exchange that was restored from a backup."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from bridge import settings
from bridge.airflow.upkeep import other_than_the_books
from bridge.errors import Misconfigured, Stop, TryLater
from bridge.exchange import Exchange
from bridge.feed import Feed
from bridge.flow import collecting, sharing
from bridge.flow.reconciling import reconcile
from bridge.postgres import Server
from tests.flow.conftest import Installation, windows
from tests.flow.test_main_job import held_by_cis, truth_of

pytestmark = pytest.mark.usefixtures("unjudged")
ONE = "(SELECT min(key) FROM bridge_inbox.cis_case)"


def collect(*numbers: int) -> None:
    for number in numbers:
        collecting.collect("cen", windows()[number], fresh=False)


@pytest.fixture
def at_cis(fed: Installation) -> Callable[[str], None]:
    """Two windows delivered; then something that somebody does at the partner."""
    collect(0, 1)
    sharing.share("cis")

    def do(statement: str) -> None:
        with psycopg.connect(fed.cis.replace("+psycopg", "")) as session:
            assert session.execute(statement.encode()).rowcount

    return do


def test_a_partner_that_holds_what_the_books_say_is_balanced(at_cis: Callable[[str], None]) -> None:
    found = reconcile("cis")
    assert found.balanced, found.equations
    assert [one.law for one in found.equations] == ["E4", "E5", "E6"]
    assert found.equations[0].left > 50
    assert other_than_the_books(["cen", "cis"]) == []  # a folder cannot be asked


HARMS = (
    "DELETE FROM cis.case WHERE case_reference = {0}",
    "DELETE FROM bridge_inbox.cis_case WHERE key = {0}",
    "UPDATE bridge_inbox.cis_case SET content_hash = content_hash || 'x' WHERE key = {0}",
    "UPDATE bridge_inbox.cis_case SET withdrawn = true WHERE key = {0}",
    "UPDATE bridge_inbox.cis_case SET key = '0' WHERE key = {0}",
)
"""A record gone, a proof gone, one altered, one taken back, and one made another record's, which is not there."""


def test_what_differs_is_named(at_cis: Callable[[str], None]) -> None:
    for place, harm in enumerate(HARMS):
        key = (
            f"(SELECT key FROM bridge_inbox.cis_case WHERE NOT withdrawn ORDER BY key OFFSET {10 * place + 5} LIMIT 1)"
        )
        at_cis(harm.format(key))
    found = reconcile("cis")
    assert [len(one) for one in (found.gone, found.missing, found.altered, found.phantom)] == [2, 3, 1, 1]
    assert [one.law for one in found.equations if not one.holds] == ["E4", "E5", "E6"]
    assert other_than_the_books(["cis"]) == ["cis: 3 missing, 1 phantom, 1 altered, 2 gone; bridge reconcile cis"]


def test_a_record_deleted_at_the_partner_comes_back(at_cis: Callable[[str], None]) -> None:
    at_cis(f"DELETE FROM cis.case WHERE case_reference = {ONE}")
    sharing.share("cis", redeliver=True)
    assert reconcile("cis").balanced


def test_a_partner_that_never_had_anything_holds_nothing_and_is_left_as_it_is(fed: Installation) -> None:
    assert Exchange(settings.exchange_url()).shared_with() == set()
    assert reconcile("cis").balanced
    assert other_than_the_books(["cen", "cis"]) == []
    with psycopg.connect(fed.cis.replace("+psycopg", "")) as session:
        assert session.execute("SELECT to_regnamespace('bridge_inbox')").fetchone() == (None,)


def test_a_partner_that_cannot_be_asked_is_told_apart(fed: Installation) -> None:
    with pytest.raises(Misconfigured, match="CANNOT_TELL"):
        reconcile("cen")


def test_a_share_that_is_not_over_is_waited_for(at_cis: Callable[[str], None]) -> None:
    collect(2)
    sharing.deliver(sharing.select("cis", "under way"))
    with pytest.raises(TryLater, match="SHARE_UNDER_WAY"):
        reconcile("cis")
    sharing.reconcile(sharing.open_share("cis", "under way"))
    assert reconcile("cis").balanced


def test_numbers_never_go_back(fed: Installation) -> None:
    with Exchange(settings.exchange_url()) as exchange:
        exchange.advance(100)
        exchange.advance(50)
        collect(0)
        with exchange.standing("cis") as (_, last_run, _under_way, _in_doubt):
            assert last_run == 101


def test_an_exchange_restored_behind_its_partner_is_recognised_and_catches_up(
    fed: Installation, feed: Feed, postgres: Server
) -> None:
    collect(0, 1)
    sharing.share("cis")
    with psycopg.connect(postgres.url().replace("+psycopg", ""), autocommit=True) as session:
        name = fed.exchange.rpartition("/")[2]
        session.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'".encode())
        session.execute(f"CREATE DATABASE {name}_backup TEMPLATE {name}".encode())
        collect(2, 3)
        sharing.share("cis")
        collect(4)
        sharing.share("cis")
        delivered = held_by_cis(fed)
        session.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        session.execute(f"ALTER DATABASE {name}_backup RENAME TO {name}".encode())
    assert reconcile("cis").behind
    assert "behind" in other_than_the_books(["cis"])[0]
    with pytest.raises(Stop, match="STALE_EPOCH"):
        sharing.share("cis", redeliver=True)
    assert held_by_cis(fed) == delivered
    reconcile("cis", catch_up=True)
    sharing.share("cis", redeliver=True)
    assert held_by_cis(fed) == delivered  # what the restored exchange knows is older, and the partner keeps the newer
    collect(2, 3, 4)
    sharing.share("cis")
    found = reconcile("cis")
    assert [found.missing, found.phantom, found.altered, found.gone] == [[], [], [], []]
    assert held_by_cis(fed) == truth_of(feed, "cen")
    assert Exchange(settings.exchange_url()).books().balanced
