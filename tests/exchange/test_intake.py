"""Taking a window in: what each record becomes, and that nothing shows before the books balance."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bridge.connector import Offer
from bridge.errors import Misconfigured, Problem, Stop
from bridge.exchange import Exchange
from bridge.ledger import Books
from tests.exchange.conftest import Query
from tests.exchange.samples import Version, candidates, collect, day, file, holds, out_of_scope, take_in


def test_records_are_accepted_once_and_a_rerun_rewrites_nothing(exchange: Exchange, query: Query) -> None:
    versions = [Version("S1"), Version("S2"), Version("S3"), Version("S4")]
    first = collect(exchange, versions)
    rows = query("SELECT bridge_id, xmin::text, ctid::text FROM exchange.record ORDER BY 1")
    again = collect(exchange, versions)
    assert first.sources[0].counts == {"accepted": 4}
    assert again.sources[0].counts == {"unchanged": 4}
    assert query("SELECT bridge_id, xmin::text, ctid::text FROM exchange.record ORDER BY 1") == rows
    assert query("SELECT count(*) FROM exchange.record_version") == [(4,)]


def test_a_correction_is_a_new_version_and_its_predecessor_stays(exchange: Exchange, query: Query) -> None:
    collect(exchange, [Version("S1", 0, "a")])
    books = collect(exchange, [Version("S1", 1, "b")], 1)
    assert books.sources[0].counts == {"accepted": 1}
    assert query("SELECT version, payload FROM exchange.record_version ORDER BY 1") == [
        (1, '{"content":"a"}'),
        (2, '{"content":"b"}'),
    ]
    assert query("SELECT version FROM exchange.record") == [(2,)]


def test_an_older_version_that_comes_late_is_superseded(exchange: Exchange) -> None:
    collect(exchange, [Version("S1", 5, "b")])
    books = collect(exchange, [Version("S1", 1, "a")], 1)
    assert books.sources[0].counts == {"superseded": 1}


def test_several_versions_in_one_batch_become_one(exchange: Exchange, query: Query) -> None:
    versions = [Version("S1", 1, "b"), Version("S1", 2, "c"), Version("S1", 2, "c"), Version("S1", 0, "a")]
    books = collect(exchange, versions, batch=10)
    assert books.sources[0].counts == {"accepted": 1, "superseded": 2, "unchanged": 1}
    assert query("SELECT payload FROM exchange.record_version") == [('{"content":"c"}',)]


def test_two_contents_under_one_version_are_decided_by_hash_and_flagged(exchange: Exchange, query: Query) -> None:
    one, other = Version("S1", 1, "a"), Version("S1", 1, "b")
    winner = max(one, other, key=lambda v: v.hash)
    books = collect(exchange, [one, other], batch=10)
    assert books.sources[0].reasons == {"superseded": {"TIE": 1}}
    assert query("SELECT content_hash FROM exchange.record") == [(winner.hash,)]


def test_a_cancelled_record_never_comes_back(exchange: Exchange, query: Query) -> None:
    collect(exchange, [Version("S1", 1, "a")])
    collect(exchange, [Version("S1", 2, "gone", "CANCELLED")], 1)
    books = collect(exchange, [Version("S1", 9, "b")], 2)
    assert books.sources[0].counts == {"superseded": 1}
    assert query("SELECT cancelled, version FROM exchange.record") == [(True, 2)]


def test_a_mapping_that_is_brought_back_comes_after_the_one_it_replaces(exchange: Exchange, query: Query) -> None:
    collect(exchange, [Version("S1", 1, "a")], fingerprint="f1")
    newer = collect(exchange, [Version("S1", 1, "b")], fingerprint="f2")
    older = collect(exchange, [Version("S1", 1, "a")], fingerprint="f1")
    again = collect(exchange, [Version("S1", 1, "a")], fingerprint="f1")
    assert [books.sources[0].counts for books in (newer, older, again)] == [{"accepted": 1}] * 2 + [{"unchanged": 1}]
    revisions = query("SELECT revision, fingerprint FROM exchange.mapping_revision ORDER BY 1")
    assert revisions == [(1, "f1"), (2, "f2"), (3, "f1")]


def test_an_old_run_executed_again_with_its_old_mapping_loses(exchange: Exchange) -> None:
    collect(exchange, [Version("S1", 1, "a")], fingerprint="f1", run_key="old")
    collect(exchange, [Version("S1", 1, "b")], fingerprint="f2")
    older = collect(exchange, [Version("S1", 1, "a")], fingerprint="f1", run_key="old")
    assert older.sources[0].counts == {"superseded": 1}


def test_a_mapping_brought_back_by_executing_its_old_run_again_takes_the_newest_place(exchange: Exchange) -> None:
    collect(exchange, [Version("S1", 1, "a")], fingerprint="f1", run_key="old")
    collect(exchange, [Version("S1", 1, "b")], fingerprint="f2")
    collect(exchange, [Version("S2")], 1, fingerprint="f1")
    older = collect(exchange, [Version("S1", 1, "a")], fingerprint="f1", run_key="old")
    assert older.sources[0].counts == {"accepted": 1}


def test_nothing_more_is_noted_of_a_sealed_run(exchange: Exchange, query: Query) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    one = file("a.csv", 0)
    exchange.register(run, one)
    exchange.note_read(run, one.sha256, 0)
    take_in(exchange, run)
    with pytest.raises(Stop, match="RUN_OVER"):
        exchange.note_read(run, one.sha256, 7)
    with pytest.raises(Stop, match="RUN_OVER"):
        exchange.note_judgement(run, [{"expectation": "x"}])
    assert query("SELECT rows_read FROM exchange.input") == [(0,)]


def test_our_own_record_come_back_is_an_echo(exchange: Exchange) -> None:
    ours = Version("S1")
    collect(exchange, [ours])
    back = [Version(str(ours.bridge_id), system="CIS"), Version("C-1", system="CIS")]
    shouted = [Version(ours.bridge_id.hex.upper(), system="CIS")]
    assert collect(exchange, back, source="cis").sources[0].counts == {"accepted": 1, "echo": 1}
    assert collect(exchange, shouted, 1, source="cis").sources[0].counts == {"echo": 1}


def test_held_and_out_of_scope_records_count_in_rows(exchange: Exchange, query: Query) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    one = file("a.csv", 7)
    exchange.register(run, one)
    exchange.note_read(run, one.sha256, 7)
    with exchange.intake(run) as intake:
        sheet = candidates([Version("S1")], one.sha256)
        grouped = sheet.set_column(3, "rows", [[3]]).cast(sheet.schema)
        intake.accept(grouped)
        held = intake.hold(holds(one.sha256, [(3, "UNKNOWN_CODE", "seizure_country"), (3, "MISSING", "place")]))
        skipped = intake.skip(out_of_scope(one.sha256, [4, 5, 6]))
        books = intake.seal()
    assert (held, skipped) == (1, 3)
    assert books.sources[0].counts == {"accepted": 3, "held": 1, "out_of_scope": 3}
    assert books.sources[0].reasons == {"held": {"UNKNOWN_CODE": 1}, "out_of_scope": {"scope.disposition": 3}}
    assert [p.code for p in exchange.held(source="cen")] == ["UNKNOWN_CODE", "MISSING"]


def test_an_input_that_cannot_be_read_is_held_as_one(exchange: Exchange) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    reason = "the file ends before its last element; ask the source to send it again"
    exchange.register(run, replace(file("cut.xml", None), problem=Problem(-1, -1, "TRUNCATED", "", "complete", reason)))
    with exchange.intake(run) as intake:
        books = intake.seal()
    assert books.balanced
    (problem,) = exchange.held(source="cen")
    assert (problem.code, problem.ordinal, problem.input, problem.reason) == ("TRUNCATED", -1, "cut.xml", reason)


def test_a_held_record_is_redriven_by_the_run_that_takes_it_in_again(exchange: Exchange) -> None:
    one = file("a.xml", 1)

    def drive(fingerprint: str, sound: bool) -> Books:
        run = exchange.begin_collect("cen", day(0), "m", fingerprint, f"k {fingerprint}")
        exchange.register(run, one)
        exchange.note_read(run, one.sha256, 1)
        with exchange.intake(run) as intake:
            if sound:
                intake.accept(candidates([Version("S1")], one.sha256))
            else:
                intake.hold(holds(one.sha256, [(0, "UNKNOWN_CODE", "seizure_country")]))
            return intake.seal()

    drive("f1", False)
    (first,) = exchange.held()
    drive("f2", False)
    (second,) = exchange.held()
    assert (second.redrive_of, second.id > first.id) == (first.id, True)
    drive("f3", True)
    assert exchange.held() == []
    assert [p.state for p in exchange.held(state="redriven")] == ["redriven", "redriven"]


def test_many_held_again_are_each_looked_up_a_few_times(exchange: Exchange, query: Query) -> None:
    one, many = file("a.xml", 1_000), 1_000
    for fingerprint in ("f1", "f2"):
        run = exchange.begin_collect("cen", day(0), "m", fingerprint, f"k {fingerprint}")
        exchange.register(run, one)
        exchange.note_read(run, one.sha256, many)
        with exchange.intake(run) as intake:
            intake.hold(holds(one.sha256, [(n, "UNKNOWN_CODE", "seizure_country") for n in range(many)]))
            assert intake.seal().balanced
    linked = (
        "SELECT count(*) FROM exchange.held n JOIN exchange.held o ON o.id = n.redrive_of WHERE o.ordinal = n.ordinal"
    )
    assert query(linked) == [(many,)]
    exchange.close()
    # A session tells what it read when it ends, which is soon after it was closed.
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    sessions += " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    while query(sessions) != [(0,)]:
        time.sleep(0.05)
    looked = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'held'"
    ((read,),) = query(looked)
    assert many < read < 50 * many  # each for each would be a thousand times as many


def test_the_same_bytes_under_two_names_are_read_once(exchange: Exchange) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    one = file("a.xml", 2)
    assert exchange.register(run, one)
    assert not exchange.register(run, replace(one, name="copy-of-a.xml"))
    assert [i.name for i in exchange.inputs(run)] == ["a.xml"]
    assert exchange.register(run, one)
    assert [i.name for i in exchange.inputs(run)] == ["a.xml"]


def test_what_arrived_in_a_window_sealed_without_it_is_late(exchange: Exchange) -> None:
    collect(exchange, [Version("S1")], 0)
    known = file("cen-0.xml", 1)
    offers = [
        Offer(known.name, known.arrival),
        Offer("late.xml", day(0).since),
        Offer("not-yet.xml", day(1).since),
        Offer(known.name, day(0).since),
    ]
    assert exchange.late("cen", offers) == [offers[1], offers[3]]
    assert exchange.late("other", offers) == []
    assert [i.name for i in exchange.former("cen", day(0))] == [known.name]
    assert exchange.former("cen", day(1)) == []


def test_records_read_and_not_accounted_for_stop_the_seal_and_are_named(exchange: Exchange, query: Query) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    one = file("a.xml", 4)
    exchange.register(run, one)
    exchange.note_read(run, one.sha256, 4)
    versions = [Version("S1"), Version("S2"), Version("S3"), Version("S4")]
    whole = candidates(versions, one.sha256)
    with pytest.raises(Stop) as stop:
        take_in(exchange, run, whole.slice(0, 2), whole.slice(3))
    assert stop.value.code == "BOOKS_UNBALANCED"
    assert "E2 cen rows: 4 ≠ 3" in stop.value.what
    assert "a.xml: read 4, accounted for 3, first at record 2" in stop.value.what
    assert query("SELECT count(*) FROM exchange.record") == [(0,)]
    assert query("SELECT count(*) FROM exchange.sealed_window") == [(0,)]
    ((state, note, books),) = query("SELECT state, note, books FROM exchange.run")
    assert (state, note.split(":")[0], books["balanced"]) == ("failed", "BOOKS_UNBALANCED", False)


def test_a_reader_that_lost_a_record_is_caught_by_the_independent_count(exchange: Exchange) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    for name, counted, read in (("a.xml", 2, 1), ("b.xml", 0, 1)):
        one = file(name, counted)
        exchange.register(run, one)
        exchange.note_read(run, one.sha256, read)
    with pytest.raises(Stop) as stop:
        take_in(exchange, run, *(candidates([Version(n)], file(n, 1).sha256) for n in ("a.xml", "b.xml")))
    assert "E1 cen inputs: 2 = 2" in stop.value.what  # the sums agree by chance
    assert "a.xml: counted 2, read 1; b.xml: counted 0, read 1" in stop.value.what


def test_an_input_that_nobody_read_stops_the_seal(exchange: Exchange) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    exchange.register(run, file("a.xml", None))
    with pytest.raises(Stop, match="never read"):
        take_in(exchange, run)


def test_one_record_cannot_have_two_dispositions(exchange: Exchange, query: Query) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    one = file("a.xml", 1)
    exchange.register(run, one)
    exchange.note_read(run, one.sha256, 1)
    with pytest.raises(Stop) as stop:
        take_in(
            exchange, run, candidates([Version("S1")], one.sha256), held=holds(one.sha256, [(0, "MISSING", "place")])
        )
    assert stop.value.code == "DOUBLE_COUNTED"
    assert query("SELECT count(*) FROM exchange.record") == [(0,)]


def test_leaving_without_a_seal_leaves_nothing(exchange: Exchange, query: Query) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    one = file("a.xml", 1)
    exchange.register(run, one)
    with pytest.raises(Stop) as stop:
        take_in(exchange, run, candidates([Version("S1")], one.sha256), seal=False)
    assert stop.value.code == "NOT_SEALED"
    assert query("SELECT count(*) FROM exchange.record") == [(0,)]


def test_records_of_an_input_that_was_not_registered_are_refused(exchange: Exchange) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    with pytest.raises(Misconfigured, match="UNKNOWN_INPUT"):
        take_in(exchange, run, candidates([Version("S1")], file("a.xml", 1).sha256))


def test_a_failed_run_tries_again_and_a_sealed_one_is_over(exchange: Exchange) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    with pytest.raises(Stop):
        take_in(exchange, run, seal=False)
    same = exchange.begin_collect("cen", day(0), "m", "f", "k")
    assert (same.id, same.state) == (run.id, "failed")
    with exchange.intake(same) as intake:
        books = intake.seal()
    assert exchange.sealed(same) == books
    with pytest.raises(Stop, match="RUN_OVER"):
        take_in(exchange, same)
    assert exchange.sealed(exchange.resume("k")) == books
    anew = exchange.begin_collect("cen", day(0), "m", "f", "k")
    assert (anew.id != run.id, anew.attempt, exchange.resume("k")) == (True, 2, anew)


def test_an_attempt_with_another_mapping_shuts_the_earlier_one_out(exchange: Exchange) -> None:
    zombie = exchange.begin_collect("cen", day(0), "m", "f1", "k")
    heir = exchange.begin_collect("cen", day(0), "m", "f2", "k")
    assert (zombie.revision, heir.revision) == (1, 2)
    with pytest.raises(Stop, match="another attempt has taken its place"):
        take_in(exchange, zombie)
    with pytest.raises(Stop, match="RUN_OVER"):
        exchange.register(zombie, file("a.xml", 1))


def test_a_run_that_was_never_begun_is_not_found(exchange: Exchange) -> None:
    with pytest.raises(Stop, match="NO_SUCH_RUN"):
        exchange.resume("k")
    with pytest.raises(Stop, match="NO_SUCH_RUN"):
        exchange.run(7)
