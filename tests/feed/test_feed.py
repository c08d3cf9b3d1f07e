"""The feed: the same bytes for the same seed, valid where it should be, and a truth that adds up."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
from lxml import etree

from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.feed import Feed, expected, generate, load_cases
from bridge.feed.catalogue import KINDS
from bridge.feed.partner import CANARY, COLUMNS
from bridge.feed.record import container, decimal
from bridge.feed.story import FAULTS, Event, digest, judge, story

CONTENT = Content.find()
XSD = etree.XMLSchema(etree.parse(CONTENT.path("schemas/cen/cen.xsd")))
DAYS, PER_DAY, START = 4, 1500, date(2026, 1, 1)
VALID_YET_BAD = {"unknown_country", "unknown_unit", "future_date"}
"""Faults of meaning, which no schema can see."""


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return generate(tmp_path_factory.mktemp("feed") / "one", DAYS, PER_DAY, seed=11, bad_share=0.08, bad_files=True)


def rows(feed: Feed, name: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = pq.read_table(feed.truth / f"{name}.parquet").to_pylist()
    return found


def hashes(folder: Path) -> dict[str, tuple[str, float]]:
    """Hash of each file, and for a dropped one its arrival."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in (".xml", ".csv")]
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime if path.suffix == ".xml" else 0.0,
        )
        for path in files
    }


def test_the_same_seed_gives_the_same_bytes_at_the_same_times(tmp_path: Path) -> None:
    made = [generate(tmp_path / name, 2, 120, seed=seed) for name, seed in (("a", 5), ("b", 5), ("c", 6))]
    first, again, other = (hashes(feed.cen.parent) for feed in made)
    assert first == again
    assert set(first) == set(other)
    assert all(first[name] != other[name] for name in first if name.startswith("cen/"))
    assert [rows(feed, "final") for feed in made[:2]] == [rows(made[0], "final")] * 2


def test_a_folder_with_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Misconfigured, match="NOT_EMPTY"):
        generate(tmp_path, 1, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_every_file_arrives_inside_its_own_day(feed: Feed) -> None:
    files = [row for row in rows(feed, "inputs") if row["problem"] is None]
    assert len(files) == DAYS * 4
    for row in files:
        path = feed.cen / str(row["file"])
        arrival = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        assert arrival == row["arrival"]
        assert arrival.date() == row["window"]
        assert path.name.startswith(f"{row['window']:%Y%m%d}")
        assert sum(1 for _ in etree.parse(path).getroot()) == row["records"]


def test_records_are_valid_but_those_bad_on_purpose(feed: Feed) -> None:
    truth = {(row["file"], row["ordinal"]): row for row in rows(feed, "records") if row["source"] == "cen"}
    faults = {(str(fault.code), fault.field): fault.name for fault in FAULTS}
    refused: Counter[str] = Counter()
    for path in sorted(feed.cen.glob("*-0*.xml")):
        for ordinal, record in enumerate(etree.parse(path).getroot()):
            row = truth[path.name, ordinal]
            assert record.get("ref") == row["ref"]
            single = etree.Element("CEN")
            single.append(record)
            valid = XSD.validate(single)
            if row["disposition"] != "held":
                assert valid, XSD.error_log
            elif not valid:
                refused[str(row["code"])] += 1
            else:
                assert faults[str(row["code"]), str(row["field"])] in VALID_YET_BAD
    assert len(refused) >= 7


def test_all_groups_forms_languages_and_faults_occur(feed: Feed) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(feed.cen.glob("*-0*.xml")))
    for kind in KINDS:
        assert f"<Type>{kind.code}</Type>" in text
    for sign in (
        "<Form>SIMPLIFIED</Form>",
        "<Status>CANCELLED</Status>",
        "Marchandises découvertes",
        "wooden pallets &amp; empty",
    ):
        assert sign in text
    held = Counter((row["code"], row["field"]) for row in rows(feed, "records") if row["disposition"] == "held")
    assert set(held) == {(fault.code, fault.field) for fault in FAULTS}


def test_totals_of_the_windows_are_those_of_the_files(feed: Feed) -> None:
    windows = expected(feed.truth)
    assert [one.window for one in windows] == [START + timedelta(days=day) for day in range(DAYS)]
    assert sum(one.read for one in windows) == feed.records
    for one in windows:
        files = [row for row in rows(feed, "inputs") if row["window"] == one.window]
        assert one.read == sum(int(str(row["records"])) for row in files) == sum(one.dispositions.values())
        assert sum(one.held.values()) == one.dispositions["held"]
    assert {name for one in windows for name in one.dispositions} == {"accepted", "unchanged", "superseded", "held"}


def test_what_stands_in_the_end_follows_from_the_records_alone(feed: Feed) -> None:
    """The truth against an independent telling: keep the highest sound version of each record."""
    stands: dict[str, tuple[bool, int]] = {}
    for row in rows(feed, "records"):
        if row["disposition"] != "held":
            order = bool(row["cancelled"]), int(str(row["version"]))
            stands[str(row["ref"])] = max(order, stands.get(str(row["ref"]), order))
    final = {str(row["ref"]): (row["cancelled"], row["version"]) for row in rows(feed, "final")}
    assert final == stands
    assert any(cancelled for cancelled, _ in stands.values())


def test_dispositions_follow_from_the_order_of_arrival_alone(feed: Feed) -> None:
    standing: dict[str, tuple[bool, int]] = {}
    for row in sorted(rows(feed, "records"), key=lambda row: (str(row["file"]), int(str(row["ordinal"])))):
        if row["disposition"] == "held":
            continue
        order, before = (bool(row["cancelled"]), int(str(row["version"]))), standing.get(str(row["ref"]), (False, 0))
        wanted = "accepted" if order > before else "unchanged" if order == before else "superseded"
        assert row["disposition"] == wanted
        standing[str(row["ref"])] = max(order, before)


def test_files_bad_as_a_whole_are_told_apart(feed: Feed) -> None:
    bad = {str(row["file"]): row["problem"] for row in rows(feed, "inputs") if row["problem"] is not None}
    assert len(bad) == 9
    assert all(name.startswith("20260101-bad-") and (feed.cen / name).exists() for name in bad)
    assert len(list(feed.cen.iterdir())) == feed.files == len(bad) + DAYS * 4


def test_memory_does_not_grow_with_days() -> None:
    """What is kept for later days is bounded by what three days bring."""
    told = [story(n, digest(3, n), 10, 1000, n % 2 == 0, 0.02) for n in range(20000)]
    assert max(event.day for events in told for event in events) <= 13
    assert sum(len(events) - 1 for events in told) < 0.2 * len(told)


@pytest.mark.parametrize(
    ("events", "dispositions"),
    [
        ([(1, 0, False), (1, 0, False)], ["accepted", "unchanged"]),
        ([(1, 0, False), (2, 0, False)], ["accepted", "accepted"]),
        ([(1, 1, False), (2, 0, False)], ["superseded", "accepted"]),
        ([(1, 0, False), (3, 1, False), (2, 2, False)], ["accepted", "accepted", "superseded"]),
        ([(1, 0, False), (4, 1, True), (5, 2, False)], ["accepted", "accepted", "superseded"]),
        ([(1, 0, False), (2, 1, False), (1, 2, False)], ["accepted", "accepted", "superseded"]),
        ([(1, 0, False), (1, 3, False)], ["accepted", "unchanged"]),
    ],
)
def test_verdicts(events: list[tuple[int, int, bool]], dispositions: list[str]) -> None:
    told = judge(Event(1, version, day, cancelled=cancelled) for version, day, cancelled in events)
    assert [event.disposition for event in told] == dispositions


def test_container_numbers_have_their_check_digit() -> None:
    assert container("CSQ", 305438) == "CSQU3054383"  # the standard's own example


def test_decimals_are_canonical() -> None:
    assert [decimal(n) for n in (0, 5, 50, 100, 12345, 12340)] == ["0", "0.05", "0.5", "1", "123.45", "123.4"]


def test_cases_go_into_the_tables_of_the_partner(feed: Feed, postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "", 1), autocommit=True) as session:
        session.execute(CONTENT.path("schemas/cis/cis.sql").read_bytes())
        assert load_cases(feed.cis, postgres_url) == feed.cases
        assert load_cases(feed.cis, postgres_url) == 0
        counts = {table: session.execute(f"SELECT count(*) FROM cis.{table}".encode()).fetchone() for table in COLUMNS}
        assert counts["case"] == counts["seizure"] == (feed.cases,)
        assert all(count is not None and count[0] > 0 for count in counts.values())
        stamped = session.execute("SELECT updated_at::date, count(*) FROM cis.case GROUP BY 1 ORDER BY 1").fetchall()
    assert stamped == [(START + timedelta(days=day), feed.cases // DAYS) for day in range(DAYS)]


def test_every_invented_person_can_be_searched_for(feed: Feed) -> None:
    canaries = (feed.truth / "canaries.txt").read_text(encoding="utf-8").splitlines()
    assert len(canaries) > feed.cases
    assert all(CANARY in canary.lower() for canary in canaries)
    for folder in feed.cis.iterdir():
        with (folder / "person.csv").open(encoding="utf-8", newline="") as file:
            people = list(csv.DictReader(file))
        assert {person["surname"] for person in people} <= set(canaries)
    assert not any(CANARY in path.read_text(encoding="latin-1").lower() for path in feed.cen.iterdir())
