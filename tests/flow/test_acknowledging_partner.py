"""Files to a partner that acknowledges them: in doubt until it has, refused alone, overdue when it does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bridge import settings
from bridge.content import Content, Direction
from bridge.exchange import Exchange
from bridge.feed import Feed, generate
from bridge.feed.load import load_cases
from bridge.flow import clearing, collecting, sharing
from bridge.ledger import Books
from tests.flow.conftest import START, Installation, windows

PLAIN = "connection: cen_out, format: xml,"
FORM = "acknowledge: {folder: acks, format: json, result: status, reason: code, reasons: [E042]}"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return generate(tmp_path_factory.mktemp("feed") / "feed", 1, 120, seed=28, start=START, bad_share=0.0)


@pytest.fixture
def drop(installation: Installation, small: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CEN's folder, once the first day of CIS's cases was collected; CEN acknowledges in a folder below."""
    load_cases(small.cis, installation.cis)
    written(tmp_path / "content", "cen", "share", PLAIN, f"{PLAIN} {FORM},")
    written(tmp_path / "content", "cis", "collect", "  quality: cis.yaml\n", "")  # which is not what is tested
    monkeypatch.setenv("BRIDGE_CONTENT", str(tmp_path / "content"))
    (installation.cen_out / "acks").mkdir()
    collecting.collect("cis", windows()[0], fresh=False)
    return installation.cen_out


def written(root: Path, system: str, direction: Direction, before: str, after: str) -> None:
    """A mapping changed in a content root of its own."""
    text = Content.find().mapping(system, direction).read_text(encoding="utf-8")
    assert text.count(before) == 1
    file = root / "mappings" / system / f"{direction}.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text[: text.index("\nexamples:") + 1].replace(before, after), encoding="utf-8")


def counts(books: Books) -> dict[str, int]:
    assert books.balanced
    (partner,) = books.partners
    return {name: count for name, count in partner.counts.items() if count and name != "withheld"}


def documents(drop: Path) -> list[str]:
    return sorted(path.name for path in drop.glob("*.xml"))


def acknowledge(drop: Path, name: str, status: str, **told: str) -> None:
    """As the partner does it: the document is taken, its word on it put in one piece."""
    draft = drop / "acks" / f".{name}"
    draft.write_text(json.dumps({"status": status, **told}))
    draft.rename(drop / "acks" / f"{name}.ack")
    (drop / name).unlink(missing_ok=True)


def ask(installation: Installation, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(installation.exchange.replace("+psycopg", "")) as session:
        return session.execute(statement.encode()).fetchall()


def overdue(hours: int) -> dict[str, int]:
    """How much of what would be overdue so many hours from now."""
    with Exchange(settings.exchange_url()) as exchange:
        found = clearing.overdue(exchange, Content.find(), datetime.now(UTC) + timedelta(hours=hours))
    kinds = [one.owed.what for one in found]
    return {kind: kinds.count(kind) for kind in kinds}


def correct(installation: Installation) -> None:
    """One more of everything in a case that CEN was sent, an hour into the second day."""
    newest = "SELECT origin_record_id FROM exchange.outbox JOIN exchange.record USING (bridge_id) ORDER BY number DESC"
    ((record,),) = ask(installation, f"{newest} LIMIT 1")
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        session.execute("SET LOCAL session_replication_role = replica")  # the table's trigger would date the change now
        session.execute("UPDATE cis.commodity SET quantity = quantity + 1 WHERE case_reference = %s", [record])
        moment = windows()[1].since + timedelta(hours=1)
        session.execute("UPDATE cis.case SET updated_at = %s WHERE case_reference = %s", [moment, record])
    assert counts_in(collecting.collect("cis", windows()[1], fresh=False)) == {"accepted": 1}


def counts_in(books: Books) -> dict[str, int]:
    (source,) = books.sources
    return {name: count for name, count in source.counts.items() if count}


def test_a_file_is_in_doubt_until_the_partner_says_and_a_refusal_holds_one(
    installation: Installation, drop: Path
) -> None:
    books = sharing.share("cen")
    names = documents(drop)
    assert len(names) > 5
    assert counts(books) == {"in_doubt": len(names)}
    assert (overdue(23), overdue(25)) == ({}, {"delivery": len(names)})
    written = {name: (drop / name).stat().st_mtime_ns for name in names}
    assert counts(sharing.share("cen")) == {"in_doubt": len(names)}
    assert {name: (drop / name).stat().st_mtime_ns for name in documents(drop)} == written, "nothing is put twice"
    correct(installation)
    assert counts(sharing.share("cen")) == {"in_doubt": len(names), "pending": 1}
    assert documents(drop) == names, "a correction waits until what went before is acknowledged"
    newest = "SELECT encode(idempotency_key, 'hex') FROM exchange.outbox ORDER BY number DESC"
    ((corrected,),) = ask(installation, f"{newest} LIMIT 1")
    last = f"seizure-{corrected[:32]}.xml"
    first, second, third, *others = [name for name in names if name != last]
    acknowledge(drop, first, "refused", code="E042")
    acknowledge(drop, second, "refused", code="Jane Doe")
    acknowledge(drop, third, "perhaps")
    for name in (*others, last):
        acknowledge(drop, name, "accepted")
    assert counts(sharing.share("cen")) == {"delivered": len(others) + 1, "held": 2, "in_doubt": 2}
    assert overdue(25) == {"delivery": 1, "correction": 1}
    with Exchange(settings.exchange_url()) as exchange:
        problems = exchange.held(partner="cen", code="PARTNER_REFUSES")
        assert sorted(one.rule for one in problems) == ["acknowledgement", "acknowledgement e042"]
        assert not [one for one in problems if "jane" in one.reason.casefold()]
        assert exchange.verify() == []
    receipts = ask(installation, "SELECT receipt FROM exchange.delivery WHERE disposition = 'delivered'")
    assert {one.partition(" sha256:")[0] for (one,) in receipts} == {f"acks/{name}.ack" for name in (*others, last)}
    (update,) = documents(drop)
    acknowledge(drop, third, "accepted")
    acknowledge(drop, update, "accepted")
    books = sharing.share("cen")
    assert (counts(books), books.partners[0].effects) == ({"delivered": 2}, {"insert": 1, "update": 1})
    assert ask(installation, "SELECT count(*) FROM exchange.outbox") == [(0,)]
    assert documents(drop) == []
    assert counts(sharing.share("cen")) == {}
    assert overdue(9999) == {}
