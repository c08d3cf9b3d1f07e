"""The tables: made by migrations, equal to the metadata, commented, and split by what is nominal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from bridge.exchange import Exchange, current
from bridge.exchange.schema import configuration, metadata
from tests.exchange.conftest import Query
from tests.exchange.samples import CANARY, Version, collect, share


def test_migrations_make_what_the_metadata_says_and_do_it_once(exchange: Exchange, query: Query) -> None:
    before = query("SELECT oid, relname FROM pg_class WHERE relnamespace = 'exchange'::regnamespace ORDER BY 1")
    exchange.migrate()
    assert query("SELECT oid, relname FROM pg_class WHERE relnamespace = 'exchange'::regnamespace ORDER BY 1") == before
    assert exchange.differences() == []
    assert {name for (name,) in query(_TABLES)} == {t.fullname for t in metadata.tables.values()}


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE exchange.record ADD COLUMN extra int",
        "ALTER TABLE exchange.record ALTER COLUMN version TYPE bigint",
        "ALTER TABLE exchange.run ALTER COLUMN note SET NOT NULL",
        "DROP INDEX exchange.held_run_id_idx",
        "COMMENT ON COLUMN exchange.record.version IS 'another'",
        "CREATE TABLE exchange_nominal.extra (id int)",
    ],
)
def test_a_database_that_was_changed_by_hand_is_told_apart(exchange: Exchange, query: Query, change: str) -> None:
    query(change)
    assert len(exchange.differences()) == 1


def test_two_that_start_at_once_migrate_together(postgres_url: str) -> None:
    def start(_: int) -> list[object]:
        with Exchange(postgres_url) as exchange:
            exchange.migrate()
            return exchange.differences()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(start, range(4))) == [[], [], [], []]


def test_migrations_go_back_to_nothing(exchange: Exchange, exchange_url: str, query: Query) -> None:
    engine = sa.create_engine(exchange_url)
    with engine.begin() as connection:
        command.downgrade(configuration(connection), "base")
    engine.dispose()
    assert query(_TABLES) == []
    exchange.migrate()
    assert exchange.differences() == []


def test_every_table_and_column_says_what_it_is(exchange: Exchange, query: Query) -> None:
    undescribed = query(
        "SELECT c.oid::regclass, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN ('exchange', 'exchange_nominal')"
        " AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'alembic_version'"
        " AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)"
    )
    assert undescribed == []


def test_a_nominal_value_stands_nowhere_in_plain(exchange: Exchange, query: Query) -> None:
    collect(exchange, [Version("S1", nominal=f'{{"persons":[{{"surname":"{CANARY}"}}]}}'), Version("S2")])
    share(exchange)
    assert query("SELECT key_id ~ '^cen/' FROM exchange_nominal.payload_nominal") == [(True,)]
    with_canary = set()
    for (table,) in query(_TABLES):
        ((hits, rows),) = query(f"SELECT count(*) FILTER (WHERE t::text LIKE '%{CANARY}%'), count(*) FROM {table} t")
        if hits:
            with_canary.add(table)
        if table in ("exchange.record_version", "exchange.intake", "exchange.delivery"):
            assert rows == 2
    assert with_canary == set(), "in the nominal schema it is encrypted"


_TABLES = """
SELECT relnamespace::regnamespace || '.' || relname FROM pg_class
WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('exchange', 'exchange_nominal')
  AND relname <> 'alembic_version' ORDER BY 1
"""


EARLIER = """
INSERT INTO exchange.run (kind, name, run_key, attempt, since, until, mapping, fingerprint, revision, state) VALUES
    ('collect', 'cen', 'a', 1, '2026-01-01', '2026-01-02', 'cen -> common', 'f1', 1, 'failed'),
    ('share', 'cis', 'b', 1, NULL, NULL, 'common -> cis', 'g1', 1, 'failed');
INSERT INTO exchange.mapping_revision (mapping, revision, fingerprint) VALUES ('common -> cis', 1, 'g1');
INSERT INTO exchange.input (run_id, name, sha256, size, arrival) VALUES (1, 'one.xml', 'ab', 3, '2026-01-01');
INSERT INTO exchange.record (bridge_id, origin_system, origin_record_id, version, cancelled, source_version, revision,
                             content_hash, run_id)
    SELECT gen_random_uuid(), 'CEN', 'S' || n, 1, false, '2026-01-01', 1, '', 1 FROM generate_series(1, 5100) n;
INSERT INTO exchange.record_version (bridge_id, version, source_version, revision, content_hash, cancelled, input_id,
                                     ordinal, run_id, payload)
    SELECT bridge_id, 1, '2026-01-01', 1, '', false, 1, 0, 1, '{"supplier_country":"FR"}' FROM exchange.record;
INSERT INTO exchange_nominal.payload_nominal (bridge_id, version, payload)
    SELECT bridge_id, 1, '{"id":"' || origin_record_id || '"}' FROM exchange.record;
INSERT INTO exchange.partner (partner) VALUES ('cis');
INSERT INTO exchange.delivery (bridge_id, partner, version, run_id, revision, disposition, effect, holds)
    SELECT bridge_id, 'cis', 1, 2, 1, 'delivered', 'insert', true FROM exchange.record;
INSERT INTO exchange.held (run_id, name, input_id, ordinal, code, field, rule, reason)
    VALUES (1, 'cen', 1, 7, 'X', '', '', '');
"""
"""A few rows of each table that the versions after 0005 change, and more nominal parts than are encrypted at once."""


def test_what_an_earlier_version_kept_is_taken_over(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path))
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "0005")
        connection.exec_driver_sql(EARLIER)
    engine.dispose()
    with Exchange(postgres_url) as exchange:
        exchange.migrate()
        assert exchange.differences() == []
        assert list(exchange.keys_in_use().values()) == [5100]
        with exchange.engine.connect() as connection:
            page = current.newest(connection, "a test", 9999)
        assert {row["nominal"] for row in page} == {f'{{"id":"{row["origin_record_id"]}"}}' for row in page}
        assert (len(page), {row["payload"] for row in page}) == (5100, {'{"supplier_country":"FR"}'})
        assert [one.code for one in exchange.held()] == ["X"]
        with exchange.standing("cis") as (books, *_):
            assert len(list(books)) == 5100
