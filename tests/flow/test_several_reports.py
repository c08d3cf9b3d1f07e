"""One seizure reported by two suppliers: one case at each partner, with what the later report adds and nothing more."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from bridge import settings
from bridge.cli import main
from bridge.exchange import Exchange
from bridge.flow import reconciling, sharing
from tests.flow.conftest import Installation
from tests.flow.reports import Said, decide, key, said, take

LINE = {"line": 1, "commodity_group": "TOB", "quantity": "100", "unit": "KGM"}
Bridge = Callable[..., str]


def share(partner: str = "cis") -> dict[str, int]:
    books = sharing.share(partner)
    assert books.balanced
    (told,) = books.partners
    return dict(told.effects)


def ask(installation: Installation, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        return session.execute(statement).fetchall()


def brands(installation: Installation) -> dict[str, str | None]:
    """What CIS says of the goods' brand, by case."""
    asked = "SELECT case_reference, brand FROM cis.case LEFT JOIN cis.commodity USING (case_reference)"
    return dict(ask(installation, asked))


def hops(name: str) -> str:
    """What the page of a record tells of its way."""
    with Exchange(settings.exchange_url()) as exchange:
        return "\n".join(f"{hop.disposition} {hop.code} {hop.place}" for hop in exchange.explain(key(name)))


@pytest.fixture
def bridge(installation: Installation) -> Bridge:
    """The command."""

    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code, result.output
        return result.output

    return run


def test_a_partner_ends_with_one_case_and_what_the_second_adds(installation: Installation, bridge: Bridge) -> None:
    take("cen", said("CEN", "A", goods=[LINE]))
    take("ncen", said("NCEN", "B", goods=[LINE | {"brand": "Rex"}], direction="IMPORT", modus_operandi="in a lorry"))
    decide(("CEN:A", "NCEN:B", True))
    tried = [json.loads(line)["fates"][0] for line in bridge("try", "cis", "--to", "cis", "--json").splitlines()]
    (goes,) = [fate for fate in tried if fate["what"] == "would go"]
    assert goes["adds"] == ["NCEN:B adds direction, goods.1.brand"]
    assert "Rex" in [one["value"] for one in goes["fields"]]
    assert [fate["why"] for fate in tried if fate is not goes] == [["DUPLICATE"]]
    assert "cis: NCEN:B adds direction, goods.1.brand" in " ".join(bridge("try", "cis", "--to", "cis").split())
    assert share() == {"insert": 1}
    assert brands(installation) == {str(key("CEN:A")): "Rex"}
    assert ask(installation, "SELECT modus_operandi FROM cis.seizure") == [(None,)]
    assert "NCEN:B version 1 added direction, goods.1.brand" in hops("CEN:A")
    assert "one seizure with CEN:A version 1, to which it added direction, goods.1.brand" in hops("NCEN:B")
    assert "same CEN:A" in hops("NCEN:B")
    assert "same NCEN:B" in hops("CEN:A")
    told = json.loads(bridge("explain", "CEN:A", "goods.brand", "--json"))["sides"]
    assert [one["value"] for side in told if side["at"] == "cis" for one in side["values"]] == ["Rex"]
    assert "2 records looked at, 2 stay as they are" in bridge("plan", "cis")
    take("ncen", said("NCEN", "B", 1, goods=[LINE | {"brand": "x" * 999}]))  # CIS cannot hold it
    assert share() == {"update": 1}
    assert brands(installation) == {str(key("CEN:A")): None}
    assert "added nothing: UNFIT" in hops("NCEN:B")
    take("ncen", said("NCEN", "B", 2, goods=[LINE | {"brand": "Lux"}]))
    decide(("CEN:A", "NCEN:B", False))
    assert share() == {"insert": 1}
    assert brands(installation) == {str(key("CEN:A")): None, str(key("NCEN:B")): "Lux"}


ROUNDS = 3
CASES = """
SELECT i.key, c.brand, c.quantity::text, t.country FROM bridge_inbox.cis_case i
JOIN cis.case k ON k.case_reference = i.key
LEFT JOIN cis.commodity c ON c.case_reference = i.key LEFT JOIN cis.routing t ON t.case_reference = i.key
"""


@dataclass
class Seizure:
    """One seizure on its two ways: X in the order in which it was reported, all at once, and Y as chance has it.

    Args:
        when: of each report after the first, and of each word on the pair, the round in which it comes on way Y.
    """

    number: int
    reports: list[tuple[str, Said]]
    words: list[bool]
    when: list[int]

    def events(self, way: str, turn: int) -> tuple[list[Said], list[bool]]:
        """Reports and words that come in this round."""
        name, last = f"{way}{self.number}", ROUNDS - 1
        rounds = self.when if way == "Y" else [last] * len(self.when)
        first = [("CEN", {"goods": [LINE]})] if turn == 0 else []
        more = [one for one, at in zip(self.reports, rounds, strict=False) if at == turn]
        said_now = [word for word, at in zip(self.words, rounds[len(self.reports) :], strict=True) if at == turn]
        hours = {id(one): 1 + n for n, (_, one) in enumerate(self.reports)}
        return [said(system, name, hours.get(id(one), 0), **one) for system, one in [*first, *more]], said_now


def a_seizure(chance: random.Random, number: int) -> Seizure:
    reports: list[tuple[str, Said]] = []
    for system in ("CEN", "NCEN", "NCEN"):
        secret = system == "NCEN" and chance.random() < 0.3
        line = LINE | {"brand": "SECRET" if secret else chance.choice([None, system, "BOTH"])}
        route = [{"step": 1, "country": chance.choice(["MA", "ES"])}] if chance.random() < 0.5 else []
        status = "CANCELLED" if chance.random() < 0.2 else "UPDATED"
        handling = "H2" if secret else None
        reports.append((system, {"goods": [line], "route": route, "record_status": status, "handling_code": handling}))
    words = chance.choice([[True], [True], [True, False], [True, False, True]])
    rounds = [chance.randrange(ROUNDS) for _ in reports]
    begins = min(at for at, (system, _) in zip(rounds, reports, strict=True) if system == "NCEN")
    return Seizure(number, reports, words, rounds + sorted(chance.randrange(begins, ROUNDS) for _ in words))


def test_the_order_of_arrival_changes_nothing(installation: Installation) -> None:
    chance = random.Random(seed := random.SystemRandom().randrange(2**32))
    seizures = [a_seizure(chance, number) for number in range(24)]
    found: dict[str, list[tuple[Any, ...]]] = {}
    last: dict[str, bool] = {}
    for turn in range(ROUNDS):
        now = [(way, one, *one.events(way, turn)) for one in seizures for way in ("X", "Y")]
        reports = [report for _, _, some, _ in now for report in some]
        for system in ("CEN", "NCEN"):
            mine = [report for report in reports if report["origin_system"] == system]
            chance.shuffle(mine)
            take(system.lower(), *mine)
        words = [(f"{way}{one.number}", word) for way, one, _, some in now for word in some]
        decide(*((f"CEN:{name}", f"NCEN:{name}", word) for name, word in words))
        last |= dict(words)
        share()
        found = {}
        for reference, *facts in ask(installation, CASES):
            found.setdefault(reference, []).append(tuple(facts))
        assert all("SECRET" not in facts for some in found.values() for facts in some), seed
        for name, word in last.items():
            both = {str(key(f"CEN:{name}")), str(key(f"NCEN:{name}"))} <= set(found)
            assert not (word and both), f"{name} stands twice in round {turn}, seed {seed}"
    for one in seizures:
        ends = [
            [found.get(str(key(f"{system}:{way}{one.number}"))) for system in ("CEN", "NCEN")] for way in ("X", "Y")
        ]
        assert ends[0] == ends[1], f"seizure {one.number}, seed {seed}: {one}"
    assert reconciling.reconcile("cis").balanced
    with Exchange(settings.exchange_url()) as exchange:
        assert exchange.verify() == []
        with exchange.engine.connect() as connection:
            asked = "SELECT count(*) FROM exchange.contribution WHERE added <> '{}'"
            assert connection.exec_driver_sql(asked).scalar_one() > 1
