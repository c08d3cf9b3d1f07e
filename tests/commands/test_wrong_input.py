"""What is typed wrongly about records and rights is refused before anything is done, and never passes for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from bridge import keys
from bridge.exchange import PROBLEMS, Exchange
from tests.commands.conftest import Bridge
from tests.exchange.samples import Version, begin_share, collect, delivered, dispositions

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
        ("retention", "extend", "CEN:1", "--partner", "ciss", *SIGNED),
    ],
)  # fmt: skip
def test_a_partner_that_there_is_not_is_named(exchange: Exchange, bridge: Bridge, words: tuple[str, ...]) -> None:
    assert "NO_PARTNER at ciss: there is no such partner. Name one of: cen, cis" in bridge(*words, code=2)


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
