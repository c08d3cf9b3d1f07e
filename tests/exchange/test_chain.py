"""Tamper evidence: whatever is changed after the seal is found, and named by its seal."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from bridge.checkpoint import Checkpoint
from bridge.exchange import Exchange
from tests.exchange.conftest import Query
from tests.exchange.samples import Version, collect, share


@pytest.fixture
def sealed(exchange: Exchange) -> Exchange:
    """Two collects and a share: three seals."""
    collect(exchange, [Version("S1", nominal='{"persons":[{}]}'), Version("S2")], 0)
    collect(exchange, [Version("S1", 1, "b")], 1)
    share(exchange)
    return exchange


def newest(sealed: Exchange) -> Checkpoint:
    found = sealed.checkpoint()
    assert found is not None
    return found


def test_what_nobody_changed_verifies(sealed: Exchange, query: Query) -> None:
    assert sealed.verify() == []
    assert sealed.verify(sealed.checkpoint()) == []
    assert query("SELECT number FROM exchange.seal ORDER BY 1") == [(1,), (2,), (3,)]


def test_an_outsider_can_follow_the_chain_with_nothing_but_sha256(sealed: Exchange, query: Query) -> None:
    head = bytes(32)
    for (manifest,) in query("SELECT manifest FROM exchange.seal ORDER BY number"):
        head = hashlib.sha256(head + hashlib.sha256(manifest.encode()).digest()).digest()
    assert head == newest(sealed).head


@pytest.mark.parametrize(
    ("harm", "number", "what"),
    [
        ("UPDATE exchange.intake SET disposition = 'unchanged' WHERE ordinal = 1", 1, "changed: intake"),
        ("UPDATE exchange.record_version SET content_hash = sha256('x') WHERE version = 2", 2, "changed: versions"),
        ("UPDATE exchange.record_version SET source_version = now() WHERE version = 2", 2, "changed: versions"),
        ("UPDATE exchange.delivery SET receipt = 'forged'", 3, "changed: deliveries"),
        ("DELETE FROM exchange.delivery WHERE version = 2", 3, "changed: deliveries"),
        ("UPDATE exchange.input SET sha256 = repeat('0', 64) WHERE name = 'cen-1.xml'", 2, "changed: inputs"),
        ("UPDATE exchange.run SET fingerprint = 'other' WHERE id = 2", 2, "changed: mapping"),
        ("UPDATE exchange.seal SET manifest = replace(manifest, 'cis', 'cen') WHERE number = 3", 3, "its manifest"),
        ("DELETE FROM exchange.seal WHERE number = 2", 3, "seal 2 is missing"),
        ("DELETE FROM exchange.seal WHERE number = 3", 3, "no seal"),
        ("UPDATE exchange.seal SET previous = sha256('x') WHERE number = 2", 2, "does not follow"),
    ],
)
def test_any_change_after_the_seal_is_found(sealed: Exchange, query: Query, harm: str, number: int, what: str) -> None:
    query(harm)
    flaw = sealed.verify()[0]
    assert flaw.number == number
    assert what in flaw.what


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE exchange.record_version SET payload = '{}' WHERE version = 2",
        "UPDATE exchange_nominal.payload_nominal SET payload = payload || 'x'",
        "DELETE FROM exchange_nominal.payload_nominal",
    ],
)
def test_a_document_that_is_not_the_accepted_one_is_found(exchange: Exchange, query: Query, harm: str) -> None:
    collect(exchange, [Version("S1", 0, "a")], 0)
    collect(exchange, [Version("S1", 1, "b", nominal='{"persons":[{}]}')], 1)
    assert exchange.verify() == []
    query(harm)
    (flaw,) = exchange.verify()
    assert (flaw.number, "is not the one that was accepted" in flaw.what) == (2, True)
    assert exchange.verify(contents=False) == []


def test_a_chain_rewritten_as_a_whole_is_found_by_a_checkpoint_kept_elsewhere(sealed: Exchange, query: Query) -> None:
    kept = newest(sealed)
    query("UPDATE exchange.delivery SET receipt = 'forged'")
    query("TRUNCATE exchange.seal")
    assert {flaw.what for flaw in sealed.verify()} == {"the run counts as sealed and has no seal"}
    assert sealed.verify(kept)[0].what == "the seal of the checkpoint is gone"
    for number in (2, 3, 4):
        collect(sealed, [], number)
    assert "the head is not the one of the checkpoint" in {flaw.what for flaw in sealed.verify(kept)}
    assert sealed.verify(replace(kept, number=9))[-4].what == "the seal of the checkpoint is gone"


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        ("UPDATE exchange.intake SET code = 'X' WHERE run_id = 1 AND ordinal = 1", "first at entry 2 of 2, now "),
        ("DELETE FROM exchange.intake WHERE run_id = 1 AND ordinal = 1", "first at entry 2 of 2, nothing is there now"),
        ("DELETE FROM exchange.intake WHERE run_id = 1 AND ordinal = 0", "first at entry 1 of 2, now "),
    ],
)
def test_the_first_entry_that_was_changed_is_named(sealed: Exchange, query: Query, harm: str, what: str) -> None:
    query(harm)
    assert what in sealed.verify()[0].what


def test_leaf_hashes_that_were_changed_are_found_and_accuse_no_entry(sealed: Exchange, query: Query) -> None:
    query("UPDATE exchange.segment SET leaves = set_byte(leaves, 5, (get_byte(leaves, 5) + 1) % 256) WHERE run_id = 1")
    (flaw,) = sealed.verify()
    assert flaw.what.startswith("the leaf hashes kept for its ")


def test_a_signature_must_be_there_and_be_the_keys(sealed: Exchange, query: Query) -> None:
    signer = newest(sealed).signer
    assert sealed.verify(signer=signer) == []
    assert {flaw.what for flaw in sealed.verify(signer=bytes(32))} == {"another key than the one given has signed it"}
    query("UPDATE exchange.seal SET signature = signature || 'x' WHERE number = 2")
    assert [(flaw.number, flaw.what) for flaw in sealed.verify()] == [(2, "its signature is not its own")]
    query("UPDATE exchange.seal SET signer = 'x' WHERE number = 2")
    assert [(flaw.number, flaw.what) for flaw in sealed.verify()] == [(2, "its signature is not its own")]


def test_verifying_writes_nothing(sealed: Exchange, query: Query) -> None:
    before = query("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables")
    sealed.verify(newest(sealed))
    assert query("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables") == before
