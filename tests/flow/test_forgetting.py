"""An erased record is nowhere: not in a dump of the database, the archive or working files; and it never comes back."""

from __future__ import annotations

import gzip
import hashlib
import os
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bridge import settings
from bridge.content import Content
from bridge.errors import Stop
from bridge.exchange import Exchange
from bridge.flow import collecting, forgetting, holders
from bridge.flow.envelope import bridge_id
from bridge.postgres import Server
from tests.commands.conftest import Bridge, bridge
from tests.flow.conftest import Installation
from tests.flow.test_held_life import WINDOW, arrive, collect, drop, problems, share

pytestmark = pytest.mark.usefixtures("unjudged")

__all__ = ["bridge", "drop"]
CANARY = "Zqxcanaryperson"
ID = "FR-2026-0001234"
RECORD = bridge_id("CEN", ID)
NOON = WINDOW.since.timestamp() + 43200
WORDS = tuple(
    (f"<{element}>", f"<{element}>Anna {CANARY} ")
    for element in ("ModusOperandi", "Narrative", "ConcealmentText", "Description", "Brand")
)
SIGNED = ("--by", "A. Officer", "--reason", "asked for", "--ground", "Reg. (EU) 2018/1725, Art. 19")


def dumped(postgres: Server, url: str) -> str:
    """All that a dump of the exchange's database holds: every row of every table, as text."""
    found = []
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        tables = session.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname LIKE 'exchange%'"
        ).fetchall()
        assert len(tables) > 10
        for (table,) in tables:
            found += [row[0] for row in session.execute(f"SELECT t::text FROM {table} t".encode())]
    return "\n".join(found)


def stored() -> dict[str, bytes]:
    """Every file of the bridge's state and store, by path."""
    files = (path for path in settings.home().rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}


def traces(postgres: Server, installation: Installation) -> list[str]:
    """Where the name still stands."""
    needle = CANARY.lower().encode()
    found = [path for path, content in stored().items() if needle in content.lower()]
    return found + ["database"] * (CANARY.lower() in dumped(postgres, installation.exchange).lower())


@pytest.fixture
def known(drop: Path) -> Path:
    """A record in two versions and once held, in three files; CIS has it."""
    arrive(drop, "one", *WORDS)
    arrive(drop, "two", *WORDS, ('updated="2026-01', 'updated="2026-02'), hour=13)
    arrive(drop, "bad", *WORDS, ("<Quantity>", "<Quantity>x"), hour=14)
    arrive(drop, "other", (ID, "FR-2026-0009999"), hour=15)
    collect()
    assert share() == {"insert": 2}
    return drop


def test_nothing_of_an_erased_record_is_left_and_the_partner_withdraws_it(
    known: Path, installation: Installation, postgres: Server, bridge: Bridge
) -> None:
    assert traces(postgres, installation) == ["database"], "what is personal, and the archive, are encrypted"
    assert all(archived(known / f"{name}.xml").exists() for name in ("one", "two", "bad"))
    told = bridge("erase", f"CEN:{ID}", *SIGNED)
    assert traces(postgres, installation) == []
    assert not any(archived(known / f"{name}.xml").exists() for name in ("one", "two", "bad"))
    assert [name for name in ("one.xml", "two.xml", "bad.xml") if f"the bytes of {name} are gone" not in told] == []
    assert "other.xml" not in told
    assert "cis has the record" in told
    assert problems(source="cen") == []
    assert "holds" in bridge("verify")
    assert share() == {"withdraw": 1}
    assert "No partner has the record" in bridge("erase", f"CEN:{ID}", *SIGNED)


def test_what_comes_again_never_brings_it_back(
    known: Path, installation: Installation, postgres: Server, bridge: Bridge
) -> None:
    bridge("erase", str(RECORD), *SIGNED)
    share()
    arrive(known, "later", *WORDS, ('updated="2026-01', 'updated="2026-09'), hour=16)
    collect()  # the same files once more, and a later version
    assert share() == {}
    with Exchange(settings.exchange_url()) as exchange:
        assert exchange.record(RECORD).version == 3
        assert exchange.verify() == []
        swept = forgetting.sweep(exchange, {}, datetime.now(UTC))
    assert sorted(swept.removed) == ["bad.xml", "later.xml", "one.xml", "two.xml"]
    assert traces(postgres, installation) == []
    for path in known.glob("*.xml"):
        path.unlink()
    source = collect()
    assert (source.counts["unchanged"], source.refused) == (1, 4), "the rest of the window stands"
    assert {code for _, code, _ in problems(source="cen")} == {"BYTES_NOT_KEPT"}


def archived(path: Path) -> Path:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return settings.archive() / sha256[:2] / sha256


SHORT = "17"
"""A record's own number, which is also a day, a quantity and a part of other numbers."""
ELSEWHERE = (
    ("<Quantity>1000.500", "<Quantity>17"), ("<SeizureDate>2026-01-04", "<SeizureDate>2026-01-17"),
    ("<CaseNumber>CASE-2026-00981", "<CaseNumber>CASE 17 of 2026"),
)  # fmt: skip


def test_a_short_number_that_stands_elsewhere_in_another_input_takes_no_bytes_away(
    drop: Path, installation: Installation, bridge: Bridge
) -> None:
    named = (f'ref="{ID}"', f'ref="{SHORT}"')
    held = ("<Quantity>0.5", "<Quantity>x")
    arrive(drop, "one", named)
    arrive(drop, "held", named, held, hour=13)
    arrive(drop, "cut", named, hour=13)
    arrive(drop, "other", *ELSEWHERE, held, hour=14)
    arrive(drop, "othercut", *ELSEWHERE, ("<Quantity>17", "<Quantity>18"), hour=14)
    for name in ("cut", "othercut"):
        (drop / f"{name}.xml").write_bytes((drop / f"{name}.xml").read_bytes()[:-20])
        os.utime(drop / f"{name}.xml", (NOON, NOON))
    packed = (("packed", (drop / "one.xml").read_bytes()), ("otherpacked", (drop / "othercut.xml").read_bytes()))
    for name, content in packed:
        (drop / f"{name}.xml").write_bytes(gzip.compress(content))
        os.utime(drop / f"{name}.xml", (NOON, NOON))
    arrive(drop, "partly", (ID, "FR-2026-0008888"), hour=15)
    whole = (drop / "partly.xml").read_text(encoding="utf-8").replace('records="1"', 'records="2"')
    seizure = whole[whole.index("<Seizure ") : whole.index("</CEN>")]
    unread = seizure.replace("FR-2026-0008888", SHORT).replace("<Status>NEW</Status>", "<Status>NEW</Status>" * 2)
    (drop / "partly.xml").write_text(whole.replace("</CEN>", unread + "</CEN>"), encoding="utf-8")
    os.utime(drop / "partly.xml", (NOON, NOON))
    broken = gzip.compress(b"who knows what this was")
    (drop / "broken.xml").write_bytes(broken[:-9] + b"0" + broken[-8:])
    os.utime(drop / "broken.xml", (NOON, NOON))
    collect()
    assert len({one.input for one in Exchange(settings.exchange_url()).held()}) == 8
    told = bridge("erase", f"CEN:{SHORT}", *SIGNED)
    gone = {name for name in (path.name for path in drop.glob("*.xml")) if f"the bytes of {name} are gone" in told}
    assert gone == {"one.xml", "held.xml", "cut.xml", "packed.xml", "partly.xml", "broken.xml"}
    assert all(archived(drop / f"{name}.xml").exists() for name in ("other", "othercut", "otherpacked"))
    assert {one.input for one in Exchange(settings.exchange_url()).held()} == {
        "other.xml", "othercut.xml", "otherpacked.xml",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "stands"),
    [
        ('<Seizure ref="17" x="1">', True), ("<Ref> 17 </Ref>", True), ("a;17;b", True), ("17", True),
        ("x\r\n17\t2", True), ('{"id": 17, "n": 1}', True), ('{"id": "17"}', True), ("[17]", True), ("a,17.0,b", True),
        ("<Date>2026-01-17</Date>", False), ("<Qty>17.5</Qty>", False), ("case 17 of 3", False), ("12:17:05", False),
        ("117;170", False), ("A17;17B", False),
    ],
)  # fmt: skip
def test_what_counts_as_a_value_of_its_own_in_what_cannot_be_read(tmp_path: Path, content: str, stands: bool) -> None:
    path = tmp_path / "input"
    for encoding in ("utf-8", "utf-16", "cp1252"):
        path.write_bytes(content.encode(encoding))
        assert holders._stands(path, {"17"}) is stands, encoding
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("part", content)
    assert holders._stands(path, {"17"}) is stands
    path.write_bytes('<a b="Müller &amp; Co"/>'.encode("cp1252"))
    assert holders._stands(path, {"Müller & Co"})


def test_what_a_broken_off_run_left_goes_too_and_what_a_run_reads_waits_for_its_end(
    drop: Path, installation: Installation, postgres: Server, bridge: Bridge
) -> None:
    arrive(drop, "one", *WORDS)
    collect()
    work = collecting.extract("cen", WINDOW, "broken off")
    collecting.map_and_validate(work)
    work.exchange.fail(work.run, Stop("TEST", "here", "broken off", "nothing"))
    assert work.stage.folder.exists()
    reading = collecting.extract("cen", WINDOW, "under way")
    assert "a run is still reading one.xml" in bridge("erase", str(RECORD), *SIGNED)
    assert not work.stage.folder.exists()
    assert archived(drop / "one.xml").exists()
    collecting.map_and_validate(reading)
    assert collecting.accept(reading).balanced
    with Exchange(settings.exchange_url()) as exchange:
        assert forgetting.sweep(exchange, {}, datetime.now(UTC)).removed == ["one.xml"]
    assert traces(postgres, installation) == []


def test_what_a_run_under_way_had_read_goes_when_that_run_has_failed(
    drop: Path, installation: Installation, postgres: Server, bridge: Bridge
) -> None:
    arrive(drop, "one", *WORDS)
    collect()
    work = collecting.extract("cen", WINDOW, "under way")
    collecting.map_and_validate(work)
    bridge("erase", str(RECORD), *SIGNED)
    work.exchange.fail(work.run, Stop("TEST", "here", "broken off", "nothing"))
    assert work.stage.folder.exists()
    with Exchange(settings.exchange_url()) as exchange:
        assert forgetting.sweep(exchange, {}, datetime.now(UTC)).removed == ["one.xml"]
    assert not work.stage.folder.exists()


def test_a_case_that_came_back_from_a_partner_goes_with_it(
    drop: Path, installation: Installation, postgres: Server, bridge: Bridge
) -> None:
    """What CIS holds of the record is extracted again as an echo; those bytes hold it as well."""
    arrive(drop, "one", ("<Brand>", f"<Brand>{CANARY} "))
    collect()
    share()
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute("UPDATE cis.case SET updated_at = now() - interval '1 hour'")
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    window = type(WINDOW)(now - timedelta(hours=2), now)
    work = collecting.extract("cis", window, "echo")
    collecting.map_and_validate(work)
    assert collecting.accept(work).sources[0].counts["echo"] == 1
    before = list(settings.archive().rglob("*/*"))
    assert len(before) == 2
    bridge("erase", str(RECORD), *SIGNED)
    assert not any(path.exists() for path in before)
    assert traces(postgres, installation) == []


def test_bytes_that_were_never_taken_in_are_kept_until_they_are(drop: Path, installation: Installation) -> None:
    """Its window fails for months: once somebody has mended what was wrong, they are all there is of the records."""
    arrive(drop, "one")
    work = collecting.extract("cen", WINDOW, "fails")
    work.exchange.fail(work.run, Stop("TEST", "here", "broken off", "nothing"))
    (drop / "one.xml").unlink()
    later = datetime.now(UTC) + timedelta(days=99)
    with Exchange(settings.exchange_url()) as exchange:
        assert forgetting.sweep(exchange, {"cen": (30, 30)}, later).removed == []
        work = collecting.open_run("cen", WINDOW, "fails")
        collecting.map_and_validate(work)
        assert collecting.accept(work).sources[0].counts["accepted"] == 1
        assert forgetting.sweep(exchange, {"cen": (30, 30)}, later).removed == ["one.xml"]


def test_bytes_are_kept_as_long_as_their_source_declares(
    known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Exchange(settings.exchange_url()) as exchange:
        now, days = datetime.now(UTC), timedelta(days=1)
        assert forgetting.sweep(exchange, {"cen": (None, None)}, now + 9999 * days).removed == []
        assert forgetting.sweep(exchange, {"cen": (30, 60)}, now + 29 * days).removed == []
        swept = forgetting.sweep(exchange, {"cen": (30, 60)}, now + 31 * days)
        assert sorted(swept.removed) == ["one.xml", "other.xml", "two.xml"]
        swept = forgetting.sweep(exchange, {"cen": (30, 60)}, now + 61 * days)
        assert (swept.removed, swept.lapsed) == (["bad.xml"], 2)
        assert {one.state for one in exchange.held(state=None)} == {"lapsed"}
    root = tmp_path / "content"
    mapping = root / "mappings" / "cen" / "collect.yaml"
    mapping.parent.mkdir(parents=True)
    text = Content.find().mapping("cen", "collect").read_text(encoding="utf-8")
    mapping.write_text(text.replace("quality: cen.yaml}", "quality: cen.yaml, keep_days: 30}"), encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(root), prepend=os.pathsep)
    assert forgetting.kept_days(Content.find())["cen"] == (30, 30)
