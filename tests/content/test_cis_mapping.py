"""CIS as source and partner: what goes there and comes back, and what never leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pyarrow as pa
import pytest

from bridge.batch import ROW, Batch
from bridge.connector import ORDERS, Window
from bridge.content import Content
from bridge.mapping import check, forward, load
from bridge.mapping.accounts import Names
from bridge.mapping.samples import read_sample
from bridge.release import release
from connectors.sql import SqlSource, SqlTarget

CONTENT = Content.find()
SQL = CONTENT.path("schemas/cis/cis.sql")
SHARE, COLLECT = load(CONTENT, "cis", "share"), load(CONTENT, "cis", "collect")


def common(name: str) -> Batch:
    """A sample of the share mapping: one common record."""
    return read_sample(CONTENT.path(f"mappings/cis/samples/{name}.json"), SHARE.source_shape, None)


def delivered(url: str, batch: Batch) -> Batch:
    """The cases, put into a database by the SQL target and read from it by the SQL source."""
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        session.execute(SQL.read_text(encoding="utf-8"))
    target = SqlTarget(url, {"root": "cis.case", "key": "case_reference", "inbox": "partner"}, SHARE.target_shape)
    rows, keys = batch.root.column(ROW).to_pylist(), batch.root.column("case_reference").to_pylist()
    proof = [key.encode()[:32].ljust(32) for key in keys]
    moment = [datetime(2025, 4, 1, tzinfo=UTC)] * len(rows)
    no = [False] * len(rows)
    orders = pa.table([rows, keys, no, no, moment, [1] * len(rows), proof, proof], schema=ORDERS)
    receipts = target.deliver(batch, orders)
    assert set(receipts.column("effect").to_pylist()) == {"insert"}
    options = {**(COLLECT.collect or {}), "record": "cis.case", "lag": "0 seconds"}
    source = SqlSource(url, options, COLLECT.source_shape)
    now = datetime.now(UTC)
    (offer,) = source.offers(Window(now - timedelta(minutes=5), now))
    with TemporaryDirectory() as archive:
        (read,) = source.read(source.fetch(offer, Path(archive)))
    return read


# What the way there and back changes, apart from the fields that the mappings leave out with a reason each.
CHANGED = {
    "origin_system": "CIS is where it comes from now",
    "origin_record_id": "CIS knows it by its case number, which is our id",
    "summary": "made of codes",
    "supplier_service": "the country stands before it",
    "report_date": "a case always has a date",
    "fraud_type": "UNKNOWN where none was told",
    "information_quality": "X4 where none was told",
    "comment": "with the comments for which CIS has no item",
    "conveyances": "containers are entries of their own",
    "seizure_status": "Art. 24(g) knows three: forfeited and destroyed goods are confiscated ones",
}


@pytest.mark.parametrize("sample", ["lorry", "cash"])
def test_there_and_back_loses_only_what_the_mappings_declare(postgres_url: str, sample: str) -> None:
    before = common(sample)
    there = forward(SHARE, before)
    assert there.problems == []
    back = forward(COLLECT, delivered(postgres_url, there.batch))
    assert back.problems == []
    declared = {*SHARE.spec.ignore, *COLLECT.spec.absent, *CHANGED}
    kept = 0
    for field in SHARE.source_shape:
        if any(field.path in Names([pattern]) or field.list == pattern for pattern in declared):
            continue
        was, now = (one.tables[field.list].column(field.name).to_pylist() for one in (before, back.batch))
        if field.path in SHARE.assigned | COLLECT.assigned or not any(value is not None for value in was):
            continue
        assert now == was, field.path
        kept += 1
    assert kept >= {"lorry": 40, "cash": 8}[sample]


def test_a_quantity_in_no_unit_goes_there_and_is_held_on_its_way_back(postgres_url: str) -> None:
    back = forward(COLLECT, delivered(postgres_url, forward(SHARE, common("fiscal-month")).batch))
    assert [(problem.code, problem.field) for problem in back.problems] == [("NO_UNIT", "goods.1.quantity")]


def test_what_came_from_cis_never_goes_back_there(postgres_url: str) -> None:
    back = forward(COLLECT, delivered(postgres_url, forward(SHARE, common("lorry")).batch))
    released = release(SHARE.release, SHARE.source_shape, back.batch)
    assert released.withheld.column("rule").to_pylist() == ["ORIGIN_CIS"]
    assert len(released.batch) == 0


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("seen_by", ["CEN", "CIS"], "ORIGIN_CIS"),
        ("handling_code", "H2", "NO_AUTHORISATION"),
        ("handling_code", "H3", "NO_AUTHORISATION"),
        ("recipients", ["CEN", "EUROPOL"], "NOT_A_RECIPIENT"),
        ("seizure_status", "RELEASED", "NOT_SEIZED"),
    ],
)
def test_records_that_must_not_leave(field: str, value: object, rule: str) -> None:
    assert release(SHARE.release, SHARE.source_shape, common("lorry")).withheld.num_rows == 0
    batch = changed(common("lorry"), "", field, value)
    assert release(SHARE.release, SHARE.source_shape, batch).withheld.column("rule").to_pylist() == [rule]


def changed(batch: Batch, table: str, column: str, value: object) -> Batch:
    """The batch with one column's value in every row of a table."""
    old = batch.tables[table]
    place = old.column_names.index(column)
    new = old.set_column(place, column, pa.array([value] * old.num_rows, old.column(column).type))
    return replace(batch, tables={**batch.tables, table: new})


def written(batch: Batch) -> str:
    """Everything that would leave, as one text."""
    return "\n".join(str(table.to_pylist()) for table in batch.tables.values())


def test_a_person_leaves_with_an_action_and_a_reason() -> None:
    released = release(SHARE.release, SHARE.source_shape, common("lorry"))
    cases = forward(SHARE, released.batch).batch
    assert "Exemplary" in written(cases)
    assert cases.tables["action"].column("reason_for_action").to_pylist() == ["second run on the same route"]


@pytest.mark.parametrize("lacking", ["suggested_action", "reason_for_inclusion"])
def test_without_action_or_reason_nothing_of_the_person_leaves(lacking: str) -> None:
    batch = changed(common("lorry"), "persons", lacking, None)
    cases = forward(SHARE, release(SHARE.release, SHARE.source_shape, batch).batch).batch
    assert [cases.tables[name].num_rows for name in ("person", "action")] == [0, 0]
    assert "d" not in cases.tables["entry"].column("category").to_pylist()
    for value in ("Exemplary", "Jane", "X0000001", "Sampleton", "1979", "second run"):
        assert value not in written(replace(cases, tables={k: v for k, v in cases.tables.items() if k != "business"}))
    assert len(cases) == 1


def test_the_mappings_have_no_finding() -> None:
    assert [str(one) for mapping in (SHARE, COLLECT) for one in check(mapping)] == []
    assert len(SHARE.spec.examples) >= 6
    assert len(COLLECT.spec.examples) >= 6
