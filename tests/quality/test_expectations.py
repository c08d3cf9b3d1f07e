"""A whole window against what its source's windows look like, on a real exchange."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bridge.connector import Input, Window
from bridge.content import Content
from bridge.errors import Misconfigured, Stop
from bridge.exchange import STAGING, Exchange, Run
from bridge.expectations import judge, read

FIRST = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
CANARY = "Zqxcanary"


@pytest.fixture
def exchange(exchange_url: str) -> Iterator[Exchange]:
    with Exchange(exchange_url) as made:
        yield made


def rows(count: int, **columns: Sequence[Any]) -> pa.Table:
    """Staged records; a given column replaces the usual values."""
    end = FIRST.until - timedelta(hours=1)
    usual: dict[str, Sequence[Any]] = {
        "input_sha256": ["a"] * count,
        "ordinal": range(count),
        "origin_record_id": [f"{CANARY}-{n}" for n in range(count)],
        "source_version": [end] * count,
        "commodity_group": ["TOB"] * count,
        "location_type": ["AIRPORT"] * count,
    }
    given = {**usual, **columns}
    return pa.table(
        {
            field.name: pa.array(
                given.get(field.name, [1 if pa.types.is_integer(field.type) else None] * count), field.type
            )
            for field in STAGING
        }
    )


def begin(exchange: Exchange, staged: pa.Table, day: int = 0) -> Run:
    window = Window(FIRST.since + timedelta(days=day), FIRST.until + timedelta(days=day))
    run = exchange.begin_collect("cen", window, "cen -> common", "f1", f"cen {window}")
    exchange.stage(run, staged)
    return run


def sealed(exchange: Exchange, day: int, count: int) -> None:
    """A sealed window with so many sound records and as many that were out of scope."""
    from tests.exchange import samples

    run = begin(exchange, rows(count), day)
    assert run.window is not None
    one = Input(f"{day}.xml", f"{day:064}", 1, run.window.since, Path("x"), 2 * count)
    exchange.register(run, one)
    exchange.note_read(run, one.sha256, 2 * count)
    versions = [samples.Version(f"{day}-{n}") for n in range(count)]
    with exchange.intake(run) as intake:
        intake.accept(samples.candidates(versions, one.sha256))
        intake.skip(samples.out_of_scope(one.sha256, range(count, 2 * count)))
        intake.seal()


def expectations(folder: Path, *lines: str) -> Path:
    file = folder / "rules.yaml"
    file.write_text("expect:\n" + "".join(f"  - {{{line}}}\n" for line in lines))
    return file


VOLUME = "volume: records, low: 0.5, high: 2, windows: 3, least: 2, severity: stop, why: w"
GROUP = "present: commodity_group, at_least: 0.9, severity: stop, why: w"
PLACES = "share: location_type, of: [OTHER, UNKNOWN], at_most: 0.25, severity: warn, why: w"
KEYS = "unique: [origin_record_id, source_version], at_least: 0.8, severity: warn, why: w"
LINES = "within: goods_lines, min: 1, max: 5, at_least: 0.75, severity: warn, why: w"
FRESH = "fresh: source_version, days: 2, severity: stop, why: w"
ALL = (GROUP, PLACES, KEYS, LINES, FRESH)


def test_a_usual_window_meets_what_is_expected(exchange: Exchange, tmp_path: Path) -> None:
    found = judge(exchange, begin(exchange, rows(8)), expectations(tmp_path, *ALL))
    assert [one["ok"] for one in found] == [True] * 5
    assert [one["observed"] for one in found] == [1, 0, 1, 1, 0.041667]
    assert CANARY not in json.dumps(found)


def test_verdicts_and_numbers_agree_at_the_limits(exchange: Exchange, tmp_path: Path) -> None:
    places = ["OTHER", "UNKNOWN", "OTHER", *["AIRPORT"] * 5, None, None]
    staged = rows(
        10,
        commodity_group=["TOB"] * 9 + [None],
        location_type=places,
        origin_record_id=["a", "a", "b", "b", *"cdefgh"],
        goods_lines=[0, 9, 9, *[1] * 6, 5],
    )
    found = judge(exchange, begin(exchange, staged), expectations(tmp_path, *ALL))
    assert [(one["expectation"], one["observed"], one["ok"]) for one in found] == [
        ("present", 0.9, True),
        ("share", 0.375, False),
        ("unique", 0.6, False),
        ("within", 0.7, False),
        ("fresh", 0.041667, True),
    ]
    assert all("accepted" not in one for one in found)


def test_a_window_that_fails_is_stopped_until_somebody_accepts_it_by_name(exchange: Exchange, tmp_path: Path) -> None:
    run = begin(
        exchange, rows(4, commodity_group=[None] * 3 + ["TOB"], source_version=[FIRST.since - timedelta(days=3)] * 4)
    )
    rules = expectations(tmp_path, *ALL)
    with pytest.raises(Stop) as stopped:
        judge(exchange, run, rules)
    assert stopped.value.code == "QUALITY"
    assert "present commodity_group is 0.25, expected at least 0.9" in stopped.value.what
    assert "fresh source_version is 4.0, expected at most 2 days old" in stopped.value.what
    assert "--accept-quality" in stopped.value.fix
    assert CANARY not in str(stopped.value)
    found = judge(exchange, run, rules, accept="A. Officer: the source was renewed")
    assert {one["expectation"] for one in found if "accepted" in one} == {"present", "fresh"}


@pytest.mark.parametrize("accept", ["yes", "A. Officer", "A. Officer: ok", ": because it is right"])
def test_accepting_needs_a_name_and_a_reason(exchange: Exchange, tmp_path: Path, accept: str) -> None:
    with pytest.raises(Misconfigured, match="name and a reason"):
        judge(exchange, begin(exchange, rows(1)), expectations(tmp_path, GROUP), accept=accept)


def test_an_old_window_is_not_judged_by_how_fresh_it_is(exchange: Exchange, tmp_path: Path) -> None:
    old = rows(4, source_version=[FIRST.since - timedelta(days=90)] * 4)
    [found] = judge(exchange, begin(exchange, old), expectations(tmp_path, FRESH), fresh=False)
    assert (found["ok"], found["note"]) == (None, "cannot tell: an old window is collected again")


def test_volume_is_held_against_the_recent_past(exchange: Exchange, tmp_path: Path) -> None:
    rules = expectations(tmp_path, VOLUME)
    sealed(exchange, 0, 50)
    [found] = judge(exchange, begin(exchange, rows(1), 1), rules)
    assert (found["ok"], found["note"]) == (None, "cannot tell: 1 earlier windows, and 2 are needed")
    for day, count in ((1, 4), (2, 6), (3, 5)):
        sealed(exchange, day, count)
    [found] = judge(exchange, begin(exchange, rows(10), 4), rules)
    assert (found["ok"], found["observed"], found["note"]) == (True, 10, "the median is 5")
    with pytest.raises(Stop, match=r"volume is 11, expected 0\.5 to 2 times the median of 3 windows"):
        judge(exchange, begin(exchange, rows(11), 5), rules)
    with pytest.raises(Stop, match="volume is 0"):
        judge(exchange, begin(exchange, rows(0), 6), rules)


def test_an_empty_window_leaves_nothing_to_judge(exchange: Exchange, tmp_path: Path) -> None:
    found = judge(exchange, begin(exchange, rows(0)), expectations(tmp_path, *ALL))
    assert [one["note"] for one in found] == ["cannot tell: nothing to count"] * 5


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("present: surname, at_least: 1, severity: stop, why: w", "no column surname"),
        ("present: direction, at_least: many, severity: stop, why: w", "at_least is no number"),
        ("present: direction, at_most: 1, severity: stop, why: w", "other parts"),
        ("present: direction, at_least: 1, severity: perhaps, why: w", "severity perhaps"),
        ("present: [direction, location_type], at_least: 1, severity: stop, why: w", "about one column"),
        ("there: direction, at_least: 1", "no expectation"),
    ],
)
def test_a_file_that_declares_what_does_not_exist_is_refused(tmp_path: Path, line: str, what: str) -> None:
    with pytest.raises(Misconfigured, match=what):
        read(expectations(tmp_path, line))


QUALITY = Content.find().path("schemas/quality/record.yaml").parent


@pytest.mark.parametrize("file", sorted(QUALITY.glob("*.yaml")), ids=lambda file: file.name)
def test_every_quality_file_of_ours_can_be_read(file: Path) -> None:
    if file.name != "record.yaml":
        assert read(file)
