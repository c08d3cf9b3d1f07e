"""The outbox of a partner that may see nothing nominal: kept, sent and ended with a share's own rights."""

from __future__ import annotations

import pyarrow as pa
import pytest

from bridge.exchange import MESSAGES, Exchange, Outcome, Role
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
