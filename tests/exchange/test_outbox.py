"""The outbox of a partner that may see nothing nominal: kept, sent and ended with a share's own rights."""

from __future__ import annotations

import pyarrow as pa
import pytest

from bridge.exchange import MESSAGES, PROBLEMS, Decision, Exchange, Outcome, Role
from bridge.ledger import Delivery, Effect
from tests.exchange.conftest import Query
from tests.exchange.samples import Version, begin_share, collect, delivered, dispositions


def test_without_nominal_data_the_nominal_schema_is_not_touched(
    exchange: Exchange, query: Query, exchange_url: str
) -> None:
    collect(exchange, [Version("S1"), Version("S2")])
    with Exchange(exchange_url, Role.SHARE) as share:
        run = begin_share(share)
        assert share.select(run) == 2
        rows = [row for table in share.candidates(run, nominal=False, outbox=True) for row in table.to_pylist()]
        messages = [
            {
                "bridge_id": row["bridge_id"], "version": row["version"], "effect": "insert", "code": None,
                "decisions": 0, "released_hash": row["content_hash"],
                "idempotency_key": row["content_hash"][:16] + row["bridge_id"], "body": row["bridge_id"],
            }
            for row in rows
        ]  # fmt: skip
        pending = [delivered(row) | {"disposition": "pending", "effect": None, "receipt": None} for row in rows]
        share.settle(run, dispositions(pending), None, pa.Table.from_pylist(messages, schema=MESSAGES))
        with share.relay(run, (), nominal=False) as taken:
            first, second = taken.messages
            assert (first.body, second.body) == (first.bridge_id, second.bridge_id)
            taken.outcomes[first.number] = Outcome(Delivery.DELIVERED, Effect.INSERT, receipt="R-1")
        assert query("SELECT number, sent FROM exchange.outbox") == [(second.number, False)]
        assert sorted(query("SELECT disposition, receipt FROM exchange.delivery")) == [
            ("delivered", "R-1"),
            ("pending", None),
        ]
        with pytest.raises(ZeroDivisionError), share.relay(run, (), nominal=False):
            raise ZeroDivisionError  # a death while it is sent
        assert query("SELECT number, sent FROM exchange.outbox") == [(second.number, True)]
        assert share.finish(run).partners[0].counts == {"delivered": 1, "in_doubt": 1}
    assert query("SELECT count(*) FROM exchange_nominal.message") == [(0,)]


def test_a_message_is_sent_until_something_more_is_decided_about_its_seizure(exchange: Exchange) -> None:
    """One that takes back a second report goes; a later word on either report, or a version, replaces it."""
    first, second = Version("A"), Version("B", system="NCEN")

    def say(kind: str) -> None:
        made = Decision(kind, "A. Officer", "one file", second.bridge_id, about=str(first.bridge_id))
        exchange.decide([made])

    def current(steps: int) -> bool:
        run = begin_share(exchange)
        exchange.select(run)
        row = {
            "bridge_id": second.bridge_id.bytes, "version": 1, "effect": "withdraw", "code": "DUPLICATE",
            "decisions": steps, "released_hash": bytes(32), "idempotency_key": bytes(31) + bytes([steps]),
            "body": b"-",
        }  # fmt: skip
        pending = delivered({**row, "cancelled": False, "prior_holds": True, "prior_hash": None, "content_hash": b""})
        pending |= {"disposition": "pending", "effect": None, "receipt": None, "released_hash": bytes(32)}
        pending["idempotency_key"] = row["idempotency_key"]
        exchange.settle(run, dispositions([pending]), None, pa.Table.from_pylist([row], schema=MESSAGES))
        exchange.claim(run, nominal=False)
        with exchange.relay(run, (), nominal=False) as taken:
            (found,) = [one for one in taken.messages if one.key == row["idempotency_key"]]
            for one in taken.messages:
                taken.outcomes[one.number] = Outcome(Delivery.PENDING)
        return found.current

    collect(exchange, [first, second])
    say("same")
    steps = exchange.decided("cis", selected(second))[0].steps
    assert steps == 2  # the word, and the version of the other
    assert current(steps)
    assert not current(steps - 1)
    collect(exchange, [Version("A", 1, "b")], 1)
    assert not current(steps)
    assert current(steps + 1)
    say("different")
    assert not current(steps + 1)


def selected(version: Version) -> pa.Table:
    """A version as a share selects it, with what a decision looks at."""
    row = {"bridge_id": version.bridge_id.bytes, "version": 1, "content_hash": version.hash}
    return pa.table({name: [value] for name, value in row.items()})


def test_a_text_that_was_kept_back_stays_open_when_a_later_run_relays_the_rest(exchange: Exchange) -> None:
    collect(exchange, [Version("S1")])
    first = begin_share(exchange)
    exchange.select(first)
    (row,) = next(exchange.candidates(first, nominal=False, outbox=True)).to_pylist()
    message = {
        "bridge_id": row["bridge_id"], "version": 1, "effect": "insert", "code": None, "decisions": 0,
        "released_hash": row["content_hash"], "idempotency_key": row["content_hash"], "body": b"all but a text",
    }  # fmt: skip
    problem = {
        "bridge_id": row["bridge_id"], "version": 1, "code": "TEXT_KEPT_BACK", "field": "comment", "rule": "scan",
        "reason": "have it changed",
    }  # fmt: skip
    pending = dispositions([delivered(row) | {"disposition": "pending", "effect": None, "receipt": None}])
    kept_back = pa.Table.from_pylist([problem], schema=PROBLEMS)
    for _ in range(2):  # a step that is tried again finds it once more
        exchange.settle(first, pending, kept_back, pa.Table.from_pylist([message], schema=MESSAGES))
    assert [one.code for one in exchange.held()] == ["TEXT_KEPT_BACK"]
    assert exchange.finish(first).balanced
    second = begin_share(exchange)
    exchange.select(second)
    waits = delivered(row) | {"disposition": "pending", "effect": None, "receipt": None, "idempotency_key": None}
    exchange.settle(second, dispositions([waits]))
    assert [one.code for one in exchange.held()] == ["TEXT_KEPT_BACK"]
    exchange.claim(second, nominal=False)
    with exchange.relay(second, (), nominal=False) as taken:
        taken.outcomes[taken.messages[0].number] = Outcome(Delivery.DELIVERED, Effect.INSERT, receipt="R-1")
    assert exchange.finish(second).balanced
    assert [one.code for one in exchange.held()] == ["TEXT_KEPT_BACK"]


def test_an_erased_record_is_emptied_in_what_waits_to_be_sent(exchange: Exchange, query: Query) -> None:
    collect(exchange, [Version("S1"), Version("S2")])
    run = begin_share(exchange)
    exchange.select(run)
    rows = next(exchange.candidates(run, nominal=False, outbox=True)).to_pylist()
    messages = [
        {
            "bridge_id": row["bridge_id"], "version": 1, "effect": "insert", "code": None, "decisions": 0,
            "released_hash": row["content_hash"], "idempotency_key": row["content_hash"][:16] + row["bridge_id"],
            "body": b"a record",
        }
        for row in rows
    ]  # fmt: skip
    pending = [delivered(row) | {"disposition": "pending", "effect": None, "receipt": None} for row in rows]
    exchange.settle(run, dispositions(pending), None, pa.Table.from_pylist(messages, schema=MESSAGES))
    exchange.finish(run)
    exchange.erase(Version("S1").bridge_id, "A. Officer", "court order")
    assert dict(query("SELECT bridge_id, body FROM exchange.outbox")) == {
        Version("S1").bridge_id: b"", Version("S2").bridge_id: b"a record",
    }  # fmt: skip
