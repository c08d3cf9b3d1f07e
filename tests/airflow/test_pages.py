"""The bridge's pages in Airflow: who may see them, what they tell, and how they look in a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import text

from bridge.exchange import Exchange
from tests.airflow.live import Live
from tests.airflow.story import Story

PAGES = ("/bridge/", "/bridge/held", "/bridge/record?id=x", "/bridge/grounds", "/bridge/run/collect_cen/some__run")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_for_those_who_signed_in(airflow: Live, page: str) -> None:
    assert airflow.ask("GET", page, user=None).status_code == 401
    assert airflow.ask("GET", page, user="auditor").status_code == 200
    cookie = {"_token": airflow.token("auditor")}
    assert requests.get(f"{airflow.url}{page}", cookies=cookie, timeout=30).status_code == 200


@pytest.mark.parametrize("page", ["/bridge/docs", "/bridge/openapi.json", "/bridge/nothing"])
def test_there_are_no_other_pages(airflow: Live, page: str) -> None:
    assert airflow.ask("GET", page, user="auditor").status_code == 404


def test_what_is_asked_for_is_escaped(airflow: Live) -> None:
    answer = airflow.ask("GET", "/bridge/record?id=%3Cscript%3Ealert(1)%3C/script%3E", user="auditor")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text


def test_the_overview_tells_what_the_books_tell(airflow: Live, exchange: Exchange, story: Story) -> None:
    books = exchange.books()
    shown = airflow.ask("GET", "/bridge/", user="auditor").text
    assert "The books balance" in shown
    for source in books.sources:
        assert f"<b>{source.read:,}</b>" in shown
    for equation in books.equations:
        assert equation.subject in shown
    assert shown.count("✓ holds") == len(books.equations)


def test_a_run_page_tells_inputs_with_hashes(airflow: Live, exchange: Exchange, story: Story) -> None:
    shown = airflow.ask("GET", f"/bridge/run/collect_cen/{quote(story.by_hand)}", user="auditor").text
    assert "enforcement-bridge seals" in shown  # its checkpoint, to be kept elsewhere
    with exchange.engine.connect() as connection:
        key = {"key": f"collect_cen/{story.by_hand}"}
        asked = "SELECT i.sha256 FROM exchange.input i JOIN exchange.run r ON r.id = i.run_id WHERE r.run_key = :key"
        hashes = connection.execute(text(asked), key).scalars().all()
    assert len(hashes) > 1
    assert all(one in shown for one in hashes)


def test_the_held_are_listed_by_code_with_file_and_record(airflow: Live, exchange: Exchange, story: Story) -> None:
    problem = exchange.held(source="cen")[0]
    shown = airflow.ask("GET", f"/bridge/held?source=cen&code={problem.code}", user="auditor").text
    assert str(problem.input) in shown
    assert problem.code in shown
    others = {one.code for one in exchange.held(source="cen")} - {problem.code}
    assert all(f'nowrap">{code}<' not in shown for code in others)


@pytest.fixture(scope="module")
def delivered(exchange: Exchange, story: Story) -> sa.Row[Any]:
    """A record that CIS has."""
    with exchange.engine.connect() as connection:
        return connection.execute(
            text(
                "SELECT r.bridge_id, r.origin_record_id, i.name FROM exchange.record r JOIN exchange.delivery d "
                "USING (bridge_id, version) JOIN exchange.record_version v USING (bridge_id, version) "
                "JOIN exchange.input i ON i.id = v.input_id "
                "WHERE r.origin_system = 'CEN' AND d.partner = 'cis' AND d.disposition = 'delivered' LIMIT 1"
            )
        ).one()


def test_a_record_is_explained_by_either_of_its_names(airflow: Live, delivered: sa.Row[Any]) -> None:
    row = delivered
    for name in (row.bridge_id, f"cen:{row.origin_record_id}", row.origin_record_id):
        shown = airflow.ask("GET", f"/bridge/record?id={name}", user="auditor").text
        assert str(row.bridge_id) in shown
        assert row.name in shown
        assert "515/97" in shown, "the ground on which it left"


def test_the_grounds_name_what_may_leave_and_what_never(airflow: Live) -> None:
    shown = airflow.ask("GET", "/bridge/grounds", user="auditor").text
    assert "Art. 24(g)" in shown
    assert "ORIGIN_CIS" in shown
    assert "none: nothing of this class leaves" in shown, "persons never go to CEN"


def test_a_task_links_to_its_books_and_its_held_records(airflow: Live, story: Story) -> None:
    links = airflow.api("GET", f"/dags/collect_cen/dagRuns/{quote(story.by_hand)}/taskInstances/accept/links")
    assert set(links["extra_links"]) == {"Held records", "Reconciliation"}
    for link in links["extra_links"].values():
        assert airflow.ask("GET", link, user="auditor").status_code == 200


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine: .ci/run installs it")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def auditor(browser: Browser, airflow: Live, story: Story) -> Page:
    """A page in which the auditor has signed in by the form."""
    page = browser.new_page(viewport={"width": 1360, "height": 1000})
    page.set_default_timeout(60_000)
    page.goto(airflow.url)
    page.fill("input[name=username]", "auditor")
    page.fill("input[name=password]", airflow.passwords["auditor"])
    page.click("button[type=submit]")
    page.wait_for_url(f"{airflow.url}/")
    return page


def shoot(page: Page, name: str) -> None:
    """Keep a picture where $BRIDGE_SHOTS says."""
    folder = os.environ.get("BRIDGE_SHOTS")
    if folder:
        page.wait_for_timeout(1500)
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_an_auditor_opens_reconciliation_and_finds_the_laws(auditor: Page, airflow: Live) -> None:
    auditor.goto(f"{airflow.url}/plugin/reconciliation")
    inside = auditor.frame_locator("iframe")
    expect(inside.get_by_text("The books balance.")).to_be_visible(timeout=60_000)
    expect(inside.get_by_role("heading", name="The laws, with their numbers")).to_be_visible()
    for width in (1240, 1360):
        auditor.set_viewport_size({"width": width, "height": 1000})
        hidden = inside.locator(".scroll").first.evaluate("table => table.scrollWidth - table.clientWidth")
        assert hidden <= 0, f"the sources scroll sideways at {width} pixels"
    shoot(auditor, "reconciliation")
    inside.get_by_role("link", name="Held records").click()
    expect(inside.get_by_role("heading", name="Held records")).to_be_visible()
    shoot(auditor, "held")
    inside.get_by_role("link", name="Legal grounds").click()
    expect(inside.get_by_role("heading", name="Legal grounds: who may receive what")).to_be_visible()
    shoot(auditor, "grounds")


def test_links_of_the_framed_page_lead_on(auditor: Page, airflow: Live) -> None:
    """Airflow's frame lets no page lead the window around it elsewhere."""
    auditor.goto(f"{airflow.url}/plugin/reconciliation")
    inside = auditor.frame_locator("iframe")
    inside.get_by_role("link", name="collect_cen/").first.click()
    expect(inside.get_by_role("heading", name="Collected from cen")).to_be_visible()
    inside.get_by_role("link", name="Overview").click()
    inside.get_by_role("link", name="switch_partner").click()
    auditor.wait_for_url(f"{airflow.url}/dags/switch_partner")
    expect(auditor.locator("h1, h2").filter(has_text="switch_partner").first).to_be_visible()


def test_the_ground_of_each_hop_is_in_view(auditor: Page, airflow: Live, delivered: sa.Row[Any]) -> None:
    auditor.set_viewport_size({"width": 1400, "height": 1000})
    auditor.goto(f"{airflow.url}/bridge/record?id={delivered.bridge_id}")
    ground = auditor.get_by_role("cell", name="515/97").first
    place = ground.bounding_box()
    assert place is not None
    assert place["width"] >= 200
    assert place["x"] + place["width"] <= 1400
    expect(auditor.get_by_role("link", name="run ").last).to_be_in_viewport(ratio=1)
    shoot(auditor, "record")
    auditor.get_by_role("link", name="run ").last.click()
    expect(auditor.get_by_role("heading", name="Shared with")).to_be_visible()


def test_an_auditor_opens_a_run_and_finds_its_books(auditor: Page, airflow: Live, story: Story) -> None:
    run = quote(story.by_hand, safe="")
    auditor.goto(f"{airflow.url}/dags/collect_cen/runs/{run}/plugin/reconciliation-run")
    inside = auditor.frame_locator("iframe")
    expect(inside.get_by_role("heading", name="Collected from cen")).to_be_visible(timeout=60_000)
    expect(inside.get_by_role("heading", name="Inputs")).to_be_visible()
    shoot(auditor, "run")


def test_the_mapping_is_a_page_of_its_dag(auditor: Page, airflow: Live) -> None:
    auditor.goto(f"{airflow.url}/dags/share_cis")
    auditor.get_by_role("button", name="Dag Docs").click()
    expect(auditor.get_by_text("What may leave")).to_be_visible(timeout=60_000)
    shoot(auditor, "dag-docs")
