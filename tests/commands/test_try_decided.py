"""bridge try regards what people have authorised and decided, as the next share will; and says so where it cannot."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.content import Content
from tests.commands.conftest import Bridge
from tests.flow.conftest import installation
from tests.flow.test_held_life import arrive, collect, drop

__all__ = ["drop", "installation"]
ID = "FR-2026-0001234"
RULE = "    - {code: NO_AUTHORISATION, when: {handling_code: [H2, H3]}, unless"
ALL = "    - {code: NO_AUTHORISATION, when: {origin_record_id: present}, unless: authorised, why: a test}\n"
SIGNED = ("--by", "A. Officer", "--reason", "letter 7")
SAMPLE = Content.find().path("mappings/cen/samples/tobacco.xml")


def fates(bridge: Bridge, *words: str) -> list[tuple[str, tuple[str, ...]]]:
    """What would become of each record at CIS, and why."""
    told = [json.loads(line) for line in bridge("try", *words, "--to", "cis", "--json").splitlines()]
    return [(fate["what"], tuple(fate["why"])) for one in told for fate in one["fates"] if fate["at"] == "cis"]


def test_a_source_and_a_partner_are_tried_by_what_stands(
    drop: Path, tmp_path: Path, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Content.find().mapping("cis", "share").read_text(encoding="utf-8")
    file = tmp_path / "content" / "mappings" / "cis" / "share.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(whole[: whole.index("\nexamples:") + 1].replace(RULE, ALL + RULE), encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(tmp_path / "content"))
    arrive(drop, "one")
    collect()
    arrive(drop, "other", (ID, "FR-2026-0009999"))
    today = datetime.now(UTC).date()
    period = ("--from", str(today - timedelta(days=1)), "--until", str(today + timedelta(days=9)))
    bridge("authorise", "add", "cis", "--supplier", "FR", *period, "--granted-by", "the customs", *SIGNED)
    bridge("exonerate", f"CEN:{ID}", *SIGNED, "--ground", "Art. 45(4)")
    assert fates(bridge, "cis") == [("withheld", ("EXONERATED",))]
    assert sorted(fates(bridge, "cen")) == [("withheld", ("EXONERATED",)), ("would go", ())]


def test_without_an_exchange_it_says_what_it_does_not_regard(
    tmp_path: Path, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path))
    monkeypatch.delenv("BRIDGE_CONN_EXCHANGE", raising=False)
    told = bridge("try", "cen", "--file", str(SAMPLE), "--to", "cis")
    assert "cis: 1 would go" in told
    assert "not regarded: the exchange cannot be asked (NO_CONNECTION)" in told
