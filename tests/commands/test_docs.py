"""bridge docs: pages that hang together, need nothing from the network, and say what Airflow's pages say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.authoring.site import MARK, plain
from bridge.cli import main
from bridge.content import SHARE, Content
from bridge.mapping.page import markdown, page_of
from bridge.mapping.yaml import read_yaml
from tests.commands.conftest import Bridge

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """All pages, and what the command said."""
    out = tmp_path_factory.mktemp("docs") / "site"
    done = CliRunner().invoke(main, ["docs", "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out, done.output


def test_pages_hang_together_and_fetch_nothing(site: tuple[Path, str]) -> None:
    out, told = site
    pages = {one.name: one.read_text(encoding="utf-8") for one in out.iterdir()}
    assert f"{len(pages) - 1} pages written" in told
    for name, text in pages.items():
        if name.endswith(".html"):
            for target in re.findall(r'(?:href|src)="([^"]+)"', text):
                file, _, place = target.partition("#")
                assert (file or name) in pages, (name, target)
                assert not place or f'id="{place}"' in pages[file or name], (name, target)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)
    _same_as_in_airflow(pages["mapping-cis-share.html"])


def test_a_folder_with_other_files_is_left_alone(bridge: Bridge, tmp_path: Path) -> None:
    (tmp_path / "letter.docx").touch()
    assert "NOT_OURS" in bridge("docs", "--out", str(tmp_path), code=2)
    assert [one.name for one in tmp_path.iterdir()] == ["letter.docx"]


def test_pages_of_others_stay_and_our_own_old_ones_go(site: tuple[Path, str], bridge: Bridge, tmp_path: Path) -> None:
    """Only what carries the mark of these pages is deleted or written over."""
    mine = tmp_path / "index.html"
    mine.write_text("<html>my own</html>", encoding="utf-8")
    assert "NOT_OURS" in bridge("docs", "--out", str(tmp_path), code=2)
    assert mine.read_text(encoding="utf-8") == "<html>my own</html>"
    shutil.copytree(site[0], tmp_path, dirs_exist_ok=True)
    old = tmp_path / "mapping-gone-collect.html"
    shutil.copy(tmp_path / "index.html", old)
    bridge("docs", "--out", str(tmp_path))
    assert not old.exists()
    assert {MARK in one.read_text(encoding="utf-8") for one in tmp_path.iterdir()} == {True}


def _same_as_in_airflow(html: str) -> None:
    """Every row of the DAG's page stands in the static page: both are told by one module."""
    block, _ = read_yaml(Content.find().mapping("cis", SHARE))
    page = page_of(block, SHARE)
    text = (
        re.sub(r"<[^>]+>", "", html)
        .replace("&#34;", '"')
        .replace("&#39;", "'")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
    )
    told = markdown(page)
    for section in page.sections:
        assert f"### {section.title}" in told
        assert all(plain(cell) in text for row in section.rows for cell in row)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine: .ci/run installs it")
def test_search_and_picture_work_in_a_browser(site: tuple[Path, str]) -> None:
    """As a person meets them: what is typed is found, what is pointed at shows its lines."""
    from playwright.sync_api import sync_playwright

    out, _ = site
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: errors.append(request.url) if not request.url.startswith("file:") else None)
        page.goto(f"file://{out}/index.html")
        page.fill("#search", "seizure_country")
        assert page.locator("#found a").first.inner_text().startswith("seizure_country")
        page.keyboard.press("Enter")
        page.wait_for_url("**/*.html#*")
        page.goto(f"file://{out}/mapping-lemis-collect.html")
        page.locator('text.field[data-f="b:/seizure_date"]').hover()
        assert page.locator("svg.lineage path.hit").count() >= 1
        browser.close()
    assert errors == []


def test_every_version_of_a_mapping_has_a_page(bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "content/mappings/cen"
    folder.mkdir(parents=True)
    text = Content.find().mapping("cen", "collect").read_text(encoding="utf-8")
    for name, period in (("collect", 'from: "2026-01-01"'), ("collect-first", 'to: "2025-12-31"')):
        (folder / f"{name}.yaml").write_text(text.replace("\nversion:", f"\neffective: {{{period}}}\nversion:", 1))
    monkeypatch.setenv("BRIDGE_CONTENT", str(tmp_path / "content"))
    bridge("docs", "--out", str(tmp_path / "site"))
    assert "inputs that arrive to 2025-12-31" in (tmp_path / "site/mapping-cen-collect-first.html").read_text()
    assert "for inputs from 2026-01-01" in (tmp_path / "site/index.html").read_text()
