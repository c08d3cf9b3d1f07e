"""A record that a rule of release comes to withhold is taken back, and comes again when the rule goes."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from bridge.content import Content
from bridge.feed import Feed
from bridge.flow import collecting
from bridge.flow.envelope import bridge_id
from bridge.flow.settling import Settling
from bridge.ledger import PartnerBooks
from connectors.sql.orders import VERSION
from tests.flow.conftest import Installation, share, windows
from tests.flow.test_main_job import collect_all, held_by_cis, truth_of

pytestmark = pytest.mark.usefixtures("unjudged")

RULE = '    - {code: NOT_FROM_THERE, when: {seizure_country: [%s]}, why: "a test withholds what was seized there"}\n'
BEFORE = "    - {code: NO_AUTHORISATION, "


class Policy:
    """The mapping to CIS in a content root of its own, to be changed between two shares."""

    def __init__(self, root: Path) -> None:
        self._file = root / "mappings" / "cis" / "share.yaml"
        self._file.parent.mkdir(parents=True)
        whole = Content.find().mapping("cis", "share").read_text(encoding="utf-8")
        self._plain = whole[: whole.index("\nexamples:") + 1]  # they say what our own release lets through
        self._changes = 0

    def withhold(self, *countries: str) -> None:
        """Withhold what was seized in these countries; in a version of the mapping that has not been before."""
        self._changes += 1
        version = f"version: 1.{self._changes}.0"
        changed = self._plain.replace("version: 1.0.0", version, 1)
        if countries:
            changed = changed.replace(BEFORE, RULE % ", ".join(countries) + BEFORE, 1)
        assert version in changed
        assert len(changed.splitlines()) == len(self._plain.splitlines()) + bool(countries)
        self._file.write_text(changed, encoding="utf-8")


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Policy:
    root = tmp_path / "content"
    found = Policy(root)
    monkeypatch.setenv("BRIDGE_CONTENT", str(root), prepend=os.pathsep)
    return found


def told(books: PartnerBooks) -> dict[str, int]:
    """What was delivered, by effect."""
    return {effect: count for effect, count in books.effects.items() if count}


def countries(installation: Installation) -> dict[str, str]:
    """The country of seizure, as CIS writes it, of every case of ours that CIS holds."""
    asked = "SELECT case_reference, country FROM cis.seizure JOIN bridge_inbox.cis_case ON key = case_reference"
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        return dict(session.execute(asked).fetchall())


def seized_in(feed: Feed) -> dict[str, str]:
    """The country of seizure of every record from CEN, in the common code, by bridge id."""
    rows = pq.read_table(feed.truth / "final.parquet").to_pylist()
    return {str(bridge_id("CEN", row["ref"])): row["seizure_country"] for row in rows if row["source"] == "cen"}


def marks(installation: Installation) -> tuple[int, int]:
    """Records that the inbox says are recalled, and those that are withdrawn for ever."""
    asked = "SELECT count(*) FILTER (WHERE recalled), count(*) FILTER (WHERE withdrawn) FROM bridge_inbox.cis_case"
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        ((recalled, withdrawn),) = session.execute(asked).fetchall()
    return recalled, withdrawn


def test_what_a_rule_withholds_goes_and_comes_again_with_the_rule(
    fed: Installation, feed: Feed, policy: Policy
) -> None:
    collect_all("cen")
    policy.withhold()
    everything = truth_of(feed, "cen")
    assert told(share()) == {"insert": len(everything)}
    where = seized_in(feed)
    ((country, many),) = Counter(where[case] for case in everything).most_common(1)
    kept = {case: facts for case, facts in everything.items() if where[case] != country}

    policy.withhold(country)
    assert told(share()) == {"withdraw": many}
    assert held_by_cis(fed) == kept
    assert marks(fed) == (many, 0)

    policy.withhold(country)
    books = share()
    assert told(books) == {}
    assert books.reasons["withheld"]["NOT_FROM_THERE"] == many
    assert held_by_cis(fed) == kept

    policy.withhold()
    assert told(share()) == {"insert": many}
    assert held_by_cis(fed) == everything
    assert marks(fed) == (0, 0)
    assert told(share()) == {}


def test_rules_that_come_and_go_between_windows_lose_nothing(fed: Installation, feed: Feed, policy: Policy) -> None:
    recalled = 0
    withheld: list[str] = []
    known = set(seized_in(feed).values())  # CIS has other codes for some, and a rule names a country by ours
    for window in windows():
        collecting.collect("cen", window, fresh=False)
        policy.withhold(*withheld)
        share()
        recalled += marks(fed)[0]
        assert not set(withheld) & set(countries(fed).values())
        withheld = [] if withheld else sorted(known & set(countries(fed).values()))[::2]
    assert recalled > 0
    assert marks(fed)[1] > 0
    policy.withhold()
    share()
    assert held_by_cis(fed) == truth_of(feed, "cen")


@pytest.mark.parametrize(
    ("cancelled", "revision", "stands"), [(False, 1, "gone"), (False, 2, "back"), (True, 2, "gone")]
)
def test_a_recall_outranks_its_own_version_and_a_cancellation_every_version(
    cancelled: bool, revision: int, stands: str
) -> None:
    def ordered(revision: int, *, cancelled: bool, released: bytes | None) -> dict[str, Any]:
        version = {
            "bridge_id": bytes(16), "version": 1, "source_version": datetime(2026, 1, 1, tzinfo=UTC), "revision": 1,
            "content_hash": bytes(32), "cancelled": cancelled, "prior_holds": True,
        }  # fmt: skip
        settling = Settling("cis", revision, [version])
        if released is None:
            settling.withdraw(0, "A_RULE")
        else:
            settling.order(0, released)
        (order,) = settling.ordered().to_pylist()
        return dict(order)

    back = ordered(revision, cancelled=False, released=b"\xfe" * 32)
    gone = ordered(1, cancelled=cancelled, released=None)
    assert (gone["withdraw"], gone["recall"]) == (cancelled, not cancelled)
    highest = max(back, gone, key=lambda order: tuple(order[name] for name in VERSION))
    assert highest is {"back": back, "gone": gone}[stands]
