"""A proposal is approved for what its proposer saw, and for nothing that came since."""

from __future__ import annotations

import pyarrow as pa
import pytest

from bridge.errors import Misconfigured
from bridge.exchange import PROBLEMS, Exchange
from tests.exchange.samples import Version, begin_share, collect, delivered, dispositions


def test_a_record_that_has_changed_since_is_not_approved(exchange: Exchange) -> None:
    collect(exchange, [Version("S1"), Version("S2")])
    run = begin_share(exchange)
    exchange.select(run)
    (table,) = exchange.candidates(run, nominal=False)
    rows = table.to_pylist()
    said = {"code": "TEXT_KEPT_BACK", "field": "comment", "rule": "scan", "reason": "have it changed"}
    problems = [{"bridge_id": row["bridge_id"], "version": 1, **said} for row in rows]
    exchange.settle(run, dispositions(map(delivered, rows)), pa.Table.from_pylist(problems, PROBLEMS))
    exchange.finish(run)
    for by, reason in (("-", "a container seal"), ("A. Maes", "...")):
        with pytest.raises(Misconfigured, match="NO_REASON"):
            exchange.propose_release(1, by, reason)
    first, second = (exchange.propose_release(one.id, "A. Maes", "a container seal") for one in exchange.held())
    changed = next(one for one in exchange.held() if one.id == 1).bridge_id
    name = next(name for name in ("S1", "S2") if Version(name).bridge_id == changed)
    collect(exchange, [Version(name, 1, "b")], 1)
    with pytest.raises(Misconfigured, match=r"RECORD_CHANGED.*bridge held --code TEXT_KEPT_BACK"):
        exchange.approve_release(first, "B. Lind", "seen")
    with pytest.raises(Misconfigured, match="RECORD_CHANGED"):
        exchange.propose_release(1, "C. Roy", "a container seal")
    assert exchange.approve_release(second, "B. Lind", "seen").about == "comment"
    assert [row.id for row in exchange.proposals()] == []
