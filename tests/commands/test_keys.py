"""bridge keys: a supplier gets a new key, and everything kept before is brought under it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bridge import keys, settings
from bridge.content import Content
from bridge.exchange import MESSAGES, Exchange, Role, Run
from bridge.flow import archive, collecting
from tests.commands.conftest import Bridge
from tests.exchange.samples import Version, begin_share, collect, delivered, dispositions, share
from tests.flow.conftest import START, windows

NOMINAL = '{"persons":[{"surname":"Doe"}]}'


@pytest.fixture
def exchange(exchange_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    """One file of CEN in the archive, and two records with a nominal part."""
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", exchange_url)
    drop = tmp_path / "drop"
    drop.mkdir()
    monkeypatch.setenv("BRIDGE_CONN_CEN_DROP", str(drop))
    shutil.copy(Content.find().path("mappings/cen/samples/tobacco.xml"), drop)
    noon = windows()[0].since.timestamp() + 43200
    os.utime(drop / "tobacco.xml", (noon, noon))
    made = Exchange(exchange_url)
    collecting.collect("cen", windows()[0], fresh=False)
    collect(made, [Version("S1", nominal=NOMINAL), Version("S2", nominal=NOMINAL)], 300)
    assert windows()[0].since.date() == START
    return made


def test_everything_is_brought_under_a_new_key_and_still_opens(exchange: Exchange, bridge: Bridge) -> None:
    (file,) = [path for path in settings.archive().rglob("*") if path.is_file()]
    before = keys.current("cen")
    assert f"{before.id} " in bridge("keys")
    assert "in use" in bridge("keys", "cen", "--new", "--by", "A. Officer", "--reason", "yearly")
    after = keys.current("cen")
    listed = bridge("keys")
    assert "earlier" in listed
    assert "--renew" in listed
    said = bridge("keys", "--renew")
    assert said.startswith("3 nominal parts, 0 open messages and 1 archived inputs")
    assert bridge("keys", "--renew").startswith("0 nominal parts, 0 open messages and 0 archived inputs")
    assert set(exchange.keys_in_use()) == {after.id}
    assert exchange.verify() == []
    assert {row["nominal"] for row in share(exchange, nominal=True)[1]} >= {NOMINAL}
    with archive.copies("test") as copies:
        (one,) = exchange.former("cen", windows()[0])
        assert one.path == file
        assert copies.open(one).path.read_bytes().startswith(b"<?xml")
    assert not list(settings.stage().glob("*/plain-*"))


def test_a_key_that_is_gone_is_named_by_the_list_and_by_what_needs_it(exchange: Exchange, bridge: Bridge) -> None:
    gone = keys.current("cen").id
    (settings.home() / "keys" / "cen.key").unlink()
    listed = bridge("keys")
    assert "MISSING" in listed
    assert f"put {gone} back" in listed
    assert f"NO_KEY at {gone}" in bridge("verify", code=2)
    assert bridge("verify", "--quick")


def test_inputs_archived_in_plain_are_encrypted(exchange: Exchange, bridge: Bridge) -> None:
    (file,) = [path for path in settings.archive().rglob("*") if path.is_file()]
    file.write_bytes(Content.find().path("mappings/cen/samples/tobacco.xml").read_bytes())
    assert "in plain" in bridge("keys")
    assert "1 archived inputs" in bridge("keys", "--renew")
    with archive.copies("test") as copies:
        (one,) = exchange.former("cen", windows()[0])
        assert copies.open(one).path.read_bytes().startswith(b"<?xml")


def test_open_messages_are_brought_under_a_partners_key_and_still_go(
    exchange: Exchange, exchange_url: str, bridge: Bridge
) -> None:
    """A message to a partner that sees nothing nominal is in plain until the partner has a key."""
    with Exchange(exchange_url, Role.SHARE) as share:
        run = begin_share(share)
        share.select(run)
        rows = [row for table in share.candidates(run, nominal=False, outbox=True) for row in table.to_pylist()]
        open_messages(share, run, rows[:2])
        assert exchange.message_keys_in_use() == {"": 2}
        assert "none: in plain" in bridge("keys")
        assert bridge("keys", "--renew").startswith("0 nominal parts, 0 open messages")
        bridge("keys", "cis", "--new", "--by", "A. Officer", "--reason", "the service is in use")
        key = keys.current("cis")
        open_messages(share, run, rows[2:3])
        assert exchange.message_keys_in_use() == {"": 2, key.id: 1}
        assert bridge("keys", "--renew").startswith("0 nominal parts, 2 open messages")
        bridge("keys", "cis", "--new", "--by", "A. Officer", "--reason", "yearly")
        assert bridge("keys", "--renew").startswith("0 nominal parts, 3 open messages")
        assert exchange.message_keys_in_use() == {keys.current("cis").id: 3}
        with exchange.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT body FROM exchange.outbox").scalars().all()
        assert not [body for body in found if BODY in bytes(body)]
        with share.relay(run, (), nominal=False) as taken:
            assert [one.body for one in taken.messages] == [BODY + row["bridge_id"] for row in rows[:3]]


BODY = b'{"action":"deliver","bytes":"\xff\xfe"}'


def open_messages(share: Exchange, run: Run, rows: list[dict[str, Any]]) -> None:
    """Messages for these versions, kept as a share keeps them."""
    messages = [
        {
            "bridge_id": row["bridge_id"], "version": row["version"], "effect": "insert", "code": None, "decisions": 0,
            "released_hash": row["content_hash"], "idempotency_key": row["content_hash"][:16] + row["bridge_id"],
            "body": BODY + row["bridge_id"],
        }
        for row in rows
    ]  # fmt: skip
    pending = [delivered(row) | {"disposition": "pending", "effect": None, "receipt": None} for row in rows]
    share.settle(run, dispositions(pending), None, pa.Table.from_pylist(messages, schema=MESSAGES))


def test_a_supplier_and_new_go_together(bridge: Bridge) -> None:
    bridge("keys", "cen", code=2)
    bridge("keys", "--new", code=2)
    assert "NO_REASON" in bridge("keys", "cen", "--new", code=2)
