"""One real Airflow for all tests of this folder, started as `bridge up` starts it, and a story that is played in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bridge import settings
from bridge.commands import local
from bridge.content import Content
from bridge.exchange import Exchange
from bridge.feed import generate
from bridge.feed.load import load_cases
from bridge.postgres import Server
from tests.airflow.live import OVER, Live
from tests.airflow.story import Story

DAYS = 5
PER_DAY = 40


@pytest.fixture(scope="session")
def midnight() -> datetime:
    """The end of the feed's last day: this day's first moment, in UTC."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="session")
def airflow(midnight: datetime) -> Iterator[Live]:
    """A running installation of its own, all DAGs paused, five days of a feed in its sources.

    Its schedule begins two days ago: what lies before is only ever backfilled.
    """
    home = Path(tempfile.mkdtemp(prefix="bridge-airflow-"))
    home.chmod(0o711)  # root's server runs as another account
    before = os.environ.copy()
    for name in [name for name in before if name.startswith("BRIDGE_CONN_")]:
        del os.environ[name]
    os.environ["BRIDGE_HOME"] = str(home)
    try:
        first = (midnight - timedelta(days=DAYS)).date()
        feed = generate(home / "feed", DAYS, PER_DAY, seed=5, start=first, bad_share=0.05, cis_per_day=4)
        (home / "cen_out").mkdir()
        cis = Server(home).start().ensure_database("cis")
        with psycopg.connect(cis.replace("+psycopg", "")) as session:
            session.execute(Content.find().path("schemas/cis/cis.sql").read_bytes())
        load_cases(feed.cis, cis)
        for name, value in {"cis_db": cis, "cen_drop": str(feed.cen), "cen_out": str(home / "cen_out")}.items():
            settings.remember(name, value)
        os.environ["BRIDGE_CONTENT"] = str(seldom(home / "content"))
        running = local.up(lambda _: None, start=f"{midnight - timedelta(days=2):%Y-%m-%d}")
        yield Live(running.url, home, home / "feed", dict(running.passwords))
    finally:
        local.down()
        Server(home).remove()
        shutil.rmtree(home)
        os.environ.clear()
        os.environ.update(before)


def seldom(root: Path) -> Path:
    """A content root before ours, in which cases are collected once a month: every quarter of an hour would be
    two hundred windows to catch up on."""
    checkout = Content.find().roots[-1]
    shutil.copytree(checkout / "dags", root / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(checkout / "mappings" / "cis", root / "mappings" / "cis")
    path = root / "mappings" / "cis" / "collect.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count('every: "*/15 * * * *"') == 1
    path.write_text(text.replace('every: "*/15 * * * *"', 'every: "0 0 1 * *"'), encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def exchange(airflow: Live) -> Iterator[Exchange]:
    """The installation's exchange."""
    with Exchange(settings.exchange_url()) as opened:
        yield opened


@pytest.fixture(scope="session")
def story(airflow: Live, midnight: datetime) -> Story:
    """What people and the clock do to this installation, played once, to its end.

    An outage: collect_cen was paused for its two scheduled days and is resumed. At the same time the three
    days before are backfilled by REST, and a scheduled day is also collected by hand. The partner's database is
    away when its cases are to be collected. Then a day is collected again from the command line.
    """
    told = Story(midnight)
    cis = settings.connection("cis_db")
    settings.remember("cis_db", "postgresql+psycopg://bridge:none@127.0.0.1:9/cis")
    since, day = midnight - timedelta(days=DAYS), timedelta(days=1)
    airflow.unpause("collect_cis", "collect_lemis", "collect_cen")
    told.cis = airflow.trigger("collect_cis", **told.interval(midnight, since, midnight))
    told.lemis = airflow.trigger("collect_lemis", **told.interval(midnight, since, midnight))
    told.backfill = airflow.api("POST", "/backfills", told.backfilled(since, since + 2 * day))["id"]
    by_hand = told.interval(midnight - 2 * day + timedelta(seconds=1), midnight - 2 * day, midnight - day)
    told.by_hand = airflow.trigger("collect_cen", **by_hand)
    told.too_early = airflow.trigger("collect_cen", **told.interval(since + timedelta(seconds=1), since, since + day))
    airflow.wait("partner away", lambda: airflow.tries("collect_cis", told.cis)["extract"][0] == "up_for_retry")
    settings.remember("cis_db", cis)
    airflow.unpause("share_cis")
    airflow.wait("runs of collect_cen", lambda: len(airflow.runs("collect_cen")) == DAYS + 2)
    airflow.wait("collect_cen over", lambda: all(run["state"] in OVER for run in airflow.runs("collect_cen")))

    airflow.wait("backfill closed", lambda: airflow.api("GET", f"/backfills/{told.backfill}")["completed_at"])
    date = f"{since:%Y-%m-%d}"
    airflow.command(
        "backfill", "create", "--dag-id", "collect_cen", "--from-date", date, "--to-date", date,
        "--reprocess-behavior", "completed", "--max-active-runs", "1",
    )  # fmt: skip
    first = f"backfill__{since + timedelta(days=1):%Y-%m-%dT%H:%M:%S+00:00}"
    airflow.wait("collected again", lambda: airflow.tries("collect_cen", first)["accept"] == ("success", 2))
    airflow.wait_for_run("collect_cis", told.cis)
    airflow.wait("all delivered", lambda: told.delivered(airflow))
    # A DAG that is resumed has at once the run of the hour that has passed.
    airflow.unpause("share_cen")
    airflow.wait("shared with CEN", lambda: [run["state"] for run in airflow.runs("share_cen")] == ["success"])
    return told
