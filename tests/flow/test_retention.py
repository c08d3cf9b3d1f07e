"""What a partner may keep no longer: reviewed, extended by people within the rule, taken back by the calendar."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from bridge import settings
from bridge.connector import Sending
from bridge.content import Content
from bridge.exchange import Exchange
from bridge.flow import retaining, sharing
from bridge.flow.envelope import bridge_id
from tests.commands.conftest import Bridge, bridge
from tests.flow.conftest import Installation
from tests.flow.test_held_life import arrive, at_cis, collect, drop, share

pytestmark = pytest.mark.usefixtures("unjudged")

__all__ = ["bridge", "drop"]
ID = "FR-2026-0001234"
RECORD = bridge_id("CEN", ID)
YEAR = timedelta(days=366)
SIGNED = ("--by", "A. Officer", "--reason", "the trial is still on")


def lapse(years: float) -> dict[str, int]:
    """What expires by partner, so many years from now."""
    with Exchange(settings.exchange_url()) as exchange:
        now = datetime.now(UTC) + years * YEAR
        return retaining.apply(exchange, Content.find(), "upkeep", "its time is over", now).expired


def aged(installation: Installation, years: int) -> None:
    """Every delivery was made so many years earlier."""
    with psycopg.connect(installation.exchange.replace("+psycopg", "")) as session:
        session.execute("UPDATE exchange.delivery SET at = at - make_interval(years => %s)", [years])


@pytest.fixture
def shared(drop: Path) -> Path:
    """CIS holds one record, which it may keep for five years, and two more for a reason."""
    arrive(drop, "one")
    collect()
    assert share() == {"insert": 1}
    return drop


def test_what_is_over_its_time_is_taken_back_and_stays_away(
    shared: Path, installation: Installation, bridge: Bridge
) -> None:
    assert "Nothing is due" in bridge("retention")
    assert lapse(4.9) == {}
    assert lapse(5) == {"cis": 1}
    assert lapse(5) == {}, "decided once"
    assert share() == {"withdraw": 1}
    assert at_cis(installation, "country") == []
    with Exchange(settings.exchange_url()) as exchange:
        (decision,) = exchange.decisions_about(RECORD)
        assert (decision.kind, decision.decided_by, decision.about) == ("expire", "upkeep", "all")
        assert "Art. 33" in decision.ground
        assert exchange.verify() == []
        assert exchange.books().balanced
    arrive(shared, "later", ('updated="2026-01', 'updated="2026-02'), hour=13)
    collect()
    assert share() == {}
    with Exchange(settings.exchange_url()) as exchange:
        (cis,) = exchange.books(partner="cis").partners
        assert cis.reasons["withheld"] == {"EXPIRED": 1}


def test_what_the_partner_had_before_the_books_knew_is_over_its_time_too(
    drop: Path, installation: Installation
) -> None:
    """A share died between the partner's commit and ours: its next try finds the record there, unchanged."""
    arrive(drop, "one")
    collect()
    work = sharing.select("cis", "dies")
    selected = work.exchange.candidates(work.run, nominal=True)
    target = sharing.opened(work.mapping, work.run.id)
    assert not isinstance(target, Sending)
    settling, batch, _ = cast(Any, sharing.settle(work, selected, target))
    assert target.deliver(batch, settling.ordered()).column("effect").to_pylist() == ["insert"]
    sharing.deliver(work)
    assert sharing.reconcile(work).partners[0].counts["unchanged"] == 1
    assert lapse(5) == {"cis": 1}
    assert share() == {"withdraw": 1}


def test_people_extend_it_within_what_the_policy_allows(
    shared: Path, installation: Installation, bridge: Bridge
) -> None:
    aged(installation, 5)
    assert ID in bridge("retention", "--json")
    day = f"{datetime.now(UTC) + 2.5 * YEAR:%Y-%m-%d}"
    asked = ("retention", "extend", f"CEN:{ID}", "--partner", "cis", *SIGNED)
    assert "TOO_LONG_KEPT" in bridge(*asked, "--until", day, code=2)
    bridge(*asked, "--until", f"{datetime.now(UTC) + YEAR:%Y-%m-%d}")
    assert lapse(0.9) == {}
    bridge(*asked)
    assert "TOO_LONG_KEPT" in bridge(*asked, code=2), "it is as long as it can be"
    assert lapse(1.9) == {}
    assert "No record has expired" in bridge("retention", "apply", *SIGNED)
    assert lapse(2.1) == {"cis": 1}
    assert "NO_TERM" in bridge(*asked, code=2)
    assert share() == {"withdraw": 1}
    assert "cen: its release policy declares no retention" in bridge("retention")
    for partner, error in (("cen", "NO_RETENTION"), ("bogus", "NO_PARTNER")):
        assert error in bridge(*(partner if word == "cis" else word for word in asked), code=2)


def test_where_the_rule_is_about_personal_data_the_rest_stays(
    drop: Path, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "content"
    file = root / "mappings" / "cis" / "share.yaml"
    file.parent.mkdir(parents=True)
    text = Content.find().mapping("cis", "share").read_text(encoding="utf-8").partition("\nexamples:\n")[0] + "\n"
    assert "extend: 2, of: all," in text
    file.write_text(text.replace("extend: 2, of: all,", "of: personal,"), encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(root), prepend=os.pathsep)
    arrive(drop, "one")
    collect()
    assert share() == {"insert": 1}
    assert at_cis(installation, "modus_operandi") != [None]
    assert lapse(5) == {"cis": 1}
    assert share() == {"update": 1}
    assert at_cis(installation, "modus_operandi") == [None]
    assert at_cis(installation, "country") == ["FR"]
    assert share() == {}
    assert lapse(6) == {}


def test_a_policy_that_cannot_be_read_is_said_to_be_and_hinders_no_other_partner(
    shared: Path, tmp_path: Path, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would pass for one that declares nothing, and what is over its time would stay without a word."""
    root = tmp_path / "content"
    for partner in ("cen", "cis"):
        file = root / "mappings" / partner / "share.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(Content.find().mapping(partner, "share").read_text(encoding="utf-8"), encoding="utf-8")
    broken = root / "mappings" / "cen" / "share.yaml"
    broken.write_text(
        broken.read_text(encoding="utf-8").replace("  withdraw: mark", "  withdrawn: mark"), encoding="utf-8"
    )
    monkeypatch.setenv("BRIDGE_CONTENT", str(root), prepend=os.pathsep)
    for words in (("retention",), ("retention", "apply", *SIGNED)):
        told = bridge(*words, code=2)
        assert "M10" in told
        assert "mappings/cen/share.yaml" in told
        assert "no retention" not in told
    with Exchange(settings.exchange_url()) as exchange:
        done = retaining.apply(exchange, Content.find(), "upkeep", "its time is over", datetime.now(UTC) + 5 * YEAR)
    assert (done.expired, [error.where.partition(":")[0] for error in done.unread]) == (
        {"cis": 1}, ["mappings/cen/share.yaml"],
    )  # fmt: skip
