"""SqlSource reads what was modified in a window, all of it and once, exactly, and into the same bytes each time."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bridge.batch import ROOT
from bridge.bundle import Bundle
from bridge.connector import Input, Source, Target, Window
from bridge.errors import Misconfigured, TryLater
from bridge.shape import Field, Shape, Type, shape_of
from connectors.sql import SqlSource, bundle, extract

TABLES = """
CREATE SCHEMA police;
CREATE TYPE police.mode AS ENUM ('ROAD', 'SEA');
CREATE TABLE police.seizure (
    id bigint PRIMARY KEY, place text, code char(5), amount numeric, price numeric(12,4), weight double precision,
    seized_on date, entered_at timestamptz, local_at timestamp, open boolean, marks text[], ref uuid, raw bytea,
    mode police.mode, extra jsonb, pages int, secret text, modified timestamptz
);
CREATE TABLE police.item (
    seizure bigint NOT NULL REFERENCES police.seizure, no int NOT NULL, name text, quantity numeric(10,3),
    PRIMARY KEY (seizure, no)
);
"""
SHAPE = shape_of(
    "police.sql",
    [
        Field("", "id", Type.INTEGER),
        Field("", "place"),
        Field("", "code", Type.CODE),
        Field("", "amount", Type.DECIMAL),
        Field("", "price", Type.DECIMAL),
        Field("", "weight", Type.DECIMAL),
        Field("", "seized_on", Type.DATE),
        Field("", "entered_at", Type.DATETIME),
        Field("", "local_at", Type.DATETIME),
        Field("", "open", Type.BOOLEAN),
        Field("", "marks", Type.LIST),
        Field("", "ref"),
        Field("", "raw"),
        Field("", "mode", Type.CODE),
        Field("", "extra"),
        Field("", "pages", Type.INTEGER),
        Field("item", "no", Type.INTEGER),
        Field("item", "name"),
        Field("item", "quantity", Type.DECIMAL),
    ],
)
OPTIONS = {"record": "police.seizure", "key": "id", "modified_at": "modified"}
DAY = Window(datetime(2025, 3, 9, tzinfo=UTC), datetime(2025, 3, 10, tzinfo=UTC))
AWKWARD = ['"', '""', ",", "\n", "\r\n", "\\.", "\\N", "NULL", "", " ", "Ærø, «ß»", "a;b\tc", "'", "\u2028", "😀"]


def _source(url: str, shape: Shape = SHAPE, **options: str) -> SqlSource:
    return SqlSource(url, {**OPTIONS, **options}, shape)


def _fill(url: str, rows: list[dict[str, Any]], items: list[tuple[Any, ...]]) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as session, session.cursor() as cursor:
        for row in rows:
            names = ", ".join(row)
            cursor.execute(
                f"INSERT INTO police.seizure ({names}) VALUES ({', '.join(['%s'] * len(row))})", [*row.values()]
            )
        cursor.executemany("INSERT INTO police.item VALUES (%s, %s, %s, %s)", items)


@pytest.fixture
def url(postgres_url: str) -> str:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as session:
        session.execute(TABLES)
    return postgres_url


def _take(source: Source, archive: Path, window: Window = DAY) -> Input:
    (offer,) = source.offers(window)
    assert offer.arrival in window
    return source.fetch(offer, archive)


def _records(source: Source, taken: Input) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for batch in source.read(taken):
        for name, table in batch.tables.items():
            found.setdefault(name, []).extend(table.to_pylist())
    return found


def _moment(hour: int, second: float = 0) -> datetime:
    return DAY.since + timedelta(hours=hour, seconds=second)


FULL = {
    "id": 7, "place": "Ærø", "code": "AB", "amount": "12345678901234567890.1200", "price": "-0.5000",
    "weight": 0.1, "seized_on": "2025-03-08", "entered_at": "2025-03-09T13:00:00.250+01:00",
    "local_at": "2025-03-09T12:00:00", "open": True, "marks": ["a", None, 'b"c'],
    "ref": "00112233-4455-6677-8899-aabbccddeeff", "raw": b"\x00\xff",
    "mode": "SEA", "extra": '{"b": [1, "ü"]}', "pages": 3, "secret": "not asked for", "modified": _moment(5),
}  # fmt: skip
TOLD = {
    "_row": 0, "_pos": None, "id": "7", "place": "Ærø", "code": "AB", "amount": "12345678901234567890.12",
    "price": "-0.5", "weight": "0.1", "seized_on": "2025-03-08", "entered_at": "2025-03-09T12:00:00.25Z",
    "local_at": "2025-03-09T12:00:00Z", "open": "true", "marks": ["a", None, 'b"c'],
    "ref": "00112233-4455-6677-8899-aabbccddeeff", "raw": "00ff", "mode": "SEA", "extra": '{"b": [1, "ü"]}',
    "pages": "3",
}  # fmt: skip


def test_every_type_as_canonical_text(url: str, tmp_path: Path) -> None:
    _fill(url, [FULL], [(7, 2, "second", "1.000"), (7, 1, None, "100")])
    source = _source(url)
    taken = _take(source, tmp_path)
    assert taken.counted == 1
    assert _records(source, taken) == {
        ROOT: [TOLD],
        "item": [
            {"_row": 0, "_i": 0, "no": "1", "name": None, "quantity": "100"},
            {"_row": 0, "_i": 1, "no": "2", "name": "second", "quantity": "1"},
        ],
    }


def test_columns_that_are_not_declared_are_never_asked_for(url: str, tmp_path: Path) -> None:
    _fill(url, [FULL], [])
    assert b"not asked for" not in _take(_source(url), tmp_path).path.read_bytes()


def test_only_the_window_half_open_and_by_time_and_key(url: str, tmp_path: Path) -> None:
    times = {
        1: _moment(0, -1),
        2: _moment(24),
        3: _moment(23, 3599.999999),
        4: _moment(0),
        5: _moment(2),
        6: _moment(2),
    }
    _fill(
        url,
        [{"id": i, "modified": t} for i, t in times.items()] + [{"id": 9, "modified": None}],
        [(6, 1, "x", 1), (4, 1, "y", 1)],
    )
    source = _source(url)
    taken = _take(source, tmp_path)
    found = _records(source, taken)
    assert [row["id"] for row in found[ROOT]] == ["4", "5", "6", "3"]
    assert [(row["_row"], row["name"]) for row in found["item"]] == [(0, "y"), (2, "x")]
    assert taken.counted == 4
    after = Window(DAY.until, DAY.until + timedelta(days=1))
    assert [row["id"] for row in _records(source, _take(source, tmp_path, after))[ROOT]] == ["2"]


def test_an_empty_window_has_the_columns_and_no_records(url: str, tmp_path: Path) -> None:
    source = _source(url)
    taken = _take(source, tmp_path)
    (batch,) = source.read(taken)
    assert (taken.counted, len(batch)) == (0, 0)
    assert batch.root.column_names == ["_row", "_pos", *(f.name for f in SHAPE.table())]
    assert batch.tables["item"].column_names == ["_row", "_i", "no", "name", "quantity"]
    assert str(batch.root.schema.field("marks").type) == "list<item: string>"


def test_the_same_rows_are_the_same_file(url: str, tmp_path: Path) -> None:
    _fill(url, [FULL, {**FULL, "id": 8}], [(7, 1, "x", 1), (8, 1, "x", 1)])
    first = _take(_source(url), tmp_path)
    again = _take(_source(url), tmp_path)
    assert (first.sha256, first.path) == (again.sha256, again.path)
    assert first.path == tmp_path / first.sha256[:2] / first.sha256
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [first.sha256]
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        session.execute("UPDATE police.item SET name = 'y' WHERE seizure = 8")
    assert _take(_source(url), tmp_path).sha256 != first.sha256


def test_the_archive_can_be_read_without_us(url: str, tmp_path: Path) -> None:
    _fill(url, [FULL], [(7, 1, "x", 1)])
    with zipfile.ZipFile(_take(_source(url), tmp_path).path) as archive:
        assert archive.namelist() == ["00-seizure.csv", "01-item.csv", "tables.json"]
        assert archive.testzip() is None
        about = json.loads(archive.read("tables.json"))
        assert (about["root"], about["since"]) == ("police.seizure", "2025-03-09T00:00:00.000000Z")
        assert archive.read("01-item.csv").decode() == "_row,no,name,quantity\n0,1,x,1\n"


def test_a_window_is_ready_when_its_lag_has_passed(url: str, tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    fresh = Window(now - timedelta(hours=1), now - timedelta(minutes=10))
    assert _source(url, lag="5 minutes").offers(fresh)
    with pytest.raises(TryLater, match="WINDOW_OPEN"):
        _source(url, lag="1 hour").offers(fresh)
    offer = _source(url, lag="5 minutes").offers(fresh)[0]
    with pytest.raises(TryLater, match="WINDOW_OPEN"):
        _source(url, lag="20m").fetch(offer, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"lag": "soon"}, "lag"),
        ({"modified_at": "place"}, "no timestamp column"),
        ({"modified_at": "nowhere"}, "no timestamp column"),
        ({"key": "place"}, "not unique"),
        ({"record": "police.seizures"}, "no such table"),
        ({"modified_at": ""}, "modified_at"),
    ],
)
def test_wrong_options_are_named(url: str, tmp_path: Path, options: dict[str, str], says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        _take(SqlSource(url, {**OPTIONS, **options}, SHAPE), tmp_path)


def test_fields_are_those_of_the_live_table(url: str) -> None:
    found = {f.path: f for f in _source(url).fields()}
    assert found["id"].required
    assert not found["place"].required
    assert (found["price"].scale, found["code"].max_length) == (4, 5)
    assert found["secret"].type is Type.TEXT
    assert found["item.quantity"].type is Type.DECIMAL


def test_a_query_that_takes_too_long_is_for_later_and_leaves_no_draft(url: str, tmp_path: Path) -> None:
    _fill(url, [{"id": 1, "modified": _moment(1)}], [])
    source = _source(url, statement_timeout="200ms")
    assert source.fields().name == "police.seizure"  # reflected before the table is locked
    with psycopg.connect(url.replace("+psycopg", "")) as other:
        other.execute("LOCK TABLE police.item")
        with pytest.raises(TryLater, match="57014"):
            _take(source, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_everything_is_of_one_snapshot(url: str, tmp_path: Path) -> None:
    """What another session commits while the tables are being read shows nowhere."""
    _fill(url, [FULL], [(7, 1, "x", 1)])
    source = _source(url)
    engine = sa.create_engine(url)
    ask = extract.Ask(source._layout, SHAPE, "modified", DAY, "1min")

    class Late(bundle.Writer):
        def add(self, member: bundle.Member) -> None:
            super().add(member)
            _fill(
                url,
                [{"id": 100 + len(self._members), "modified": _moment(1)}],
                [(7, 10 + len(self._members), "late", 1)],
            )

    writer = Late(Bundle(tmp_path, tmp_path / "draft"))
    counted = extract.extract(engine, ask, writer)
    sha256, _, path = writer.close({})
    batches = list(bundle.read(path, "late", sha256))
    assert counted == 1
    assert [len(b) for b in batches] == [1]
    assert batches[0].tables["item"]["name"].to_pylist() == ["x"]


TEXT = st.one_of(
    st.none(),
    st.sampled_from(AWKWARD),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
)
ROW = st.fixed_dictionaries(
    {
        "place": TEXT,
        "code": st.none() | st.text("ABC ", max_size=5),
        "amount": st.none()
        | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6),
        "price": st.none() | st.decimals(-9999, 9999, places=4),
        "weight": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "seized_on": st.none() | st.dates(),
        "entered_at": st.none() | st.datetimes(timezones=st.just(UTC)),
        "local_at": st.none() | st.datetimes(),
        "open": st.none() | st.booleans(),
        "marks": st.none() | st.lists(TEXT, max_size=3),
        "ref": st.none() | st.uuids(),
        "raw": st.none() | st.binary(max_size=4),
        "pages": st.none() | st.integers(-(2**31), 2**31 - 1),
        "extra": st.none() | st.sampled_from(['{"b": 1, "a": [2, null]}', "[]", '"x"']),
        "modified": st.sampled_from([_moment(1), _moment(1, 0.000001), _moment(20)]),
    }
)
_ROWS = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],  # to shrink through a server takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_ROWS
@given(rows=st.lists(ROW, max_size=6), names=st.lists(TEXT, max_size=8), block=st.sampled_from([200, 1000, 1 << 20]))
def test_copy_agrees_with_the_scalar_definition(
    url: str, tmp_path: Path, rows: list[dict[str, Any]], names: list[str | None], block: int
) -> None:
    """COPY with Arrow, and SQLAlchemy value by value, are two ways to the same records, whatever the block size."""
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        session.execute("TRUNCATE police.seizure CASCADE")
    items = [(i % len(rows), i, name, i) for i, name in enumerate(names)] if rows else []
    _fill(url, [{"id": i, **row} for i, row in enumerate(rows)], items)
    source = _source(url)
    taken = _take(source, tmp_path)
    fast = _merged(list(bundle.read(taken.path, "fast", taken.sha256, max(block, 400))))
    ask = extract.Ask(source._layout, SHAPE, "modified", DAY, "1min")
    with bundle.writing(tmp_path) as writer:
        assert extract.portably(sa.create_engine(url), ask, writer) == taken.counted == len(rows)
        sha256, _, path = writer.close({})
    assert _merged(list(bundle.read(path, "slow", sha256))) == fast
    assert len(fast[ROOT]) == len(rows)
    assert len(fast["item"]) == len(items)


def _merged(batches: list[Any]) -> dict[str, list[dict[str, Any]]]:
    return {name: [row for batch in batches for row in batch.tables[name].to_pylist()] for name in (ROOT, "item")}


LITE = """
CREATE TABLE seizure (id text PRIMARY KEY, place text, amount numeric(18,4), seized_on date, open boolean, marks text,
    modified datetime);
CREATE TABLE item (seizure text REFERENCES seizure, no integer, name text, PRIMARY KEY (seizure, no));
"""
LITE_SHAPE = shape_of(
    "lite.sql",
    [
        Field("", "id"),
        Field("", "place"),
        Field("", "amount", Type.DECIMAL),
        Field("", "seized_on", Type.DATE),
        Field("", "open", Type.BOOLEAN),
        Field("", "marks", Type.LIST),
        Field("", "modified", Type.DATETIME),
        Field("item", "no", Type.INTEGER),
        Field("item", "name"),
    ],
)


def test_sqlite(tmp_path: Path) -> None:
    """Moments in every spelling that SQLite knows, decimals digit for digit, lists as JSON text."""
    path = tmp_path / "police.db"
    with closing(sqlite3.connect(path)) as session, session:
        session.executescript(LITE)
        session.executemany(
            "INSERT INTO seizure VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    "b",
                    'say "no"\n',
                    "12345678901.1200",
                    "2025-03-08",
                    1,
                    '["x", "y"]',
                    "2025-03-09 12:00:00.500000",
                ),
                ("a", "", "0.10", "2025-03", 0, None, "2025-03-09T13:00:00+01:00"),
                ("c", None, None, None, None, "[]", "2025-03-09T23:59:59Z"),
                ("late", None, None, None, None, None, "2025-03-10 00:00:00"),
                ("early", None, None, None, None, None, "2025-03-08T23:59:59.999Z"),
            ],
        )
        session.executemany("INSERT INTO item VALUES (?, ?, ?)", [("b", 2, "two"), ("b", 1, "one"), ("c", 1, None)])
    source = SqlSource(f"sqlite:///{path}", {**OPTIONS, "record": "seizure"}, LITE_SHAPE)
    taken = _take(source, tmp_path / "archive")
    found = _records(source, taken)
    assert taken.counted == 3
    assert [[*row.values()][2:] for row in found[ROOT]] == [
        ["a", "", "0.1", "2025-03", "false", None, "2025-03-09T12:00:00Z"],
        ["b", 'say "no"\n', "12345678901.12", "2025-03-08", "true", ["x", "y"], "2025-03-09T12:00:00.5Z"],
        ["c", None, None, None, None, [], "2025-03-09T23:59:59Z"],
    ]
    assert [[*row.values()] for row in found["item"]] == [[1, 0, "1", "one"], [1, 1, "2", "two"], [2, 0, "1", None]]
    assert _take(source, tmp_path / "archive").sha256 == taken.sha256


def test_the_module_makes_both(url: str) -> None:
    from connectors import sql

    assert isinstance(sql.source(url, OPTIONS, SHAPE), Source)
    assert isinstance(sql.target(url, {"root": "police.seizure", "key": "id"}, SHAPE), Target)
