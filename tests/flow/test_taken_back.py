"""A record that was taken back says by which rule, on its page and on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import unquote

import pytest
from starlette.routing import Match

from bridge import settings
from bridge.airflow import grounds, pages
from bridge.airflow.links import PREFIX
from bridge.commands import tables
from bridge.content import Content
from bridge.exchange import Exchange
from bridge.flow import retaining, sharing
from tests.commands.conftest import Bridge, bridge
from tests.flow.conftest import Installation
from tests.flow.reports import decide, key, said, take

__all__ = ["bridge"]
SIGNED = ("--by", "A. Officer", "--reason", "it has to go", "--ground", "a judgment")
WHY = {
    "CEN:CALLED-OFF": ("CANCELLED", "its supplier has cancelled it"),
    "CEN:ERASED": ("CANCELLED", "its documents were destroyed"),
    "CEN:ACQUITTED": ("EXONERATED", "Art. 45(4)"),
    "CEN:ADDRESSED": ("NOT_A_RECIPIENT", "Art. 29(1)"),
    "NCEN:SECOND": ("DUPLICATE", "Art. 32"),
    "CEN:FIRST": ("EXPIRED", "Art. 33"),
}


def share() -> dict[str, int]:
    (told,) = sharing.share("cis").partners
    return dict(told.effects)


def page(record: str) -> str:
    """What the record's page says, as text on one line."""
    shown = bytes(pages.record(record).body).decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown[shown.index("Every hop") :])).split())


def runs_of(record: str) -> list[str]:
    """Headings of the pages to which the runs of the record's page lead."""
    shown = bytes(pages.record(record).body).decode()
    headings = []
    for link in re.findall(f'<a href="{PREFIX}(/run/[^"]+)">run ', shown):
        asked = {"type": "http", "method": "GET", "path": unquote(unescape(link))}
        met = [route.matches(asked) for route in pages.application().routes]
        (key,) = [to["path_params"]["key"] for match, to in met if match is Match.FULL]
        headings += re.findall("<h1>(.*?)[<,]", bytes(pages.run(key).body).decode())
    return headings


@pytest.fixture
def taken_back(installation: Installation, bridge: Bridge) -> None:
    """CIS had six records, each of which it had to give back for another reason."""
    take("cen", *(said("CEN", name) for name in ("CALLED-OFF", "ERASED", "ACQUITTED", "ADDRESSED", "FIRST")))
    take("ncen", said("NCEN", "SECOND"))
    assert share() == {"insert": len(WHY)}
    called_off, addressed = {"record_status": "CANCELLED"}, {"recipients": ["EUROPOL"]}
    take("cen", said("CEN", "CALLED-OFF", 1, **called_off), said("CEN", "ADDRESSED", 1, **addressed))
    bridge("erase", "CEN:ERASED", *SIGNED)
    bridge("exonerate", "CEN:ACQUITTED", *SIGNED)
    decide(("CEN:FIRST", "NCEN:SECOND", True))
    assert share() == {"withdraw": len(WHY) - 1}
    with Exchange(settings.exchange_url()) as exchange:
        later = datetime.now(UTC) + timedelta(days=6 * 366)
        assert retaining.apply(exchange, Content.find(), "upkeep", "its time is over", later).expired == {"cis": 1}
    assert share() == {"withdraw": 1}


@pytest.mark.usefixtures("taken_back")
def test_what_was_taken_back_says_by_which_rule_and_on_what_ground(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables.console, "width", 200)
    reasons = {why for _, why in WHY.values()}
    for record, (code, why) in WHY.items():
        shown = page(record)
        _, _, gone = shown.partition(f"delivered withdraw, {code} ")
        assert why in gone, f"{record}: {shown}"
        assert not [other for other in reasons - {why} if other in gone]
        assert f"withdraw, {code}" in " ".join(bridge("explain", record).split())
    assert runs_of("NCEN:SECOND") == [
        "Collected from ncen", "Shared with cis", "Decision: same", "Shared with cis", "Shared with cis",
    ]  # fmt: skip
    with Exchange(settings.exchange_url()) as exchange:
        for record, (code, _) in WHY.items():
            told = [(hop.effect, hop.code) for hop in exchange.explain(key(record)) if hop.side == "delivery"]
            assert told[0] == ("insert", None)
            assert ("withdraw", code) in told


def test_how_long_a_partner_keeps_it_is_a_sentence() -> None:
    policy = grounds.policy("cis")
    assert policy is not None
    assert policy.kept == (
        "5 years from its first delivery, which people may extend by 2 years in all; then the whole record is taken"
        " back. Listed for review 90 days before. Ground: Reg. (EC) No 515/97, Art. 33, as amended by Reg. (EU)"
        " 2015/1525"
    )
