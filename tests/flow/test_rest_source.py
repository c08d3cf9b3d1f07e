"""From a service's pages to CIS: drafted from one page, collected window by window, whatever dies or shifts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from bridge import settings
from bridge.cli import main
from bridge.connector import Window
from bridge.exchange import Exchange
from bridge.flow import collecting, sharing
from bridge.ledger import Books
from tests.commands.conftest import SECTIONS
from tests.connectors.https_partner import Authority, serving
from tests.connectors.https_supplier import Supplier
from tests.flow.conftest import Installation

DAY = datetime(2026, 11, 2, tzinfo=UTC)
FIRST, SECOND = (Window(DAY + timedelta(days=n), DAY + timedelta(days=n + 1)) for n in range(2))
LOADER = (
    "import sys; from datetime import datetime, timedelta; from bridge.connector import Window;"
    "from bridge.flow import collecting; since = datetime.fromisoformat(sys.argv[1]);"
    "collecting.collect('lab', Window(since, since + timedelta(days=1)), fresh=False)"
)
CASES = """
SELECT s.date_of_seizure::text, g.commodity_type FROM cis.case JOIN cis.seizure s USING (case_reference)
JOIN cis.commodity g USING (case_reference) ORDER BY 1, 2
"""


def record(number: int, moment: datetime, product: str = "Heroin") -> dict[str, object]:
    """An invented seizure as the laboratory tells it."""
    return {
        "ref": f"LAB-{number}", "date": f"2026-10-{number:02}", "country": "FR", "service": "Laboratory of Lille",
        "updated_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "items": [{"product": product, "qty": 1.5, "unit": "KGM"}],
    }  # fmt: skip


@pytest.fixture(scope="module")
def records() -> list[tuple[datetime, dict[str, object]]]:
    """Twelve invented seizures of the first day."""
    moments = [DAY + timedelta(hours=number) for number in range(1, 13)]
    return [(one, record(n, one, "Cocaine" if n % 2 else "Heroin")) for n, one in enumerate(moments, 1)]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory, records: list[tuple[datetime, dict[str, object]]]) -> Path:
    """A mapping for the laboratory's service, drafted from one page, which a person has completed and confirmed."""
    folder = tmp_path_factory.mktemp("content")
    (folder / "mappings").mkdir()
    page = folder / "page.json"
    told = {"data": [one for _, one in records], "paging": {"next": "/v2/records?page=2", "total": 12}}
    page.write_text(json.dumps(told))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRIDGE_CONTENT", str(folder))
        patch.chdir(folder)
        assert "Say since: and until: in collect" in typed("new", "source", "lab", "--sample", str(page))
        file = folder / "mappings" / "lab" / "collect.yaml"
        text = file.read_text(encoding="utf-8")
        assert "  connector: rest\n  connection: lab_api\n  records: data\n  pages: {next: paging.next}\n" in text
        said = "  connector: rest\n  path: /records\n  since: from\n  until: to\n  lag: 1 minute\n"
        file.write_text(text.replace("  connector: rest\n", said), encoding="utf-8")
        typed("confirm", "lab", *SECTIONS, "--by", "data@office.example")
        assert "2 examples hold" in typed("check", "lab")
        assert "the exchange: 12 would go" in typed("try", "lab", "--file", str(page))
    return folder


def typed(*words: str) -> str:
    """What a command prints that ends well."""
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, (words, done.output)
    return done.output


@pytest.fixture
def supplier(
    installation: Installation,
    authority: Authority,
    certificate: tuple[Path, Path],
    content: Path,
    records: list[tuple[datetime, dict[str, object]]],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Supplier]:
    """A service with the seizures on four pages."""
    monkeypatch.setenv("BRIDGE_CONTENT", str(content))
    with serving(Supplier(certificate, style="path", size=3)) as one:
        for moment, told in records:
            one.add(moment, **told)
        monkeypatch.setenv("BRIDGE_CONN_LAB_API", one.url(authority.pem))
        yield one


def counts(books: Books) -> dict[str, int]:
    """Dispositions of the one source of these books, those that occur."""
    (source,) = books.sources
    assert books.balanced
    return {name: count for name, count in source.counts.items() if count}


def cases(installation: Installation) -> list[tuple[str, str]]:
    """What CIS holds: day and goods of each seizure."""
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        return session.execute(CASES).fetchall()


def test_what_a_service_gives_reaches_cis_and_its_corrections_follow(
    installation: Installation, supplier: Supplier
) -> None:
    assert counts(collecting.collect("lab", FIRST, fresh=False)) == {"accepted": 12}
    assert sharing.share("cis").balanced
    found = cases(installation)
    assert found == [(f"2026-10-{n:02}", "COCAINE" if n % 2 else "HEROIN") for n in range(1, 13)]
    supplier.add(SECOND.since, **record(2, SECOND.since, "Cocaine"))
    assert counts(collecting.collect("lab", SECOND, fresh=False)) == {"accepted": 1}
    assert sharing.share("cis").partners[0].effects == {"update": 1}
    assert cases(installation)[1] == ("2026-10-02", "COCAINE")
    assert counts(collecting.collect("lab", FIRST, fresh=False)) == {"superseded": 1, "unchanged": 11}
    with Exchange(settings.exchange_url()) as exchange:
        assert exchange.verify() == []


def test_a_collect_that_is_killed_between_two_pages_loses_and_doubles_nothing(
    installation: Installation, supplier: Supplier
) -> None:
    words = [sys.executable, "-c", LOADER, FIRST.since.isoformat()]
    with subprocess.Popen(words, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}) as loader:
        supplier.asked = lambda number: os.kill(loader.pid, signal.SIGKILL) if number == 3 else None
        assert loader.wait(60) == -signal.SIGKILL
    supplier.asked = lambda _: None
    assert len(supplier.heard) == 3
    assert not [path for path in settings.archive().rglob("*") if path.is_file()]
    assert counts(collecting.collect("lab", FIRST, fresh=False)) == {"accepted": 12}
    sharing.share("cis")
    assert len(cases(installation)) == 12
    assert len([path for path in settings.archive().rglob("*") if path.is_file()]) == 1


def test_a_record_that_slides_onto_a_second_page_is_one_record(installation: Installation, supplier: Supplier) -> None:
    early = record(20, FIRST.since)
    supplier.asked = lambda number: supplier.add(FIRST.since, **early) if number == 2 else None
    assert counts(collecting.collect("lab", FIRST, fresh=False)) == {"accepted": 12, "unchanged": 1}
    supplier.asked = lambda _: None
    assert counts(collecting.collect("lab", FIRST, fresh=False)) == {"accepted": 1, "unchanged": 12}
    sharing.share("cis")
    assert len(cases(installation)) == 13


def test_a_page_that_is_broken_holds_its_window_and_the_next_try_takes_it_whole(
    installation: Installation, supplier: Supplier
) -> None:
    supplier.troubles.extend(["", "broken"])
    books = collecting.collect("lab", FIRST, fresh=False)
    assert books.balanced
    with Exchange(settings.exchange_url()) as exchange:
        (held,) = exchange.held(source="lab")
    assert (held.code, held.ordinal) == ("NOT_JSON", -1)
    assert f"page 2 of https://localhost:{supplier.port}/v2/records, byte 20: not JSON" in held.reason
    assert counts(collecting.collect("lab", FIRST, fresh=False)) == {"accepted": 12}
    with Exchange(settings.exchange_url()) as exchange:
        assert exchange.held(source="lab") == []
    sharing.share("cis")
    assert len(cases(installation)) == 12
