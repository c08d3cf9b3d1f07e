"""What a person does about a held record: look at it, take it in again, or let a text go with a second person."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bridge import settings
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.exchange import Exchange
from bridge.flow import collecting, sharing
from bridge.ledger import SourceBooks
from tests.commands.conftest import Bridge, bridge
from tests.flow.conftest import Installation, windows

pytestmark = pytest.mark.usefixtures("unjudged")

__all__ = ["bridge"]
WINDOW = windows()[0]
ID = "FR-2026-0001234"
PHONE = "Call +32 470 12 34 56 about the pallets"
FIRST = ("--by", "Anna Maes", "--reason", "the number is a container seal")
SECOND = ("--by", "Bo Lind", "--reason", "looked at it with the source")


@pytest.fixture
def drop(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = installation.drop("cen")
    folder.mkdir()
    monkeypatch.setenv("BRIDGE_CONN_CEN_DROP", str(folder))
    return folder


def arrive(drop: Path, name: str, *changes: tuple[str, str], hour: int = 12) -> None:
    """Our sample of CEN with changes, dropped in the window."""
    text = Content.find().path("mappings/cen/samples/tobacco.xml").read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    path = drop / f"{name}.xml"
    path.write_text(text, encoding="utf-8")
    moment = WINDOW.since.timestamp() + 3600 * hour
    os.utime(path, (moment, moment))


def collect() -> SourceBooks:
    """Collect the window without judging it as a whole, which is another test's."""
    work = collecting.extract("cen", WINDOW, f"cen {uuid.uuid4()}")
    collecting.map_and_validate(work)
    books = collecting.accept(work)
    assert books.balanced
    return books.sources[0]


def share() -> dict[str, int]:
    """What was delivered, by effect."""
    (partner,) = sharing.share("cis").partners
    return {effect: count for effect, count in partner.effects.items() if count}


def problems(**asked: Any) -> list[tuple[int, str, str]]:
    with Exchange(settings.exchange_url()) as exchange:
        return [(one.id, one.code, one.field) for one in exchange.held(**asked)]


def at_cis(installation: Installation, column: str) -> list[str | None]:
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        return [row[0] for row in session.execute(f"SELECT {column} FROM cis.seizure".encode())]


def test_a_text_leaves_once_two_people_have_let_it_go(drop: Path, installation: Installation, bridge: Bridge) -> None:
    arrive(drop, "one", ("<ModusOperandi>", f"<ModusOperandi>{PHONE} "))
    arrive(drop, "muslim", ("<ModusOperandi>", "<ModusOperandi>He is a Muslim "), (ID, "FR-2026-0009999"))
    collect()
    assert share() == {"insert": 2}
    assert at_cis(installation, "modus_operandi") == [None, None]
    found = {code: (number, field) for number, code, field in problems(partner="cis")}
    assert {field for _, field in found.values()} == {"modus_operandi"}
    assert "NOT_RELEASABLE" in bridge("held", "release", str(found["TEXT_NAMES"][0]), *FIRST, code=2)
    told = bridge("held", "release", str(found["TEXT_KEPT_BACK"][0]), *FIRST)
    number = told.split("decision ")[1].split(".")[0]
    assert share() == {}
    assert "SAME_PERSON" in bridge("held", "approve", number, "--by", "MAES, Ánna", "--reason", "again", code=2)
    forged(installation, number)
    bridge("held", "approve", number, *SECOND)
    assert share() == {"update": 1}
    texts = [text for text in at_cis(installation, "modus_operandi") if text]
    assert [text.startswith(PHONE) for text in texts] == [True]
    assert [code for _, code, _ in problems(partner="cis")] == ["TEXT_NAMES"]
    assert share() == {}
    assert "ALREADY_APPROVED" in bridge("held", "approve", number, *SECOND, code=2)
    assert "NO_PROPOSAL" in bridge("held", "approve", "999", *SECOND, code=2)
    assert "NOT_HELD" in bridge("held", "release", "999", *FIRST, code=2)
    assert "holds" in bridge("verify")
    changes = ("<ModusOperandi>", f"<ModusOperandi>{PHONE} and his brother "), ('updated="2026-01', 'updated="2026-02')
    arrive(drop, "two", *changes, hour=13)
    collect()
    share()
    assert at_cis(installation, "modus_operandi") == [None, None], "a later version needs two people anew"
    assert "RECORD_CHANGED" in bridge("held", "release", str(found["TEXT_KEPT_BACK"][0]), *FIRST, code=2)


def forged(installation: Installation, number: str) -> None:
    """An approval that somebody writes into the database themselves is found; and one without a name is refused."""
    with Exchange(settings.exchange_url()) as exchange:
        with pytest.raises(Misconfigured, match="NO_REASON"):
            exchange.approve_release(int(number), " ", "why")
        assert exchange.verify() == []
        with psycopg.connect(installation.exchange.replace("+psycopg", "")) as session:
            session.execute(
                "INSERT INTO exchange.decision (run_id, kind, bridge_id, partner, version, content_hash, about,"
                " decision_id, decided_by, reason) SELECT run_id, 'approve', bridge_id, partner, version, content_hash,"
                " about, id, 'Bo Lind', 'forged' FROM exchange.decision WHERE id = %s",
                [number],
            )
        (flaw,) = exchange.verify()
        assert "changed: decisions" in flaw.what
        with psycopg.connect(installation.exchange.replace("+psycopg", "")) as session:
            session.execute("DELETE FROM exchange.decision WHERE reason = 'forged'")


def test_what_a_mended_mapping_takes_is_redriven_from_the_archive(
    drop: Path, tmp_path: Path, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "content"
    mapping = root / "mappings" / "cen" / "collect.yaml"
    mapping.parent.mkdir(parents=True)
    whole = Content.find().mapping("cen", "collect").read_text(encoding="utf-8").partition("\nexamples:\n")[0] + "\n"
    rule = "summary: {from: Narrative}"
    mapping.write_text(whole.replace(rule, rule.replace("}", ", codes: sex}")), encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(root), prepend=os.pathsep)
    arrive(drop, "one", ("<Narrative>", "<Narrative>Anna Canary "))
    collect()
    ((number, code, _),) = problems(source="cen")
    assert code == "UNKNOWN_CODE"
    shown = bridge("held", "show", str(number))
    assert "one.xml, record 0" in shown
    assert "Narrative: <masked>" in shown
    assert "Canary" not in shown
    assert "Country: " in shown
    (drop / "one.xml").unlink()
    told = bridge("held", "redrive", str(number), *FIRST)
    assert "1 problem was taken in again; 1 of those at intake is still there" in told
    mapping.write_text(whole, encoding="utf-8")
    told = bridge("held", "redrive", "--code", "UNKNOWN_CODE", *SECOND)
    assert "0 of those at intake are still there" in told
    assert problems() == []
    assert share() == {"insert": 1}
    history = json.loads(bridge("held", "show", str(number), "--json"))["tried"]
    assert [row["who"] for row in history if row["who"]] == ["Anna Maes", "Bo Lind"]
    assert "NOTHING_HELD" in bridge("held", "redrive", str(number), *FIRST, code=2)


def test_bytes_that_are_no_longer_kept_are_said_to_be(drop: Path, bridge: Bridge) -> None:
    arrive(drop, "one", ("<Quantity>", "<Quantity>x"))
    collect()
    number, code, _ = problems(source="cen")[0]
    assert code == "BAD_NUMBER"
    (drop / "one.xml").unlink()
    shutil.rmtree(settings.archive())
    assert "no longer kept" in bridge("held", "show", str(number))
    bridge("held", "redrive", str(number), *FIRST)
    assert [code for _, code, _ in problems(source="cen")] == ["BYTES_NOT_KEPT"]


def test_a_record_held_at_a_partner_is_offered_again_when_redriven(
    drop: Path, installation: Installation, bridge: Bridge
) -> None:
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        session.execute("ALTER TABLE cis.case ALTER COLUMN summary TYPE varchar(3) USING left(summary, 3)")
    arrive(drop, "one")
    collect()
    assert share() == {}
    ((number, _, field),) = problems(partner="cis")
    assert field == "summary"
    listed = bridge("held", "--partner", "cis", "--source", "cen")
    assert f"{number}  cis: " in listed
    assert f"{ID}, version 1" in listed, "named as its source names it"
    assert bridge("held", "--partner", "cis", "--source", "lemis") == "Nothing is held.\n"
    assert "For the records of one system: --source cen, or --partner" in bridge("held", "cen", code=2)
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        session.execute("ALTER TABLE cis.case ALTER COLUMN summary TYPE text")
    assert share() == {}
    assert "1 is due at cis again" in bridge("held", "redrive", str(number), *FIRST)
    assert share() == {"insert": 1}
    assert problems() == []
