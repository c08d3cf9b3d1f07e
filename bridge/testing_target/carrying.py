"""What each order does at the partner: it comes, changes, goes, and the same again does nothing."""
# ruff: noqa: S101 - these are tests

from __future__ import annotations

from bridge.shape import Type
from bridge.testing_target.partner import Partner
from bridge.testing_target.promises import Promises
from bridge.testing_target.versions import SHAPE, Version, highest


class Carrying(Promises):
    """Promises about single orders."""

    def test_insert(self, partner: Partner) -> None:
        a, b = Version("A"), Version("B", goods=())
        target = partner.target()
        assert partner.deliver(a, b, by=target) == self.says("insert", "insert")
        assert partner.held() == highest([a, b])
        self.counts(target, 2)

    def test_nothing_to_do(self, partner: Partner) -> None:
        assert partner.deliver() == []
        assert partner.held() == {}

    def test_empty_fields_stay_empty(self, partner: Partner) -> None:
        empty, blank = Version("A", summary=None, amount=None), Version("B", summary="")
        partner.deliver(empty, blank)
        assert partner.held() == highest([empty, blank])

    def test_fields_of_the_live_partner(self, partner: Partner) -> None:
        told = {f.path: f.type for f in partner.target().fields()}
        assert {f.path for f in SHAPE} <= told.keys()
        assert told["amount"] is Type.DECIMAL

    def test_update_drops_what_the_correction_dropped(self, partner: Partner) -> None:
        first, second = Version("A", 1), Version("A", 2, summary="one box", amount="0", goods=("tobacco",))
        other = Version("B")
        partner.deliver(first, other)
        assert partner.deliver(second) == self.says("update")
        assert partner.held() == highest([second, other])

    def test_again_changes_nothing(self, partner: Partner) -> None:
        versions = [Version("A"), Version("B"), Version("C", goods=())]
        partner.deliver(*versions)
        before = partner.marks() if partner.marks else partner.held()
        assert partner.deliver(*versions) == ["unchanged"] * 3
        assert (partner.marks() if partner.marks else partner.held()) == before

    def test_withdraw(self, partner: Partner) -> None:
        gone, kept = Version("A"), Version("B")
        target = partner.target()
        partner.deliver(gone, kept, by=target)
        assert partner.deliver(Version("A", 2, withdraw=True), by=target) == self.says("withdraw")
        assert partner.held() == highest([kept])
        self.counts(target, 1)

    def test_one_batch_inserts_updates_and_withdraws(self, partner: Partner) -> None:
        partner.deliver(Version("A"), Version("B"), Version("D"))
        now = [Version("A", 2, withdraw=True), Version("B", 2, goods=("x", "y", "z")), Version("C"), Version("D")]
        assert partner.deliver(*now) == self.says("withdraw", "update", "insert", "unchanged")
        assert partner.held() == highest(now)

    def test_recall_takes_back_and_a_higher_version_comes_again(self, partner: Partner) -> None:
        gone, kept = Version("A", 1), Version("B", 1)
        target = partner.target()
        partner.deliver(gone, kept, by=target)
        assert partner.deliver(Version("A", 2, recall=True), by=target) == self.says("withdraw")
        assert partner.deliver(Version("A", 2, recall=True), by=target) == ["unchanged"]
        assert partner.held() == highest([kept])
        self.counts(target, 1)
        again = Version("A", 2, revision=2)
        assert partner.deliver(again, by=target) == self.says("insert")
        assert partner.deliver(again, by=target) == ["unchanged"]
        assert partner.held() == highest([again, kept])
        self.counts(target, 2)
