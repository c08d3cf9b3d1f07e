"""A share that goes beyond its partner's limits stops, and who lets it pass is kept with it and sealed."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from bridge import settings
from bridge.content import Content
from bridge.errors import Stop
from bridge.exchange import Exchange
from bridge.flow import collecting, sharing
from tests.flow.conftest import Installation, windows

PLAIN = "inbox: partner}"
MOST = 7


@pytest.fixture
def limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A content root of its own in which CIS takes a few records a run."""
    whole = Content.find().mapping("cis", "share").read_text(encoding="utf-8")
    assert whole.count(PLAIN) == 1
    file = tmp_path / "content" / "mappings" / "cis" / "share.yaml"
    file.parent.mkdir(parents=True)
    most = PLAIN.replace("}", f", limits: {{deliveries: {MOST}, withdrawals: 1}}}}")
    file.write_text(whole[: whole.index("\nexamples:") + 1].replace(PLAIN, most), encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(tmp_path / "content"))


@pytest.mark.usefixtures("limited")
def test_a_run_beyond_the_limits_stops_until_a_named_person_lets_that_run_pass(fed: Installation) -> None:
    collecting.collect("cen", windows()[0], fresh=False)
    with pytest.raises(Stop, match=rf"LIMIT at share cis .*deliver.limits allows {MOST}"):
        sharing.share("cis")
    assert sharing.share("cis", approve="A. Officer").partners[0].effects["insert"] > MOST
    with psycopg.connect(fed.exchange.replace("+psycopg", "")) as session:
        asked = "SELECT approved, selected, state FROM exchange.run WHERE kind = 'share' ORDER BY id"
        (stopped, _, failed), (approved, selected, state) = session.execute(asked).fetchall()
        assert (stopped, failed, state) == (None, "failed", "sealed")
        assert (approved["by"], approved["selected"], approved["limits"]) == (
            "A. Officer", selected, {"deliveries": MOST, "withdrawals": 1},
        )  # fmt: skip
    with pytest.raises(Stop, match="LIMIT"):  # the approval was that run's
        sharing.share("cis", redeliver=True)
    with Exchange(settings.exchange_url()) as exchange:
        assert exchange.verify(contents=False) == []
        with psycopg.connect(fed.exchange.replace("+psycopg", "")) as session:
            session.execute("SET session_replication_role = replica")
            session.execute("UPDATE exchange.run SET approved = approved - 'by' WHERE approved IS NOT NULL")
        (flaw,) = exchange.verify(contents=False)
        assert "changed: approved" in flaw.what
