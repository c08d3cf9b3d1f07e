"""Its supplier decides who receives a record, and may think better of it (Reg. (EC) No 515/97, Art. 29(1))."""

from __future__ import annotations

import json

import psycopg
import pytest
from click.testing import CliRunner

from bridge.airflow import grounds
from bridge.cli import main
from bridge.flow import sharing
from bridge.ledger import PartnerBooks
from tests.flow.conftest import Installation
from tests.flow.reports import said, take

LINE = {"line": 1, "commodity_group": "TOB", "quantity": "100", "unit": "KGM"}
RULE = "NOT_A_RECIPIENT"


def supplied(hour: int, *records: str, **recipients: list[str]) -> PartnerBooks:
    """What becomes at CIS of the next versions of these records, by their supplier's word."""
    take("ncen", *(said("NCEN", name, hour, goods=[LINE], **recipients) for name in records))
    books = sharing.share("cis")
    assert books.balanced
    (told,) = books.partners
    return told


def comments(installation: Installation) -> list[str]:
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        asked = "SELECT comment FROM cis.case LEFT JOIN cis.comment USING (case_reference)"
        return [text for (text,) in session.execute(asked).fetchall()]


def test_who_is_no_longer_among_the_recipients_loses_the_record(installation: Installation) -> None:
    assert supplied(0, "A").effects == {"insert": 1}
    assert comments(installation) == [None], "whoever names nobody leaves it to the policy"
    others = supplied(1, "A", "B", recipients=["EUROPOL"])
    assert (others.effects, others.reasons["withheld"]) == ({"withdraw": 1}, {RULE: 1})
    assert comments(installation) == []
    result = CliRunner().invoke(main, ["explain", "NCEN:B", "--json"])
    assert result.exit_code == 0, result.output
    assert (RULE, "withheld") in {(hop["code"], hop["disposition"]) for hop in json.loads(result.output)["hops"]}
    assert supplied(2, "A", recipients=["CIS", "BE_CUSTOMS"]).effects == {"insert": 1}
    assert comments(installation) == ["RECIPIENT=CIS, RECIPIENT=BE_CUSTOMS"]


@pytest.mark.parametrize("partner", ["cen", "cis"])
def test_the_auditors_page_names_the_ground(partner: str) -> None:
    policy = grounds.policy(partner)
    assert policy is not None
    assert "Art. 29(1)" in policy.why(RULE)
    assert [rule.says for rule in policy.release.withhold if rule.code == RULE] == [
        f"recipients present, unless recipients {partner.upper()}"
    ]
