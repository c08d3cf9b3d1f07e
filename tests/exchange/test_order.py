"""The law of order: what the exchange holds is a function of the set of versions, never of their order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, pairwise

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.exchange import Exchange
from tests.exchange.conftest import Query
from tests.exchange.samples import NOON, Version, collect, empty, share

VERSIONS = st.builds(
    Version,
    id=st.sampled_from(["S1", "S2"]),
    hour=st.integers(0, 3),
    content=st.sampled_from("abc"),
    status=st.sampled_from(["NEW", "UPDATED", "UPDATED", "CANCELLED"]),
)


@pytest.fixture
def numbers() -> Iterator[int]:
    """Day numbers that no example has used."""
    return count()


def state(query: Query) -> list[tuple[object, ...]]:
    """Every record with its place in the order and the document of its current version."""
    return query(
        "SELECT r.origin_record_id, r.cancelled, r.source_version, r.revision, r.content_hash, v.payload, v.cancelled"
        " FROM exchange.record r JOIN exchange.record_version v USING (bridge_id, version) ORDER BY 1"
    )


def truth(versions: list[Version]) -> dict[str, Version]:
    """The winner of each record, by definition."""
    out: dict[str, Version] = {}
    for v in versions:
        best = out.get(v.id)
        if best is None or place(v) > place(best):
            out[v.id] = v
    return out


def place(v: Version) -> tuple[bool, int, bytes]:
    return (v.status == "CANCELLED", v.hour, v.hash)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(VERSIONS, min_size=1, max_size=8), data=st.data())
def test_any_order_and_any_cut_into_runs_and_batches_gives_the_same_state(
    exchange: Exchange, query: Query, numbers: Iterator[int], versions: list[Version], data: st.DataObject
) -> None:
    empty(query)
    order = data.draw(st.permutations(versions))
    cuts = data.draw(st.lists(st.integers(0, len(order)), max_size=3).map(sorted))
    bounds = [0, *cuts, len(order)]
    for start, end in pairwise(bounds):
        books = collect(exchange, order[start:end], next(numbers), batch=data.draw(st.integers(1, 8)))
        assert books.balanced
        if data.draw(st.booleans()):
            share(exchange)
    expected = truth(versions)
    found = state(query)
    assert {row[0]: (row[1], row[4]) for row in found} == {
        name: (v.status == "CANCELLED", v.hash) for name, v in expected.items()
    }
    assert all((row[2] - NOON).total_seconds() == 3600 * expected[str(row[0])].hour for row in found)  # type: ignore[operator]
    assert all(row[6] == row[1] for row in found)
    books, _ = share(exchange)
    assert books.balanced
    held = query(
        "SELECT DISTINCT ON (r.origin_record_id) r.origin_record_id, d.holds, d.released_hash FROM exchange.delivery d"
        " JOIN exchange.record r USING (bridge_id) WHERE holds IS NOT NULL"
        " ORDER BY r.origin_record_id, d.version DESC, d.run_id DESC"
    )
    assert {row[0]: row[1:] for row in held} == {
        name: (v.status != "CANCELLED", v.hash) for name, v in expected.items()
    }


def test_a_record_that_returns_to_an_old_content_is_not_overtaken_from_behind(exchange: Exchange, query: Query) -> None:
    """A at noon and again at three, B at two: whichever comes first, A stands."""
    a, b, again = Version("S1", 0, "a"), Version("S1", 2, "b"), Version("S1", 3, "a")
    for number, order in enumerate([[a, b, again], [a, again, b], [again, a, b], [b, again, a]]):
        empty(query)
        for step, version in enumerate(order):
            collect(exchange, [version], 10 * number + step)
        assert [row[4] for row in state(query)] == [a.hash]


def test_a_version_is_never_rewritten(exchange: Exchange, query: Query, exchange_url: str) -> None:
    collect(exchange, [Version("S1", 0, "a")])
    before = query("SELECT xmin::text, ctid::text FROM exchange.record_version")
    collect(exchange, [Version("S1", 5, "a"), Version("S2")], 1)
    collect(exchange, [Version("S1", 7, "b")], 2)
    with psycopg.connect(exchange_url.replace("+psycopg", "")) as session:
        kept = session.execute("SELECT xmin::text, ctid::text FROM exchange.record_version").fetchall()
    assert before[0] in kept
    assert len(kept) == 3
