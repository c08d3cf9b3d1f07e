"""SqlTarget keeps every promise of a Target, on PostgreSQL and on SQLite, with and without an inbox."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from bridge.batch import Batch
from bridge.errors import Misconfigured, Stop, TryLater
from bridge.shape import Field, Shape, Type, shape_of
from bridge.testing_target import (
    CANARY,
    PROCESSES,
    SHAPE,
    Held,
    Partner,
    TargetConformance,
    Version,
    any_version,
    batch,
    deliver,
    deliver_in_process,
    highest,
    orders,
)
from connectors.sql import SqlTarget

TABLES = """
CREATE SCHEMA partner;
CREATE TABLE partner.case (
    case_reference varchar(64) PRIMARY KEY,
    summary varchar(200),
    amount numeric(18,4) CHECK (amount >= 0),
    seized_on date,
    changed_at timestamptz,
    declared boolean,
    officer text,
    entered_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE partner.goods (
    case_reference varchar(64) NOT NULL REFERENCES partner.case,
    line smallint NOT NULL,
    description varchar(200),
    quantity numeric,
    seals text[],
    PRIMARY KEY (case_reference, line)
);
"""
LITE = """
CREATE TABLE "case" (
    case_reference varchar(64) PRIMARY KEY, summary varchar(200), amount numeric(18,4) CHECK (amount >= 0),
    seized_on date, changed_at datetime, declared boolean, officer text,
    entered_at text NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE goods (
    case_reference varchar(64) NOT NULL REFERENCES "case", line integer NOT NULL, description varchar(200),
    quantity numeric, seals text, PRIMARY KEY (case_reference, line)
);
"""
ENDLESS = """
CREATE TRIGGER endless AFTER INSERT ON goods BEGIN
    SELECT count(*)
    FROM (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 1000000000) SELECT x FROM n);
END
"""
WRITTEN = """
SELECT xmin::text, ctid::text FROM partner.case UNION ALL SELECT xmin::text, ctid::text FROM partner.goods
UNION ALL SELECT xmin::text, ctid::text FROM bridge_inbox.partner_case ORDER BY 1, 2
"""
OPTIONS = {"root": "partner.case", "key": "case_reference"}


def _plain(value: Any) -> str | None:
    return None if value is None else f"{Decimal(str(value)).normalize():f}"


def _held(ask: Callable[[str], list[tuple[Any, ...]]], schema: str) -> Held:
    goods: dict[str, list[tuple[int, str]]] = {}
    for key, line, description in ask(f"SELECT case_reference, line, description FROM {schema}goods ORDER BY 1, 2"):
        goods.setdefault(key, []).append((line, description))
    rows = ask(f'SELECT case_reference, summary, amount FROM {schema}"case"')
    assert goods.keys() <= {key for key, *_ in rows}
    return {key: (summary, _plain(amount), goods.get(key, [])) for key, summary, amount in rows}


def _postgres(url: str, **options: str) -> Partner:
    dsn = url.replace("+psycopg", "")
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(TABLES)

    def ask(query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(dsn) as session:
            return session.execute(query).fetchall()

    @contextmanager
    def halfway() -> Iterator[Callable[[], None]]:
        with psycopg.connect(dsn) as other, psycopg.connect(dsn, autocommit=True) as watch:
            other.execute("LOCK TABLE partner.goods IN SHARE MODE")

            def until_stuck() -> None:
                waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'partner.goods'::regclass"
                for _ in range(600):
                    if watch.execute(waits).fetchone() == (1,):
                        return
                    time.sleep(0.05)
                raise AssertionError("the delivery never reached the goods table")

            yield until_stuck

    return Partner(
        "connectors.sql",
        url,
        {**OPTIONS, **options},
        held=lambda: _held(ask, "partner."),
        marks=lambda: ask(
            WRITTEN if "inbox" not in options else WRITTEN.replace("bridge_inbox.partner_case", "partner.case")
        ),
        halfway=halfway,
    )


def _sqlite(path: Path, **options: str) -> Partner:
    with sqlite3.connect(path) as session:
        session.executescript(LITE)

    def ask(query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(path) as session:
            return session.execute(query).fetchall()

    @contextmanager
    def halfway() -> Iterator[Callable[[], None]]:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
            other.execute(ENDLESS)

            def until_stuck() -> None:
                for _ in range(600):
                    time.sleep(0.05)
                    try:
                        other.execute("BEGIN IMMEDIATE")
                        other.execute("ROLLBACK")
                    except sqlite3.OperationalError:
                        time.sleep(1)  # from taking the lock to the first goods line
                        return
                raise AssertionError("the delivery never began to write")

            yield until_stuck
            other.execute("DROP TRIGGER endless")

    return Partner(
        "connectors.sql",
        f"sqlite:///{path}",
        {**OPTIONS, "root": "case", **options},
        held=lambda: _held(ask, ""),
        marks=lambda: hashlib.sha256(path.read_bytes()).hexdigest(),
        halfway=halfway,
    )


class TestPostgres(TargetConformance):
    @pytest.fixture
    def partner(self, postgres_url: str) -> Partner:
        return _postgres(postgres_url)


class TestSqlite(TargetConformance):
    @pytest.fixture
    def partner(self, tmp_path: Path) -> Partner:
        return _sqlite(tmp_path / "partner.db")


class TestPostgresWithoutInbox(TargetConformance):
    versioned = fenced = counted = False

    @pytest.fixture
    def partner(self, postgres_url: str) -> Partner:
        return _postgres(postgres_url, inbox="none")

    def test_creates_nothing(self, partner: Partner) -> None:
        deliver(partner.target(), Version("A"))
        with psycopg.connect(partner.connection.replace("+psycopg", "")) as session:
            made = session.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'bridge%'").fetchall()
        assert made == []


class TestSqliteWithoutInbox(TargetConformance):
    versioned = fenced = counted = False

    @pytest.fixture
    def partner(self, tmp_path: Path) -> Partner:
        return _sqlite(tmp_path / "partner.db", inbox="none")


@pytest.fixture
def partner(postgres_url: str) -> Partner:
    return _postgres(postgres_url)


def _run(partner: Partner, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(partner.connection.replace("+psycopg", ""), autocommit=True) as session:
        cursor = session.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _target(partner: Partner, shape: Shape = SHAPE, **options: Any) -> SqlTarget:
    return SqlTarget(partner.connection, {**partner.options, **options}, shape)


def test_columns_of_the_partner_survive_a_correction(partner: Partner) -> None:
    deliver(partner.target(), Version("A", 1))
    _run(partner, "UPDATE partner.case SET officer = 'desk 4'")
    entered = _run(partner, "SELECT entered_at FROM partner.case")
    assert deliver(partner.target(), Version("A", 2, summary="changed")) == ["update"]
    assert _run(partner, "SELECT officer, summary FROM partner.case") == [("desk 4", "changed")]
    assert _run(partner, "SELECT entered_at FROM partner.case") == entered


def test_a_root_row_that_someone_removed_comes_back_with_the_next_correction(partner: Partner) -> None:
    versions = [Version("A"), Version("B")]
    target = _target(partner)
    deliver(target, *versions)
    _run(partner, "DELETE FROM partner.goods; DELETE FROM partner.case WHERE case_reference = 'A'")
    assert target.count() == 1
    assert [(key, there) for key, _, there in target.keys() or ()] == [("A", False), ("B", True)]
    again = [Version("A", 2, summary="x"), Version("B", 2, summary="x")]
    assert deliver(target, *again) == ["update", "update"]
    assert partner.held() == highest(again)


def test_a_row_that_someone_removed_is_put_back_when_it_is_sent_again(partner: Partner) -> None:
    versions = [Version("A"), Version("B"), Version("C", 1), Version("C", 2, withdraw=True)]
    deliver(partner.target(), *versions)
    _run(partner, "DELETE FROM partner.goods; DELETE FROM partner.case WHERE case_reference = 'A'")
    newer = Version("B", 2)
    assert deliver(partner.target(), Version("A"), newer, *versions[2:]) == [
        "insert",
        "unchanged",
        "superseded",
        "unchanged",
    ]
    held = partner.held()
    assert held["A"] == Version("A").held
    assert held.keys() == {"A", "B"}


def test_keys_tell_what_stands_at_the_partner(partner: Partner) -> None:
    kept = Version("B", 2, summary="two")
    target = _target(partner)
    deliver(target, Version("A"), Version("B"))
    deliver(target, kept, Version("A", 2, withdraw=True))
    assert list(target.keys() or ()) == [("B", kept.content, True)]
    assert _target(partner, inbox="none").keys() is None


def test_receipt_is_the_idempotency_key_that_stands(partner: Partner) -> None:
    new, old = Version("A", 2), Version("A", 1)
    first = _target(partner).deliver(batch([new]), orders([new]))
    second = _target(partner).deliver(batch([old]), orders([old]))
    name = f"bridge_inbox.partner_case/{new.idempotency.hex()}"
    assert first["receipt"].to_pylist() == second["receipt"].to_pylist() == [name]
    assert _run(partner, "SELECT encode(idempotency_key, 'hex') FROM bridge_inbox.partner_case") == [
        (new.idempotency.hex(),)
    ]


def test_proof_and_effect_commit_together(partner: Partner) -> None:
    deliver(partner.target(), Version("A"))
    with pytest.raises(Misconfigured):
        deliver(partner.target(), Version("B"), Version("C", amount="-1"))
    assert _run(partner, "SELECT key FROM bridge_inbox.partner_case") == [("A",)]


def test_types_arrive_exactly(partner: Partner) -> None:
    deliver(partner.target(), Version("A", amount="12345678901234.5678"))
    assert _run(
        partner, "SELECT amount::text, seized_on::text, changed_at AT TIME ZONE 'UTC', declared FROM partner.case"
    ) == [
        ("12345678901234.5678", "2025-03-09", datetime(2025, 3, 9, 12, 0, 0, 250_000), False)  # noqa: DTZ001 - UTC
    ]
    assert _run(partner, "SELECT quantity::text, seals FROM partner.goods ORDER BY line") == [
        ("0.125", ["a", "b c", 'd"e']),
        ("0.125", None),
    ]


_UNREFERRED = "ALTER TABLE partner.goods DROP CONSTRAINT goods_case_reference_fkey; ALTER TABLE partner."


@pytest.mark.parametrize(
    ("change", "fields", "says"),
    [
        ("DROP TABLE partner.goods", (), "partner.goods"),
        ("ALTER TABLE partner.case DROP summary", (), "summary"),
        ("ALTER TABLE partner.case ALTER summary TYPE varchar(100)", (), "partner.case.summary holds 100 characters"),
        ("ALTER TABLE partner.goods ALTER quantity TYPE numeric(9,2)", (), "partner.goods.quantity holds 2 decimals"),
        ("ALTER TABLE partner.case ALTER changed_at TYPE date", (), "partner.case.changed_at is date"),
        ("ALTER TABLE partner.case ADD desk text NOT NULL", (), "partner.case.desk must be given"),
        (_UNREFERRED + "case DROP CONSTRAINT case_pkey", (), "not unique"),
        (_UNREFERRED + "goods RENAME case_reference TO ref", (), "no column refers"),
        ("SELECT 1", (Field("", "colour", Type.TEXT),), "colour"),
    ],
)
def test_drift_is_named_before_anything_is_sent(
    partner: Partner, change: str, fields: tuple[Field, ...], says: str
) -> None:
    _run(partner, change)
    shape = shape_of("drifted", [*SHAPE, *fields])
    with pytest.raises(Misconfigured, match=says.replace(".", r"\.")):
        _target(partner, shape).deliver(batch([Version("A")]), orders([Version("A")]))


def test_children_follow_the_order_their_own_references_need(postgres_url: str) -> None:
    """A section refers to its entry and the entry to the case, whatever order the shape names them in."""
    partner = _postgres(postgres_url)
    _run(
        partner,
        "CREATE TABLE partner.entry (case_reference varchar(64) REFERENCES partner.case, category char(1),"
        " PRIMARY KEY (case_reference, category));"
        "CREATE TABLE partner.document (case_reference varchar(64) REFERENCES partner.case, entry_no int,"
        " category char(1), PRIMARY KEY (case_reference, entry_no),"
        " FOREIGN KEY (case_reference, category) REFERENCES partner.entry)",
    )
    shape = shape_of(
        "sections",
        [
            *SHAPE.table(),
            Field("document", "entry_no", Type.INTEGER),
            Field("document", "category", Type.CODE, max_length=1),
            Field("entry", "category", Type.CODE, max_length=1),
        ],
    )
    document = {"_row": [0, 0], "_i": [0, 1], "entry_no": [1, 2], "category": ["a", "b"]}
    entry = {"_row": [0, 0], "_i": [0, 1], "category": ["a", "b"]}
    tables = {"": batch([Version("A")]).root, "document": pa.table(document), "entry": pa.table(entry)}
    for told, effect in ((Version("A", 1), "insert"), (Version("A", 2, summary="changed"), "update")):
        receipts = _target(partner, shape).deliver(Batch(tables, "sections", ""), orders([told]))
        assert receipts["effect"].to_pylist() == [effect]
    assert _run(partner, "SELECT entry_no, category FROM partner.document ORDER BY 1") == [(1, "a"), (2, "b")]
    gone = Version("A", 3, withdraw=True)
    _target(partner, shape).deliver(Batch(tables, "sections", ""), orders([gone]))
    assert _run(partner, "SELECT count(*) FROM partner.entry") == [(0,)]


def test_orders_that_do_not_belong_to_the_batch_are_refused(partner: Partner) -> None:
    a, b = Version("A"), Version("B")
    with pytest.raises(Misconfigured, match="ORDER_WITHOUT_RECORD"):
        _target(partner).deliver(batch([a]), orders([a, b]))
    with pytest.raises(Misconfigured, match="KEY_DIFFERS"):
        _target(partner).deliver(batch([a]), orders([b]))
    assert partner.held() == {}


def test_a_lock_that_is_not_had_is_for_later(partner: Partner) -> None:
    deliver(partner.target(), Version("A"))
    with psycopg.connect(partner.connection.replace("+psycopg", "")) as other:
        other.execute("SELECT FROM bridge_inbox.partner_case WHERE key = 'A' FOR UPDATE")
        late = Version("A", 2)
        with pytest.raises(TryLater, match="55P03"):
            _target(partner, lock_timeout="200ms").deliver(batch([late]), orders([late]))
    assert partner.held() == highest([Version("A")])


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_frozen_attempt_is_taken_over_and_changes_nothing_when_it_thaws(partner: Partner, epoch: int) -> None:
    """Stopped in the middle of a COPY it keeps its locks; its own next try and the next epoch end its session."""
    assert partner.halfway is not None
    deliver(partner.target(), Version("A", 1))
    versions = [Version("A", 2, summary="zombie's"), *(Version(f"N{i}") for i in range(20))]
    about = (partner.module, partner.connection, {**partner.options, "epoch": 1})
    zombie = PROCESSES.Process(target=deliver_in_process, args=(about, versions))
    with partner.halfway() as until_stuck:
        zombie.start()
        until_stuck()
        os.kill(zombie.pid or 0, signal.SIGSTOP)
    heir = Version("A", 3, summary="heir's")
    try:
        assert deliver(_target(partner, epoch=epoch, lock_timeout="5s"), heir) == ["update"]
    finally:
        os.kill(zombie.pid or 0, signal.SIGCONT)
        zombie.join(60)
    assert zombie.exitcode == 1
    assert partner.held() == highest([heir])


def test_a_partner_that_is_not_there_is_for_later(partner: Partner) -> None:
    away = _target(partner)
    nobody = SqlTarget("postgresql+psycopg://nobody@127.0.0.1:1/none", partner.options, SHAPE)
    with pytest.raises(TryLater):
        nobody.deliver(batch([Version("A")]), orders([Version("A")]))
    terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(partner.connection.replace("+psycopg", "")) as other:
        other.execute("LOCK TABLE partner.case IN SHARE MODE")
        raised: list[BaseException] = []

        def load() -> None:
            try:
                deliver(away, Version("A"))
            except TryLater as late:
                raised.append(late)

        thread = threading.Thread(target=load)
        thread.start()
        for _ in range(200):
            if _run(partner, terminate):
                break
            time.sleep(0.05)
        thread.join(30)
    assert len(raised) == 1
    assert partner.held() == {}


def test_an_account_that_may_not_create_is_told_what_to_do(partner: Partner) -> None:
    _run(partner, "CREATE ROLE loader LOGIN PASSWORD 'loader'; GRANT USAGE ON SCHEMA partner TO loader")
    _run(partner, "GRANT ALL ON ALL TABLES IN SCHEMA partner TO loader")
    url = make_url(partner.connection).set(username="loader", password="loader").render_as_string(hide_password=False)
    try:
        with pytest.raises(Misconfigured, match="NO_INBOX"):
            SqlTarget(url, partner.options, SHAPE).deliver(batch([Version("A")]), orders([Version("A")]))
        unlogged = SqlTarget(url, {**partner.options, "inbox": "none"}, SHAPE)
        assert deliver(unlogged, Version("A")) == ["insert"]
    finally:
        _run(partner, "DROP OWNED BY loader; DROP ROLE loader")


def test_unfit_values_are_found_record_by_record(partner: Partner) -> None:
    versions = [
        Version("A"),
        Version("B", summary=CANARY * 20),
        Version("C", amount="1.23456"),
        Version("D", goods=("x" * 201, "y")),
    ]
    problems = _target(partner).unfit(batch(versions))
    assert [(p.row, p.code, p.field) for p in problems] == [
        (1, "TOO_LONG", "summary"),
        (2, "BAD_NUMBER", "amount"),
        (3, "TOO_LONG", "goods.0.description"),
    ]
    assert CANARY not in repr(problems)


def test_an_option_that_is_not_known_is_refused(partner: Partner) -> None:
    with pytest.raises(Misconfigured, match="inbox"):
        _target(partner, inbox="mine")
    with pytest.raises(Misconfigured, match="key"):
        SqlTarget(partner.connection, {"root": "partner.case"}, SHAPE)
    with pytest.raises(Misconfigured, match="BAD_URL"):
        SqlTarget("no url", partner.options, SHAPE)


def test_without_an_inbox_a_repeat_after_a_change_by_hand_is_an_update(postgres_url: str) -> None:
    partner = _postgres(postgres_url, inbox="none")
    deliver(partner.target(), Version("A"))
    _run(partner, "UPDATE partner.goods SET description = 'altered'")
    assert deliver(partner.target(), Version("A")) == ["update"]
    assert partner.held() == highest([Version("A")])


def test_sqlite_puts_back_a_row_that_someone_removed(tmp_path: Path) -> None:
    partner = _sqlite(tmp_path / "partner.db")
    deliver(partner.target(), Version("A"), Version("B"))
    with closing(sqlite3.connect(tmp_path / "partner.db")) as session, session:
        session.executescript(
            "DELETE FROM goods WHERE case_reference = 'A'; DELETE FROM \"case\" WHERE case_reference = 'A'"
        )
    assert deliver(partner.target(), Version("A"), Version("B")) == ["insert", "unchanged"]
    assert partner.held() == highest([Version("A"), Version("B")])


def test_sqlite_refuses_a_number_that_it_would_round(tmp_path: Path) -> None:
    partner = _sqlite(tmp_path / "partner.db")
    assert deliver(partner.target(), Version("A", amount="12345678901.1234")) == ["insert"]
    with pytest.raises(Misconfigured, match="amount"):
        deliver(partner.target(), Version("B", amount="123456789012345.5"))
    assert partner.held() == highest([Version("A", amount="12345678901.1234")])


def test_a_repeat_costs_less_than_the_first_time(partner: Partner) -> None:
    """A plan that reads a whole table for every key shows at some thousand records: it took a hundred times as long."""
    versions = [Version(f"K{i:05}", goods=("x",)) for i in range(8_000)]
    data, told = batch(versions), orders(versions)
    target = _target(partner)
    spent = []
    for effect in ("insert", "unchanged"):
        start = time.perf_counter()
        assert set(target.deliver(data, told)["effect"].to_pylist()) == {effect}
        spent.append(time.perf_counter() - start)
    assert spent[1] < 2 * spent[0]


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    batches=st.lists(st.lists(any_version("A", "B", "C"), min_size=1, max_size=5), max_size=5),
    removed=st.sampled_from(["A", "none"]),
)
def test_both_ways_tell_the_same(partner: Partner, tmp_path: Path, batches: list[list[Version]], removed: str) -> None:
    """PostgreSQL by what an upsert returns, any other database by rows read under lock: effect for effect."""
    _run(partner, "TRUNCATE partner.case CASCADE; DROP SCHEMA IF EXISTS bridge_inbox CASCADE")
    path = tmp_path / "other.db"
    path.unlink(missing_ok=True)
    other = _sqlite(path)
    for versions in batches:
        assert deliver(partner.target(), *versions) == deliver(other.target(), *versions)
        assert partner.held() == other.held()
        gone = [f"DELETE FROM {table} WHERE case_reference = '{removed}'" for table in ("goods", '"case"')]
        _run(partner, "SET search_path = partner; " + "; ".join(gone))
        with closing(sqlite3.connect(path)) as session, session:
            session.executescript("; ".join(gone))
    assert list(_target(partner).keys() or ()) == list(SqlTarget(other.connection, other.options, SHAPE).keys() or ())


def test_two_of_one_epoch_do_not_wait_for_each_other(partner: Partner) -> None:
    deliver(_target(partner, epoch=1), Version("A"))
    with psycopg.connect(partner.connection.replace("+psycopg", "")) as other, other.transaction():
        other.execute("SELECT FROM bridge_inbox.epoch WHERE epoch = 1 FOR SHARE")
        assert deliver(_target(partner, epoch=1, lock_timeout="2s"), Version("B")) == ["insert"]
        with pytest.raises(TryLater):
            deliver(_target(partner, epoch=2, lock_timeout="100ms"), Version("C"))


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_each_epoch_leaves_its_checkpoint_once(postgres_url: str, tmp_path: Path, kind: str) -> None:
    told = {"checkpoint": "head of the seals"}
    fast = kind == "postgresql"
    partner = _postgres(postgres_url, **told) if fast else _sqlite(tmp_path / "partner.db", **told)
    for epoch, version in ((1, 1), (1, 2), (2, 3), (1, 4)):
        target = partner.target()
        target.epoch = epoch  # type: ignore[union-attr]
        with suppress(Stop):
            deliver(target, Version("A", version))
    asked = f"SELECT epoch, note FROM bridge_inbox{'.' if fast else '_'}checkpoint ORDER BY 1"
    if fast:
        with psycopg.connect(postgres_url.replace("+psycopg", "")) as session:
            rows = session.execute(asked.encode()).fetchall()
    else:
        with closing(sqlite3.connect(tmp_path / "partner.db")) as lite:
            rows = lite.execute(asked).fetchall()
    assert rows == [(1, told["checkpoint"]), (2, told["checkpoint"])]


def test_an_inbox_that_another_is_making_is_for_later(partner: Partner) -> None:
    """One that froze while it made the inbox holds the lock; who comes next neither waits for ever nor fails."""
    with psycopg.connect(partner.connection.replace("+psycopg", "")) as frozen:
        frozen.execute("SELECT pg_advisory_xact_lock(hashtext('bridge_inbox'))")
        with pytest.raises(TryLater, match="55P03"):
            deliver(_target(partner, lock_timeout="200ms"), Version("A"))
    assert deliver(partner.target(), Version("A")) == ["insert"]
