"""A partner that acknowledges each file is believed when it has, and only in the words that were agreed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.connector import Answer, Sending
from bridge.errors import Misconfigured, TryLater
from bridge.testing_target import CANARY, Partner, TargetConformance, words
from connectors.files import AcknowledgedTarget, target
from tests.connectors.acknowledging_partner import OPTIONS, acknowledging
from tests.connectors.acknowledging_partner import XSD as CASES
from tests.connectors.test_files_sftp import Served, served
from tests.connectors.test_files_target import SHAPE, WITHDRAW, XSD, Record, batch_of, ordered

KEY = bytes(range(32))
NAME = f"seizure-{KEY.hex()[:32]}.xml"
WAITS = Answer("in_doubt", code="NOT_ACKNOWLEDGED")


class TestAcknowledged(TargetConformance):
    versioned = fenced = counted = whole = telling = False

    @pytest.fixture
    def partner(self, tmp_path: Path) -> Iterator[Partner]:
        schema = tmp_path / "cases.xsd"
        schema.write_text(CASES)
        with acknowledging(tmp_path / "partner") as one:
            yield Partner(
                "connectors.files",
                os.fspath(one.folder),
                {**OPTIONS, "schema": os.fspath(schema)},
                one.held,
                marks=lambda: (one.held(), dict(one.carried)),
            )


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "partner"
    (folder / "acks").mkdir(parents=True)
    (tmp_path / "cen.xsd").write_text(XSD % "")
    return folder


def opened(drop: Path, connection: str = "", **acknowledge: Any) -> AcknowledgedTarget:
    """As another run would have it."""
    schema = os.fspath(drop.parent / "cen.xsd")
    said = {"schema": schema, "record": "/CEN/Seizure", "withdraw": WITHDRAW, "acknowledge": acknowledge}
    made = target(connection or os.fspath(drop), said, SHAPE)
    assert isinstance(made, AcknowledgedTarget)
    assert isinstance(made, Sending)
    return made


def message(made: AcknowledgedTarget, ref: str = "A", **told: Any) -> bytes:
    record: Record = {"@ref": ref, **told}
    return made.compose(batch_of([record]), ordered([record]))[0]


def test_each_order_is_a_document_of_its_own_with_what_it_does(drop: Path) -> None:
    made = opened(drop)
    records: list[Record] = [{"@ref": "A", "Goods/Item": [{"HS": "1"}]}, {"@ref": "B"}]
    told = ordered(records, ["insert", "update"], withdraw=("C",), recall=("D",))
    messages = made.compose(batch_of(records), told)
    assert messages == made.compose(batch_of(records), told)
    heads, documents = zip(*(one.split(b"\n", 1) for _, one in sorted(messages.items())), strict=True)
    assert [json.loads(one)["effect"] for one in heads] == ["insert", "update", "withdraw", "withdraw"]
    inside = [b'<Seizure ref="A"><Goods><Item><HS>1</HS></Item></Goods></Seizure>', b'<Seizure ref="B"/>']
    inside += [b'<Withdrawal ref="C"/>', b'<Withdrawal ref="D"/>']
    assert [one.splitlines()[2] for one in documents] == inside
    assert made.send(KEY, messages[1]) == WAITS
    assert names(drop) == {NAME, f"{NAME}.manifest.json"}
    assert (drop / NAME).read_bytes() == documents[1]
    manifest = json.loads((drop / f"{NAME}.manifest.json").read_bytes())
    assert (manifest["records"], manifest["updates"], manifest["file"]) == (1, 1, NAME)
    assert manifest["sha256"] == hashlib.sha256(documents[1]).hexdigest()


def names(drop: Path) -> set[str]:
    return {path.name for path in drop.iterdir() if path.is_file()}


def test_a_document_is_in_doubt_until_it_is_acknowledged_and_is_put_once(drop: Path) -> None:
    text = message(opened(drop))
    assert opened(drop).ask(KEY) is None
    assert opened(drop).send(KEY, text) == WAITS
    written = (drop / NAME).stat().st_mtime_ns
    assert opened(drop).send(KEY, text) == WAITS
    assert (drop / NAME).stat().st_mtime_ns == written
    assert opened(drop).ask(KEY) == WAITS
    (drop / f"{NAME}.manifest.json").unlink()  # as if we had died before it, and the partner seen nothing
    assert opened(drop).ask(KEY) is None
    assert opened(drop).send(KEY, text) == WAITS
    assert names(drop) == {NAME, f"{NAME}.manifest.json"}
    (drop / NAME).unlink()  # the partner has taken it, and not yet decided
    assert opened(drop).ask(KEY) == WAITS
    assert opened(drop).send(KEY, text) == WAITS
    assert not (drop / NAME).exists()
    (drop / f"{NAME}.ack").write_bytes(b"Accepted\n")
    receipt = f"{NAME}.ack sha256:{hashlib.sha256(b'Accepted' + bytes([10])).hexdigest()}"
    assert opened(drop).ask(KEY) == Answer("delivered", receipt=receipt)
    assert opened(drop).send(KEY, text) == Answer("unchanged", receipt=receipt)


@pytest.mark.parametrize(
    ("content", "options", "disposition", "told"),
    [
        (b"accepted", {}, "delivered", ""),
        (b"REFUSED E042 and more", {"reasons": ["E042", "E043"]}, "held", "e042"),
        (b"refused E042", {}, "held", ""),
        (b"refused", {}, "held", ""),
        (b"refused %s" % CANARY.encode(), {"reasons": "E042"}, "held", ""),
        (b"", {}, "in_doubt", "BAD_ACKNOWLEDGEMENT"),
        (b"perhaps", {}, "in_doubt", "BAD_ACKNOWLEDGEMENT"),
        (b"\xff\xfe", {}, "in_doubt", "BAD_ACKNOWLEDGEMENT"),
        (b"accepted" + b" " * 70_000, {}, "in_doubt", "BAD_ACKNOWLEDGEMENT"),
        (b'{"status": "ok", "code": null}', {"format": "json", "result": "status", "accepted": "ok"}, "delivered", ""),
        (
            b'{"status": "NOK", "code": "E042"}',
            {"format": "json", "result": "status", "reason": "code", "refused": ["nok"], "reasons": ["E042"]},
            "held",
            "e042",
        ),
        (b'{"result": "acc', {"format": "json"}, "in_doubt", "BAD_ACKNOWLEDGEMENT"),
        (b"[1]", {"format": "json"}, "in_doubt", "BAD_ACKNOWLEDGEMENT"),
        (b"[" * 100_000, {"format": "json"}, "in_doubt", "BAD_ACKNOWLEDGEMENT"),
        (b"yes", {"accepted": ["yes"], "refused": ["yes", "no"]}, "in_doubt", "BAD_ACKNOWLEDGEMENT"),
    ],
)
def test_only_what_was_agreed_is_believed_and_told(
    drop: Path, content: bytes, options: dict[str, Any], disposition: str, told: str
) -> None:
    made = opened(drop, folder="acks", suffix=".receipt", **options)
    made.send(KEY, message(made))
    (drop / "acks" / f"{NAME}.receipt").write_bytes(content)
    answer = opened(drop, folder="acks", suffix=".receipt", **options).ask(KEY)
    assert answer is not None
    assert answer.disposition == disposition
    if disposition == "held":
        assert answer.problem is not None
        assert (answer.problem.code, answer.problem.rule) == ("PARTNER_REFUSES", f"acknowledgement {told}".strip())
        assert CANARY.casefold() not in answer.problem.reason.casefold()
    else:
        assert (answer.code or "") == told
    if disposition != "in_doubt":
        assert answer.receipt == f"acks/{NAME}.receipt sha256:{hashlib.sha256(content).hexdigest()}"


def test_what_may_have_come_is_in_doubt_and_what_cannot_have_is_tried_later(drop: Path, tmp_path: Path) -> None:
    made = opened(drop)
    text = message(made)
    with pytest.MonkeyPatch.context() as patch:
        put, tried = made._place.put, []

        def late(draft: Path, name: str) -> None:
            tried.append(name)
            put(draft, name)
            if name.endswith(".manifest.json"):
                raise TryLater("SFTP_AWAY", "there", "the line broke when it was done", "wait")

        patch.setattr(made._place, "put", late)
        assert made.send(KEY, text) == Answer("in_doubt", code="NOT_CONFIRMED")
        assert tried == [NAME, f"{NAME}.manifest.json"]
    assert opened(drop).ask(KEY) == WAITS
    folder = tmp_path / "gone"
    folder.mkdir()
    gone = opened(drop, os.fspath(folder))
    folder.rmdir()
    with pytest.raises(TryLater, match="DROP_FOLDER"):
        gone.send(KEY, text)


def test_what_the_partners_schema_refuses_is_not_composed(drop: Path) -> None:
    with pytest.raises(Misconfigured, match="XSD_INVALID at batch 1: record 0: /CEN/Seizure/Place/Name") as refused:
        message(opened(drop), **{"Place/Name": CANARY + CANARY})
    assert CANARY not in words(refused.value)


@pytest.mark.parametrize(
    "said",
    [
        "yes",
        {"colour": "red"},
        {"format": "xml"},
        {"folder": "../acks"},
        {"folder": "/acks"},
        {"suffix": ""},
        {"suffix": ".manifest.json"},
        {"accepted": []},
        {"refused": {"no": "E042"}},
    ],
)
def test_a_wrong_declaration_is_refused_at_once(drop: Path, said: Any) -> None:
    options = {"schema": os.fspath(drop.parent / "cen.xsd"), "record": "/CEN/Seizure", "acknowledge": said}
    with pytest.raises(Misconfigured, match="BAD_OPTION at option acknowledge"):
        target(os.fspath(drop), options, SHAPE)


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        (one.folder / "acks").mkdir()
        yield one


def test_over_sftp_it_is_the_same(drop: Path, remote: Served) -> None:
    made = opened(drop, remote.url(), folder="acks")
    text = message(made)
    assert made.ask(KEY) is None
    assert made.send(KEY, text) == WAITS
    assert made.send(bytes(32), text) == WAITS
    assert (remote.folder / NAME).read_bytes() == text.partition(b"\n")[2]
    (remote.folder / "acks" / f"{NAME}.ack").write_bytes(b"refused")
    again = opened(drop, remote.url(), folder="acks")
    answer = again.ask(KEY)
    assert answer is not None
    assert (answer.disposition, answer.receipt) == (
        "held",
        f"acks/{NAME}.ack sha256:{hashlib.sha256(b'refused').hexdigest()}",
    )
    assert again.ask(bytes(32)) == WAITS


def test_each_of_many_records_stands_in_its_own_document(drop: Path) -> None:
    records: list[Record] = [{"@ref": str(n), "Goods/Item": [{"HS": "1"}, {"HS": "2"}]} for n in range(1000)]
    messages = opened(drop).compose(batch_of(records), ordered(records))
    assert [f'ref="{row}"'.encode() in one for row, one in messages.items()] == [True] * 1000
