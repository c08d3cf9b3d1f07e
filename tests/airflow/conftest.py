"""One real Airflow for all tests of this folder, started as `bridge up` starts it, and a story that is played in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from bridge import settings
from bridge.commands import local
from bridge.content import Content
from bridge.exchange import Exchange
from bridge.feed import generate
from bridge.feed.load import load_cases
from bridge.feed.partner import CANARY
from bridge.postgres import Server
from tests.airflow.live import OVER, Live
from tests.airflow.story import Story
from tests.conftest import LIVE

_standing: list[ExitStack] = []
DAYS = 5
PER_DAY = 40
REASON = "The source has confirmed these cases"
QUOTING = '''
"""A connector as a careless colleague writes it: it fails and quotes all that it was given."""
from connectors import files

class Source:
    def __init__(self, connection, options, shape):
        inner = files.source(connection, options, shape)
        self.fields, self.offers, self.fetch = inner.fields, inner.offers, inner.fetch
    def read(self, source_input):
        raise ValueError(source_input.path.read_text(encoding="utf-8"))

source = Source
'''


@pytest.fixture(scope="session")
def midnight() -> datetime:
    """The end of the feed's last day: this day's first moment, in UTC."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="session")
def airflow(midnight: datetime) -> Iterator[Live]:
    """A running installation of its own, all DAGs paused, five days of a feed in its sources.

    Its schedule begins two days ago: what lies before is only ever backfilled. It stands until the last test that
    plays in it.
    """
    with ExitStack() as stack:
        _standing.append(stack)
        yield stack.enter_context(installation(midnight))


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Airflow's processes and settings are in the way of all other tests."""
    if nextitem is None or not nextitem.nodeid.startswith(LIVE):
        while _standing:
            _standing.pop().close()


@contextmanager
def installation(midnight: datetime) -> Iterator[Live]:
    """The installation, as long as the block lasts."""
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
        sheets = planted(home / "sheets", midnight - timedelta(hours=12))
        places = {"cis_db": cis, "cen_drop": feed.cen, "cen_out": home / "cen_out", "cen_upload_drop": sheets}
        for name, value in places.items():
            settings.remember(name, str(value))
        os.environ["BRIDGE_CONTENT"] = str(changed(home / "content"))
        running = local.up(lambda _: None, start=f"{midnight - timedelta(days=2):%Y-%m-%d}")
        yield Live(running.url, home, home / "feed", dict(running.passwords))
    finally:
        local.down()
        Server(home).remove()
        shutil.rmtree(home)
        os.environ.clear()
        os.environ.update(before)


def changed(root: Path) -> Path:
    """A content root before ours: cases are collected once a month, since every hour would be fifty windows to catch
    up on; their windows are never what quality expects; and sheets are read by a connector that quotes them."""
    checkout = Content.find().roots[-1]
    shutil.copytree(checkout / "dags", root / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    never = "expect:\n  - share: origin_system\n    of: [CIS]\n    at_most: 0\n    severity: stop\n    why: a test\n"
    for path, before, after in (
        ("mappings/cis/collect.yaml", 'every: "0 * * * *"', 'every: "0 0 1 * *"'),
        ("schemas/quality/cis.yaml", "expect:\n", never),
        ("mappings/cen_upload/collect.yaml", 'every: "0 0 * * *"', 'every: "0 0 1 * *"'),
        ("mappings/cen_upload/collect.yaml", "connector: files", "connector: quoting"),
        ("mappings/cen_upload/collect.yaml", "format: xlsx, sheet: CEN", "format: csv"),
    ):
        there = root / path if (root / path).exists() else checkout / path
        said = there.read_text(encoding="utf-8")
        assert said.count(before) == 1, f"{path} says {before}"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(said.replace(before, after), encoding="utf-8")
    (root / "connectors").mkdir()
    (root / "connectors" / "quoting.py").write_text(QUOTING, encoding="utf-8")
    return root


def planted(drop: Path, moment: datetime) -> Path:
    """The drop folder with one sheet that came at the moment, in whose free words a name stands."""
    drop.mkdir()
    sample = Content.find().path("mappings/cen_upload/samples/tobacco.csv").read_text(encoding="utf-8")
    assert "palettes vides" in sample
    sheet = drop / "sheet.csv"
    sheet.write_text(sample.replace("palettes vides", f"Anna C{CANARY}"), encoding="utf-8")
    os.utime(sheet, (moment.timestamp(), moment.timestamp()))
    return drop


@pytest.fixture(scope="session")
def exchange(airflow: Live) -> Iterator[Exchange]:
    """The installation's exchange."""
    with Exchange(settings.exchange_url()) as opened:
        yield opened


@pytest.fixture(scope="session")
def story(airflow: Live, exchange: Exchange, midnight: datetime) -> Story:
    """What people and the clock do to this installation, played once, to its end.

    An outage: collect_cen was paused for its two scheduled days and is resumed. At the same time the three
    days before are backfilled by REST, and a scheduled day is also collected by hand. The partner's database is
    away when its cases are to be collected; when it is back, quality stops them, and a person lets them pass. A sheet
    full of names breaks its reader. Then a day is collected again from the command line.
    """
    told = Story(midnight)
    cis = settings.connection("cis_db")
    settings.remember("cis_db", "postgresql+psycopg://bridge:none@127.0.0.1:9/cis")
    since, day = midnight - timedelta(days=DAYS), timedelta(days=1)
    airflow.unpause("collect_cis", "collect_lemis", "collect_cen", "collect_cen_upload")
    told.cis = airflow.trigger("collect_cis", **told.interval(midnight, since, midnight))
    told.lemis = airflow.trigger("collect_lemis", **told.interval(midnight, since, midnight))
    told.upload = airflow.trigger("collect_cen_upload", **told.interval(midnight, since, midnight))
    told.backfill = airflow.api("POST", "/backfills", told.backfilled(since, since + 2 * day))["id"]
    by_hand = told.interval(midnight - 2 * day + timedelta(seconds=1), midnight - 2 * day, midnight - day)
    told.by_hand = airflow.trigger("collect_cen", **by_hand)
    told.too_early = airflow.trigger("collect_cen", **told.interval(since + timedelta(seconds=1), since, since + day))
    airflow.wait("partner away", lambda: airflow.tries("collect_cis", told.cis)["extract"][0] == "up_for_retry")
    settings.remember("cis_db", cis)
    airflow.unpause("share_cis")
    airflow.wait_for_run("collect_cis", told.cis)
    told.in_while_stopped = cases_in(exchange)
    again = told.interval(midnight + timedelta(seconds=1), since, midnight)
    told.let_pass = airflow.trigger("collect_cis", conf={"accept_quality": REASON}, **again)
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
    airflow.wait_for_run("collect_cis", told.let_pass)
    airflow.wait("all delivered", lambda: told.delivered(airflow))
    # A DAG that is resumed has at once the run of the hour that has passed.
    airflow.unpause("share_cen")
    airflow.wait("shared with CEN", lambda: [run["state"] for run in airflow.runs("share_cen")] == ["success"])
    return told


def cases_in(exchange: Exchange) -> int:
    """Cases of CIS that the exchange has accepted."""
    with exchange.engine.connect() as connection:
        asked = text("SELECT count(*) FROM exchange.record WHERE origin_system = 'CIS'")
        found: int = connection.execute(asked).scalar_one()
    return found
