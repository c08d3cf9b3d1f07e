"""Several runs at once over the same records, and a database that goes away in the middle."""

from __future__ import annotations

import threading
import traceback
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from bridge.errors import TryLater
from bridge.exchange import Exchange, Intake
from bridge.ledger import Books
from tests.exchange.conftest import Query
from tests.exchange.samples import (
    CANARY,
    Version,
    begin_share,
    candidates,
    collect,
    day,
    delivered,
    dispositions,
    empty,
    file,
)
from tests.exchange.samples import share as share_all

RUNS = 6


def versions(seed: int) -> list[Version]:
    """Forty versions of eight records; every seed another mix, with cancellations and repetitions."""
    return [
        Version(f"S{(n * seed) % 8}", (n * 7 + seed) % 5, "abc"[(n + seed) % 3], "CANCELLED" if n % 19 == 18 else "NEW")
        for n in range(1, 41)
    ]


def collect_again_until_done(exchange: Exchange, mine: Sequence[Version], number: int) -> tuple[Books, int]:
    """The window's books, and how many tries had to give way to another run."""
    for tries in range(50):
        try:
            return collect(exchange, mine, number, source=f"source{number}", batch=7), tries
        except TryLater:
            continue
    pytest.fail("never got through")


def truth() -> dict[str, bytes]:
    every = [v for seed in range(1, RUNS + 1) for v in versions(seed)]
    names = {v.id for v in every}
    return {name: max((v.status == "CANCELLED", v.hour, v.hash) for v in every if v.id == name)[2] for name in names}


def found(query: Query) -> dict[str, bytes]:
    return dict(query("SELECT origin_record_id, content_hash FROM exchange.record"))


def race(exchange: Exchange, rounds: int = 1) -> int:
    """All runs at once; gives the number of tries that gave way."""
    start = threading.Barrier(RUNS)

    def one(number: int) -> int:
        start.wait()
        gave_way = 0
        for _ in range(rounds):
            books, tries = collect_again_until_done(exchange, versions(number), number)
            assert books.balanced
            gave_way += tries
        return gave_way

    with ThreadPoolExecutor(RUNS) as pool:
        return sum(pool.map(one, range(1, RUNS + 1)))


def test_overlapping_runs_end_in_the_same_state_as_any_other_order(exchange: Exchange, query: Query) -> None:
    assert race(exchange) == 0  # the lock makes them wait, so none has to give way
    assert found(query) == truth()
    assert exchange.books().balanced


def test_without_the_lock_runs_give_way_and_the_state_is_still_right(
    exchange: Exchange, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Intake, "_lock", lambda *_: None)
    gave_way = 0
    for _ in range(5):
        if gave_way:
            break
        empty(query)
        gave_way += race(exchange)
        assert found(query) == truth()
        assert exchange.books().balanced
    assert gave_way > 0  # else they never met, and this proves nothing


def test_one_window_collected_twice_at_once_is_accepted_once(exchange: Exchange, query: Query) -> None:
    mine = [Version(f"S{n}") for n in range(30)]
    start = threading.Barrier(2)

    def one(_: int) -> dict[str, int]:
        start.wait()
        return dict(collect(exchange, mine).sources[0].counts)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, range(2)), key=str) == [{"accepted": 30}, {"unchanged": 30}]
    assert query("SELECT count(*) FROM exchange.record_version") == [(30,)]
    assert query("SELECT count(*) FROM exchange.sealed_window") == [(1,)]


def test_shares_that_run_beside_collects_lose_nothing(exchange: Exchange) -> None:
    stop = threading.Event()

    def sharing() -> None:
        while not stop.is_set():
            assert share_all(exchange)[0].balanced

    with ThreadPoolExecutor(1) as pool:
        background = pool.submit(sharing)
        race(exchange, rounds=2)
        stop.set()
        background.result()
    books, _ = share_all(exchange)
    assert books.balanced
    everything = exchange.books()
    assert everything.balanced
    assert "awaiting" not in everything.partners[0].counts


def test_two_shares_at_once_settle_each_what_it_selected(exchange: Exchange) -> None:
    collect(exchange, [Version(f"S{n}") for n in range(10)])
    runs = [begin_share(exchange), begin_share(exchange)]
    assert [exchange.select(run) for run in runs] == [10, 10]
    for run in runs:
        for table in exchange.candidates(run, nominal=False):
            exchange.settle(run, dispositions(map(delivered, table.to_pylist())))
    assert [exchange.finish(run).partners[0].counts for run in runs] == [{"delivered": 10}, {"unchanged": 10}]
    assert exchange.books().balanced


def test_a_backend_that_dies_in_the_middle_leaves_nothing_and_the_retry_succeeds(
    exchange: Exchange, query: Query
) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    one = file("a.xml", 2)
    exchange.register(run, one)
    exchange.note_read(run, one.sha256, 2)
    whole = candidates([Version("S1"), Version("S2")], one.sha256)

    def cut() -> None:
        with exchange.intake(run) as intake:
            intake.accept(whole.slice(0, 1))
            query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND xact_start < now()"
            )
            intake.accept(whole.slice(1))
            intake.seal()

    with pytest.raises(TryLater, match="DATABASE_AWAY"):
        cut()
    assert query("SELECT count(*) FROM exchange.record") == [(0,)]
    assert exchange.resume("k").state == "running"
    with exchange.intake(run) as intake:
        intake.accept(whole)
        assert intake.seal().balanced


def test_a_database_that_is_not_there_is_a_reason_to_try_later() -> None:
    with Exchange("postgresql+psycopg://nobody:secret-word@127.0.0.1:1/none") as exchange:
        with pytest.raises(TryLater) as later:
            exchange.books()
        assert "secret-word" not in "".join(traceback.format_exception(later.value))


def test_no_refusal_of_the_database_repeats_a_value(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    """PostgreSQL's own message would quote the key, and the row."""
    caplog.set_level(0)
    collect(exchange, [Version(CANARY)])
    run = exchange.begin_collect("cen", day(1), "m", "f", "k")
    one = file("a.xml", 1)
    exchange.register(run, one)
    wrong = candidates([Version(CANARY)], one.sha256)
    other_id = pa.array([uuid.uuid4().bytes], pa.binary(16))
    wrong = wrong.set_column(wrong.column_names.index("bridge_id"), "bridge_id", other_id).cast(wrong.schema)

    def clash() -> None:
        with exchange.intake(run) as intake:
            intake.accept(wrong)

    with pytest.raises(TryLater) as refused:
        clash()
    said = "".join(traceback.format_exception(refused.value)) + caplog.text + repr(refused.value.__context__)
    assert "record_origin_system_origin_record_id_key" in said
    assert CANARY not in said
