"""bridge demo: the main job on invented data, in real Airflow and real PostgreSQL, and what came of it.

It does nothing that an engineer could not do in the browser: it drops files, fills
the partner's database as the partner's own services would, asks Airflow for
backfills, and reads the books.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click
import psycopg

from bridge import settings
from bridge.commands import local, tables
from bridge.commands.airflow_api import ENDED, AirflowApi
from bridge.connector import Window
from bridge.content import Content
from bridge.errors import Stop
from bridge.exchange import Exchange, Role
from bridge.feed import generate
from bridge.feed.load import load_cases
from bridge.postgres import Server

DAYS: Final = 5
PER_DAY: Final = 300
SEED: Final = 2026
LAG: Final = 60
COLLECTS: Final = ("cen", "cis")
SHARES: Final = ("cis", "cen")
_started = time.monotonic()


def demo() -> None:
    """Five days of seizures from CEN to CIS+ and from CIS+ to CEN, with every record accounted for.

    A second call takes the same five days again and must change nothing at either partner.
    """
    before = _at_partners() if (settings.home() / "feed").exists() else None
    days = _feed()
    # Nothing is caught up on schedule: the demo's days are backfilled, and what comes after now is collected.
    running = local.up(_say, start=datetime.now(UTC).isoformat(timespec="seconds"))
    engineer = AirflowApi(running.url, "engineer", running.passwords["engineer"])
    engineer.unpause([f"collect_{name}" for name in COLLECTS])
    _say(f"Airflow backfills collect_cen over {DAYS} windows, {days}, and collects CIS for the same days")
    cases = engineer.trigger("collect_cis", days)
    _backfill(engineer, "collect_cen", days, again=before is not None)
    _finish(engineer, "collect_cis", cases)
    _say("Sealed windows wake share_cis and share_cen; waiting until CIS has had everything")
    _settle(engineer, ("cis",))
    _echo(engineer, days)
    with Exchange.of(Role.AUDIT) as exchange:
        books = exchange.books()
    click.echo()
    tables.show(books, as_json=False, title="all runs")
    click.echo()
    _verdict(before)
    click.echo()
    local.announce(running)
    click.echo("Look at: Browse > Reconciliation, or any run's Reconciliation tab. Stop everything with: make down")
    if not books.balanced:
        raise Stop("BOOKS_UNBALANCED", "bridge demo", "the books do not balance", "Run: bridge books")


def _say(text: str) -> None:
    click.echo(f"[{time.monotonic() - _started:5.0f} s] {text}")


def _feed() -> Window:
    """Invented data on first call: files in CEN's drop folder, cases in the partner's database. The days they cover."""
    home = settings.home()
    folder = home / "feed"
    marker = folder / "first-day"
    if not marker.exists():
        shutil.rmtree(folder, ignore_errors=True)
        first = datetime.now(UTC).date() - timedelta(days=DAYS)
        _say(f"Writing {DAYS} days of invented seizures, {PER_DAY} records a day")
        made = generate(folder, DAYS, PER_DAY, seed=SEED, start=first)
        _say(f"  {made.records} CEN records in {made.files} files, {made.cases} cases of CIS's own services")
        marker.write_text(first.isoformat(), encoding="utf-8")
    first_day = datetime.fromisoformat(marker.read_text(encoding="utf-8")).replace(tzinfo=UTC)
    (home / "cen_out").mkdir(parents=True, exist_ok=True)
    settings.remember("cen_drop", str(folder / "cen"))
    settings.remember("cen_out", str(home / "cen_out"))
    server = Server(home).start()
    settings.remember("cis_db", server.ensure_database("cis"))
    with psycopg.connect(settings.connection("cis_db").replace("+psycopg", "", 1)) as session:
        if session.execute("SELECT to_regclass('cis.case')").fetchone() == (None,):
            session.execute(Content.find().path("schemas/cis/cis.sql").read_bytes())
    load_cases(folder / "cis", settings.connection("cis_db"))
    return Window(first_day, first_day + timedelta(days=DAYS))


def _backfill(engineer: AirflowApi, dag: str, days: Window, *, again: bool) -> None:
    """Run every window of these days and wait until each has ended well.

    The shares are let go when half of the windows are done: each is offered what lies there, and woken by the rest.
    """
    number = engineer.backfill(dag, days, again=again)
    shown = -1
    sharing = False

    def done() -> bool:
        nonlocal shown, sharing
        runs = [run for run in engineer.runs(dag) if run["run_type"] == "backfill"]
        failed = [run["dag_run_id"] for run in runs if run["state"] == "failed"]
        if failed:
            raise Stop(
                "RUN_FAILED", dag, f"{failed[0]} failed", "Open it in Airflow and read the log of its failed task"
            )
        ended = sum(run["state"] in ENDED for run in runs)
        if ended != shown:
            _say(f"  {ended} of {DAYS} windows done")
            shown = ended
        if ended > DAYS // 2 and not sharing:
            engineer.unpause([f"share_{name}" for name in SHARES])
            sharing = True
        # Runs taken again had ended well before: then only Airflow itself can tell, half a minute late, that it is so.
        over = not again or bool(engineer.call("GET", f"backfills/{number}")["completed_at"])
        return len(runs) == DAYS and ended == DAYS and over

    engineer.wait(done, f"{dag} is being backfilled")


def _finish(engineer: AirflowApi, dag: str, run: str) -> None:
    """Wait until this run has ended well."""

    def done() -> bool:
        state = engineer.state(dag, run)
        if state == "failed":
            raise Stop("RUN_FAILED", dag, f"{run} failed", "Open it in Airflow and read the log of its failed task")
        return state == "success"

    engineer.wait(done, f"{dag} is under way")


def _echo(engineer: AirflowApi, days: Window) -> None:
    """Collect CIS once more, now that our own cases lie there: they are met again, and go nowhere."""
    _say(f"Collecting CIS again, with our own cases in it, once they are {LAG} seconds old (the source's declared lag)")
    with psycopg.connect(settings.connection("cis_db").replace("+psycopg", "", 1)) as session:
        ((last,),) = session.execute("SELECT max(updated_at) FROM cis.case").fetchall()
    until = last.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    time.sleep(max(0.0, (until + timedelta(seconds=LAG + 1) - datetime.now(UTC)).total_seconds()))
    _finish(engineer, "collect_cis", engineer.trigger("collect_cis", Window(days.until, until)))
    _settle(engineer, SHARES)


def _settle(engineer: AirflowApi, partners: Sequence[str]) -> None:
    """Until no share run is under way, and each of these partners was offered all that was accepted."""

    def idle() -> bool:
        states = [run for name in SHARES for run in engineer.runs(f"share_{name}")]
        failed = [run["dag_run_id"] for run in states if run["state"] == "failed"]
        if failed:
            raise Stop(
                "RUN_FAILED", "share", f"{failed[0]} failed", "Open it in Airflow and read the log of its failed task"
            )
        return all(run["state"] in ENDED for run in states) and _all_offered(partners)

    engineer.wait(idle, "shares are under way")


def _all_offered(partners: Sequence[str]) -> bool:
    with Exchange.of(Role.AUDIT) as exchange:
        awaiting = {p.partner: p.counts.get("awaiting", 0) for p in exchange.books().partners}
    return all(awaiting.get(name) == 0 for name in partners)


def _at_partners() -> dict[str, Any]:
    """What both partners hold, to be compared: CEN's files by name, CIS's tables by rows and last write."""
    state: dict[str, Any] = {"files": sorted(path.name for path in (settings.home() / "cen_out").glob("*"))}
    Server(settings.home()).start()
    with psycopg.connect(settings.connection("cis_db").replace("+psycopg", "", 1)) as session:
        names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'cis' ORDER BY 1"
        for (table,) in session.execute(names).fetchall():
            query = f"SELECT count(*), max(xmin::text::bigint) FROM cis.{table}"  # noqa: S608 -- names from the catalogue
            state[table] = session.execute(query.encode()).fetchone()
    return state


def _verdict(before: dict[str, Any] | None) -> None:
    """Whether a repeated demo changed anything at a partner."""
    if before is None:
        return
    changed = [name for name, value in _at_partners().items() if before[name] != value]
    if changed:
        raise Stop("NOT_IDEMPOTENT", "bridge demo", f"the second run changed {', '.join(changed)}", "Run: bridge books")
    click.echo(
        "The same days were taken again, and nothing changed at either partner: 0 inserted, 0 updated, 0 withdrawn"
    )
    click.echo(f"({len(before) - 1} tables of CIS and {len(before['files'])} files of CEN are as they were).")
