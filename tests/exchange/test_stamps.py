"""Time stamps of seals, by an authority's genuine tokens: what is wrong with one is named, and what waits is told."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization

from bridge.exchange import Exchange
from bridge.stamps import BadStamp, authority, judge, request, trusted_roots
from tests.connectors.time_authority import REJECTION, Signer
from tests.exchange.conftest import Query
from tests.exchange.samples import Version, collect

NOW = datetime.now(UTC).replace(microsecond=0)
HEAD = hashlib.sha256(b"head").digest()


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
def chain(exchange: Exchange) -> Exchange:
    """Four seals, a day apart by what they say."""
    for day in range(4):
        collect(exchange, [Version(f"S{day}")], day)
    with exchange.engine.begin() as connection:
        asked = sa.text("UPDATE exchange.seal SET at = :now - (4 - number) * interval '1 day'")
        connection.execute(asked, {"now": NOW})
    return exchange


def heads(query: Query) -> dict[int, bytes]:
    return dict(query("SELECT number, head FROM exchange.seal"))


def test_a_genuine_answer_says_when_and_each_fault_is_named(signer: Signer) -> None:
    genuine = signer.stamp(HEAD, NOW, b"\x05")
    assert judge(genuine, HEAD, [signer.root], 5) == NOW
    for answer, head, nonce, why in (
        (genuine, HEAD[::-1], None, "is over another head"),
        (genuine, HEAD, 6, "answers another request"),
        (signer.stamp(HEAD, NOW), HEAD, 5, "answers another request"),
        (signer.stamp(HEAD, NOW, broken=True), HEAD, None, "a signature that does not hold"),
        (Signer("stranger").stamp(HEAD, NOW), HEAD, None, "not come from a trusted authority"),
        (signer.stamp(HEAD, NOW - timedelta(days=500)), HEAD, None, "not come from a trusted authority"),
        (REJECTION, HEAD, None, r"was not granted \(status 2\)"),
        (genuine[:-9], HEAD, None, "cannot be read"),
        (b"<html>", HEAD, None, "cannot be read"),
    ):
        with pytest.raises(BadStamp, match=why):
            judge(answer, head, [signer.root], nonce)


def test_no_changed_byte_changes_what_a_stamp_says(signer: Signer) -> None:
    """What no signature covers, such as a version beside it, may change; head and moment then stay as they were."""
    genuine = signer.stamp(HEAD, NOW)
    refused = 0
    for place in range(0, len(genuine), 2):
        changed = bytearray(genuine)
        changed[place] ^= 1 << place % 8
        try:
            assert judge(bytes(changed), HEAD, [signer.root]) == NOW
        except BadStamp:
            refused += 1
    assert refused > 0.45 * len(genuine)


CONFIGURATION = """
[tsa]
default_tsa = t
[t]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@pytest.mark.skipif(shutil.which("openssl") is None and not os.environ.get("CI"), reason="openssl is absent")
def test_openssl_as_the_authority_is_understood_both_ways(signer: Signer, tmp_path: Path) -> None:
    asked = request(bytes(32), HEAD)
    pem = serialization.Encoding.PEM
    key = signer.key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files = {
        "t.cnf": CONFIGURATION.encode(), "serial": b"01", "tsa.key": key, "q.tsq": asked.as_bytes(),
        "tsa.pem": signer.certificate.public_bytes(pem),
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    words = ["openssl", "ts", "-reply", "-config", "t.cnf", "-section", "t", "-queryfile", "q.tsq", "-out", "a.tsr"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    head = hashlib.sha256(bytes(32) + HEAD).digest()
    moment = judge((tmp_path / "a.tsr").read_bytes(), head, [signer.root], asked.nonce)
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_query_is_over_the_head_itself() -> None:
    asked = request(bytes(32), HEAD)
    assert asked.message_imprint.message == hashlib.sha256(bytes(32) + HEAD).digest()
    assert asked.nonce != request(bytes(32), HEAD).nonce
    assert asked.cert_req


def test_one_stamp_covers_all_seals_before_it(chain: Exchange, query: Query, signer: Signer) -> None:
    assert chain.waiting_for_stamps().overdue(NOW)
    head = chain.unstamped()
    assert head is not None
    assert hashlib.sha256(head.previous + head.manifest).digest() == head.head == heads(query)[4]
    chain.keep_stamp(head.number, signer.stamp(head.head, NOW))
    chain.keep_stamp(head.number, b"of another process, which was second")
    assert chain.unstamped() is None
    found = chain.verify_stamps([signer.root])
    assert (found.held, found.number, found.moment, found.flaws) == (1, 4, NOW, ())
    assert (found.late, found.waiting.seals, found.waiting.stamped) == (2, 0, 4)
    collect(chain, [Version("S9")], 9)
    assert chain.unstamped(timedelta(hours=1)) is None, "the last one came a moment ago"
    assert chain.unstamped() is not None
    assert (chain.waiting_for_stamps().first, chain.waiting_for_stamps().overdue(datetime.now(UTC))) == (5, False)


def test_a_stamp_older_than_a_seal_before_is_named(chain: Exchange, query: Query, signer: Signer) -> None:
    known = heads(query)
    for days, what in ((2.5, "older than that of seal 2"), (1.5, "and it says to be sealed at")):
        query("DELETE FROM exchange.stamp")
        chain.keep_stamp(2, signer.stamp(known[2], NOW - timedelta(days=2)))
        chain.keep_stamp(3, signer.stamp(known[3], NOW - timedelta(days=days)))
        found = chain.verify_stamps([signer.root])
        ((seal, run_id, said),) = found.flaws
        assert (seal, found.held) == (3, 1)
        assert query("SELECT number FROM exchange.seal WHERE run_id = %s", run_id) == [(3,)]
        assert what in said


def test_a_stamp_over_another_head_or_of_a_stranger_is_named(chain: Exchange, query: Query, signer: Signer) -> None:
    known = heads(query)
    chain.keep_stamp(1, signer.stamp(known[2], NOW))
    chain.keep_stamp(2, Signer("stranger").stamp(known[2], NOW))
    chain.keep_stamp(3, signer.stamp(known[3], NOW, broken=True))
    assert chain.verify() == [], "the seals hold all the while"
    found = chain.verify_stamps([signer.root])
    assert [(seal, said) for seal, _, said in found.flaws] == [
        (1, "its time stamp is over another head"),
        (2, "its time stamp does not come from a trusted authority"),
        (3, "its time stamp has a signature that does not hold"),
    ]
    assert found.held == 0
    query("DELETE FROM exchange.seal WHERE number = 2")
    assert (2, 0, "its time stamp is all that is left of it") in chain.verify_stamps([signer.root]).flaws


def test_who_seals_adds_stamps_and_changes_none(exchange: Exchange, query: Query) -> None:
    for number, role in enumerate(("collect", "share", "share_nominal"), 1):
        collect(exchange, [Version(f"S{number}")], number)
        query(f"SET ROLE bridge_{role}")
        query("INSERT INTO exchange.stamp (number, answer) VALUES (%s, '')", number)
        for change in ("UPDATE exchange.stamp SET answer = ''", "DELETE FROM exchange.stamp"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                query(change)


def test_there_is_no_authority_unless_one_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path))
    assert authority() is None
    monkeypatch.setenv("BRIDGE_CONN_TIMESTAMPS", "https://u:p@tsa.example/tsr?every=60&ca=a.pem&roots=r.pem")
    found = authority()
    assert found is not None
    assert (found.connection, found.roots, found.every) == (
        "https://u:p@tsa.example/tsr?ca=a.pem", Path("r.pem"), timedelta(hours=1),
    )  # fmt: skip
    for wrong in ("https://tsa.example/tsr", "https://tsa.example/tsr?roots=r.pem&every=-1"):
        monkeypatch.setenv("BRIDGE_CONN_TIMESTAMPS", wrong)
        with pytest.raises(Exception, match="BAD_CONNECTION"):
            authority()
    (tmp_path / "r.pem").write_text("rubbish", encoding="utf-8")
    for path in (tmp_path / "r.pem", tmp_path / "none.pem"):
        with pytest.raises(Exception, match="BAD_ROOTS"):
            trusted_roots(path)
