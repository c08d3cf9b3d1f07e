"""What suppliers have authorised: entered and revoked by persons, sealed, decided once a run, never changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa

from bridge.errors import Misconfigured, Stop
from bridge.exchange import MESSAGES, Exchange, Grant, Outcome
from bridge.exchange.verifying import verify
from bridge.ledger import Delivery, Effect
from tests.exchange.conftest import Query
from tests.exchange.samples import Version, begin_share, collect, delivered, dispositions, withheld

CODE = "NO_AUTHORISATION"
RECORDS = [Version("S1"), Version("S2")]


def grant(supplier: str = "CEN", *, until: timedelta = timedelta(days=1), **said: Any) -> Grant:
    now = datetime.now(UTC)
    values = {"granted_by": "the supplier's office", "by": "A. Officer", "reason": "letter 1"} | said
    return Grant("cis", supplier, now - timedelta(hours=1), now + until, **values)


def kept(row: dict[str, Any]) -> dict[str, Any]:
    return withheld(row) | {"code": CODE}


def end(query: Query) -> None:
    """Let a day pass: every authorisation began and ends a day earlier."""
    earlier = "valid_from = valid_from - interval '1 day', valid_until = valid_until - interval '1 day'"
    query("SET session_replication_role = replica")
    query(f"UPDATE exchange.authorisation SET {earlier}")
    query("SET session_replication_role = origin")


def share(exchange: Exchange) -> tuple[dict[str, int], list[str]]:
    """A share that lets go what an authorisation of the record's origin covers; effects, and what was offered."""
    run = begin_share(exchange)
    exchange.select(run, [CODE])
    standing = {one.supplier: one.number for one in exchange.authorised(run)}
    offered = []
    for table in exchange.candidates(run, nominal=False):
        made = []
        for row in table.to_pylist():
            offered.append(row["origin_record_id"])
            number = standing.get(row["origin_system"])
            if number is not None:
                exchange.note_authorised(run, [(row["bridge_id"], row["version"], number)])
                made.append(delivered(row))
            elif row["prior_holds"]:
                made.append(delivered(row) | {"disposition": "delivered", "effect": "withdraw", "withdraw": True})
            else:
                made.append(kept(row))
        exchange.settle(run, dispositions(made))
    books = exchange.finish(run)
    return dict(books.partners[0].effects), sorted(offered)


def test_a_grant_offers_what_was_withheld_and_its_revocation_what_went_under_it(exchange: Exchange) -> None:
    collect(exchange, RECORDS)
    assert share(exchange) == ({}, ["S1", "S2"])
    assert share(exchange) == ({}, [])
    number = exchange.authorise(grant())
    assert share(exchange) == ({"insert": 2}, ["S1", "S2"])
    assert share(exchange) == ({}, [])
    assert exchange.revoke(number, "B. Officer", "withdrawn by the supplier") == "cis"
    assert share(exchange) == ({"withdraw": 2}, ["S1", "S2"])
    assert share(exchange) == ({}, [])
    exchange.authorise(grant(reason="letter 2"))
    assert share(exchange)[0] == {"insert": 2}
    assert exchange.books(partner="cis").balanced


def test_an_authorisation_that_ends_by_itself_recalls_too(exchange: Exchange, query: Query) -> None:
    collect(exchange, RECORDS)
    exchange.authorise(grant())
    assert share(exchange)[0] == {"insert": 2}
    end(query)
    assert share(exchange)[0] == {"withdraw": 2}
    assert [row.state for row in exchange.authorisations("cis")] == ["expired"]


def test_what_it_does_not_concern_is_not_offered_again(exchange: Exchange) -> None:
    collect(exchange, [*RECORDS, Version("N1", system="NCEN")])
    exchange.authorise(grant("NCEN"))
    assert share(exchange)[0] == {"insert": 1}
    other = exchange.authorise(grant("ELSE"))
    assert share(exchange) == ({}, ["S1", "S2"])  # they might have been meant
    exchange.revoke(other, "B. Officer", "an error")
    assert share(exchange) == ({}, [])


def test_a_run_that_is_tried_again_decides_as_before_or_stops(exchange: Exchange) -> None:
    collect(exchange, RECORDS)
    number = exchange.authorise(grant())
    run = begin_share(exchange)
    exchange.select(run, [CODE])
    exchange.authorise(grant("ELSE"))
    assert [one.number for one in exchange.authorised(exchange.resume(run.run_key))] == [number]
    assert [table.num_rows for table in exchange.candidates(run, nominal=False)] == [2]
    exchange.revoke(number, "B. Officer", "withdrawn by the supplier")
    with pytest.raises(Stop, match="OLD_AUTHORISATION"):
        next(exchange.candidates(run, nominal=False))
    later = begin_share(exchange)
    assert later.revision > run.revision
    with pytest.raises(Stop, match=r"OLD_AUTHORISATION.*Begin a new share"):
        next(exchange.candidates(run, nominal=False))


def test_what_a_later_run_relayed_is_recalled_too(exchange: Exchange) -> None:
    """The message was kept, and its authorisation noted, by a run before the one that the partner answered."""
    collect(exchange, [Version("S1")])
    number = exchange.authorise(grant())
    first = begin_share(exchange)
    exchange.select(first, [CODE])
    (row,) = next(exchange.candidates(first, nominal=False, outbox=True)).to_pylist()
    exchange.note_authorised(first, [(row["bridge_id"], row["version"], number)])
    message = {
        "bridge_id": row["bridge_id"], "version": 1, "effect": "insert", "code": None, "decisions": 0,
        "released_hash": row["content_hash"], "idempotency_key": row["content_hash"], "body": b"a record",
    }  # fmt: skip
    pending = delivered(row) | {"disposition": "pending", "effect": None, "receipt": None}
    exchange.settle(first, dispositions([pending]), None, pa.Table.from_pylist([message], schema=MESSAGES))
    assert exchange.finish(first).balanced
    second = begin_share(exchange)
    exchange.select(second, [CODE])
    exchange.claim(second, nominal=False)
    with exchange.relay(second, (), nominal=False) as taken:
        (sent,) = taken.messages
        taken.outcomes[sent.number] = Outcome(Delivery.DELIVERED, Effect.INSERT, receipt="R-1")
    assert exchange.finish(second).balanced
    said = f"authorisation {number} of CEN, given by the supplier's office: letter 1"
    hops = [(hop.run_id, hop.authorisation) for hop in exchange.explain(Version("S1").bridge_id)[1:]]
    assert hops == [(first.id, said), (second.id, said)]
    exchange.revoke(number, "B. Officer", "withdrawn by the supplier")
    assert share(exchange) == ({"withdraw": 1}, ["S1"])
    assert exchange.explain(Version("S1").bridge_id)[-1].authorisation is None
    assert share(exchange) == ({}, [])


def test_nothing_more_leaves_under_an_authorisation_that_ended_while_its_run_went_on(
    exchange: Exchange, query: Query
) -> None:
    collect(exchange, RECORDS)
    exchange.authorise(grant())
    run = begin_share(exchange)
    exchange.select(run, [CODE])
    end(query)
    with pytest.raises(Stop, match=r"OLD_AUTHORISATION.*Begin a new share"):
        next(exchange.candidates(run, nominal=False))
    assert share(exchange) == ({}, ["S1", "S2"])


CHANGES = {
    "UPDATE exchange.authorisation SET supplier = 'XX' WHERE revokes IS NULL": "authorisations; first at entry 1 of 1",
    "UPDATE exchange.authorisation SET conditions = 'none' WHERE revokes IS NULL": "authorisations",
    "UPDATE exchange.authorisation SET reason = 'another' WHERE revokes IS NOT NULL": "authorisations",
    "DELETE FROM exchange.authorisation WHERE revokes IS NOT NULL": "authorisations",
    "UPDATE exchange.authorised SET authorisation = 2 WHERE version = 1": "authorised",
    "DELETE FROM exchange.authorised": "authorised",
}


def test_who_granted_what_and_what_went_under_it_is_sealed(exchange: Exchange, query: Query) -> None:
    collect(exchange, RECORDS)
    number = exchange.authorise(grant(conditions="not as evidence"))
    share(exchange)
    exchange.revoke(number, "B. Officer", "withdrawn by the supplier")
    assert exchange.verify() == []
    for change in ("UPDATE exchange.authorisation SET reason = ''", "TRUNCATE exchange.authorisation CASCADE"):
        with pytest.raises(psycopg.Error, match="added and never changed"):
            query(change)
    with exchange.engine.connect() as connection:
        for change, named in CHANGES.items():
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            assert connection.execute(sa.text(change)).rowcount > 0
            assert any(named in flaw.what for flaw in verify(connection, None, None, dict)), change
            connection.rollback()
    assert exchange.verify() == []


def test_a_proof_tells_under_which_authorisation_a_record_went(exchange: Exchange) -> None:
    collect(exchange, RECORDS)
    number = exchange.authorise(grant(record=RECORDS[0].bridge_id))
    share(exchange)
    parts = {entry["part"]: entry["entry"] for entry in exchange.prove(RECORDS[0].bridge_id)["entries"]}
    assert {"authorisations", "authorised"} <= parts.keys()
    assert parts["authorised"] == f"({RECORDS[0].bridge_id},1,{number})"
    assert "letter" not in parts["authorisations"]
    hops = [hop.authorisation for hop in exchange.explain(RECORDS[0].bridge_id)]
    assert hops == [None, f"authorisation {number} of CEN, given by the supplier's office: letter 1"]


def test_what_is_entered_names_who_why_and_how_long(exchange: Exchange, query: Query) -> None:
    for wrong in (grant(by=" "), grant(reason=""), grant(granted_by=""), grant(" ")):
        with pytest.raises(Misconfigured, match="NO_REASON"):
            exchange.authorise(wrong)
    with pytest.raises(Misconfigured, match="BAD_PERIOD"):
        exchange.authorise(grant(until=timedelta(hours=-2)))
    assert query("SELECT count(*) FROM exchange.authorisation") == [(0,)]


def test_only_what_stands_can_be_revoked_and_only_once(exchange: Exchange) -> None:
    number = exchange.authorise(grant())
    exchange.revoke(number, "B. Officer", "withdrawn")
    for wrong, code in ((number, "ALREADY_REVOKED"), (number + 1, "NO_SUCH_AUTHORISATION")):
        with pytest.raises(Misconfigured, match=code):
            exchange.revoke(wrong, "B. Officer", "withdrawn")
    (row,) = exchange.authorisations()
    assert (row.state, row.revoked_by, row.revoked_for) == ("revoked", "B. Officer", "withdrawn")
