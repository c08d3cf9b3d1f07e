"""Inputs that are bad as a whole: each is held with its reason, and everything beside it flows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bridge import encrypted, settings
from bridge.exchange import Exchange
from bridge.feed import Feed, expected, generate
from bridge.flow import archive, collecting
from tests.flow.conftest import START, Installation, windows


@pytest.fixture(scope="module")
def bad_feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    """One day with one file of each kind that is bad as a whole, among sound ones."""
    return generate(tmp_path_factory.mktemp("bad") / "feed", 1, 80, seed=3, start=START, bad_files=True)


def test_bad_files_are_held_and_nothing_else_is(
    installation: Installation, bad_feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_CONN_CEN_DROP", str(bad_feed.cen))
    books = collecting.collect("cen", windows()[0], fresh=False)
    (truth,) = expected(bad_feed.truth)
    (source,) = books.sources
    assert books.balanced
    assert source.read == truth.read
    assert source.refused == len(
        [row for row in pq.read_table(bad_feed.truth / "inputs.parquet").to_pylist() if row["problem"]]
    )
    assert source.counts["accepted"] == truth.dispositions["accepted"] > 0

    bad = {row["file"]: row["problem"] for row in pq.read_table(bad_feed.truth / "inputs.parquet").to_pylist()}
    with Exchange(settings.exchange_url()) as exchange:
        held = [problem for problem in exchange.held(source="cen") if problem.ordinal is None or problem.ordinal < 0]
    assert {Path(p.input or "").name: p.code for p in held} == {Path(k).name: v for k, v in bad.items() if v}
    for problem in held:
        assert problem.input is not None
        assert problem.sha256 is not None
        with archive.path_of(problem.sha256).open("rb") as kept:
            plain = b"".join(encrypted.read(kept, problem.sha256, "archive"))
        assert plain == (bad_feed.cen / Path(problem.input).name).read_bytes(), "nothing is lost"


def test_each_problem_of_a_record_is_kept_once(
    installation: Installation, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reading found wrong with a record is handed on by mapping too, and stands in the exchange once."""
    monkeypatch.setenv("BRIDGE_CONN_CEN_DROP", str(feed.cen))
    collecting.collect("cen", windows()[0], fresh=False)
    rows = pq.read_table(feed.truth / "records.parquet").to_pylist()
    repeated = {(row["file"], row["ordinal"]) for row in rows if row["code"] == "REPEATED" and row["window"] == START}
    assert repeated
    with Exchange(settings.exchange_url()) as exchange:
        held = exchange.held(source="cen")
    assert {(one.input, one.ordinal) for one in held if one.code == "REPEATED"} == repeated
    kept = Counter((one.input, one.ordinal, one.code, one.field, one.rule) for one in held)
    assert {problem: times for problem, times in kept.items() if times > 1} == {}
