"""What is typed wrongly about records and rights is refused before anything is done, and never passes for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from bridge import keys
from bridge.exchange import PROBLEMS, Exchange
from tests.commands.conftest import Bridge
from tests.exchange.samples import (
    Version,
    begin_share,
    collect,
    day,
    delivered,
    dispositions,
    file,
    holds,
    take_in,
)

SIGNED = ("--by", "A. Officer", "--reason", "letter 7")
GIVEN = (*SIGNED, "--granted-by", "an office")
TODAY = datetime.now(UTC).date()
PERIOD = ("--from", str(TODAY), "--until", str(TODAY + timedelta(days=9)))


@pytest.fixture
def exchange(exchange_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", exchange_url)
    return Exchange(exchange_url)


@pytest.mark.parametrize(
    "words",
    [
        ("retention", "--partner", "ciss"), ("overdue", "--partner", "ciss"), ("suspend", "ciss", *SIGNED),
        ("authorise", "list", "--partner", "ciss"), ("authorise", "add", "ciss", "--supplier", "FR", *PERIOD, *GIVEN),
        ("retention", "extend", "CEN:1", "--partner", "ciss", *SIGNED), ("books", "--partner", "ciss"),
        ("books", "--source", "cen", "--partner", "ciss"), ("held", "--partner", "ciss"),
        ("held", "--partner", "ciss", "--json"), ("held", "redrive", "--partner", "ciss", *SIGNED),
    ],
)  # fmt: skip
def test_a_partner_that_there_is_not_is_named(exchange: Exchange, bridge: Bridge, words: tuple[str, ...]) -> None:
    assert "NO_PARTNER at ciss: there is no such partner. Name one of: cen, cis" in bridge(*words, code=2)


@pytest.mark.parametrize("words", [("books",), ("held",), ("held", "redrive", *SIGNED)])
def test_a_source_that_there_is_not_is_named(exchange: Exchange, bridge: Bridge, words: tuple[str, ...]) -> None:
    said = bridge(*words, "--source", "cenn", code=2)
    assert "NO_SOURCE at cenn: there is no such source. Name one of: brazil_pf, cbp_weapons, cen, " in said


def test_a_code_that_no_problem_ever_had_is_no_all_clear(exchange: Exchange, bridge: Bridge) -> None:
    assert "Nothing is held." in bridge("held", "--code", "FOO")
    run = exchange.begin_collect("cen", day(0), "cen -> common", "f1", "cen day 0")
    one = file("cen.xml", 2)
    exchange.register(run, one)
    exchange.note_read(run, one.sha256, 2)
    found = [(0, "UNKNOWN_CODE", "route"), (1, "BAD_DATE", "seizure_date")]
    take_in(exchange, run, held=holds(one.sha256, found))
    for words in (("held",), ("held", "redrive", *SIGNED)):
        said = bridge(*words, "--code", "FOO", code=2)
        assert "NO_CODE at FOO: no problem ever had this code. Name one of: BAD_DATE, UNKNOWN_CODE" in said
    assert "UNKNOWN_CODE at route" in bridge("held", "--code", "UNKNOWN_CODE")


def test_a_system_without_a_mapping_any_more_is_asked_about_by_its_runs(exchange: Exchange, bridge: Bridge) -> None:
    collect(exchange, [Version("S1")], source="former")
    begin_share(exchange, "former_too")
    assert "source former" in bridge("books", "--source", "former")
    assert "Nothing is held." in bridge("held", "--source", "former")
    for words in (("held",), ("overdue",), ("authorise", "list")):
        bridge(*words, "--partner", "former_too")
    assert "NO_SOURCE at former_too" in bridge("held", "--source", "former_too", code=2)


@pytest.mark.parametrize("words", [("run", "cenn"), ("share", "cenn"), ("reconcile", "cenn"), ("run", "ncts")])
def test_a_system_that_nothing_describes_is_said_with_those_that_are(
    exchange: Exchange, bridge: Bridge, words: tuple[str, ...]
) -> None:
    said = bridge(*words, code=2)
    side, known = ("collect", "brazil_pf, cbp_weapons, cen, ") if words[0] == "run" else ("share", "cen, cis")
    assert f"NO_SYSTEM at {words[1]}: there is no mappings/{words[1]}/{side}.yaml. Known are: {known}" in said


def test_a_field_that_no_schema_has_is_named_with_the_nearest(exchange: Exchange, bridge: Bridge) -> None:
    collect(exchange, [Version("S1")])
    explain = ("explain", "CEN:S1")
    for field in ("goods.comodity_type", "commodity_type", "goods.0.commodity_typ"):
        said = bridge(*explain, field, code=2)
        assert f"NO_SUCH_FIELD at {field}: the common schema has no such field" in said
        assert "Did you mean goods.commodity_type?" in said
    assert "NO_SUCH_FIELD" in bridge(*explain, "goods.comodity_type", "--json", code=2)
    assert "bridge explain RECORD, without a field" in bridge(*explain, "zzzz", code=2)
    for field in ("goods", "goods.2.commodity_type", "route", "Goods/Item.Quantity", "Goods/Item.3.Quantity"):
        assert f"No value of this record concerns {field}." in bridge(*explain, field)


def test_where_no_request_waits_nobody_is_told_to_answer(exchange: Exchange, bridge: Bridge) -> None:
    assert bridge("requests", "list").startswith("No request waits.\n")
    assert bridge("requests", "list", "--all").startswith("There never was a request.\n")
    assert bridge("requests", "list", "--json") == ""


def test_where_no_pair_waits_nobody_is_told_to_decide(exchange: Exchange, bridge: Bridge) -> None:
    collect(exchange, [Version("S1")])
    said = bridge("duplicates", "list")
    assert "No pair waits." in said
    assert "decide" not in said.replace("decided", "")


def test_an_authorisation_that_could_cover_nothing_is_not_entered(exchange: Exchange, bridge: Bridge) -> None:
    add = ("authorise", "add", "cis", *GIVEN, *PERIOD)
    assert "NO_SUCH_SUPPLIER at FRANCE" in bridge(*add, "--supplier", "France", code=2)
    assert "NO_SUCH_GROUP at TOBACCO" in bridge(*add, "--supplier", "fr", "--group", "tobacco", code=2)
    over = ("--from", "2020-01-01", "--until", "2021-01-01")
    assert "BAD_PERIOD" in bridge("authorise", "add", "cis", *GIVEN, "--supplier", "FR", *over, code=2)
    assert exchange.authorisations() == []
    for supplier in ("fr", "cen", "US_CBP"):
        bridge(*add, "--supplier", supplier, "--group", "tob", "--group", "DRG")
    assert {(row.supplier, *row.commodity_groups) for row in exchange.authorisations()} == {
        ("FR", "TOB", "DRG"), ("CEN", "TOB", "DRG"), ("US_CBP", "TOB", "DRG"),
    }  # fmt: skip


def test_a_problem_that_is_not_open_keeps_all_from_being_redriven(exchange: Exchange, bridge: Bridge) -> None:
    collect(exchange, [Version("S1"), Version("S2")])
    run = begin_share(exchange)
    exchange.select(run)
    (table,) = exchange.candidates(run, nominal=False)
    held = [delivered(row) | {"disposition": "held", "effect": None, "code": "X"} for row in table.to_pylist()]
    why = {"code": "X", "field": "", "rule": "", "reason": "too long"}
    found = [{"bridge_id": row["bridge_id"], "version": row["version"], **why} for row in held]
    exchange.settle(run, dispositions(held), pa.Table.from_pylist(found, PROBLEMS))
    exchange.finish(run)
    first, second = (str(one.id) for one in exchange.held())
    assert "NOT_HELD at held 999" in bridge("held", "redrive", first, "999", *SIGNED, code=2)
    assert exchange.decisions_about(Version("S1").bridge_id) == []
    assert "2 are due at cis again" in bridge("held", "redrive", first, second, *SIGNED)


def test_a_record_is_found_however_its_system_is_written(exchange: Exchange, bridge: Bridge) -> None:
    collect(exchange, [Version("S1")])
    assert "No partner has the record" in bridge("exonerate", "cen:S1", *SIGNED, "--ground", "Art. 45(4)")
    assert "NO_SUCH_RECORD" in bridge("exonerate", "CEN:s1", *SIGNED, "--ground", "Art. 45(4)", code=2)


def test_nothing_is_done_in_nobodys_name(exchange: Exchange, bridge: Bridge) -> None:
    assert "NO_REASON" in bridge("retention", "apply", "--by", " ", "--reason", "its time is over", code=2)


def test_a_key_is_made_only_for_a_system_that_there_is(exchange: Exchange, bridge: Bridge) -> None:
    assert "NO_SYSTEM at cn" in bridge("keys", "cn", "--new", *SIGNED, code=2)
    assert keys.suppliers() == []
    assert "is in use" in bridge("keys", "cen", "--new", *SIGNED)


def test_nothing_is_erased_in_nobodys_name(exchange: Exchange, bridge: Bridge) -> None:
    collect(exchange, [Version("S1")])
    assert "NO_REASON" in bridge("erase", "CEN:S1", "--by", " ", "--reason", "b", "--ground", "Art. 19", code=2)
    assert not exchange.record(Version("S1").bridge_id).cancelled
