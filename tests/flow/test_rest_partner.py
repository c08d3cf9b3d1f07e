"""Records go the whole way to a partner with an HTTPS service: nothing is lost, nothing done twice, whatever breaks."""

from __future__ import annotations

import base64
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bridge import settings
from bridge.airflow import questions
from bridge.checkpoint import Checkpoint
from bridge.content import Content
from bridge.errors import Misconfigured, Stop, TryLater
from bridge.exchange import Exchange
from bridge.feed import Feed, generate
from bridge.flow import collecting, sharing
from bridge.flow.reconciling import reconcile
from bridge.ledger import TRANSIENT, Books
from bridge.postgres import Server
from tests.connectors.https_partner import Authority, Service, serving
from tests.flow.conftest import START, windows
from tests.flow.test_main_job import truth_of

pytestmark = pytest.mark.usefixtures("unjudged")

SQL = "deliver: {connector: sql, connection: cis_db, root: cis.case, key: case_reference, inbox: partner}"
REST = "deliver: {connector: rest, connection: cis_api, deadline: 5%s}"
ASKS = ', ask: "/receipts/{key}", records: /list'
RULE = '    - {code: NOT_FROM_THERE, when: {seizure_country: [%s]}, why: "a test withholds what was seized there"}\n'
RULES = "  withhold:\n"
_numbers = itertools.count(1)
LOADER = "from bridge.flow import sharing; sharing.share('cis')"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    """Two days of records that are all sound, with corrections and cancellations."""
    return generate(tmp_path_factory.mktemp("feed") / "feed", 2, 16, seed=28, start=START, bad_share=0.0)


class Link:
    """An installation whose CIS is reached by its service, and the means to change how."""

    def __init__(self, exchange: str, service: Service, content: Path) -> None:
        self.exchange, self.service = exchange, service
        self._file = content / "mappings" / "cis" / "share.yaml"
        self._file.parent.mkdir(parents=True)
        whole = Content.find().mapping("cis", "share").read_text(encoding="utf-8")
        self._plain = whole[: whole.index("\nexamples:") + 1]
        assert SQL in self._plain
        self._changes = 0
        self.change()

    def change(self, *, asks: bool = True, withhold: str = "", batch: int = 0) -> None:
        """Another version of the mapping."""
        self._changes += 1
        text = self._plain.replace("version: 1.0.0", f"version: 1.{self._changes}.0", 1)
        text = text.replace(SQL, REST % ((ASKS if asks else "") + (f", batch: {batch}" if batch else "")))
        if withhold:
            assert text.count(RULES) == 1
            text = text.replace(RULES, RULES + RULE % withhold)
        self._file.write_text(text, encoding="utf-8")

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """A question to the exchange's tables."""
        with psycopg.connect(plain(self.exchange)) as session:
            return session.execute(statement.encode()).fetchall()

    def outbox(self) -> int:
        """Open messages."""
        return int(self.ask("SELECT count(*) FROM exchange.outbox")[0][0])


@dataclass(frozen=True)
class Collected:
    """An exchange with the first day taken in, to be copied."""

    home: Path
    database: str


@pytest.fixture(scope="module")
def collected(postgres: Server, small: Feed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collected]:
    made = Collected(tmp_path_factory.mktemp("home"), f"rest_{next(_numbers)}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRIDGE_HOME", str(made.home))
        patch.setenv("BRIDGE_CONN_CEN_DROP", str(small.cen))
        patch.setenv("BRIDGE_CONN_EXCHANGE", postgres.ensure_database(made.database))
        with Exchange(settings.exchange_url()) as exchange:
            exchange.migrate()
        collect(0)
    with psycopg.connect(plain(postgres.url()), autocommit=True) as session:  # a copy wants nobody else in it
        session.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [made.database]
        )
    yield made
    drop(postgres, made.database)


@pytest.fixture
def link(
    postgres: Server,
    collected: Collected,
    small: Feed,
    authority: Authority,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Link]:
    name = f"rest_{next(_numbers)}"
    with psycopg.connect(plain(postgres.url()), autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name} TEMPLATE {collected.database}".encode())
    url = postgres.ensure_database(name)
    with serving(Service(certificate)) as service:
        monkeypatch.setenv("BRIDGE_HOME", str(collected.home))
        monkeypatch.setenv("BRIDGE_CONTENT", str(tmp_path / "content"), prepend=os.pathsep)
        monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", url)
        monkeypatch.setenv("BRIDGE_CONN_CEN_DROP", str(small.cen))
        monkeypatch.setenv("BRIDGE_CONN_CIS_API", service.url(authority.pem))
        yield Link(url, service, tmp_path / "content")
    drop(postgres, name)


def drop(postgres: Server, name: str) -> None:
    with psycopg.connect(plain(postgres.url()), autocommit=True) as session:
        session.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def plain(url: str) -> str:
    """The URL as psycopg itself reads it."""
    return url.replace("+psycopg", "")


def collect(number: int) -> None:
    collecting.collect("cen", windows()[number], fresh=False)


def counts(books: Books) -> dict[str, int]:
    """Versions by disposition, of the one partner, in books that balance."""
    assert books.balanced
    (partner,) = books.partners
    return {name: count for name, count in partner.counts.items() if count}


def all_books() -> dict[str, int]:
    return counts(Exchange(settings.exchange_url()).books(partner="cis"))


def facts(service: Service) -> dict[str, tuple[str, int]]:
    """What the partner holds: by case, the seizure's date and the number of goods lines."""
    return {
        key: (case["seizure"][0]["date_of_seizure"], sum("cash_amount" not in g for g in case.get("commodity", [])))
        for key, case in service.held().items()
    }


def test_every_record_arrives_once_and_what_is_corrected_or_cancelled_follows(link: Link, small: Feed) -> None:
    effects: Counter[str] = Counter()
    for number in range(2):
        if number:
            collect(number)
        books = sharing.share("cis")
        assert set(counts(books)) <= {"delivered", "superseded", "withheld"}
        effects.update(books.partners[0].effects)
    assert effects["insert"] > 10
    assert effects["update"] > 0
    assert effects["withdraw"] > 0
    assert facts(link.service) == truth_of(small, "cen")
    assert set(link.service.carried.values()) == {1}
    assert link.outbox() == 0
    heard = len(link.service.heard)
    assert counts(sharing.share("cis")) == {}
    assert len(link.service.heard) == heard
    receipts = dict(
        link.ask("SELECT encode(idempotency_key, 'hex'), receipt FROM exchange.delivery WHERE receipt <> ''")
    )
    assert receipts == {key: receipt for key, (receipt, _) in link.service.receipts.items()}
    assert Exchange(settings.exchange_url()).verify() == []
    assert reconcile("cis").balanced


def test_a_service_that_breaks_at_random_ends_with_the_truth(link: Link, small: Feed) -> None:
    chance = random.Random("rest")
    kinds = ["", "", "", "lost", "cut", "truncate", "500", "202", "409", "429", "other", "large", "empty", "closed"]
    later = 0
    for asks in (True, False):
        link.change(asks=asks)
        if not asks:
            collect(1)
        for _ in range(2):
            link.service.troubles.extend(chance.choice(kinds) for _ in range(12))
            try:
                counts(sharing.share("cis"))
            except TryLater:
                later += 1
        link.service.troubles.clear()
        sharing.share("cis")
    assert later > 0
    assert sum(method == "POST" for method, *_ in link.service.heard) > len(link.service.receipts)
    assert any(method == "GET" for method, *_ in link.service.heard)
    assert facts(link.service) == truth_of(small, "cen")
    assert set(link.service.carried.values()) == {1}
    assert link.outbox() == 0
    assert not TRANSIENT & set(all_books())
    bodies: dict[str, set[bytes]] = {}
    for method, _, headers, body in link.service.heard:
        if method == "POST":
            bodies.setdefault(headers["Idempotency-Key"], set()).add(body)
    assert {len(one) for one in bodies.values()} == {1}, "other bytes were sent under the same key"


def test_records_in_bundles_end_with_the_truth_whatever_breaks(link: Link, small: Feed) -> None:
    chance = random.Random("bundles")
    kinds = ["", "", "half", "lost", "cut", "truncate", "500", "202", "429", "413", "other"]
    for asks in (True, False):
        link.change(asks=asks, batch=4)
        if not asks:
            collect(1)
        for _ in range(2):
            link.service.troubles.extend(chance.choice(kinds) for _ in range(5))
            with suppress(TryLater):
                counts(sharing.share("cis"))
        link.service.troubles.clear()
        sharing.share("cis")
    # What was refused alone by chance comes with the next mapping.
    link.change(batch=4)
    sharing.share("cis")
    assert facts(link.service) == truth_of(small, "cen")
    assert set(link.service.carried.values()) == {1}
    assert link.outbox() == 0
    assert not TRANSIENT & set(all_books())
    posts = [(headers, json.loads(body)["messages"]) for _, _, headers, body in link.service.heard if body]
    assert max(len(messages) for _, messages in posts) == 4
    told = {headers.get("Bridge-Checkpoint", "") for headers, _ in posts}
    notes = [Checkpoint.parse(base64.b64decode(one).decode()) for one in told]
    assert notes
    assert all(one.holds for one in notes)


def test_a_loader_killed_between_sending_and_the_receipt_leaves_a_doubt_that_is_asked_for(
    link: Link, small: Feed
) -> None:
    wanted = 5
    with subprocess.Popen([sys.executable, "-c", LOADER], env={**os.environ, "PYTHONPATH": "."}) as loader:

        def kill() -> None:
            if len(link.service.carried) == wanted:
                os.kill(loader.pid, signal.SIGKILL)

        link.service.stored = kill
        assert loader.wait(60) == -signal.SIGKILL
    link.service.stored = lambda: None
    ((in_doubt,),) = link.ask("SELECT count(*) FROM exchange.delivery WHERE disposition = 'in_doubt'")
    assert in_doubt >= wanted
    assert len(link.service.carried) == wanted
    heard = len(link.service.heard)
    assert "in_doubt" not in counts(sharing.share("cis"))
    asked = [path for method, path, _, _ in link.service.heard[heard:] if method == "GET"]
    assert len(asked) == in_doubt
    assert set(link.service.carried.values()) == {1}
    assert link.outbox() == 0
    assert all_books()["delivered"] == len(link.service.carried)


def oldest_doubt() -> datetime:
    with Exchange(settings.exchange_url()).engine.connect() as connection:
        (one,) = questions.undecided(connection)
    assert one.disposition == "in_doubt"
    return one.oldest  # type: ignore[no-any-return]


def test_a_doubt_keeps_its_age_and_reconciling_leaves_it_out(link: Link) -> None:
    link.service.troubles.extend(["cut", "lost"])
    assert counts(sharing.share("cis"))["in_doubt"] == 2
    since = oldest_doubt()
    found = reconcile("cis")
    assert (found.balanced, found.in_doubt) == (True, 2)
    link.service.troubles.extend(["500", "500"])
    assert counts(sharing.share("cis")) == {"in_doubt": 2}
    assert oldest_doubt() == since
    sharing.share("cis")
    found = reconcile("cis")
    assert (found.balanced, found.in_doubt) == (True, 0)
    assert found.equations[0].left == len(link.service.held())
    gone, *_ = link.service.held()
    altered = max(link.service.held())
    order, document = link.service.records[altered]
    link.service.records[altered] = ((*order[:3], "ab" * 32, order[4]), document)
    link.service.records[gone] = (link.service.records[gone][0], None)
    link.service.records["zz phantom"] = (order, document)
    found = reconcile("cis")
    assert (found.missing, found.altered, found.phantom) == ([gone], [altered], ["zz phantom"])
    assert not found.balanced
    link.change(asks=False)
    with pytest.raises(Misconfigured, match="CANNOT_TELL"):
        reconcile("cis")


def test_what_the_partner_refuses_is_held_alone_and_comes_with_the_next_mapping(link: Link, small: Feed) -> None:
    link.service.troubles.extend(["", "422"])
    books = sharing.share("cis")
    assert counts(books)["held"] == 1
    assert books.partners[0].reasons["held"] == {"PARTNER_REFUSES": 1}
    (problem,) = Exchange(settings.exchange_url()).held(partner="cis", code="PARTNER_REFUSES")
    assert problem.rule == "status 422"
    missing = len(link.service.held())
    link.change()
    assert counts(sharing.share("cis"))["delivered"] == 1
    assert len(link.service.held()) == missing + 1


def test_a_partner_that_is_away_or_shut_leaves_all_pending_and_nothing_sent(link: Link) -> None:
    link.service.troubles.append("403")
    with pytest.raises(Misconfigured, match="PARTNER_DENIES"):
        sharing.share("cis")
    assert link.ask("SELECT DISTINCT disposition FROM exchange.delivery") == [("pending",)]
    link.service.troubles.extend(["500"] * 3)
    with pytest.raises(TryLater, match="PARTNER_SILENT"):
        sharing.share("cis")
    waiting = dict(link.ask("SELECT disposition, count(*) FROM exchange.delivery d WHERE run_id = (SELECT max(run_id)"
                            " FROM exchange.delivery) GROUP BY 1"))  # fmt: skip
    assert waiting["in_doubt"] == 3
    noted = "SELECT run_id, records FROM exchange.nominal_read WHERE purpose ~ '^relay of messages kept by '"
    ((silent, records),) = link.ask(noted)
    assert records == sum(waiting.values()), "noted before the first was sent"
    assert set(counts(sharing.share("cis"))) == {"delivered"}
    assert link.ask(f"{noted} ORDER BY id") == [(silent, records), (silent + 1, records)]
    assert set(link.service.carried.values()) == {1}


@pytest.mark.parametrize(("asks", "trouble"), [(True, "lost"), (False, "cut")])
def test_what_a_rule_has_come_to_withhold_is_not_sent_again_and_is_taken_back(
    link: Link, small: Feed, asks: bool, trouble: str
) -> None:
    link.change(asks=asks)
    link.service.troubles.append(trouble)
    assert counts(sharing.share("cis"))["in_doubt"] == 1
    ((record, country),) = link.ask(
        "SELECT bridge_id::text, seizure_country FROM exchange.outbox JOIN exchange.record_version v"
        " USING (bridge_id, version)"
    )
    link.change(asks=asks, withhold=country)
    heard = len(link.service.heard)
    sharing.share("cis")
    told = [body for method, _, _, body in link.service.heard[heard:] if method == "POST" and record.encode() in body]
    assert all(b'"document"' not in body for body in told), "a withheld record was sent"
    assert record not in link.service.held()
    assert len(told) == (trouble == "cut")  # of what was lost, the partner says that it never had it
    assert link.outbox() == 0


def test_what_is_only_taken_to_have_arrived_is_sent_by_the_next_mapping_though_nothing_of_it_changed(
    link: Link,
) -> None:
    link.change(asks=False)
    link.service.troubles.append("lost")
    delivered = counts(sharing.share("cis"))["delivered"]
    assert len(link.service.held()) == delivered
    link.change(asks=False)
    assert counts(sharing.share("cis"))["delivered"] == 1
    assert len(link.service.held()) == delivered + 1


def test_a_recall_in_doubt_is_undone_when_its_rule_goes(link: Link) -> None:
    link.change(asks=False)
    sharing.share("cis")
    everything = link.service.held()
    ((country,),) = link.ask(
        "SELECT seizure_country FROM exchange.record_version JOIN exchange.delivery d USING (bridge_id, version)"
        " WHERE d.disposition = 'delivered' LIMIT 1"
    )
    link.change(asks=False, withhold=country)
    link.service.troubles.append("cut")
    assert counts(sharing.share("cis"))["in_doubt"] == 1
    assert len(link.service.held()) < len(everything)
    link.change(asks=False)
    sharing.share("cis")
    assert link.service.held() == everything


def test_an_erased_record_leaves_no_bytes_behind_and_is_withdrawn(link: Link) -> None:
    link.change(asks=False)
    link.service.troubles.append("cut")
    sharing.share("cis")
    ((record, length),) = link.ask("SELECT bridge_id, length(m.body) FROM exchange.outbox"
                                   " JOIN exchange_nominal.message m USING (number)")  # fmt: skip
    assert length > 100
    ((sealed,),) = link.ask("SELECT body FROM exchange_nominal.message")
    assert b"case_reference" not in bytes(sealed)
    assert link.ask("SELECT body FROM exchange.outbox") == [(None,)]
    assert str(record) in link.service.held()
    Exchange(settings.exchange_url()).erase(uuid.UUID(str(record)), "A. Officer", "court order")
    assert link.ask("SELECT length(body) FROM exchange_nominal.message") == [(0,)]
    assert counts(sharing.share("cis"))["delivered"] >= 1
    assert str(record) not in link.service.held()
    assert link.outbox() == 0


def two_that_relay_at_once_hold_no_message_together(link: Link, work: sharing.Share) -> None:
    waiting = link.outbox()
    with (
        work.exchange.relay(work.run, (), nominal=True) as first,
        Exchange(link.exchange) as other,
        other.relay(work.run, (), nominal=True) as second,
    ):
        assert len(first.messages) == waiting > 0
        assert second.messages == []
    assert link.ask("SELECT DISTINCT sent FROM exchange.outbox") == [(False,)]
    assert link.ask("SELECT DISTINCT disposition FROM exchange.delivery WHERE receipt IS NULL") == [("pending",)]


def test_what_an_old_run_has_kept_does_not_leave_when_another_mapping_is_in_force(link: Link) -> None:
    early = sharing.select("cis", "early")
    link.service.troubles.append("403")
    with pytest.raises(Misconfigured, match="PARTNER_DENIES"):
        sharing.deliver(early)
    two_that_relay_at_once_hold_no_message_together(link, early)
    link.change()
    sharing.select("cis", "later")
    heard = len(link.service.heard)
    with pytest.raises(Stop, match="OLD_MAPPING"):
        sharing.deliver(early)
    assert len(link.service.heard) == heard
