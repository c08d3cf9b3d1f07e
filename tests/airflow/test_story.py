"""Windows come in, are delivered and are accounted for in a real Airflow, whatever order and trouble they come in."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from bridge import settings
from bridge.airflow.upkeep import late_deliveries_of, late_seals_of, remove_folders
from bridge.exchange import Exchange
from bridge.feed.partner import CANARY
from bridge.ledger import AWAITING, Books
from tests.airflow.conftest import DAYS, PER_DAY, REASON, cases_in
from tests.airflow.live import Live
from tests.airflow.story import Story


@pytest.fixture(scope="module")
def truth(airflow: Live) -> Path:
    return airflow.feed / "truth"


@pytest.fixture(scope="module")
def books(exchange: Exchange, story: Story) -> Books:
    return exchange.books()


def window_of(run: dict[str, Any]) -> str:
    return f"{run['data_interval_start']}/{run['data_interval_end']}"


def test_windows_missed_in_an_outage_are_caught_up(airflow: Live, story: Story) -> None:
    scheduled = [run for run in airflow.runs("collect_cen") if run["run_type"] == "scheduled"]
    starts = {run["data_interval_start"] for run in scheduled if run["state"] == "success"}
    assert starts == {f"{story.midnight - timedelta(days=n):%Y-%m-%dT%H:%M:%SZ}" for n in (1, 2)}


def test_windows_before_the_schedule_begins_are_backfilled(airflow: Live, story: Story) -> None:
    runs = [run for run in airflow.runs("collect_cen") if run["run_type"] == "backfill"]
    assert {run["state"] for run in runs} == {"success"}
    assert len({window_of(run) for run in runs}) == DAYS - 2
    assert {run["triggering_user_name"] for run in runs} >= {"engineer"}


def test_two_runs_over_one_window_at_once_both_end_well(airflow: Live, story: Story) -> None:
    by_hand = airflow.run("collect_cen", story.by_hand)
    same = [run for run in airflow.runs("collect_cen") if window_of(run) == window_of(by_hand)]
    assert [run["state"] for run in same] == ["success"] * 2
    assert all(airflow.tries("collect_cen", run["dag_run_id"])["accept"][0] == "success" for run in same)


def test_a_run_by_hand_before_the_schedule_says_that_it_did_nothing(airflow: Live, story: Story) -> None:
    """Airflow gives it no tasks and calls that a success."""
    run = airflow.run("collect_cen", story.too_early)
    assert (run["state"], airflow.tries("collect_cen", story.too_early)) == ("failed", {})
    assert run["note"].startswith("**Nothing was done:**")


def test_the_command_line_collects_a_day_again(airflow: Live, story: Story) -> None:
    runs = [run for run in airflow.runs("collect_cen") if run["run_type"] == "backfill"]
    tries = sorted(airflow.tries("collect_cen", run["dag_run_id"])["accept"][1] for run in runs)
    assert tries == [1, 1, 2]


def test_what_stands_in_the_end_is_what_the_feed_says(exchange: Exchange, story: Story, truth: Path) -> None:
    """In whatever order windows came in, and however often."""
    final = pq.read_table(truth / "final.parquet").to_pylist()
    wanted = {(one["source"].upper(), one["ref"]): (one["cancelled"], one["updated_at"]) for one in final}
    with exchange.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT origin_system, origin_record_id, cancelled, source_version FROM exchange.record")
        ).all()
    held = {
        (r.origin_system, r.origin_record_id): (r.cancelled, f"{r.source_version:%Y-%m-%dT%H:%M:%SZ}") for r in rows
    }
    assert len(wanted) > DAYS * PER_DAY // 2
    assert held == wanted


def test_the_partner_holds_each_record_that_it_may_see_once(exchange: Exchange, story: Story, truth: Path) -> None:
    final = pq.read_table(truth / "final.parquet").to_pylist()
    wanted = {f"CEN:{one['ref']}" for one in final if one["source"] == "cen" and not one["cancelled"]}
    with exchange.engine.connect() as connection:
        withheld = {
            f"{row.origin_system}:{row.origin_record_id}"
            for row in connection.execute(
                text(
                    "SELECT r.origin_system, r.origin_record_id FROM exchange.delivery d JOIN exchange.record r "
                    "USING (bridge_id, version) WHERE d.partner = 'cis' AND d.disposition = 'withheld'"
                )
            )
        }
    with psycopg.connect(settings.connection("cis_db").replace("+psycopg", "")) as session:
        told = "SELECT document_reference FROM cis.case WHERE document_reference LIKE 'CEN:%'"
        found = [row[0] for row in session.execute(told)]
    assert len(found) == len(set(found))
    assert set(found) == wanted - withheld


def test_no_window_is_missing_and_the_books_balance(books: Books) -> None:
    assert books.balanced
    assert books.contiguous
    assert next(s for s in books.sources if s.source == "cen").windows == DAYS
    assert all(not partner.counts.get(AWAITING) for partner in books.partners)


def test_a_partner_that_is_away_is_tried_again(airflow: Live, story: Story) -> None:
    tries = airflow.tries("collect_cis", story.cis)
    assert tries["extract"] == ("success", 2)
    assert tries["map_and_validate"] == ("success", 1)


def test_a_window_that_quality_stops_comes_in_when_a_person_lets_it(
    airflow: Live, exchange: Exchange, story: Story
) -> None:
    tries = airflow.tries("collect_cis", story.cis)
    assert (tries["quality"], tries["accept"][0]) == (("failed", 1), "upstream_failed")
    assert airflow.run("collect_cis", story.cis)["note"].startswith("**Failed.** QUALITY")
    assert story.in_while_stopped == 0
    page = airflow.ask("GET", f"/bridge/run/collect_cis/{quote(story.cis)}", user="auditor").text
    assert "stops the window" in page
    assert "let pass" not in page

    assert airflow.run("collect_cis", story.let_pass)["state"] == "success"
    assert cases_in(exchange) > 0
    page = airflow.ask("GET", f"/bridge/run/collect_cis/{quote(story.let_pass)}", user="auditor").text
    assert f"let pass by engineer: {REASON}" in page


def test_an_error_that_quotes_a_record_fails_its_task_at_once_and_without_its_words(
    airflow: Live, story: Story
) -> None:
    run = airflow.wait_for_run("collect_cen_upload", story.upload)
    assert airflow.tries("collect_cen_upload", story.upload)["map_and_validate"] == ("failed", 1)
    assert run["note"].startswith("**Failed.** UNEXPECTED: ValueError at ")
    assert "quoting.py" in run["note"]


def test_a_missing_connection_fails_at_the_first_try(airflow: Live, story: Story) -> None:
    airflow.wait_for_run("collect_lemis", story.lemis)
    assert airflow.tries("collect_lemis", story.lemis)["extract"] == ("failed", 1)


def test_an_asset_event_carries_the_books_of_its_window(airflow: Live, story: Story) -> None:
    events = airflow.api("GET", "/assets/events?limit=100")["asset_events"]
    mine = [event for event in events if event["source_dag_id"] == "collect_cen"]
    assert len(mine) == DAYS + 2
    for event in mine:
        carried = Books.from_dict({name: event["extra"][name] for name in event["extra"]})
        assert carried.balanced
        assert carried.sources[0].read == sum(carried.sources[0].counts.values()) > 0


def test_sealed_windows_wake_shares_and_none_of_them_more_than_one(airflow: Live, story: Story) -> None:
    runs = [run for run in airflow.runs("share_cis") if run["run_type"] == "asset_triggered"]
    assert {run["state"] for run in runs} == {"success"}
    woken = []
    for run in runs:
        by = airflow.api("GET", f"/dags/share_cis/dagRuns/{run['dag_run_id']}/upstreamAssetEvents")
        woken += [event["id"] for event in by["asset_events"]]
    assert len(woken) == len(set(woken)) == DAYS + 2


def test_upkeep_finds_nothing_late_today_and_everything_in_a_month(
    airflow: Live, exchange: Exchange, story: Story
) -> None:
    runs = [(run["state"], run["note"]) for run in airflow.runs("upkeep")]
    assert {state for state, _ in runs} == {"success"}, runs
    later = datetime.now(UTC) + timedelta(days=30)
    assert [line.partition(":")[0] for line in late_seals_of(exchange, later, "source")] == ["cen", "cis"]
    assert late_deliveries_of(exchange, later, 24, 7) == []
    exchange.suspend("cis", "An officer", "A test of it")
    assert [line.partition(":")[0] for line in late_deliveries_of(exchange, later, 24, 7)] == ["cis"]
    exchange.resume_partner("cis", "An officer", "The test is over")


def test_folders_that_nobody_touched_are_removed(tmp_path: Path) -> None:
    for name in ("cen/old", "cen/new"):
        (tmp_path / name).mkdir(parents=True)
    os.utime(tmp_path / "cen/old", (0, 0))
    assert remove_folders(tmp_path, datetime(2026, 1, 1, tzinfo=UTC)) == 1
    assert [path.name for path in (tmp_path / "cen").iterdir()] == ["new"]


def test_every_run_has_a_note_with_its_counts(airflow: Live, story: Story) -> None:
    for run in airflow.runs("collect_cen"):
        if run["dag_run_id"] != story.too_early:
            assert re.match(r"\*\*\d+ read\*\*: \d+ [a-z]+.*\. The books balance\.", run["note"])
    shared = [run["note"] for run in airflow.runs("share_cis")]
    assert any("- delivered: insert" in note for note in shared)


def test_a_failed_run_says_why_in_its_note_and_in_the_exchange(airflow: Live, exchange: Exchange, story: Story) -> None:
    assert airflow.run("collect_lemis", story.lemis)["note"].startswith("**Failed.** NO_CONNECTION")
    found = exchange.resume(f"collect_lemis/{story.lemis}")
    assert (found.name, found.state) == ("lemis", "failed")


def test_a_note_that_a_person_wrote_stays(airflow: Live, story: Story) -> None:
    run = next(run for run in airflow.runs("share_cis") if run["run_type"] == "scheduled")["dag_run_id"]
    airflow.api("PATCH", f"/dags/share_cis/dagRuns/{run}", {"note": "Seen by the officer on duty"})
    airflow.api("POST", f"/dags/share_cis/dagRuns/{run}/clear", {"dry_run": False})
    airflow.wait("share again", lambda: airflow.tries("share_cis", run)["reconcile"] == ("success", 2))
    airflow.wait_for_run("share_cis", run)
    assert airflow.run("share_cis", run)["note"] == "Seen by the officer on duty"


def test_a_person_suspends_a_partner_and_its_runs_skip(airflow: Live, exchange: Exchange, story: Story) -> None:
    moved = airflow.trigger("switch_partner", conf={"partner": "cen", "action": "suspend", "reason": "A test of it"})
    assert airflow.wait_for_run("switch_partner", moved)["state"] == "success"
    suspension = exchange.suspension("cen")
    assert suspension is not None
    assert (suspension.by, suspension.reason) == ("engineer", "A test of it")
    run = airflow.trigger("share_cen")
    airflow.wait_for_run("share_cen", run)
    assert {state for state, _ in airflow.tries("share_cen", run).values()} == {"skipped"}
    assert "engineer suspended this partner" in airflow.run("share_cen", run)["note"]
    exchange.resume_partner("cen", "engineer", "The test is over")


def test_who_may_only_look_can_start_nothing(airflow: Live, story: Story) -> None:
    body = story.backfilled(story.midnight - timedelta(days=9), story.midnight - timedelta(days=9))
    refused = [
        airflow.ask("POST", "/api/v2/dags/share_cis/dagRuns", {"logical_date": None}, user="auditor"),
        airflow.ask("POST", "/api/v2/backfills", body, user="auditor"),
        airflow.ask("PATCH", "/api/v2/dags/share_cis", {"is_paused": True}, user="auditor"),
        airflow.ask("POST", "/api/v2/dags/switch_partner/dagRuns", {"logical_date": None}, user="auditor"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4


def test_no_planted_name_is_found_in_anything_that_airflow_shows(
    airflow: Live, exchange: Exchange, story: Story, truth: Path
) -> None:
    canaries = {line.strip() for line in (truth / "canaries.txt").read_text(encoding="utf-8").splitlines()} - {""}
    assert len(canaries) > 20
    with exchange.engine.connect() as connection:
        stored = connection.execute(text("SELECT count(*) FROM exchange_nominal.payload_nominal")).scalar_one()
    assert stored > 0, "the names did come in"
    said = airflow.everything_said()
    assert {"xcom", "rendered_task_instance_fields", "dag_run_note", "log", "serialized_dag"} <= set(said)
    assert len([name for name in said if name.endswith(".log")]) > 40
    assert said["xcom"]
    assert said["rendered_task_instance_fields"] == "", "a step has no fields that Airflow renders"
    pages = ["/bridge/", "/bridge/held?state=all", "/bridge/grounds"]
    pages += [f"/bridge/run/{run['dag_id']}/{run['dag_run_id']}" for run in airflow.runs("~")]
    with exchange.engine.connect() as connection:
        ids = connection.execute(text("SELECT bridge_id FROM exchange.record WHERE origin_system = 'CIS'")).scalars()
        pages += [f"/bridge/record?id={bridge_id}" for bridge_id in ids]
    for page in pages:
        answer = airflow.ask("GET", page, user="auditor")
        assert answer.status_code == 200, page
        said[page] = answer.text
    assert sum(map(len, said.values())) > 100_000
    assert all(CANARY in name.casefold() for name in canaries)
    assert [where for where, text in said.items() if CANARY in text.casefold()] == []
