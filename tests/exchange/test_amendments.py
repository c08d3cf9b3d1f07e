"""Only the supplier of a record amends it: another's version is held, asked about, and changes nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.exchange import Exchange
from tests.flow.reports import Said, said, take


@pytest.fixture
def exchange(exchange_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Exchange:
    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", exchange_url)
    monkeypatch.setenv("BRIDGE_HOME", f"{tmp_path}/home")
    return Exchange(exchange_url)


def version(name: str, hour: int, supplier: str | None, **other: Any) -> Said:
    return said("CEN", name, hour, supplier_country=supplier, **other)


def standing(exchange: Exchange) -> dict[str, tuple[Any, ...]]:
    """Of each record the version that stands, its hour and its supplier."""
    with exchange.engine.connect() as connection:
        asked = (
            "SELECT origin_record_id, version, extract(hour FROM source_version)::int, supplier FROM exchange.record"
        )
        return {row[0]: tuple(row[1:]) for row in connection.exec_driver_sql(asked)}


def test_another_suppliers_version_is_held_and_its_owner_is_asked(exchange: Exchange) -> None:
    take("cen", version("A", 0, "DE"), version("B", 0, None))
    take("cen_upload", version("A", 2, "FR"), version("B", 1, "FR"), version("C", 0, "FR"))
    assert standing(exchange) == {"A": (1, 0, "DE"), "B": (2, 1, "FR"), "C": (1, 0, "FR")}
    (problem,) = exchange.held()
    assert (problem.code, problem.origin_record_id, problem.field) == ("FOREIGN_AMENDMENT", "A", "supplier_country")
    books = exchange.books()
    assert books.balanced
    assert books.sources[1].counts["held"] == 1
    (asked,) = exchange.requests()
    assert (asked.kind, asked.record, asked.supplier, asked.asked_by, asked.state) == (
        "foreign", "CEN:A", "DE", "FR", "open",
    )  # fmt: skip
    take("cen_upload", version("A", 2, "FR"))  # sent once more: asked once
    assert len(exchange.requests(every=True)) == 1
    take("cen", version("A", 1, "DE"), version("A", 3, None))  # who names nobody is taken to be the supplier
    assert standing(exchange)["A"] == (2, 3, "DE")


def test_who_is_handed_a_record_amends_it(exchange: Exchange) -> None:
    def bridge(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["requests", *words])
        assert result.exit_code == code, result.output
        return result.output

    take("cen", version("A", 0, "DE"))
    take("cen_upload", version("A", 1, "FR"))
    signed = ("--by", "A. Officer", "--reason", "the first named the wrong country")
    assert "held as problem 1" in bridge("show", "1")
    assert "CEN:A is FR's to amend" in bridge("answer", "1", "--hand-over", *signed)
    take("cen_upload", version("A", 1, "FR"))
    assert standing(exchange)["A"] == (2, 1, "FR")
    assert exchange.requests() == []
    take("cen", version("A", 2, "DE"))
    assert standing(exchange)["A"] == (2, 1, "FR")
    assert exchange.verify() == []


def test_how_versions_are_cut_into_windows_changes_nothing(exchange: Exchange) -> None:
    chance = random.Random(seed := random.SystemRandom().randrange(2**32))
    for number in range(3):
        versions = [(hour, chance.choice(["DE", "FR", None])) for hour in range(5)]
        chance.shuffle(versions)
        take("cen", *(version(f"W{number}", hour, who) for hour, who in versions))
        for hour, who in versions:
            take("cen", version(f"S{number}", hour, who))
        found = standing(exchange)
        assert found[f"W{number}"][1:] == found[f"S{number}"][1:], f"seed {seed}: {versions}"
    assert exchange.books().balanced
