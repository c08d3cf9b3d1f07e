"""The feed read by the real connectors and mapped by the real mappings becomes what its truth says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bridge.batch import INDEX, ROW, Batch
from bridge.connector import ORDERS, Input, Source, Target, Window
from bridge.content import Content
from bridge.document import encode
from bridge.feed import Feed, generate, load_cases
from bridge.feed.partner import CANARY
from bridge.mapping import Mapping, forward, load
from bridge.quality import validate
from bridge.release import release

CONTENT = Content.find()
START = date(2026, 1, 1)
DAYS = 2
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = Window(SINCE, SINCE + timedelta(days=DAYS))
TODAY = date(2026, 1, 31)


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return generate(tmp_path_factory.mktemp("feed") / "one", DAYS, 600, seed=23, bad_share=0.15, bad_files=True)


def connect(mapping: Mapping, connection: str) -> Source:
    options = {**mapping.source, **(mapping.collect or {})}
    source: Source = CONTENT.connector(options["connector"]).source(connection, options, mapping.source_shape)
    return source


def inputs(source: Source, archive: Path) -> Iterator[Input]:
    for offer in source.offers(WINDOW):
        yield source.fetch(offer, archive)


def first_lines(batch: Batch) -> dict[int, tuple[str, str, str, int]]:
    """By record: group, quantity and unit of its first goods line, and how many lines it has."""
    lines: defaultdict[int, list[dict[str, str]]] = defaultdict(list)
    for line in batch.tables["goods"].sort_by([(ROW, "ascending"), (INDEX, "ascending")]).to_pylist():
        lines[line[ROW]].append(line)
    return {
        row: (own[0]["commodity_group"], own[0]["quantity"], own[0]["unit"], len(own)) for row, own in lines.items()
    }


def test_records_are_held_for_what_is_wrong_and_no_other_is(feed: Feed, tmp_path: Path) -> None:
    collect = load(CONTENT, "cen", "collect")
    source = connect(collect, str(feed.cen))
    truth: defaultdict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in pq.read_table(feed.truth / "records.parquet").to_pylist():
        truth[row["file"]][row["ordinal"]] = row
    final = {row["ref"]: row for row in pq.read_table(feed.truth / "final.parquet").to_pylist()}
    whole: dict[str, str] = {}
    compared = 0
    for one in inputs(source, tmp_path):
        if one.problem is not None:
            whole[one.name] = one.problem.code
            continue
        assert one.counted == len(truth[one.name])
        problems: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
        for batch in source.read(one):
            mapped = forward(collect, batch)
            documents = encode(mapped.batch, collect.target_shape)
            for problem in [*mapped.problems, *validate(documents, CONTENT, TODAY)]:
                problems[problem.row].add((problem.code, problem.field))
            lines = first_lines(mapped.batch)
            for record in mapped.batch.root.to_pylist():
                row = truth[one.name][record[ROW]]
                told = final.get(row["ref"])
                if row["disposition"] != "held" and told is not None and told["version"] == row["version"]:
                    compared += 1
                    group, quantity, unit, many = lines[record[ROW]]
                    assert told["seizure_date"] == record["seizure_date"]
                    assert told["seizure_country"] == record["seizure_country"]
                    assert told["updated_at"] == record["updated_at"]
                    assert told["cancelled"] == (record["record_status"] == "CANCELLED")
                    assert (told["commodity_group"], told["quantity"], told["unit"], told["goods"]) == (
                        group, quantity, unit, many,
                    )  # fmt: skip
        held = {ordinal: (row["code"], row["field"]) for ordinal, row in truth[one.name].items() if row["code"]}
        assert set(problems) == set(held)
        assert [(ordinal, said) for ordinal, said in held.items() if said not in problems[ordinal]] == []
    told_whole = {row["file"]: row["problem"] for row in pq.read_table(feed.truth / "inputs.parquet").to_pylist()}
    assert whole == {name: problem for name, problem in told_whole.items() if problem}
    assert compared > 900


def test_cases_of_the_partner_reach_cen_without_a_person(feed: Feed, tmp_path: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "", 1), autocommit=True) as session:
        session.execute(CONTENT.path("schemas/cis/cis.sql").read_bytes())
    load_cases(feed.cis, postgres_url)
    collect, share = load(CONTENT, "cis", "collect"), load(CONTENT, "cen", "share")
    drop = tmp_path / "drop"
    drop.mkdir()
    target = partner(share, drop)
    final = {
        row["ref"]: row for row in pq.read_table(feed.truth / "final.parquet").to_pylist() if row["source"] == "cis"
    }
    sent: set[str] = set()
    kept: set[str] = set()
    for one in inputs(connect(collect, postgres_url), tmp_path):
        for batch in connect(collect, postgres_url).read(one):
            mapped = forward(collect, batch)
            documents = encode(mapped.batch, collect.target_shape)
            assert mapped.problems == []
            assert validate(documents, CONTENT, TODAY) == []
            assert any(CANARY in (text or "").lower() for text in documents.column("nominal").to_pylist())
            refs = names(mapped.batch)
            released = release(share.release, share.source_shape, with_names(mapped.batch, share))
            kept |= {refs[row] for row in released.withheld.column(ROW).to_pylist()}
            out = forward(share, released.batch)
            assert out.problems == []
            sent |= {refs[row] for row in out.batch.rows().to_pylist()}
            target.deliver(out.batch, orders(out.batch))
            for line in reversed(out.batch.tables["Goods/Item"].to_pylist()):
                if line[INDEX] == 0:
                    told = final[refs[line[ROW]]]
                    assert (line["Group"], line["Quantity"], line["Unit"]) == ("TOB", told["quantity"], told["unit"])
    assert sent == {ref for ref, row in final.items() if row["commodity_group"] == "TOB"}
    assert kept == {ref for ref, row in final.items() if row["commodity_group"] == "ALC"}
    assert kept
    delivered = [path.read_bytes() for path in drop.iterdir()]
    assert sum(text.count(b"<Seizure ") for text in delivered) == len(sent)
    assert not [text for text in delivered if CANARY.encode() in text.lower()]


def partner(share: Mapping, drop: Path) -> Target:
    options = {**share.target, **(share.deliver or {}), "schema": str(CONTENT.path("schemas/cen/cen.xsd"))}
    target: Target = CONTENT.connector("files").target(str(drop), options, share.target_shape)
    return target


def orders(batch: Batch) -> pa.Table:
    many = len(batch)
    columns = [
        batch.rows(),
        batch.root.column("@ref"),
        [False] * many,
        [False] * many,
        [SINCE] * many,
        [1] * many,
        [bytes(32)] * many,
        [row.to_bytes(32, "big") for row in batch.rows().to_pylist()],
    ]
    arrays = [
        pa.array(column, field.type) if isinstance(column, list) else column
        for column, field in zip(columns, ORDERS, strict=True)
    ]
    return pa.table(arrays, schema=ORDERS)


def names(batch: Batch) -> dict[int, str]:
    root = batch.root
    return dict(zip(root.column(ROW).to_pylist(), root.column("origin_record_id").to_pylist(), strict=True))


def with_names(batch: Batch, share: Mapping) -> Batch:
    """The batch as the exchange gives it: each record under its own bridge id."""
    root = batch.root
    place = root.column_names.index("bridge_id")
    ids = [f"2b6f0cc9-04d1-5c5b-9e3a-{row:012x}" for row in root.column(ROW).to_pylist()]
    field = share.source_shape.find("bridge_id")
    assert field is not None
    tables = {**batch.tables, "": root.set_column(place, "bridge_id", [ids])}
    return Batch(tables, batch.where, batch.sha256)
