"""Inputs that no longer look as their schema says, through the real exchange."""

from __future__ import annotations

import json
import logging
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from bridge import settings
from bridge.connector import Input, Window
from bridge.content import Content
from bridge.errors import Stop
from bridge.exchange import Exchange
from bridge.flow import collecting, drift
from bridge.ledger import Books
from bridge.mapping import load_versions
from tests.flow.conftest import Installation

TOP = Path(__file__).resolve().parents[2]
DAY = Window(datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC))


@pytest.fixture
def root(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content root before ours with the mapping and the schema of a CSV source."""
    content = tmp_path / "content"
    shutil.copytree(TOP / "mappings" / "lemis", content / "mappings" / "lemis")
    shutil.copytree(TOP / "schemas" / "lemis", content / "schemas" / "lemis")
    text = (content / "mappings" / "lemis" / "collect.yaml").read_text(encoding="utf-8")
    kept = text.partition("\nexamples:")[0] + "\n"
    kept = (
        kept.replace("format: xlsx", "format: csv").replace("*.xlsx", "*.csv").replace("  sheet: Standard Report\n", "")
    )
    (content / "mappings" / "lemis" / "collect.yaml").write_text(kept, encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(content))
    monkeypatch.setenv("BRIDGE_CONN_LEMIS_DROP", str(tmp_path / "drop"))
    (tmp_path / "drop").mkdir()
    return content


def drop(root: Path, old: str = "", new: str = "") -> None:
    """The sample as a file of the day, with something replaced in its header."""
    text = (TOP / "mappings" / "lemis" / "samples" / "two-lines.csv").read_text(encoding="utf-8")
    head, newline, rest = text.partition("\n")
    path = root.parent / "drop" / "lines.csv"
    path.write_text(head.replace(old, new, 1) + newline + rest, encoding="utf-8")
    moment = datetime(2026, 3, 3, 12, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def declare(root: Path, drift: str) -> None:
    path = root / "mappings" / "lemis" / "collect.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("\nscope:", f"\ndrift: {drift}\nscope:", 1))
    assert "drift:" in path.read_text(encoding="utf-8")


def collect() -> Books:
    return collecting.collect("lemis", DAY, fresh=False)


def test_without_a_declaration_the_file_is_held_and_flows_once_the_schema_is_mended(root: Path) -> None:
    drop(root, "Qty", "Quantity")
    books = collect()
    assert books.balanced
    assert books.sources[0].refused == 1
    with Exchange(settings.exchange_url()) as exchange, exchange.engine.connect() as connection:
        drift, patch = connection.exec_driver_sql(
            "SELECT notes ->> 'drift', notes ->> 'patch' FROM exchange.input"
        ).one()
    assert drift == "new: 'Quantity'; missing: Qty"
    assert "Qty is now called 'Quantity'?" in patch
    (root.parent / "drop" / "lines.csv").unlink()  # its bytes are in the archive
    for file in ("mappings/lemis/collect.yaml", "schemas/lemis/lemis.json"):
        path = root / file
        path.write_text(path.read_text(encoding="utf-8").replace("Qty", "Quantity"), encoding="utf-8")
    again = collect()
    assert again.sources[0].refused == 0
    assert again.sources[0].counts["accepted"] == 2


def mend(root: Path, old: str, new: str) -> None:
    """Schema and mapping changed in place."""
    for file in ("mappings/lemis/collect.yaml", "schemas/lemis/lemis.json"):
        path = root / file
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_a_file_that_has_gone_is_held_against_the_schema_as_it_is_now(root: Path) -> None:
    drop(root)
    assert collect().sources[0].counts["accepted"] == 2
    (root.parent / "drop" / "lines.csv").unlink()
    mend(root, "Qty", "Quantity")
    again = collect()
    assert again.balanced
    assert again.sources[0].refused == 1
    with Exchange(settings.exchange_url()) as exchange, exchange.engine.connect() as connection:
        versions, payload = connection.exec_driver_sql(
            "SELECT count(*), min(payload) FROM exchange.record_version WHERE payload LIKE '%%2019000001%%'"
        ).one()
    assert versions == 1
    assert '"quantity":"12.5"' in payload


def test_notes_of_drift_do_not_outlive_the_mending(root: Path) -> None:
    declare(root, "{new: warn, missing: warn}")
    drop(root, "Qty", "Quantity")
    assert collect().sources[0].refused == 0
    (root.parent / "drop" / "lines.csv").unlink()
    mend(root, "Qty", "Quantity")
    assert collect().sources[0].refused == 0
    with Exchange(settings.exchange_url()) as exchange, exchange.engine.connect() as connection:
        noted = connection.exec_driver_sql("SELECT notes ? 'drift', notes ? 'patch' FROM exchange.input ORDER BY id")
        assert [tuple(row) for row in noted] == [(True, True), (False, False)]
    mapping = load_versions(Content.find(), "lemis", "collect").all[0]
    notes = {"columns": json.dumps({f.path: "" for f in mapping.source_shape}), "drift": "old", "patch": "old"}
    known = Input("a", "", 0, DAY.since, root, notes=notes)
    assert drift.watch_columns("here", mapping, known).notes == {"columns": notes["columns"]}


@pytest.mark.parametrize("declared", ["", "{new: warn, missing: warn}", "{new: stop, missing: stop}"])
def test_a_file_without_a_header_line_puts_nobodys_name_anywhere(
    root: Path, declared: str, caplog: pytest.LogCaptureFixture
) -> None:
    if declared:
        declare(root, declared)
    drop(root)
    path = root.parent / "drop" / "lines.csv"
    rows = path.read_text(encoding="utf-8").splitlines()[1:]
    path.write_text("".join(f"{row}\n".replace("2019000001", "Zanzibarov Igor") for row in rows), encoding="utf-8")
    moment = datetime(2026, 3, 3, 12, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    with caplog.at_level(logging.DEBUG):
        if "stop" in declared:
            with pytest.raises(Stop, match="has no header line") as stopped:
                collect()
            assert "Zanzibarov" not in str(stopped.value)
        else:
            assert collect().sources[0].refused == 1
    with Exchange(settings.exchange_url()) as exchange, exchange.engine.connect() as connection:
        kept = connection.exec_driver_sql(
            "SELECT concat((SELECT string_agg(i::text, ' ') FROM exchange.input i), (SELECT string_agg(r::text, ' ')"
            " FROM exchange.run r), (SELECT string_agg(h::text, ' ') FROM exchange.held h))"
        ).scalar()
    assert kept is not None
    assert "no header line" in kept
    assert "Zanzibarov" not in caplog.text + kept


def test_a_new_columns_name_forges_no_line_of_the_log(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = ["line\nbreak", "x" * 500, *(f"new {n}" for n in range(20))]
    shown = str(drift.Drift(tuple(names)))
    assert "\n" not in shown
    assert shown.endswith("'new 5', and 14 more")
    assert len(shown) < 200
    drop(root, "Control Number,", 'Control Number,"line\nbreak",')
    collect()
    (told,) = [one.getMessage() for one in caplog.records if "differs from schemas" in one.getMessage()]
    assert r"new: 'line\nbreak'" in told
    assert "\n" not in told


def test_a_new_column_may_only_warn(root: Path) -> None:
    drop(root, "Qty", "Qty")
    (root.parent / "drop" / "lines.csv").unlink()
    drop(root, "Control Number,", "Control Number,")
    path = root.parent / "drop" / "lines.csv"
    rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("".join(f"{row},{'Extra' if n == 0 else 'x'}\n" for n, row in enumerate(rows)), encoding="utf-8")
    moment = datetime(2026, 3, 3, 12, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    assert collect().sources[0].refused == 1
    declare(root, "{new: warn}")
    books = collect()
    assert books.balanced
    assert books.sources[0].refused == 0
    assert books.sources[0].counts["accepted"] == 2


def test_a_missing_column_may_stop_the_run_and_the_window_is_run_again(root: Path) -> None:
    declare(root, "{missing: stop}")
    drop(root, "Qty", "Amount")
    with pytest.raises(Stop, match=r"new: 'Amount'; missing: Qty") as stopped:
        collect()
    assert stopped.value.code == "DRIFT"
    assert "line " in stopped.value.fix
    assert "what reads Qty" in stopped.value.fix
    with Exchange(settings.exchange_url()) as exchange, exchange.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM exchange.record").scalar() == 0
        note = connection.exec_driver_sql("SELECT note FROM exchange.run ORDER BY id DESC LIMIT 1").scalar()
    assert note is not None
    assert "what reads Qty" in note
    drop(root)
    assert collect().sources[0].counts["accepted"] == 2


def test_a_column_that_has_turned_into_something_else_stops_the_run(root: Path) -> None:
    declare(root, "{retyped: stop}")
    drop(root)
    path = root.parent / "drop" / "lines.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    many = [
        row.replace("2019000001", str(2019000001 + n)).replace(",12.5,", ",a dozen,")
        for n in range(30)
        for row in rows[:1]
    ]
    path.write_text("\n".join([head, *many]) + "\n", encoding="utf-8")
    moment = datetime(2026, 3, 3, 12, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    with pytest.raises(Stop, match=r"of another type: goods.0.quantity"):
        collect()


def test_a_table_with_another_column_or_type_stops_the_run_before_it_is_read(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "content" / "mappings" / "cis"
    shutil.copytree(TOP / "mappings" / "cis", folder)
    path = folder / "collect.yaml"
    text = path.read_text(encoding="utf-8").partition("\nexamples:")[0] + "\n"
    path.write_text(text.replace("\nmap:", "\ndrift: {new: stop, retyped: stop}\nmap:", 1), encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(tmp_path / "content"))
    alter = "ALTER TABLE cis.seizure ADD COLUMN weather text, ALTER COLUMN date_of_seizure TYPE timestamptz"
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        session.execute(alter)
    with pytest.raises(Stop, match=r"new: 'seizure\.weather'; of another type: seizure\.date_of_seizure \(datetime\)"):
        collecting.collect("cis", DAY, fresh=False)
