"""An erased record is gone from the exchange, is withdrawn from partners, and never comes back."""

from __future__ import annotations

import uuid

import pytest

from bridge.errors import Misconfigured
from bridge.exchange import Exchange
from tests.exchange.conftest import Query
from tests.exchange.samples import CANARY, Version, collect, share

PERSON = Version("S1", 0, CANARY, nominal=f'{{"persons":[{{"surname":"{CANARY}"}}]}}')


@pytest.fixture
def erased(exchange: Exchange) -> Exchange:
    """One record of two that was shared, corrected and then erased."""
    collect(exchange, [PERSON, Version("S2")], 0)
    share(exchange)
    collect(exchange, [Version("S1", 1, f"{CANARY} corrected", nominal=PERSON.nominal)], 1)
    assert exchange.erase(PERSON.bridge_id, "A. Officer", "Art. 17, request 12").balanced
    return exchange


def documents(query: Query) -> list[str]:
    return [
        text
        for table in ("exchange.record_version", "exchange_nominal.payload_nominal")
        for (text,) in query(f"SELECT payload::text FROM {table} ORDER BY 1")
    ]


def test_no_document_of_it_is_left_and_the_chain_still_holds(erased: Exchange, query: Query) -> None:
    assert documents(query) == ["", "", '{"content":"a"}', "{}"]
    assert erased.verify() == []
    assert erased.books().balanced
    ((name,),) = query(
        "SELECT i.name FROM exchange.input i JOIN exchange.run c ON c.id = run_id WHERE c.name = 'erasure'"
    )
    assert name == f"{PERSON.bridge_id} by A. Officer: Art. 17, request 12"


def test_the_next_share_withdraws_it(erased: Exchange) -> None:
    books, offered = share(erased)
    assert [(row["origin_record_id"], row["cancelled"], row["payload"]) for row in offered] == [("S1", True, "{}")]
    assert books.partners[0].effects == {"withdraw": 1}


@pytest.mark.parametrize("status", ["NEW", "CANCELLED"])
def test_whatever_its_source_sends_later_is_superseded_and_not_stored(
    erased: Exchange, query: Query, status: str
) -> None:
    books = collect(erased, [Version("S1", 100_000, CANARY, status, nominal=PERSON.nominal)], 2)
    assert books.sources[0].counts == {"superseded": 1}
    assert CANARY not in "".join(documents(query))


def test_erasing_twice_changes_nothing(erased: Exchange, query: Query) -> None:
    before = query("SELECT * FROM exchange.record ORDER BY 1")
    books = erased.erase(PERSON.bridge_id, "B. Officer", "asked again")
    assert books.sources[0].counts == {"unchanged": 1}
    assert query("SELECT * FROM exchange.record ORDER BY 1") == before
    assert erased.books(source="erasure").contiguous


def test_only_a_named_person_erases_a_record_that_is_there(exchange: Exchange) -> None:
    with pytest.raises(Misconfigured, match="NO_SUCH_RECORD"):
        exchange.erase(uuid.uuid4(), "A. Officer", "mistaken")
    with pytest.raises(Misconfigured, match=r"NO_REASON.*named person"):
        exchange.erase(uuid.uuid4(), "", "mistaken")
