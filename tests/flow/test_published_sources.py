"""The three published sources the whole way: into the exchange and, as a partner would hold them, into CIS."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from bridge.connector import Window
from bridge.flow import collecting, sharing
from bridge.ledger import Books
from tests.flow.conftest import Installation

ARRIVED = datetime(2026, 1, 6, 12, tzinfo=UTC)
WINDOW = Window(datetime(2026, 1, 6, tzinfo=UTC), datetime(2026, 1, 7, tzinfo=UTC))
AGAIN = Window(datetime(2026, 1, 7, tzinfo=UTC), datetime(2026, 1, 8, tzinfo=UTC))
# Per source: its folder, what becomes of its rows (the books count rows), and the records that the accepted ones make.
EXPECTED = {
    "lemis": ("lemis_fws", {"accepted": 276, "out_of_scope": 16090}, 262),
    "cbp_weapons": ("cbp_weapons", {"accepted": 22553, "held": 6}, 14922),
    "brazil_pf": ("brazil_pf", {"accepted": 6089}, 6089),
}


def drop(installation: Installation, monkeypatch: pytest.MonkeyPatch, source: str, folder: Path) -> Path:
    """A copy of the published file in the source's drop folder, arrived in WINDOW."""
    place = installation.drop(source)
    place.mkdir()
    (published,) = [path for path in folder.iterdir() if path.suffix in (".csv", ".xlsx")]
    copy = Path(shutil.copyfile(published, place / published.name))
    os.utime(copy, (ARRIVED.timestamp(),) * 2)
    monkeypatch.setenv(f"BRIDGE_CONN_{source.upper()}_DROP", str(place))
    return copy


def counts(books: Books) -> dict[str, int]:
    """Dispositions of the one source of these books, those that occur."""
    (source,) = books.sources
    assert books.balanced
    return {name: count for name, count in source.counts.items() if count}


@pytest.mark.parametrize("source", EXPECTED)
def test_every_row_is_accounted_for_and_the_sound_records_reach_cis(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, real_data: Path, source: str
) -> None:
    folder, rows, records = EXPECTED[source]
    copy = drop(installation, monkeypatch, source, real_data / folder)
    books = collecting.collect(source, WINDOW, fresh=False)
    assert counts(books) == rows
    assert sum(one.read for one in books.sources) == sum(rows.values())

    shared = sharing.share("cis")
    assert shared.balanced
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        assert session.execute("SELECT count(*) FROM cis.case").fetchone() == (records,)

    # The same file once more, under another name: nothing new, nowhere.
    os.utime(shutil.copyfile(copy, copy.with_name(f"again{copy.suffix}")), (ARRIVED.timestamp() + 86400,) * 2)
    second = counts(collecting.collect(source, AGAIN, fresh=False))
    assert second.get("unchanged", 0) == rows["accepted"]
    assert "accepted" not in second
    sharing.share("cis")
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        inbox = session.execute("SELECT count(*), count(DISTINCT key) FROM bridge_inbox.cis_case").fetchone()
    assert inbox == (records, records)
