"""The books: they balance, they say where not, and nothing that is tampered with still balances."""

from __future__ import annotations

import json

import pytest

from bridge.errors import Stop
from bridge.exchange import Exchange
from bridge.ledger import Books, Equation, PartnerBooks, SourceBooks
from tests.exchange.conftest import Query
from tests.exchange.samples import Version, collect, day, share, withheld


@pytest.fixture
def busy(exchange: Exchange) -> Exchange:
    """Two sources, three windows with one missing between, two partners, one of which gets nothing."""
    collect(exchange, [Version("S1"), Version("S2"), Version("S2", 1, "b")], 0)
    collect(exchange, [Version("S1", 2, "c"), Version("S3")], 1)
    collect(exchange, [Version("S4")], 4)
    collect(exchange, [Version("N1", system="NCEN")], 0, source="ncen")
    share(exchange, "cis")
    share(exchange, "europol", decide=withheld)
    return exchange


def test_everything_is_counted_and_balances(busy: Exchange) -> None:
    books = busy.books()
    assert books.balanced
    assert [(s.source, s.windows, s.inputs, s.read, s.counts) for s in books.sources] == [
        ("cen", 3, 3, 6, {"accepted": 5, "superseded": 1}),
        ("ncen", 1, 1, 1, {"accepted": 1}),
    ]
    assert [(p.partner, p.accepted, p.counts, p.effects, p.reasons) for p in books.partners] == [
        ("cis", 6, {"delivered": 5, "superseded": 1}, {"insert": 5}, {}),
        ("europol", 6, {"superseded": 1, "withheld": 5}, {}, {"withheld": {"NOT_TOBACCO": 5}}),
    ]
    assert [e.law for e in books.equations] == ["E0", "E1", "E2", "E2"] * 2 + ["E3", "E3"] * 2


def test_a_window_that_is_missing_between_sealed_ones_is_a_gap_until_it_is_collected(busy: Exchange) -> None:
    books = busy.books(source="cen")
    gap = (day(2).since, day(4).since)
    assert (books.contiguous, books.balanced, books.sources[0].gaps) == (False, True, (gap,))
    assert [(w.since, w.until) for w in busy.gaps("cen")] == [gap]
    collect(busy, [], 2)
    collect(busy, [], 3)
    assert busy.books(source="cen").contiguous
    assert busy.gaps("ncen") == busy.gaps("nobody") == []


def test_books_of_one_source_one_partner_or_some_windows(busy: Exchange) -> None:
    assert [p.partner for p in busy.books(source="cen").partners] == []
    only = busy.books(partner="cis", since=day(1).since, until=day(1).until)
    assert (only.sources, only.partners[0].counts) == ((), {"delivered": 2})
    early = busy.books(until=day(1).since)
    assert [s.read for s in early.sources] == [3, 1]
    assert early.partners[0].counts == {"delivered": 2, "superseded": 1}
    assert early.balanced


def test_books_survive_json(busy: Exchange) -> None:
    books = busy.books(since=day(0).since)
    assert Books.from_dict(json.loads(json.dumps(books.as_dict()))) == books
    rows = books.rows()
    assert {"of": "source", "name": "cen", "state": "read", "code": "", "count": 6} in rows
    assert {"of": "partner", "name": "cis", "state": "delivered", "code": "insert", "count": 5} in rows


@pytest.mark.parametrize(
    ("harm", "law"),
    [
        ("DELETE FROM exchange.intake WHERE disposition = 'superseded'", "E2 cen rows: 6 ≠ 5"),
        ("UPDATE exchange.intake SET rows = 2 WHERE disposition = 'superseded'", "E2 cen rows: 6 ≠ 7"),
        (
            "DELETE FROM exchange.record_version v USING exchange.record r"
            " WHERE r.bridge_id = v.bridge_id AND origin_record_id = 'S3'",
            "E2 cen versions written: 4 ≠ 5",
        ),
        ("UPDATE exchange.input SET counted = 9 WHERE name = 'cen-1.xml'", "E1 cen inputs: 13 ≠ 6"),
        (
            "INSERT INTO exchange.delivery (partner, bridge_id, version, run_id, revision, disposition)"
            " VALUES ('cis', gen_random_uuid(), 1, 1, 1, 'withheld')",
            "was offered and never accepted",
        ),
    ],
)
def test_whatever_is_taken_away_or_added_is_seen(busy: Exchange, query: Query, harm: str, law: str) -> None:
    query(harm)
    books = busy.books()
    assert not books.balanced
    with pytest.raises(Stop, match="BOOKS_UNBALANCED") as stop:
        books.require("upkeep")
    assert law in stop.value.what


def test_a_delivery_that_vanishes_is_awaited_again(busy: Exchange, query: Query) -> None:
    query("DELETE FROM exchange.delivery WHERE partner = 'cis' AND version = 2")
    assert busy.books(partner="cis").partners[0].counts["awaiting"] == 1


def test_every_hop_of_a_record(busy: Exchange) -> None:
    name = busy.find("CEN", "S1")
    assert name == Version("S1").bridge_id
    assert busy.find("CEN", "S99") is None
    assert [
        (h.side, h.name, h.version, h.disposition, h.effect, h.code) for h in busy.explain(Version("S1").bridge_id)
    ] == [
        ("intake", "cen", 1, "accepted", None, None),
        ("intake", "cen", 2, "accepted", None, None),
        ("delivery", "cis", 1, "superseded", None, None),
        ("delivery", "cis", 2, "delivered", "insert", None),
        ("delivery", "europol", 1, "superseded", None, None),
        ("delivery", "europol", 2, "withheld", None, "NOT_TOBACCO"),
    ]
    assert busy.explain(Version("S99").bridge_id) == []


def test_an_equation_that_agrees_in_sum_and_not_in_its_parts_does_not_hold() -> None:
    good = Equation("E1", "cen inputs", 3, 3)
    bad = Equation("E1", "cen inputs", 3, 3, {"read": 3}, ("a.xml: counted 2, read 1",))
    late = Equation("E0", "cen gaps", 1, 0)
    assert (good.holds, bad.holds, str(bad)) == (
        True,
        False,
        "E1 cen inputs: 3 = 3 (3 read) [a.xml: counted 2, read 1]",
    )
    books = Books((SourceBooks("cen", 1, 1, 1, 3, {}),), (PartnerBooks("cis", 0, {}),), (good, late))
    assert (books.balanced, books.contiguous, books.require("here")) == (True, False, books)
    with pytest.raises(Stop, match=r"a\.xml"):
        Books(equations=(bad,)).require("here")
