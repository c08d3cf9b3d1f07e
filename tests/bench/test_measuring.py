"""The bench measures what it says: costs of processes, the same rows again, ratios of one round."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from bridge.bench import EXPECTATIONS, ratios
from bridge.bench.floor import decode, parser, readable
from bridge.bench.meter import Meter, client_cpu, peak_memory, tree_cpu
from bridge.bench.rows import empty, keep, put_back, tables
from bridge.shape import Field, shape_of

BUSY = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def test_cpu_of_a_child_that_ended_is_counted_on_both_sides() -> None:
    client, tree = client_cpu(), tree_cpu(os.getpid())
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert client_cpu() - client >= 0.3
    assert tree_cpu(os.getpid()) - tree >= 0.25


def test_stretches_of_one_name_are_added_up() -> None:
    meter = Meter(os.getpid())
    for name in ("copy", "decode", "copy"):
        with meter.measure(name):
            subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert list(meter.costs) == ["copy", "decode"]
    assert meter.costs["copy"].client >= 0.6
    assert meter.costs["copy"].wall >= 0.6


def test_each_stretch_has_a_peak_of_its_own() -> None:
    meter = Meter(os.getpid())
    with meter.measure("much"):
        held = bytearray(os.urandom(1 << 20)) * 300
        del held
    with meter.measure("little"):
        pass
    assert meter.costs["much"].memory - meter.costs["little"].memory > 250e6


def test_memory_once_had_stays_in_the_peak() -> None:
    before = peak_memory()
    held = bytearray(os.urandom(1 << 20)) * 300
    grown = peak_memory() - before
    del held
    assert grown > 100e6
    assert peak_memory() - before > 100e6


def _round(job: float, floor: float, judged: float = 0) -> dict[str, dict[str, object]]:
    costs = {"all": {"client": job, "server": job, "wall": job}}
    beside = {EXPECTATIONS: {"client": judged, "server": 1, "wall": 1}}
    bare = {"copy": {"client": floor, "server": floor, "wall": floor}}
    found: dict[str, dict[str, object]] = {
        "job": {"costs": costs, "memory": 10, "proof": {"client": job / 2, "server": 0}, "verify": {}},
        "floor": {"costs": bare, "memory": 1},
    }
    return found | ({"judged": {"costs": costs | beside, "memory": 50}} if judged else {})


def test_ratios_are_of_one_round_and_without_the_expectations() -> None:
    told = ratios([_round(3, 1, judged=100), _round(10, 5)], 1000)
    assert told["cpu_to_floor"] == {"min": 2, "median": 2.5}
    assert told["wall_to_floor"] == {"min": 2, "median": 2.5}
    assert told["cpu_us_per_record"] == {"min": 6000, "median": 13000}
    assert told["memory"] == 10
    assert told["proof"]["median"] == pytest.approx(4 / 3)
    assert told["expectations"] == {"client": 100, "server": 1, "wall": 1, "memory": 50}


TABLES = """
CREATE TABLE one (key uuid PRIMARY KEY, hash bytea, at timestamptz, words text, count numeric, yes bool, day date);
CREATE TABLE two (id bigint GENERATED ALWAYS AS IDENTITY, key uuid NOT NULL REFERENCES one);
INSERT INTO one VALUES ('6f0f8a52-0a55-5b3c-9d1e-5a6a2b1c7e10', '\\x00ff', '2026-01-02 03:04:05.000006+00',
                        'a "b", c' || chr(10) || 'd', 12.5, true, '2026-01-02'),
                       ('6f0f8a52-0a55-5b3c-9d1e-5a6a2b1c7e11', NULL, NULL, '', NULL, NULL, NULL);
INSERT INTO two (key) SELECT key FROM one;
"""


def test_rows_kept_and_put_back_are_the_same_rows(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute(TABLES)
        asked = "SELECT o, t.key FROM one o LEFT JOIN two t USING (key) ORDER BY 1"
        before = connection.execute(asked).fetchall()
        assert keep(connection, tmp_path) == {"public.one": 2, "public.two": 2}
        connection.execute("TRUNCATE one, two")
        assert put_back(connection, tmp_path) == 4
        assert connection.execute(asked).fetchall() == before


def test_the_exchange_is_emptied_though_some_of_its_tables_refuse_it(exchange_url: str) -> None:
    with psycopg.connect(exchange_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "INSERT INTO exchange.nominal_read (who, purpose, records, commitment) VALUES ('somebody', 'a test', 1, '')"
        )
        connection.commit()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("TRUNCATE exchange.nominal_read")
        connection.rollback()
        empty(connection)
        assert len(tables(connection)) > 20
        for one in tables(connection):
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*one))
            assert connection.execute(count).fetchone() == (0,)


SHAPE = shape_of("test", [Field("", "@ref"), Field("", "Country"), Field("Goods/Item", "Type")])
GOOD = '<Seizure ref="{}"><Country>BE</Country><Goods><Item><Type>a</Type></Item><Item/></Goods></Seizure>'
TWICE = '<Seizure ref="9"><Country>BE</Country><Country>BE</Country></Seizure>'


@pytest.mark.parametrize("bad", [[], [0], [1, 2], [0, 1, 2, 3]])
def test_the_floor_reads_all_that_the_bare_parser_can(tmp_path: Path, bad: list[int]) -> None:
    records = [TWICE if place in bad else GOOD.format(place) for place in range(4)]
    (tmp_path / "a.xml").write_text(f"<CEN>{''.join(records)}</CEN>", encoding="utf-8")
    bare = parser(SHAPE, "/CEN/Seizure", tmp_path)
    assert readable(bare, tmp_path / "a.xml", tmp_path / "b.xml", "Seizure") == len(bad)
    found = decode(bare, [tmp_path / "b.xml"])
    assert found["record"] == 4 - len(bad)
    assert found["Goods/Item"] == 2 * (4 - len(bad))
