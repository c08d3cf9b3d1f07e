"""RestTarget sends each order once, believes only a whole receipt of the right service, and never waits too long."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bridge.connector import Answer
from bridge.errors import BridgeError, Misconfigured, TryLater
from bridge.testing_target import CANARY, SHAPE, Held, Partner, TargetConformance, Version, batch, orders, words
from connectors.rest import RestTarget, target
from tests.connectors.https_partner import PATH, Authority, Service, serving
from tests.faults.network import Proxy, Trouble

SCHEMA = {
    "type": "object",
    "required": ["case_reference"],
    "properties": {
        "summary": {"type": "string", "maxLength": 200, "pattern": "^[^\\u0000]*$"},
        "amount": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,4})?$"},
    },
}
KEY = bytes(range(32))
MESSAGE = b'{"key":"A","action":"deliver","version":{"source_version":"2025-01-01","revision":1,"content_hash":"00"}}'


@pytest.fixture
def service(certificate: tuple[Path, Path]) -> Iterator[Service]:
    with serving(Service(certificate)) as one:
        yield one


@pytest.fixture
def rest(service: Service, authority: Authority) -> RestTarget:
    return opened(service, authority)


def opened(
    service: Service, authority: Authority, *, host: str = "localhost", port: int = 0, **options: Any
) -> RestTarget:
    return RestTarget(service.url(authority.pem, host, port), {"deadline": 20, **options}, SHAPE)


def reached(service: Service, authority: Authority, folder: Path, **options: str) -> Partner:
    """The service as the conformance suite's partner."""
    schema = folder / "partner.json"
    schema.write_text(json.dumps(SCHEMA))

    def held() -> Held:
        return {
            key: (
                d.get("summary"),
                None if "amount" not in d else f"{Decimal(d['amount']).normalize():f}",
                [(line["line"], line["description"]) for line in d.get("goods", [])],
            )
            for key, d in service.held().items()
        }

    def marks() -> Any:
        return dict(service.records), dict(service.carried)

    return Partner("connectors.rest", service.url(authority.pem), {"schema": str(schema), **options}, held, marks)


class TestRest(TargetConformance):
    whole = fenced = counted = False

    @pytest.fixture
    def partner(self, service: Service, authority: Authority, tmp_path: Path) -> Partner:
        return reached(service, authority, tmp_path)


class TestRestInBatches(TargetConformance):
    whole = fenced = counted = False

    @pytest.fixture
    def partner(self, service: Service, authority: Authority, tmp_path: Path) -> Partner:
        return reached(service, authority, tmp_path, batch="7")

    def test_messages_go_together(self, partner: Partner, service: Service) -> None:
        partner.deliver(*(Version(f"K{number}") for number in range(15)))
        sizes = [len(json.loads(body).get("messages", ["alone"])) for _, _, _, body in service.heard]
        assert sizes == [7, 7, 1]


def test_a_message_is_canonical_and_carries_its_key(service: Service, rest: RestTarget) -> None:
    told = [Version("A", goods=("cigarettes",)), Version("B", 2, withdraw=True), Version("C", 3, recall=True)]
    messages = rest.compose(batch(told), orders(told))
    assert messages == rest.compose(batch(told), orders(told))
    assert messages[0].decode() == (
        '{"key":"A","action":"deliver","version":{"source_version":"2025-01-01T01:00:00.000000Z","revision":1,'
        f'"content_hash":"{told[0].content.hex()}"}},"document":{{"case_reference":"A","summary":"two boxes of '
        'cigarettes","amount":"12.5","seized_on":"2025-03-09","changed_at":"2025-03-09T12:00:00.25Z","declared":false,'
        '"goods":[{"line":1,"description":"cigarettes","quantity":"0.125","seals":["a","b c","d\\"e"]}]}}'
    )
    assert [json.loads(messages[row])["action"] for row in (1, 2)] == ["withdraw", "recall"]
    assert all("document" not in json.loads(messages[row]) for row in (1, 2))
    assert rest.send(told[0].idempotency, messages[0]) == Answer("delivered", "insert", "R-1")
    ((method, path, headers, body),) = service.heard
    assert (method, path, body) == ("POST", PATH, messages[0])
    assert headers["Idempotency-Key"] == f'"{told[0].idempotency.hex()}"'
    assert headers["Content-Type"] == "application/json"


def test_an_order_without_its_record_is_refused(service: Service, rest: RestTarget) -> None:
    with pytest.raises(Misconfigured, match="NO_RECORD at conformance: 2 records are ordered, 1 of them are there"):
        rest.compose(batch([Version("A")]), orders([Version("A"), Version("B")]))
    assert service.heard == []


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        ("lost", "CUT_OFF"),
        ("cut", "CUT_OFF"),
        ("truncate", "CUT_OFF"),
        ("closed", "NO_RECEIPT"),
        ("large", "NO_RECEIPT"),
        ("packed", "NO_RECEIPT"),
        ("empty", "NO_RECEIPT"),
        ("other", "NO_RECEIPT"),
        ("500", "STATUS_500"),
        ("502", "STATUS_502"),
        ("202", "IN_PROGRESS"),
        ("409", "IN_PROGRESS"),
    ],
)
def test_without_a_whole_receipt_it_is_in_doubt_until_the_same_bytes_are_answered(
    service: Service, rest: RestTarget, trouble: str, code: str
) -> None:
    service.troubles.append(trouble)
    assert rest.send(KEY, MESSAGE) == Answer("in_doubt", code=code)
    kept = len(service.carried)
    again = rest.send(KEY, MESSAGE)
    assert again == Answer("unchanged", receipt="R-1") if kept else Answer("delivered", "insert", "R-1")
    assert service.carried == {KEY.hex(): 1}


@pytest.mark.parametrize("trouble", ["drip", "slow_head"])
def test_a_drip_ends_with_the_deadline(service: Service, authority: Authority, trouble: str) -> None:
    rest = opened(service, authority, deadline=1)
    service.troubles.append(trouble)
    begun = time.monotonic()
    assert rest.send(KEY, MESSAGE) == Answer("in_doubt", code="NO_ANSWER")
    assert 0.9 < time.monotonic() - begun < 1.5


@pytest.mark.parametrize("status", [400, 413, 422, 451])
def test_what_the_partner_refuses_is_held_with_its_status_and_none_of_its_words(
    service: Service, rest: RestTarget, status: int
) -> None:
    service.troubles.append(str(status))
    told = [Version("A", summary=CANARY)]
    answer = rest.send(KEY, rest.compose(batch(told), orders(told))[0])
    assert (answer.disposition, answer.problem and answer.problem.code) == ("held", "PARTNER_REFUSES")
    assert answer.problem is not None
    assert answer.problem.rule == f"status {status}"
    assert CANARY not in repr(answer)


@pytest.mark.parametrize(
    ("trouble", "kind", "code"),
    [
        ("401", Misconfigured, "PARTNER_DENIES"),
        ("403", Misconfigured, "PARTNER_DENIES"),
        ("301", Misconfigured, "REDIRECTED"),
        ("308", Misconfigured, "REDIRECTED"),
        ("404", Misconfigured, "NOT_THERE"),
        ("405", Misconfigured, "NOT_THERE"),
        ("429", TryLater, "PARTNER_BUSY"),
        ("503:3600", TryLater, "PARTNER_BUSY"),
    ],
)
def test_what_stops_all_messages_is_an_error_and_no_end_state(
    service: Service, rest: RestTarget, trouble: str, kind: type[BridgeError], code: str
) -> None:
    service.troubles.append(trouble)
    with pytest.raises(kind) as stopped:
        rest.send(KEY, MESSAGE)
    assert stopped.value.code == code
    assert len(service.heard) == 1


@pytest.mark.parametrize("trouble", ["503", "503:soon"])
def test_who_is_unavailable_and_names_no_time_may_have_done_it(
    service: Service, rest: RestTarget, trouble: str
) -> None:
    service.troubles.append(trouble)
    assert rest.send(KEY, MESSAGE) == Answer("in_doubt", code="STATUS_503")


def test_a_busy_partner_is_waited_for_as_long_as_it_asks(service: Service, rest: RestTarget) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    service.troubles.extend(["429:1", f"503:{moment}"])
    begun = time.monotonic()
    assert rest.send(KEY, MESSAGE).disposition == "delivered"
    assert 1 <= time.monotonic() - begun < 4
    assert service.carried == {KEY.hex(): 1}


def test_a_receipt_can_be_asked_for(service: Service, authority: Authority) -> None:
    rest = opened(service, authority, ask="/receipts/{key}")
    assert rest.asks
    assert rest.ask(KEY) is None
    service.troubles.append("cut")
    assert rest.send(KEY, MESSAGE).disposition == "in_doubt"
    service.troubles.append("500")
    assert rest.ask(KEY) == Answer("in_doubt", code="STATUS_500")
    assert rest.ask(KEY) == Answer("delivered", "insert", "R-1")
    assert service.heard[-1][1] == f"{PATH}/receipts/{KEY.hex()}"


def several(rest: RestTarget, *versions: Version) -> list[Answer] | None:
    messages = rest.compose(batch(versions), orders(versions))
    return rest.send_several([(one.idempotency, messages[row]) for row, one in enumerate(versions)])


def test_several_messages_go_in_one_request_and_each_has_its_answer(service: Service, authority: Authority) -> None:
    rest = opened(service, authority, batch="3")
    told = [Version("A"), Version("B", amount="-1"), Version("C")]
    assert rest.bundle == 3
    first = several(rest, *told)
    assert first is not None
    assert [(one.disposition, one.effect) for one in first] == [
        ("delivered", "insert"),
        ("held", None),
        ("delivered", "insert"),
    ]
    assert len(service.heard) == 1
    again = several(rest, *told)
    assert again is not None
    assert [one.disposition for one in again] == ["unchanged", "held", "unchanged"]
    assert rest.send(told[0].idempotency, rest.compose(batch(told), orders(told))[0]).disposition == "unchanged"
    assert set(service.carried.values()) == {1}
    assert all("Idempotency-Key" not in headers for _, _, headers, _ in service.heard)


@pytest.mark.parametrize(
    ("trouble", "codes"),
    [
        ("half", ["", "NO_RECEIPT", ""]),
        ("other", ["NO_RECEIPT"] * 3),
        ("empty", ["NO_RECEIPT"] * 3),
        ("cut", ["CUT_OFF"] * 3),
        ("lost", ["CUT_OFF"] * 3),
        ("500", ["STATUS_500"] * 3),
        ("202", ["IN_PROGRESS"] * 3),
    ],
)
def test_of_several_only_what_is_answered_for_is_delivered(
    service: Service, authority: Authority, trouble: str, codes: list[str]
) -> None:
    rest = opened(service, authority, batch="3")
    told = [Version("A"), Version("B"), Version("C")]
    service.troubles.append(trouble)
    answers = several(rest, *told)
    assert answers is not None
    assert [one.code or "" for one in answers] == codes
    assert [one.disposition for one in answers] == ["in_doubt" if code else "delivered" for code in codes]
    last = several(rest, *told)
    assert last is not None
    assert {one.disposition for one in last} <= {"delivered", "unchanged"}
    assert service.carried == {one.idempotency.hex(): 1 for one in told}


def test_several_that_are_refused_as_a_whole_go_alone(service: Service, authority: Authority) -> None:
    rest = opened(service, authority, batch="3")
    service.troubles.extend(["413", "422"])
    assert several(rest, Version("A"), Version("B")) is None
    alone = several(rest, Version("A"))
    assert alone is not None
    assert (alone[0].disposition, alone[0].problem and alone[0].problem.rule) == ("held", "status 422")
    service.troubles.append("503:3600")
    with pytest.raises(TryLater, match="PARTNER_BUSY"):
        several(rest, Version("A"), Version("B"))


def test_the_checkpoint_goes_with_each_request(service: Service, authority: Authority) -> None:
    note = "enforcement-bridge seals\n7\n\u2014 bridge x\n"
    rest = opened(service, authority, checkpoint=note)
    rest.send(KEY, MESSAGE)
    opened(service, authority).send(KEY, MESSAGE)
    (_, _, first, body), (_, _, second, same) = service.heard
    assert base64.b64decode(first["Bridge-Checkpoint"]).decode() == note
    assert "Bridge-Checkpoint" not in second
    assert body == same == MESSAGE, "what is sent again is the same"


def test_both_sides_show_certificates(authority: Authority, certificate: tuple[Path, Path]) -> None:
    mine, key = authority.sign("bridge")
    with serving(Service(certificate, clients=authority.pem)) as service:
        known = RestTarget(service.url(authority.pem, cert=mine, key=key), {}, SHAPE)
        assert known.send(KEY, MESSAGE).disposition == "delivered"
        told: Answer | None = None
        with suppress(TryLater):
            told = opened(service, authority).send(KEY[::-1], MESSAGE)
        assert told in (None, Answer("in_doubt", code="CUT_OFF"))  # its alert is lost where it closes upon it
        assert len(service.heard) == 1


def test_a_service_that_is_not_the_right_one_gets_nothing(
    service: Service, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Authority(tmp_path, "stranger")
    expired = authority.sign("expired", "localhost", days=-1)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(authority.pem))  # the environment cannot make us trust it
    with serving(Service(expired)) as late:
        for wrong in (
            opened(service, stranger),
            opened(service, authority, host="127.0.0.1"),
            opened(late, authority),
            RestTarget(f"https://localhost:{service.port}{PATH}", {}, SHAPE),
        ):
            with pytest.raises(TryLater, match="TLS_FAILED"):
                wrong.send(KEY, MESSAGE)
        assert service.heard == late.heard == []


def test_proxies_of_the_environment_are_not_used(
    service: Service, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert opened(service, authority).send(KEY, MESSAGE).disposition == "delivered"


@pytest.mark.parametrize(
    ("connection", "code"),
    [
        ("http://partner.example/v1", "BAD_CONNECTION"),
        ("https:///v1", "BAD_CONNECTION"),
        ("https://partner.example/v1?verify=false", "BAD_CONNECTION"),
        ("https://partner.example/v1?insecure=1", "BAD_CONNECTION"),
        ("https://partner.example/v1?cert=/tmp/a.pem", "BAD_CONNECTION"),
        ("https://partner.example/v1?ca=/nowhere/ca.pem", "NO_CERTIFICATE"),
    ],
)
def test_a_connection_without_verified_tls_is_refused(connection: str, code: str) -> None:
    secret = uuid4().hex
    with pytest.raises(Misconfigured) as refused:
        target(connection.replace("://", f"://officer:{secret}@"), {}, SHAPE)
    assert refused.value.code == code
    assert secret not in words(refused.value)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"ask": "/receipts"}, "BAD_OPTION"),
        ({"ask": "https://elsewhere/{key}"}, "BAD_OPTION"),
        ({"deadline": "0"}, "BAD_OPTION"),
        ({"deadline": "301"}, "BAD_OPTION"),
        ({"batch": "101"}, "BAD_OPTION"),
        ({"max_answer_bytes": "many"}, "BAD_OPTION"),
        ({"schema": "/nowhere.json"}, "BAD_SCHEMA"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_sent(options: dict[str, str], code: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        target("https://partner.example/v1", options, SHAPE)
    assert refused.value.code == code


def test_a_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(Misconfigured, match="BAD_CERTIFICATE"):
        target(f"https://partner.example?ca={tmp_path / 'ca.pem'}", {}, SHAPE)


@contextmanager
def proxied(service: Service, authority: Authority, **options: Any) -> Iterator[tuple[Proxy, RestTarget]]:
    proxy = Proxy("127.0.0.1", service.port)
    try:
        yield proxy, opened(service, authority, port=proxy.port, **options)
    finally:
        proxy.close()


def test_through_a_network_that_fails_nothing_is_lost_and_nothing_done_twice(
    service: Service, authority: Authority
) -> None:
    with proxied(service, authority, deadline=2) as (proxy, rest):
        proxy.make(Trouble.REFUSE)
        with pytest.raises(TryLater, match=r"SERVICE_AWAY|TLS_FAILED"):
            rest.send(KEY, MESSAGE)
        assert service.heard == []
        proxy.make(Trouble.NONE)
        for number, trouble in enumerate((Trouble.RESET, Trouble.TRUNCATE, Trouble.DRIP)):
            key = bytes([number]) * 32
            message = MESSAGE.replace(b'"A"', b'"%d"' % number)
            service.stored = lambda what=trouble: proxy.make(what)  # type: ignore[misc]
            first = rest.send(key, message)
            service.stored = lambda: None
            proxy.make(Trouble.NONE)
            if trouble is not Trouble.DRIP:  # which is slow, and whole in the end
                assert first.disposition == "in_doubt"
                assert first.code == "CUT_OFF"
            assert rest.send(key, message) == Answer("unchanged", receipt=f"R-{number + 1}")
        assert set(service.carried.values()) == {1}
        assert len(service.carried) == 3


def test_no_message_of_an_error_holds_what_was_sent(service: Service, rest: RestTarget) -> None:
    told = [Version("A", summary=CANARY)]
    message = rest.compose(batch(told), orders(told))[0]
    for trouble in ("401", "503:3600", "302"):
        service.troubles.append(trouble)
        with pytest.raises(BridgeError) as stopped:
            rest.send(KEY, message)
        assert CANARY not in words(stopped.value)
