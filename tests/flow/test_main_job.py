"""The whole way: CEN to the exchange to CIS, and CIS to the exchange to CEN, against the feed's truth."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
from lxml import etree

from bridge import settings
from bridge.checkpoint import Checkpoint
from bridge.connector import Window
from bridge.exchange import Exchange
from bridge.feed import Feed, expected
from bridge.flow import collecting, sharing
from bridge.flow.envelope import bridge_id
from tests.connectors.time_authority import stamping
from tests.flow.conftest import Installation, windows

CIS_FACTS = """
SELECT c.case_reference, s.date_of_seizure::text, count(g.entry_no)
FROM cis.case c
JOIN bridge_inbox.cis_case i ON i.key = c.case_reference
LEFT JOIN cis.seizure s USING (case_reference)
LEFT JOIN cis.commodity g ON g.case_reference = c.case_reference AND g.cash_amount IS NULL
GROUP BY 1, 2
"""

UNJUDGED = pytest.mark.usefixtures("unjudged")


def collect_all(source: str) -> None:
    for window in windows():
        collecting.collect(source, window, fresh=False)


def held_by_cis(installation: Installation) -> dict[str, tuple[str, int]]:
    """What CIS holds of ours: by case, the seizure's date and the number of goods lines."""
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        return {row[0]: (row[1], row[2]) for row in session.execute(CIS_FACTS)}


def truth_of(feed: Feed, source: str, group: str = "") -> dict[str, tuple[str, int]]:
    """What a partner must hold in the end: by bridge id, the seizure's date and the number of goods lines."""
    rows = pq.read_table(feed.truth / "final.parquet").to_pylist()
    return {
        str(bridge_id(source.upper(), row["ref"])): (row["seizure_date"], row["goods"])
        for row in rows
        if row["source"] == source and not row["cancelled"] and group in ("", row["commodity_group"])
    }


def test_each_window_reports_what_the_truth_says(fed: Installation, feed: Feed) -> None:
    for window, truth in zip(windows(), expected(feed.truth), strict=True):
        books = collecting.collect("cen", window, fresh=False)
        (source,) = books.sources
        assert source.read == truth.read
        assert {k: v for k, v in source.counts.items() if v} == dict(truth.dispositions)
        assert dict(source.reasons.get("held", {})) == dict(truth.held)
        assert books.balanced
    assert Exchange(settings.exchange_url()).books(source="cen").contiguous


@UNJUDGED
def test_cis_holds_exactly_what_the_truth_says(fed: Installation, feed: Feed) -> None:
    collect_all("cen")
    books = sharing.share("cis")
    assert books.balanced
    assert held_by_cis(fed) == truth_of(feed, "cen")


def test_corrections_and_cancellations_reach_a_partner_that_had_the_record(
    fed: Installation, feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effects: Counter[str] = Counter()
    with stamping(tmp_path) as authority:
        monkeypatch.setenv("BRIDGE_CONN_TIMESTAMPS", authority.connection)
        for window in windows():
            collecting.collect("cen", window, fresh=False)
            for partner in sharing.share("cis").partners:
                effects.update(partner.effects)
    assert effects["update"] > 0
    assert effects["withdraw"] > 0
    with psycopg.connect(fed.cis.replace("+psycopg", "")) as session:
        notes = session.execute("SELECT note FROM bridge_inbox.checkpoint ORDER BY epoch").fetchall()
    kept = [Checkpoint.parse(note) for (note,) in notes]
    assert [one.number for one in kept] == [1, 3, 5, 7, 9], "the seal of what was collected before each delivery"
    assert all(one.holds for one in kept)
    with Exchange(settings.exchange_url()) as exchange:
        assert [exchange.verify(one, contents=False) for one in kept] == [[]] * 5
        stamps = exchange.verify_stamps([authority.signer.root])
    assert (stamps.held, stamps.number, stamps.flaws) == (10, 10, ()), "each run had its seal stamped"
    assert held_by_cis(fed) == truth_of(feed, "cen")


@UNJUDGED
def test_windows_out_of_order_and_twice_end_in_the_same_state(fed: Installation, feed: Feed) -> None:
    for window in [*reversed(windows()), *windows()]:
        collecting.collect("cen", window, fresh=False)
        sharing.share("cis")
    assert held_by_cis(fed) == truth_of(feed, "cen")
    assert Exchange(settings.exchange_url()).books(source="cen").contiguous


@UNJUDGED
def test_a_second_run_changes_nothing_at_either_partner(fed: Installation) -> None:
    collect_all("cen")
    collect_all("cis")
    for partner in ("cis", "cen"):
        sharing.share(partner)
    before = partner_state(fed)
    collect_all("cen")
    collect_all("cis")
    for partner in ("cis", "cen"):
        (books,) = sharing.share(partner).partners
        assert books.counts.get("delivered", 0) == 0
    assert partner_state(fed) == before


@UNJUDGED
def test_cis_cases_reach_cen_without_anything_personal(fed: Installation, feed: Feed) -> None:
    collect_all("cis")
    with Exchange(settings.exchange_url()) as exchange:
        newest = exchange.checkpoint()
    books = sharing.share("cen")
    assert books.balanced
    told = {json.loads(path.read_text(encoding="utf-8"))["checkpoint"] for path in fed.cen_out.glob("*.manifest.json")}
    assert newest is not None
    assert told == {str(newest)}, "each manifest has the newest head of the seals"
    delivered = {one.get("ref") for file in fed.cen_out.glob("*.xml") for one in etree.parse(file).iter("Seizure")}
    assert delivered == set(truth_of(feed, "cis", group="TOB"))  # the link carries tobacco; the rest is withheld
    (cen,) = books.partners
    assert cen.counts["withheld"] == len(truth_of(feed, "cis")) - len(delivered)
    canaries = [line for line in (feed.truth / "canaries.txt").read_text(encoding="utf-8").splitlines() if line]
    assert canaries
    everything = b"".join(path.read_bytes() for path in fed.cen_out.rglob("*") if path.is_file()).decode()
    assert not [canary for canary in canaries if canary.casefold() in everything.casefold()]


@UNJUDGED
def test_our_own_cases_met_again_at_cis_are_echo(fed: Installation, feed: Feed) -> None:
    collect_all("cen")
    sharing.share("cis")
    ours = len(held_by_cis(fed))
    with psycopg.connect(fed.cis.replace("+psycopg", "")) as session:
        session.execute("SET LOCAL session_replication_role = replica")  # the table's trigger would date the change now
        session.execute(
            "UPDATE cis.case SET updated_at = now() - interval '1 hour' "
            "WHERE case_reference IN (SELECT key FROM bridge_inbox.cis_case)"
        )
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    books = collecting.collect("cis", Window(now - timedelta(hours=2), now), fresh=False)
    (source,) = books.sources
    assert source.counts["echo"] == ours
    (cen,) = sharing.share("cen").partners
    assert cen.counts.get("delivered", 0) == 0
    assert not list(fed.cen_out.glob("*.xml"))


def partner_state(installation: Installation) -> tuple[list[tuple[object, ...]], list[tuple[str, bytes]]]:
    """Every row CIS holds, with the transaction that wrote it, and every file CEN got."""
    rows: list[tuple[object, ...]] = []
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        tables = session.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'cis' ORDER BY 1"
        ).fetchall()
        for (table,) in tables:
            query = f"SELECT '{table}', xmin::text, t::text FROM cis.{table} t ORDER BY 3"
            rows += session.execute(query.encode()).fetchall()
    files = [(path.name, path.read_bytes()) for path in sorted(installation.cen_out.glob("*"))]
    return rows, files


@pytest.mark.parametrize("kind", ["cen", "cis"])
def test_truth_is_not_empty(feed: Feed, kind: str) -> None:
    assert len(truth_of(feed, kind)) > 20
    assert Path(feed.truth).exists()
