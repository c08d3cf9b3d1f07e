"""What a supplier authorises goes to the partner with its conditions, and is taken back with the authorisation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.content import Content
from bridge.flow import collecting
from tests.flow.conftest import Installation, share, windows
from tests.flow.test_main_job import held_by_cis

RULE = "    - {code: NO_AUTHORISATION, when: {handling_code: [H2, H3]}, unless"
ALL = "    - {code: NO_AUTHORISATION, when: {origin_record_id: present}, unless: authorised, why: a test}\n"
CONDITIONS = "Not as evidence without our consent."
Bridge = Callable[..., Result]


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bridge:
    """The command, in a content root of its own in which everything for CIS needs an authorisation."""
    whole = Content.find().mapping("cis", "share").read_text(encoding="utf-8")
    assert RULE in whole
    file = tmp_path / "content" / "mappings" / "cis" / "share.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(whole[: whole.index("\nexamples:") + 1].replace(RULE, ALL + RULE), encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(tmp_path / "content"))
    runner = CliRunner()

    def run(*words: str, code: int = 0) -> Result:
        result = runner.invoke(main, words)
        assert result.exit_code == code, result.output
        return result

    return run


def conditions(installation: Installation) -> set[tuple[str, str]]:
    """Case and text of each comment that tells conditions."""
    asked = "SELECT case_reference, comment FROM cis.comment WHERE comment LIKE 'CONDITIONS_OF_USE=%'"
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        return set(session.execute(asked).fetchall())


def test_what_is_authorised_goes_with_its_conditions_and_comes_back_when_that_ends(
    fed: Installation, bridge: Bridge
) -> None:
    collecting.collect("cen", windows()[0], fresh=False)
    books = share()
    assert (books.effects, set(books.reasons["withheld"])) == ({}, {"NO_AUTHORISATION"})
    everything = books.reasons["withheld"]["NO_AUTHORISATION"]
    with psycopg.connect(fed.exchange.replace("+psycopg", "")) as session:
        asked = "SELECT payload::jsonb ->> 'supplier_country' FROM exchange.record_version"
        ((country, _),) = Counter(row[0] for row in session.execute(asked)).most_common(1)
    today = datetime.now(UTC).date()
    period = ("--from", str(today - timedelta(days=1)), "--until", str(today + timedelta(days=9)))
    signed = ("--by", "A. Officer", "--reason", "agreement 7")
    added = bridge(
        "authorise", "add", "cis", "--supplier", country.lower(), *period, "--granted-by", "the national customs",
        "--conditions", CONDITIONS, *signed,
    )  # fmt: skip
    assert f"Authorisation 1: what {country} supplied may go to cis" in added.output
    assert "stay here" not in added.output
    many = share().effects["insert"]
    there = held_by_cis(fed)
    assert 0 < many == len(there) < everything
    assert conditions(fed) == {(case, f"CONDITIONS_OF_USE={CONDITIONS}") for case in there}
    hops = json.loads(bridge("explain", next(iter(there)), "--json").output)["hops"]
    said = f"authorisation 1 of {country}, given by the national customs: agreement 7; on condition: {CONDITIONS}"
    assert [hop["authorisation"] for hop in hops if hop["disposition"] == "delivered"] == [said]
    (listed,) = map(json.loads, bridge("authorise", "list", "--json").output.splitlines())
    assert (listed["state"], listed["granted_by"], listed["entered_by"]) == (
        "in force", "the national customs", "A. Officer",
    )  # fmt: skip
    noted = [json.loads(line) for line in bridge("reads", "--json").output.splitlines()]
    assert {one["who"] for one in noted if one["run_id"]} == {"share cis"}
    assert [one["purpose"] for one in noted if not one["run_id"]] == ["explain"]
    assert f"1 of {len(noted)} reads are to be checked" in bridge("reads", "--sample", "November").output
    assert f"{len(noted)} of {len(noted)} reads" in bridge("reads").output

    bridge("authorise", "revoke", "1", "--by", "B. Officer", "--reason", "withdrawn by the supplier")
    assert share().effects["withdraw"] == many
    assert held_by_cis(fed) == {}
    assert "revoked" in bridge("authorise", "list", "--partner", "cis").output
    bridge("verify")


def test_conditions_that_cannot_travel_are_said_to_stay(fed: Installation, bridge: Bridge) -> None:
    period = ("--from", "2026-01-01", "--until", "2027-01-01")
    signed = ("--granted-by", "an office", "--by", "A. Officer", "--reason", "agreement 7")
    told = bridge("authorise", "add", "cen", "--supplier", "FR", *period, "--conditions", "none on paper", *signed)
    assert "Its conditions stay here: cen has no field for them" in told.output
    bridge("authorise", "add", "nowhere", "--supplier", "FR", *period, *signed, code=2)
    bridge("authorise", "add", "cis", "--supplier", "FR", *period, "--record", "CEN:none", *signed, code=2)
