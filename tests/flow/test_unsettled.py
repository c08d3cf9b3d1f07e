"""What a partner may have from a share that died before it could say so is asked for, and taken back if it must go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import psycopg
import pytest

from bridge import settings
from bridge.connector import Target
from bridge.errors import Stop
from bridge.exchange import Exchange
from bridge.flow import reconciling, sharing
from bridge.flow.handing import Handed, Made, hand
from bridge.ledger import PartnerBooks
from tests.exchange.test_authorisations import grant
from tests.flow.conftest import Installation, share
from tests.flow.reports import decide, said, take

LINE = {"line": 1, "commodity_group": "TOB", "quantity": "100", "unit": "KGM"}
LESS = {**LINE, "quantity": "50"}


class Handing:
    """A share of CIS, as far as somebody lets it come.

    Args:
        key: what the orchestrator calls its run.
        redeliver: it gives again what CIS has.
    """

    def __init__(self, key: str, *, redeliver: bool = False) -> None:
        self.work = sharing.select("cis", key, redeliver=redeliver)

    def read(self) -> Handing:
        """Read and make ready what was selected."""
        self._target = cast(Target, sharing.opened(self.work.mapping, self.work.run.id))
        self._turn = self.work.exchange.turn(self.work.run)
        selected = self.work.exchange.candidates(self.work.run, nominal=True)
        self._made = cast(Made, sharing.settle(self.work, selected, self._target))
        return self

    def give(self) -> Handed:
        """Hand it over, and die before the exchange knows."""
        return hand(self._target, self.work.exchange, self.work.run, self._turn, self._made)

    def again(self) -> PartnerBooks:
        """The same run's next try, to its end."""
        sharing.deliver(self.work)
        (books,) = sharing.reconcile(self.work).partners
        return books


def taken(name: str, hour: int, **other: object) -> None:
    take("ncen", said("NCEN", name, hour, **{"goods": [LINE], **other}))


def at_cis(installation: Installation) -> tuple[list[str], int]:
    """Quantities of the goods that CIS has, and how many records it knows of."""
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        asked = "SELECT trim_scale(quantity)::text FROM cis.commodity ORDER BY 1"
        quantities = [text for (text,) in session.execute(asked).fetchall()]
        (there,) = session.execute("SELECT to_regclass('bridge_inbox.cis_case')").fetchall()[0]
        known = session.execute("SELECT count(*) FROM bridge_inbox.cis_case").fetchall()[0][0] if there else 0
    return quantities, known


def remembered() -> Sequence[int]:
    """Rows of what is on its way, and of what nobody has said the end of."""
    with Exchange(settings.exchange_url()) as exchange, exchange.engine.begin() as connection:
        asked = "SELECT (SELECT count(*) FROM exchange.handing), (SELECT count(*) FROM exchange.unsettled)"
        return tuple(connection.exec_driver_sql(asked).one())


def sound() -> bool:
    """CIS has just what the books say, of every record, and no share has to ask of any."""
    work = sharing.select("cis", "last")
    sharing.reconcile(work)
    return reconciling.reconcile("cis").balanced and not work.selected and remembered()[1] == 0


def test_a_record_that_is_cancelled_meanwhile_is_taken_away(installation: Installation) -> None:
    taken("A", 0)
    Handing("dies").read().give()
    assert at_cis(installation) == (["100"], 1)
    assert remembered() == (1, 0)
    taken("A", 1, record_status="CANCELLED")
    assert share().effects == {"withdraw": 1}
    assert at_cis(installation) == ([], 1)
    assert sound()


def test_a_record_that_a_rule_withholds_meanwhile_is_recalled(installation: Installation) -> None:
    taken("A", 0)
    Handing("dies").read().give()
    taken("A", 1, seizure_status="RELEASED")
    assert share().effects == {"withdraw": 1}
    assert at_cis(installation) == ([], 1)
    taken("A", 2)
    assert share().effects == {"insert": 1}
    assert sound()


def test_a_record_that_is_again_what_the_books_say_is_delivered_all_the_same(installation: Installation) -> None:
    taken("A", 0)
    assert share().effects == {"insert": 1}
    taken("A", 1, goods=[LESS])
    Handing("dies").read().give()
    assert at_cis(installation) == (["50"], 1)
    taken("A", 2)
    assert share().effects == {"update": 1}
    assert at_cis(installation) == (["100"], 1)
    assert sound()


def test_what_would_not_be_offered_again_is(installation: Installation) -> None:
    """All that was collected is settled, but for what a share that gave it again has left."""
    taken("A", 0)
    assert share().effects == {"insert": 1}
    Handing("dies", redeliver=True).read().give()
    assert share().counts == {"unchanged": 1}
    assert sound()


def test_the_same_run_tried_again_leaves_the_record_to_the_next(installation: Installation) -> None:
    taken("A", 0)
    dies = Handing("dies").read()
    dies.give()
    taken("A", 1, record_status="CANCELLED")
    assert dies.again().counts["superseded"] == 1
    assert remembered() == (0, 1)
    assert share().effects == {"withdraw": 1}
    assert at_cis(installation) == ([], 1)
    assert sound()


def test_what_was_selected_again_is_remembered(installation: Installation) -> None:
    taken("A", 0)
    Handing("dies").read().give()
    taken("A", 1, record_status="CANCELLED")
    assert Handing("dies").again().effects == {"withdraw": 1}
    assert sound()


def test_what_an_abandoned_run_handed_over_is_remembered(installation: Installation) -> None:
    """Its supplier has authorised something since, so that the next try is another attempt."""
    taken("A", 0)
    dies = Handing("dies").read()
    dies.give()
    taken("A", 1, record_status="CANCELLED")
    with Exchange(settings.exchange_url()) as exchange:
        exchange.authorise(grant())
    attempt = Handing("dies")
    assert attempt.work.run.attempt == dies.work.run.attempt + 1
    assert remembered() == (0, 1)
    assert attempt.again().effects == {"withdraw": 1}
    assert at_cis(installation) == ([], 1)
    assert sound()


def test_what_a_run_handed_over_whose_work_was_emptied_is_remembered(installation: Installation) -> None:
    taken("A", 0)
    Handing("dies").read().give()
    taken("A", 1, record_status="CANCELLED")
    with Exchange(settings.exchange_url()) as exchange:
        assert exchange.purge(datetime.now(UTC) + timedelta(minutes=1))["selection"] == 1
    assert remembered() == (0, 1)
    assert share().effects == {"withdraw": 1}
    assert sound()


def test_what_was_never_handed_over_is_nobodys_business_at_the_partner(installation: Installation) -> None:
    taken("A", 0)
    taken("B", 0, seizure_status="RELEASED")
    Handing("dies").read().give()
    taken("A", 1, record_status="CANCELLED")
    taken("B", 1, record_status="CANCELLED")
    books = share()
    assert (books.effects, books.reasons["withheld"]) == ({"withdraw": 1}, {"CANCELLED": 1})
    assert at_cis(installation) == ([], 1), "CIS has a tombstone of A alone"


def test_a_share_that_is_overtaken_hands_nothing_over(installation: Installation) -> None:
    """The newer share found nothing at the partner, and nothing to take back; the older one must not bring it."""
    taken("A", 0)
    late = Handing("late").read()
    taken("A", 1, record_status="CANCELLED")
    assert share().effects == {}
    assert late.give().settled.column("disposition").to_pylist() == ["superseded"]
    assert at_cis(installation) == ([], 0)
    assert late.again().effects == {}
    assert sound()


def test_a_share_that_reads_late_hands_over_nothing_old(installation: Installation) -> None:
    taken("A", 0)
    late = Handing("late")
    taken("A", 1, record_status="CANCELLED")
    assert share().effects == {}
    assert late.again().effects == {}
    assert at_cis(installation) == ([], 0)
    assert sound()


def test_a_decision_overtakes_too(installation: Installation) -> None:
    """Somebody says that both are one seizure, and a newer share knows."""
    taken("A", 0)
    assert share().effects == {"insert": 1}
    taken("B", 0)
    late = Handing("late").read()
    decide(("NCEN:A", "NCEN:B", True))
    books = share()
    assert (books.effects, books.reasons["withheld"]) == ({}, {"DUPLICATE": 1})
    assert late.give().settled.column("disposition").to_pylist() == ["superseded"]
    assert at_cis(installation) == (["100"], 1)


def test_a_share_goes_by_what_is_authorised_when_it_hands_over(installation: Installation) -> None:
    taken("A", 0)
    late = Handing("late").read()
    with Exchange(settings.exchange_url()) as exchange:
        exchange.authorise(grant())
    taken("B", 0)
    assert share().effects == {"insert": 2}
    with pytest.raises(Stop, match="OLD_AUTHORISATION"):
        late.give()


@pytest.mark.parametrize("state", ["sealed", "abandoned"])
def test_a_run_that_is_over_hands_nothing_over(installation: Installation, state: str) -> None:
    taken("A", 0)
    over = Handing("over").read()
    with psycopg.connect(installation.exchange.replace("+psycopg", "")) as session:
        session.execute("UPDATE exchange.run SET state = %s WHERE id = %s", [state, over.work.run.id])
    with pytest.raises(Stop, match="RUN_OVER"):
        over.give()
    assert at_cis(installation) == ([], 0)
