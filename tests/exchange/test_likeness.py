"""Two suppliers' reports that may be of one seizure: found by what they say, decided by people, undone by people."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.errors import Misconfigured
from bridge.exchange import SELECTED, Exchange
from tests.exchange.conftest import Query
from tests.exchange.samples import Version, candidates, collect, day, delivered, file, share, withheld

DAY = date(2026, 2, 28)
SAID: dict[str, Any] = {
    "country": "DE", "group": "TOB", "quantity": "100", "unit": "KGM", "days": 0, "containers": [], "journey": None,
    "route": ["MA", "DE"],
}  # fmt: skip


def report(system: str, name: str, **other: Any) -> tuple[Version, dict[str, Any]]:
    said = SAID | other
    document = {
        "goods": [{"quantity": said["quantity"], "unit": said["unit"]}],
        "conveyances": [{"container_number": said["containers"], "conveyance_reference": said["journey"]}],
        "route": [{"country": country} for country in said["route"]],
        "supplier_country": said.get("supplier"),
    }
    version = Version(name, said.get("hour", 0), name + str(said.get("hour", 0)), said.get("status", "NEW"), system)
    return version, {
        "payload": json.dumps(document),
        "seizure_date": str(DAY + timedelta(days=said["days"])),
        "seizure_country": said["country"],
        "commodity_group": said["group"],
    }


def take(exchange: Exchange, number: int, reports: Sequence[tuple[Version, dict[str, Any]]]) -> None:
    one = dataclasses.replace(file(f"f-{number}.xml", len(reports), day(number)))
    run = exchange.begin_collect("cen", day(number), "cen -> common", "f1", f"collect {number}")
    exchange.register(run, one)
    exchange.note_read(run, one.sha256, len(reports))
    table = candidates([version for version, _ in reports], one.sha256)
    rows = [row | said for row, (_, said) in zip(table.to_pylist(), reports, strict=True)]
    with exchange.intake(run) as intake:
        intake.accept(type(table).from_pylist(rows, table.schema))
        intake.seal()


GOODS = ["country", "commodity group", "quantity within 5 %"]
CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["route", "date", *GOODS]),
    ({"days": 3, "quantity": "95.5", "route": []}, ["date within 3 days", *GOODS]),
    (
        {"days": -2, "group": "DRG", "unit": "H87", "containers": ["CSQU3054383"], "route": []},
        ["date within 3 days", "country", "container"],
    ),
    ({"group": "DRG", "journey": "AF1234", "route": []}, ["date", "country", "journey"]),
    ({"days": 4}, []),
    ({"quantity": "94"}, []),
    ({"country": "FR", "days": 1}, []),
    ({"group": "DRG"}, []),
]


def test_what_agrees_makes_a_pair_and_is_named(exchange: Exchange) -> None:
    first, second = [], []
    for place, (other, _) in enumerate(CASES):
        same = {"containers": other.get("containers", []), "journey": other.get("journey"), "days": 30 * place}
        first.append(report("CEN", f"A{place}", **same))
        second.append(report("CIS", f"B{place}", **other | {"days": 30 * place + other.get("days", 0)}))
    take(exchange, 0, first)
    take(exchange, 1, second)
    expected = {(f"CEN:A{place}", f"CIS:B{place}"): parts for place, (_, parts) in enumerate(CASES) if parts}
    assert exchange.find_duplicates() == len(expected)
    assert {(one.first_name, one.second_name): one.parts for one in exchange.duplicates()} == expected
    assert [one.score for one in exchange.duplicates()] == [7, 5, 5, 5]
    assert exchange.find_duplicates() == 0


def test_one_supplier_reports_each_of_its_own_and_the_order_of_arrival_tells_the_first(exchange: Exchange) -> None:
    take(exchange, 0, [report("CIS", "Z"), report("CIS", "Y"), report("CIS", "X", supplier="FR")])
    assert exchange.find_duplicates() == 2
    assert {one.second_name for one in exchange.duplicates()} <= {"CIS:X", "CIS:Y", "CIS:Z"}
    take(exchange, 1, [report("CEN", "A", quantity="1000")])
    assert exchange.find_duplicates() == 0
    take(exchange, 2, [report("CEN", "A", hour=1)])  # corrected: now it is like them
    assert exchange.find_duplicates() == 3
    assert {one.second_name for one in exchange.duplicates() if one.second_name.startswith("CEN")} == {"CEN:A"}


def test_a_person_decides_the_second_goes_and_another_word_brings_it_back(exchange: Exchange, query: Query) -> None:
    def shared() -> tuple[dict[str, int], dict[str, int]]:
        def decide(row: dict[str, Any]) -> dict[str, Any]:
            said = exchange.decided("cis", pa.Table.from_pylist([row], SELECTED)).get(0)
            if said is None or not said.withheld:
                return delivered(row)
            if row["prior_holds"]:
                return delivered(row) | {"disposition": "delivered", "effect": "withdraw", "withdraw": True}
            return withheld(row) | {"code": said.withheld}

        (partner,) = share(exchange, decide=decide)[0].partners
        return dict(partner.effects), dict(partner.reasons.get("withheld", {}))

    take(exchange, 0, [report("CEN", "A")])
    take(exchange, 1, [report("NCEN", "B", supplier="FR"), report("CIS", "C", group="DRG")])
    assert exchange.find_duplicates() == 1
    (pair,) = exchange.duplicates()
    assert shared() == ({"insert": 3}, {})
    exchange.decide_duplicate(pair.id, same=True, by="A. Officer", reason="one file at both")
    assert exchange.duplicates() == []
    assert shared() == ({"withdraw": 1}, {})
    take(exchange, 2, [report("NCEN", "B", supplier="FR", hour=1)])
    assert shared() == ({}, {"DUPLICATE": 1})
    take(exchange, 3, [report("CEN", "A", hour=1, status="CANCELLED")])
    assert shared() == ({"insert": 1, "withdraw": 1}, {})  # the second report stands now, and nobody need say so
    (told,) = exchange.duplicates(every=True)
    assert (told.id, told.state, told.first_cancelled) == (pair.id, "same", True)
    exchange.decide_duplicate(pair.id, same=False, by="B. Officer", reason="the first was an error")
    assert exchange.duplicates() == []
    assert shared() == ({}, {})
    assert [one.state for one in exchange.duplicates(every=True)] == ["different"]
    assert exchange.verify(contents=False) == []
    with pytest.raises(Misconfigured, match="NO_SUCH_PAIR"):
        exchange.decide_duplicate(99, same=True, by="A. Officer", reason="no")
    with pytest.raises(Misconfigured, match="NO_REASON"):
        exchange.decide_duplicate(pair.id, same=True, by=" ", reason="no")
    assert query("SELECT count(*) FROM exchange.decision") == [(2,)]
    collect(exchange, [Version("S9")], 5)
    assert exchange.find_duplicates() == 0


def test_the_commands_find_list_and_decide(
    exchange: Exchange, exchange_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bridge(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["duplicates", *words])
        assert result.exit_code == code, result.output
        return result.output

    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", exchange_url)
    take(exchange, 0, [report("CEN", "A")])
    take(exchange, 1, [report("CIS", "B")])
    assert "1 more pairs" in bridge("find")
    assert "No more pairs" in bridge("find")
    assert "CIS:B" in bridge("list")
    signed = ("--by", "A. Officer", "--reason", "one file at both")
    assert "NO_DECISION" in bridge("decide", "1", *signed, code=2)
    assert "CIS:B is a report of CEN:A" in bridge("decide", "1", "--same", *signed)
    assert bridge("list", "--json") == ""
    assert json.loads(bridge("list", "--all", "--json"))["state"] == "same"
    assert "stands as a seizure of its own" in bridge("decide", "1", "--different", *signed)
