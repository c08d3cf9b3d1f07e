"""How long a seal may be due: by source and by partner, as their mappings declare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.content import Content
from bridge.exchange import Exchange
from bridge.flow.delays import Delay, delays
from tests.exchange.samples import Version, begin_share, collect, day, share

HOUR = timedelta(hours=1)


def due(exchange: Exchange, now: datetime, kind: str) -> list[Delay]:
    """What is due of sources, or of partners."""
    with exchange.engine.connect() as connection:
        return [one for one in delays(connection, Content.find(), now) if one.kind == kind]


def test_a_source_is_due_when_its_next_window_has_ended_and_late_two_windows_after(exchange: Exchange) -> None:
    collect(exchange, [Version("S1")], 0)
    end = day(1).until
    assert due(exchange, end - HOUR, "source") == []
    (one,) = due(exchange, end + HOUR, "source")
    assert (one.name, one.due, one.bound) == ("cen", end, end + timedelta(days=2))
    assert [one.late(at) for at in (one.bound, one.bound + HOUR)] == [False, True]
    assert "is collect_cen paused?" in str(one)
    collect(exchange, [], 1)
    assert due(exchange, end + HOUR, "source") == []


def test_the_mapping_declares_the_bound(exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "content"
    for path, before in (("cen/collect", "quality: cen.yaml}"), ("cis/share", "inbox: partner}")):
        text = Content.find().path(f"mappings/{path}.yaml").read_text(encoding="utf-8")
        assert text.count(before) == 1
        file = root / "mappings" / f"{path}.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text.replace(before, before.replace("}", ", seal_hours: 3}")), encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(root))
    collect(exchange, [Version("S1")], 0)
    begin_share(exchange)
    for kind in ("source", "partner"):
        (one,) = due(exchange, datetime.now(UTC), kind)
        assert one.bound == one.due + 3 * HOUR


def test_a_partner_is_due_from_the_seal_of_what_it_was_not_offered(exchange: Exchange) -> None:
    collect(exchange, [Version("S1")], 0)
    now = datetime.now(UTC)
    assert due(exchange, now, "partner") == [], "no share with it was ever begun"
    begin_share(exchange)
    (one,) = due(exchange, now, "partner")
    assert one.name == "cis"
    assert now - HOUR < one.due <= datetime.now(UTC)
    assert one.late(now + 25 * HOUR)
    exchange.suspend("cis", "A. Officer", "a test")
    (one,) = due(exchange, now, "partner")
    assert not one.late(now + 25 * HOUR), "that a partner is suspended has an alarm of its own"
    exchange.resume_partner("cis", "A. Officer", "over")
    share(exchange)
    assert due(exchange, now + 25 * HOUR, "partner") == []
    collect(exchange, [Version("S1")], 1)
    assert due(exchange, now + 25 * HOUR, "partner") == [], "a window that brought nothing new has nothing for it"
