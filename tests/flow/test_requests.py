"""What differs in two reports of one seizure is asked of the supplier who owns the case, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.content import Content
from bridge.exchange import Exchange
from bridge.flow.correcting import compare_cases
from tests.flow.reports import decide, said, take

Bridge = Callable[..., str]
LINE = {"line": 1, "commodity_group": "TOB", "quantity": "100", "unit": "KGM"}
OTHER = LINE | {"quantity": "90", "description": "cartons of M. Maes"}


@pytest.fixture
def exchange(exchange_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Exchange:
    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", exchange_url)
    monkeypatch.setenv("BRIDGE_HOME", f"{tmp_path}/home")
    return Exchange(exchange_url)


@pytest.fixture
def bridge(exchange: Exchange) -> Bridge:
    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, words, env={"COLUMNS": "200"})
        assert result.exit_code == code, result.output
        return result.output

    return run


def asked(exchange: Exchange, *, every: bool = False) -> list[tuple[str, str, str]]:
    compare_cases(exchange, Content.find())
    return [(row.kind, row.path, row.state) for row in exchange.requests(every=every)]


def test_a_difference_is_asked_once_answered_by_another_and_settled_by_the_supplier(
    exchange: Exchange, bridge: Bridge
) -> None:
    take("cen", said("CEN", "A", direction="IMPORT", goods=[LINE], route=[{"step": 1, "country": "MA"}]))
    take("ncen", said("NCEN", "B", direction="EXPORT", goods=[OTHER, LINE | {"commodity_group": "DRG"}]))
    assert asked(exchange) == []
    decide(("CEN:A", "NCEN:B", True))
    found = [
        ("differs", "direction", "open"),
        ("differs", "goods.1.quantity", "open"),
        ("unmatched", "goods.2", "open"),
    ]
    assert asked(exchange) == found
    assert asked(exchange) == found
    assert "3 requests" in bridge("duplicates", "find")
    listed = [json.loads(line) for line in bridge("requests", "list", "--json").splitlines()]
    assert [(one["record"], one["supplier"], one["asked_by"]) for one in listed] == [("CEN:A", "DE", "FR")] * 3
    shown = bridge("requests", "show", "2")
    assert "goods.1.quantity of CEN:A, supplied by DE (open)" in shown
    assert "one seizure, says A. Officer: one file at both" in shown
    told = json.loads(bridge("requests", "show", "2", "--json"))["values"]
    assert told == [{"field": "goods.1.quantity", "first": "100", "later": "90"}]
    every = bridge("requests", "show", "3", "--json")
    assert {one["field"] for one in json.loads(every)["values"]} >= {"goods.1.unit", "goods.2.commodity_group"}
    assert "Maes" not in every

    signed = ("--by", "B. Officer", "--reason", "the office says so")
    assert "NO_DECISION" in bridge("requests", "answer", "1", *signed, code=2)
    assert "SAME_PERSON" in bridge("requests", "answer", "1", "--keep", "--by", "Officer, A", "--reason", "x", code=2)
    assert "NO_SUCH_REQUEST" in bridge("requests", "answer", "9", "--keep", *signed, code=2)
    assert "stays as DE supplied it" in bridge("requests", "answer", "1", "--keep", *signed)
    assert "DE is to amend goods.1.quantity" in bridge("requests", "answer", "2", "--amend", *signed)
    assert asked(exchange) == [("unmatched", "goods.2", "open")]
    assert "keep" in bridge("explain", "CEN:A", "--json")

    take("cen", said("CEN", "A", 1, direction="IMPORT", goods=[LINE | {"quantity": "90"}]))
    states = {path: state for _, path, state in asked(exchange, every=True)}
    assert states == {"direction": "kept", "goods.1.quantity": "settled", "goods.2": "open"}
    assert "REQUEST_SETTLED" in bridge("requests", "answer", "2", "--keep", *signed, code=2)
    take("ncen", said("NCEN", "B", 1, direction="TRANSIT", goods=[OTHER]))
    assert asked(exchange) == [("differs", "direction", "open")]  # something else than was answered
    decide(("CEN:A", "NCEN:B", False))
    assert asked(exchange) == []
    assert {state for _, _, state in asked(exchange, every=True)} == {"settled"}
    assert exchange.verify() == []
