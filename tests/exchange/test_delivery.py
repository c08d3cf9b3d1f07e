"""What a partner is offered, and that each accepted version ends in exactly one disposition there."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import Misconfigured, Stop
from bridge.exchange import PROBLEMS, Exchange, shared, streaming
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
    file,
    share,
    withheld,
)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["origin_record_id"] for row in rows)


def test_a_share_offers_each_record_once_and_the_next_offers_only_what_is_new(exchange: Exchange) -> None:
    collect(exchange, [Version("S1"), Version("S2"), Version("S3")])
    books, offered = share(exchange)
    assert (books.partners[0].counts, books.partners[0].effects) == ({"delivered": 3}, {"insert": 3})
    assert ids(offered) == ["S1", "S2", "S3"]
    collect(exchange, [Version("S4"), Version("S1", 1, "b")], 1)
    books, offered = share(exchange)
    assert ids(offered) == ["S1", "S4"]
    assert books.partners[0].effects == {"insert": 1, "update": 1}
    books, offered = share(exchange)
    assert (offered, books.partners[0].counts) == ([], {})


def test_what_an_offer_says_of_a_record(exchange: Exchange) -> None:
    version = Version("S1", 1, "b", nominal=f'{{"persons":[{{"surname":"{CANARY}"}}]}}')
    collect(exchange, [Version("S1", 0, "a")])
    share(exchange, "cis")
    share(exchange, "cen")
    collect(exchange, [version], 1)
    run = begin_share(exchange)
    assert exchange.select(run) == 1
    (plain,) = [row for table in exchange.candidates(run, nominal=False) for row in table.to_pylist()]
    (full,) = [row for table in exchange.candidates(run, nominal=True) for row in table.to_pylist()]
    assert (plain["nominal"], full["nominal"]) == (None, version.nominal)
    assert plain["bridge_id"] == version.bridge_id.bytes
    assert plain["payload"] == '{"content":"b"}'
    assert plain["seen_by"] == ["CEN", "cis"]  # the partner cen is the origin itself
    first = Version("S1", 0, "a")
    prior = {name: value for name, value in plain.items() if name.startswith("prior")}
    assert prior == {
        "prior_holds": True, "prior_effect": "insert", "prior_version": 1, "prior_revision": 1,
        "prior_hash": first.hash,
    }  # fmt: skip


def test_versions_with_a_higher_one_are_settled_as_superseded_without_being_offered(exchange: Exchange) -> None:
    collect(exchange, [Version("S1", 0, "a")])
    collect(exchange, [Version("S1", 1, "b")], 1)
    books, offered = share(exchange)
    assert [row["version"] for row in offered] == [2]
    assert books.partners[0].counts == {"delivered": 1, "superseded": 1}


def test_a_cancelled_record_is_withdrawn(exchange: Exchange) -> None:
    collect(exchange, [Version("S1")])
    share(exchange)
    collect(exchange, [Version("S1", 1, "gone", "CANCELLED")], 1)
    books, _ = share(exchange)
    assert books.partners[0].effects == {"withdraw": 1}
    collect(exchange, [Version("S2")], 2)
    share(exchange, "cen")
    _, offered = share(exchange, "cis", redeliver=True)
    assert {row["origin_record_id"]: (row["seen_by"], row["prior_holds"]) for row in offered} == {
        "S1": (["CEN"], False),
        "S2": (["CEN"], None),
    }


def test_a_new_mapping_revision_offers_every_current_record_again(exchange: Exchange) -> None:
    collect(exchange, [Version("S1"), Version("S2")])
    collect(exchange, [Version("S2", 1, "b")], 1)
    share(exchange, decide=withheld)
    books, offered = share(exchange, fingerprint="g2")
    assert ids(offered) == ["S1", "S2"]
    assert books.partners[0].counts == {"delivered": 2}
    everything = exchange.books(partner="cis")
    assert everything.partners[0].counts == {"delivered": 2, "superseded": 1}
    assert everything.balanced


def test_a_share_never_goes_by_a_mapping_that_another_has_replaced(exchange: Exchange, query: Query) -> None:
    collect(exchange, [Version("S1")])
    asleep = exchange.begin_share("cis", "common -> cis", "g1", "old")
    exchange.select(asleep)
    share(exchange, fingerprint="g2", decide=withheld)
    for key in ("old", "new"):
        with pytest.raises(Stop, match=r"OLD_MAPPING.*change the mapping's version"):
            exchange.begin_share("cis", "common -> cis", "g1", key)
    with pytest.raises(Stop, match="OLD_MAPPING"):
        next(exchange.candidates(asleep, nominal=False))
    assert query("SELECT revision, fingerprint FROM exchange.mapping_revision WHERE mapping = 'common -> cis'") == [
        (1, "g1"), (2, "g2"),
    ]  # fmt: skip
    assert ids(share(exchange, fingerprint="g3")[1]) == ["S1"]


def test_a_window_limits_a_share_and_the_rest_stays_due(exchange: Exchange) -> None:
    collect(exchange, [Version("S1")], 1)
    collect(exchange, [Version("S2")], 2)
    books, offered = share(exchange, window=day(2))
    assert ids(offered) == ["S2"]
    assert books.balanced
    assert exchange.books(partner="cis").partners[0].counts == {"delivered": 1, "awaiting": 1}
    _, offered = share(exchange)
    assert ids(offered) == ["S1"]


def test_redelivery_offers_everything_again_and_keeps_the_proof(exchange: Exchange, query: Query) -> None:
    collect(exchange, [Version("S1")])
    share(exchange)
    books, offered = share(exchange, redeliver=True)
    assert (ids(offered), books.partners[0].counts) == (["S1"], {"unchanged": 1})
    assert query("SELECT disposition, effect FROM exchange.delivery ORDER BY run_id") == [
        ("delivered", "insert"),
        ("unchanged", None),
    ]


def test_what_is_in_doubt_is_offered_again_until_it_is_known(exchange: Exchange) -> None:
    def doubt(row: dict[str, Any]) -> dict[str, Any]:
        return delivered(row) | {"disposition": "in_doubt", "effect": None, "receipt": None}

    collect(exchange, [Version("S1")])
    assert share(exchange, decide=doubt)[0].partners[0].counts == {"in_doubt": 1}
    assert share(exchange, decide=doubt)[0].partners[0].counts == {"in_doubt": 1}
    books, offered = share(exchange)
    assert (ids(offered), books.partners[0].counts) == (["S1"], {"delivered": 1})
    assert share(exchange)[1] == []
    assert exchange.books(partner="cis").partners[0].counts == {"delivered": 1}


def test_a_retry_selects_only_what_its_first_try_left_and_a_repeated_settle_keeps_the_delivery(
    exchange: Exchange, query: Query
) -> None:
    collect(exchange, [Version("S1"), Version("S2"), Version("S3")])
    run = begin_share(exchange)
    assert exchange.select(run) == 3
    table = next(iter(exchange.candidates(run, nominal=False, size=2)))
    exchange.settle(run, dispositions(map(delivered, table.to_pylist())))
    repeated = [delivered(row) | {"disposition": "unchanged", "effect": None} for row in table.to_pylist()]
    exchange.settle(run, dispositions(repeated))
    assert query("SELECT disposition FROM exchange.delivery") == [("delivered",), ("delivered",)]
    assert exchange.select(run) == 1
    for rest in exchange.candidates(run, nominal=False):
        exchange.settle(run, dispositions(map(delivered, rest.to_pylist())))
    books = exchange.finish(run)
    assert books.partners[0].counts == {"delivered": 3}
    assert exchange.sealed(run) == books


@pytest.mark.parametrize(
    ("least", "size", "parts"), [(9, 20, [9]), (2, 20, [3, 3, 3]), (4, 20, [4, 4, 1]), (2, 2, [1, 2, 2, 2, 2])]
)
def test_batches_are_as_large_as_leaves_little_to_wait_for(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, least: int, size: int, parts: list[int]
) -> None:
    monkeypatch.setattr(shared, "_LEAST", least)
    collect(exchange, [Version(f"S{number}") for number in range(9)])
    run = begin_share(exchange)
    exchange.select(run)
    assert [len(table) for table in exchange.candidates(run, nominal=False, size=size)] == parts


def test_a_third_try_keeps_what_the_second_found_and_took_back(exchange: Exchange, query: Query) -> None:
    """The first died before it told of an insert; the second finds that there and withdraws another record."""
    collect(exchange, [Version("S1")])
    share(exchange)
    collect(exchange, [Version("S1", 30, status="CANCELLED"), Version("S2", 30)], 1)
    run = begin_share(exchange)
    exchange.select(run)
    (table,) = exchange.candidates(run, nominal=False)
    gone, there = sorted(table.to_pylist(), key=lambda row: not row["cancelled"])
    found = delivered(there) | {"disposition": "unchanged", "effect": None}
    exchange.settle(run, dispositions([delivered(gone), found]))
    asked = "SELECT disposition, effect, holds, receipt FROM exchange.delivery WHERE run_id = %s ORDER BY 1"
    stood = query(asked, run.id)
    assert stood == [("delivered", "withdraw", False, "inbox"), ("unchanged", None, True, "inbox")]
    nothing = {"effect": None, "idempotency_key": None, "receipt": None, "withdraw": False}
    again = [withheld(gone) | {"code": "CANCELLED"}, delivered(there) | {"disposition": "unchanged"} | nothing]
    exchange.settle(run, dispositions(again))
    assert query(asked, run.id) == stood


def test_a_version_selected_and_not_settled_stops_the_share_and_is_named(exchange: Exchange, query: Query) -> None:
    collect(exchange, [Version("S1"), Version("S2")])
    run = begin_share(exchange)
    exchange.select(run)
    (table,) = exchange.candidates(run, nominal=False)
    settled, lost = table.to_pylist()
    exchange.settle(run, dispositions([delivered(settled)]))
    with pytest.raises(Stop) as stop:
        exchange.finish(run)
    lost_id = next(v.bridge_id for v in (Version("S1"), Version("S2")) if v.bridge_id.bytes == lost["bridge_id"])
    assert f"E3 cis run {run.id}: 2 ≠ 1" in stop.value.what
    assert f"{lost_id} version 1 never settled" in stop.value.what
    assert query("SELECT state FROM exchange.run WHERE kind = 'share'") == [("failed",)]
    assert query("SELECT count(*) FROM exchange.coverage") == [(0,)]
    assert share(exchange)[0].partners[0].counts == {"delivered": 1}


def test_a_delivery_that_nobody_selected_stops_the_share(exchange: Exchange) -> None:
    collect(exchange, [Version("S1")])
    run = begin_share(exchange)
    exchange.select(run)
    (table,) = exchange.candidates(run, nominal=False)
    real = delivered(table.to_pylist()[0])
    phantom = Version("S9").bridge_id
    exchange.settle(run, dispositions([real, real | {"bridge_id": phantom.bytes}]))
    with pytest.raises(Stop) as stop:
        exchange.finish(run)
    assert f"{phantom} version 1 settled and never selected" in stop.value.what
    books = exchange.books(partner="cis")
    assert not books.balanced
    assert f"{phantom} version 1 was offered and never accepted" in str(books.equations[1])


def test_a_record_held_at_a_partner_is_listed_until_a_later_share_settles_it(exchange: Exchange) -> None:
    collect(exchange, [Version("S1")])
    run = begin_share(exchange)
    exchange.select(run)
    (table,) = exchange.candidates(run, nominal=False)
    row = table.to_pylist()[0]
    kept = delivered(row) | {"disposition": "held", "effect": None, "code": "TOO_LONG"}
    why = {"bridge_id": row["bridge_id"], "version": 1, "code": "TOO_LONG", "field": "place", "rule": "max_length:10"}
    problems = type(table).from_pylist([why | {"reason": "the partner takes 10 characters; shorten it"}], PROBLEMS)
    exchange.settle(run, dispositions([kept]), problems)
    books = exchange.finish(run)
    assert books.partners[0].reasons == {"held": {"TOO_LONG": 1}}
    (problem,) = exchange.held(partner="cis")
    assert (problem.at_partner, problem.origin_record_id, problem.version) == (True, "S1", 1)
    assert share(exchange)[1] == []
    share(exchange, fingerprint="g2")
    assert exchange.held() == []


def test_a_suspended_partner_gets_nothing_until_a_person_resumes_it(exchange: Exchange) -> None:
    collect(exchange, [Version("S1")])
    exchange.suspend("cis", "A. Officer", "their certificate expired")
    with pytest.raises(Stop, match=r"PARTNER_SUSPENDED.*A\. Officer.*certificate"):
        share(exchange)
    found = exchange.suspension("cis")
    assert found is not None
    assert (found.by, found.reason) == ("A. Officer", "their certificate expired")
    exchange.resume_partner("cis", "A. Officer", "renewed")
    assert exchange.suspension("cis") is None
    assert share(exchange)[0].partners[0].counts == {"delivered": 1}
    with pytest.raises(ValueError, match="named person"):
        exchange.suspend("cis", " ", "no name")


def test_a_window_under_way_is_not_offered(exchange: Exchange) -> None:
    run = exchange.begin_collect("cen", day(0), "m", "f", "k")
    one = file("a.xml", 1)
    exchange.register(run, one)
    exchange.note_read(run, one.sha256, 1)
    with exchange.intake(run) as intake:
        intake.accept(candidates([Version("S1")], one.sha256))
        assert share(exchange)[1] == []
        intake.seal()
        assert share(exchange)[1] == []
    assert ids(share(exchange)[1]) == ["S1"]


def test_a_disposition_that_contradicts_itself_is_refused(exchange: Exchange) -> None:
    collect(exchange, [Version("S1")])
    run = begin_share(exchange)
    exchange.select(run)
    (table,) = exchange.candidates(run, nominal=False)
    row = delivered(table.to_pylist()[0]) | {"effect": None}
    with pytest.raises(Misconfigured, match="delivery_delivered_check"):
        exchange.settle(run, dispositions([row]))


def test_the_nominal_part_is_looked_up_row_by_row_and_never_searched_for(exchange: Exchange, query: Query) -> None:
    """A join that the planner cannot push into the view reads every selected record for every selected record."""
    rows = streaming._ROWS.format(nominal=streaming._NOMINAL)
    for name, value in {"partner": "'cis'", "run": "1", "after": "0", "upto": "10000"}.items():
        rows = rows.replace(f"%({name})s", value)
    query("SET enable_hashjoin = off; SET enable_mergejoin = off; SET ROLE bridge_share_nominal")
    plan = "\n".join(line for (line,) in query(f"EXPLAIN SELECT n.payload FROM {rows}"))
    assert "Index Cond: ((run_id = s.run_id) AND (ordinal = s.ordinal))" in plan
