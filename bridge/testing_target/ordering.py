"""Which version stands at the partner, in whatever order versions come."""
# ruff: noqa: S101 - these are tests

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bridge.testing_target.partner import Partner
from bridge.testing_target.promises import Promises, promised
from bridge.testing_target.versions import Version, any_version, highest

_numbers = itertools.count(1)
# The partner is not emptied between examples, each has keys of its own; and every class that inherits is one executor.
_SHUFFLES = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],  # to shrink through a partner takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class Ordering(Promises):
    """Promises about the order of versions."""

    @promised("versioned")
    def test_older_version_is_superseded(self, partner: Partner) -> None:
        new, old = Version("A", 2, summary="new"), Version("A", 1, summary="old")
        partner.deliver(new)
        assert partner.deliver(old) == ["superseded"]
        assert partner.held() == highest([new])

    @promised("versioned")
    def test_newer_version_with_the_same_content_is_unchanged_and_outranks(self, partner: Partner) -> None:
        first, same, between = Version("A", 1), Version("A", 3), Version("A", 2, summary="between")
        partner.deliver(first)
        assert partner.deliver(same) == ["unchanged"]
        assert partner.deliver(between) == ["superseded"]
        assert partner.held() == highest([first])

    @promised("versioned")
    def test_mapping_revision_orders_within_a_version(self, partner: Partner) -> None:
        first, mended = Version("A", 5, summary="was"), Version("A", 5, summary="mended", revision=2)
        partner.deliver(first)
        assert partner.deliver(mended) == self.says("update")
        assert partner.deliver(first) == ["superseded"]
        assert partner.held() == highest([mended])

    @promised("versioned")
    def test_tombstone_is_for_ever(self, partner: Partner) -> None:
        partner.deliver(Version("A", 1), Version("B", 1))
        partner.deliver(Version("A", 2, withdraw=True))
        assert partner.deliver(Version("A", 1), Version("A", 9, summary="late")) == ["superseded"] * 2
        assert partner.held() == highest([Version("B", 1)])

    @promised("versioned")
    def test_withdrawal_before_the_record(self, partner: Partner) -> None:
        for _ in range(2):
            assert partner.deliver(Version("A", 1, withdraw=True)) == ["unchanged"]
        assert partner.deliver(Version("A", 2)) == ["superseded"]
        assert partner.held() == {}

    @promised("versioned")
    def test_recall_stands_among_the_versions_as_any_other(self, partner: Partner) -> None:
        partner.deliver(Version("A", 3), Version("B", 1))
        recalls = [Version("A", 2, recall=True), Version("B", 2, recall=True), Version("C", 2, recall=True)]
        assert partner.deliver(*recalls) == self.says("superseded", "withdraw", "unchanged")
        late = [Version("B", 1), Version("C", 1)]
        assert partner.deliver(*late, *recalls[1:]) == ["superseded"] * 2 + ["unchanged"] * 2
        assert partner.held() == highest([Version("A", 3)])
        assert partner.deliver(Version("C", 3), Version("B", 3, recall=True)) == self.says("insert", "unchanged")
        assert partner.held() == highest([Version("A", 3), Version("C", 3)])

    @promised("versioned")
    def test_tombstone_covers_a_recall(self, partner: Partner) -> None:
        partner.deliver(Version("A", 1))
        partner.deliver(Version("A", 9, recall=True))
        assert partner.deliver(Version("A", 2, withdraw=True)) == ["unchanged"]
        assert partner.deliver(Version("A", 10), Version("A", 11, recall=True)) == ["superseded"] * 2
        assert partner.held() == {}

    @promised("whole")
    def test_one_key_many_times_in_a_batch(self, partner: Partner) -> None:
        versions = [
            Version("A", 1),
            Version("A", 3, summary="last"),
            Version("B"),
            Version("A", 2),
            Version("A", 3, summary="last"),
        ]
        effects = partner.deliver(*versions)
        assert sorted(effects) == sorted(self.says("insert", "insert", "superseded", "superseded", "unchanged"))
        assert [effects[place] for place in (0, 2, 3)] == self.says("superseded", "insert", "superseded")
        assert partner.held() == highest(versions)

    @promised("versioned")
    @_SHUFFLES
    @given(data=st.data())
    def test_any_order_ends_the_same(self, partner: Partner, data: st.DataObject) -> None:
        before = dict(partner.held())
        name = f"S{next(_numbers)}-"
        version = any_version(name + "A", name + "B", name + "C")
        versions = data.draw(st.lists(version, min_size=1, max_size=10))
        shuffled = data.draw(st.permutations(versions + versions[: data.draw(st.integers(0, 3))]))
        cuts = sorted(data.draw(st.sets(st.integers(1, len(shuffled)), max_size=4)))
        for start, end in itertools.pairwise([0, *cuts, len(shuffled)]):
            partner.deliver(*shuffled[start:end])
        assert partner.held() == {**before, **highest(versions)}
