"""An exonerated person is taken out wherever the record is; and what a partner does not acknowledge is overdue."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bridge import settings
from bridge.content import Content
from bridge.exchange import Exchange
from bridge.feed import generate
from bridge.feed.load import load_cases
from bridge.flow import clearing, collecting, sharing
from bridge.flow.envelope import bridge_id
from tests.commands.conftest import Bridge, bridge
from tests.flow.conftest import START, Installation, windows
from tests.flow.test_held_life import arrive, collect, drop, share

pytestmark = pytest.mark.usefixtures("unjudged")

__all__ = ["bridge", "drop"]
RECORD = bridge_id("CEN", "FR-2026-0001234")
SIGNED = ("--by", "A. Officer", "--reason", "acquitted", "--ground", "Reg. (EC) No 515/97, Art. 45(4)")


def late(hours: int) -> list[tuple[str, str]]:
    """Partner and kind of what would be overdue so many hours from now."""
    with Exchange(settings.exchange_url()) as exchange:
        found = clearing.overdue(exchange, Content.find(), datetime.now(UTC) + timedelta(hours=hours))
    return [(one.owed.partner, one.owed.what) for one in found]


def persons(installation: Installation, case: str) -> int:
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        asked = "SELECT count(*) FROM cis.person WHERE case_reference = %s"
        return int(session.execute(asked, [case]).fetchone()[0])  # type: ignore[index]


@pytest.fixture
def case(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A record with several persons that went back to CIS under a name of ours; gives that name."""
    root = tmp_path / "content"
    file = root / "mappings" / "cis" / "share.yaml"
    file.parent.mkdir(parents=True)
    text = Content.find().mapping("cis", "share").read_text(encoding="utf-8").partition("\nexamples:\n")[0] + "\n"
    for before, after in (
        ("{code: ORIGIN_CIS, when: {origin_system: [CIS]}", "{code: NEVER, when: {origin_system: [NONE]}"),
        ("{code: ORIGIN_CIS, when: {seen_by: [CIS]}", "{code: NEVER, when: {seen_by: [NONE]}"),
        (
            "when: {persons.suggested_action: present, persons.reason_for_inclusion: present}",
            "when: {persons.surname: present}",
        ),
    ):
        assert before in text
        text = text.replace(before, after, 1)
    file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(root), prepend=os.pathsep)
    feed = generate(tmp_path / "feed", 1, 1, seed=11, start=START, bad_share=0, cis_per_day=20)
    load_cases(feed.cis, installation.cis)
    work = collecting.extract("cis", windows()[0], "a day of cases")
    collecting.map_and_validate(work)
    collecting.accept(work)
    sharing.share("cis")
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        asked = (
            "SELECT case_reference FROM cis.person JOIN bridge_inbox.cis_case ON key = case_reference"
            " GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
        )
        found = session.execute(asked).fetchone()
    assert found is not None
    return str(found[0])


def test_an_exonerated_person_is_taken_out_and_nobody_else(
    case: str, installation: Installation, bridge: Bridge
) -> None:
    many = persons(installation, case)
    assert "NO_SUCH_PERSON" in bridge("exonerate", case, "--person", str(many), *SIGNED, code=2)
    told = bridge("exonerate", case, "--person", "0", *SIGNED)
    assert "cis has the record" in told
    assert late(25) == [("cis", "exoneration")]
    assert share() == {"update": 1}
    assert persons(installation, case) == many - 1
    assert late(25) == []
    assert share() == {}
    assert "holds" in bridge("verify")


def test_what_a_partner_has_not_taken_in_its_time_is_overdue(drop: Path, bridge: Bridge) -> None:
    arrive(drop, "one")
    collect()
    share()
    assert late(9999) == []
    arrive(drop, "two", ('updated="2026-01', 'updated="2026-02'), ("<Brand>", "<Brand>Other "), hour=13)
    collect()
    assert (late(23), late(25)) == ([], [("cis", "correction")])
    assert "Every partner has acknowledged" in bridge("overdue")
    assert share() == {"update": 1}
    bridge("exonerate", str(RECORD), *SIGNED)
    assert late(25) == [("cis", "exoneration")]
    assert share() == {"withdraw": 1}
    arrive(drop, "three", ('updated="2026-01', 'updated="2026-03'), hour=14)
    collect()
    assert share() == {}, "it stays away in every version"
    assert late(9999) == []


def test_an_erasure_that_a_partner_does_not_take_is_an_alarm(drop: Path, bridge: Bridge) -> None:
    arrive(drop, "one")
    collect()
    share()
    with Exchange(settings.exchange_url()) as exchange:
        exchange.erase(RECORD, "A. Officer", "asked for", "Art. 19")
        with exchange.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE exchange.run SET finished_at = finished_at - interval '2 days'")
    (one,) = [json.loads(line) for line in bridge("overdue", "--json", code=1).splitlines()]
    assert (one["partner"], one["what"], one["bridge_id"]) == ("cis", "erasure", str(RECORD))
    assert "erasure" in bridge("overdue", code=1)
    share()
    assert late(9999) == []
