"""Every read of nominal data is noted before anybody has it, a sample of the notes is drawn, and they go in time."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from bridge.authoring.asking import reading
from bridge.errors import BridgeError
from bridge.exchange import MESSAGES, Exchange, current
from bridge.exchange.reads import commitment
from tests.docs.render import TOP
from tests.exchange.conftest import Query
from tests.exchange.samples import Version, begin_share, collect, delivered, dispositions

PERSONAL = [Version(f"S{n}", nominal='{"persons":[{}]}') for n in range(3)]
WRITE = "INSERT INTO exchange.nominal_read (who, purpose, records, commitment, at) VALUES ('w', 'p', 1, '', {at})"


@pytest.fixture(autouse=True)
def _connected(exchange: Exchange, exchange_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", exchange_url)
    collect(exchange, [*PERSONAL, Version("S9")])


def test_a_share_notes_just_the_versions_whose_nominal_part_it_reads(exchange: Exchange) -> None:
    run = begin_share(exchange)
    exchange.select(run)
    assert sum(table.num_rows for table in exchange.candidates(run, nominal=False)) == 4
    assert exchange.reads() == []
    assert sum(table.num_rows for table in exchange.candidates(run, nominal=True)) == 4
    (row,) = exchange.reads()
    assert (row.who, row.run_id, row.records, row.bridge_ids) == ("share cis", run.id, 3, None)
    assert row.commitment == commitment([(one.bridge_id.bytes, 1) for one in PERSONAL]).hex()


def test_a_later_run_notes_once_which_messages_with_nominal_data_it_relays(exchange: Exchange, query: Query) -> None:
    first = begin_share(exchange)
    exchange.select(first)
    rows = [row for table in exchange.candidates(first, nominal=True, outbox=True) for row in table.to_pylist()]
    taken_back = PERSONAL[2].bridge_id.bytes
    messages = [
        {
            "bridge_id": row["bridge_id"], "version": 1, "effect": "withdraw" if row["bridge_id"] == taken_back else
            "insert", "code": None, "decisions": 0, "released_hash": row["content_hash"],
            "idempotency_key": row["content_hash"][:16] + row["bridge_id"], "body": b"a record",
        }
        for row in rows
    ]  # fmt: skip
    pending = [delivered(row) | {"disposition": "pending", "effect": None, "receipt": None} for row in rows]
    composed = pa.Table.from_pylist(messages, schema=MESSAGES)
    exchange.settle(first, dispositions(pending), None, composed, nominal=True)
    exchange.claim(first, nominal=True)
    assert [row.purpose.partition(" ")[0] for row in exchange.reads()] == ["delivery"], "its own, noted already"
    assert exchange.finish(first).balanced
    query(  # as erasing does
        "UPDATE exchange_nominal.message SET body = '' WHERE number = "
        "(SELECT number FROM exchange.outbox WHERE bridge_id = %s)",
        PERSONAL[1].bridge_id,
    )
    second = begin_share(exchange)
    exchange.select(second)
    query("ALTER TABLE exchange.nominal_read ADD CONSTRAINT none CHECK (false) NOT VALID")
    with pytest.raises(BridgeError):
        exchange.claim(second, nominal=True)
    with exchange.relay(second, (), nominal=True) as taken:
        assert taken.messages == [], "what cannot be noted is not taken over"
    query("ALTER TABLE exchange.nominal_read DROP CONSTRAINT none")
    for _ in range(2):  # the step is tried again
        exchange.claim(second, nominal=True)
    with exchange.relay(second, (), nominal=True) as taken:
        assert len(taken.messages) == 4
    (noted,) = [row for row in exchange.reads() if row.run_id == second.id]
    assert (noted.who, noted.records, noted.bridge_ids) == ("share cis", 1, None)
    assert noted.purpose == f"relay of messages kept by {second.mapping}"
    assert noted.commitment == commitment([(PERSONAL[0].bridge_id.bytes, 1)]).hex()


def test_a_person_is_noted_by_account_and_what_for_with_the_records(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody else")
    wanted = PERSONAL[1].bridge_id
    with reading() as connection:
        assert current.one(connection, "explain", wanted) is not None
        assert current.one(connection, "explain", Version("S9").bridge_id) is not None  # nothing nominal in it
        assert len(current.newest(connection, "try cis", 9)) == 4
        assert [len(page) for page in current.each(connection, "plan cis", "cis", size=2)] == [2, 2]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.connection.execute("DELETE FROM exchange.nominal_read")
    found = exchange.reads()
    assert {row.who for row in found} == {pwd.getpwuid(os.getuid()).pw_name}
    assert [(row.purpose, row.records) for row in found][:2] == [("explain", 1), ("try cis", 3)]
    assert sum(row.records for row in found if row.purpose == "plan cis") == 3
    assert found[0].bridge_ids == [wanted]


def test_what_cannot_be_noted_is_not_read(exchange: Exchange, query: Query) -> None:
    query("ALTER TABLE exchange.nominal_read ADD CONSTRAINT none CHECK (false)")
    run = begin_share(exchange)
    exchange.select(run)
    with pytest.raises(BridgeError):
        next(exchange.candidates(run, nominal=True))
    with pytest.raises(BridgeError), reading() as connection:
        current.one(connection, "explain", PERSONAL[0].bridge_id)


def test_the_sample_is_one_in_a_hundred_and_the_seeds(exchange: Exchange, query: Query) -> None:
    query(f"{WRITE.partition('VALUES')[0]} SELECT 'w', 'p', 1, '', now() FROM generate_series(1, 250)")
    drawn = [row.id for row in exchange.reads(seed="2026-11")]
    assert drawn == [row.id for row in exchange.reads(seed="2026-11")] == sorted(drawn)
    assert (len(drawn), exchange.reads(seed="2026-11")[0].total) == (3, 250)
    assert len({tuple(row.id for row in exchange.reads(seed=str(n))) for n in range(5)}) > 1
    assert [row.id for row in exchange.reads(limit=2)] == [249, 250]


def test_notes_are_never_changed_and_go_after_six_months(exchange: Exchange, query: Query) -> None:
    query(WRITE.format(at="now() - interval '6 months 1 day'"))
    query(WRITE.format(at="now() - interval '5 months 27 days'"))
    for change in ("UPDATE exchange.nominal_read SET who = 'x'", "DELETE FROM exchange.nominal_read WHERE id = 2"):
        with pytest.raises(psycopg.Error, match="added and never changed"):
            query(change)
    (old, _) = exchange.reads()
    assert exchange.purge(old.at)["nominal_read"] == 1
    assert [row.id for row in exchange.reads()] == [2]


def test_no_other_place_reads_nominal_parts() -> None:
    reader = re.compile(r"(?:FROM|JOIN) exchange_nominal\.(?:payload_nominal|selected)")
    found = {
        str(path.relative_to(TOP / "bridge"))
        for path in Path(TOP / "bridge").rglob("*.py")
        if "migrations" not in path.parts and reader.search(path.read_text(encoding="utf-8"))
    }
    # erasure deletes them, verifying hashes them, nominal brings them under another key, reads sees if there are any
    assert found == {
        "exchange/current.py", "exchange/erasure.py", "exchange/streaming.py", "exchange/documents.py",
        "exchange/nominal.py", "exchange/reads.py",
    }  # fmt: skip
