"""What happens when loaders meet, die or outlive their time, and when the partner or its schema refuses a record."""
# ruff: noqa: S101 - these are tests

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.connector import Sending
from bridge.errors import BridgeError, Stop
from bridge.testing_target.partner import PROCESSES, Partner, deliver_in_process, words
from bridge.testing_target.promises import Promises, promised
from bridge.testing_target.versions import CANARY, Version, highest


class Failing(Promises):
    """Promises that hold when something goes wrong."""

    @promised("versioned")
    def test_two_loaders_at_once(self, partner: Partner) -> None:
        keys = [f"K{i:02}" for i in range(40)]
        sent = [[Version(k, v, summary=f"version {v}") for k in keys] for v in (2, 1)]
        sent[1] = [*reversed(sent[1]), Version(keys[0], 3, withdraw=True)]
        effects: dict[int, list[str]] = {}
        start = threading.Barrier(len(sent))
        clash: list[BaseException] = []

        def load(number: int) -> None:
            target = partner.target()
            start.wait()
            try:
                effects[number] = partner.patiently(*sent[number], by=target)
            except BaseException as error:  # noqa: BLE001 - shown by the assertion below
                clash.append(error)

        threads = [threading.Thread(target=load, args=(n,)) for n in range(len(sent))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not clash, words(clash[0])
        assert partner.held() == highest(itertools.chain(*sent))
        claimed = [v.key for n, told in effects.items() for v, e in zip(sent[n], told, strict=True) if e == "insert"]
        assert len(claimed) == len(set(claimed)), "two loaders both say that they inserted a record"

    def test_as_many_batches_at_once_as_it_has_lanes(self, partner: Partner) -> None:
        target = partner.target()
        lanes = 1 if isinstance(target, Sending) else target.lanes
        batches = [[Version(f"{place}{number:02}") for number in range(10)] for place in "ABCDEF"]
        with ThreadPoolExecutor(lanes) as pool:
            effects = list(pool.map(lambda versions: partner.deliver(*versions, by=target), batches))
        assert effects == [self.says(*["insert"] * 10)] * len(batches)
        assert partner.held() == highest(itertools.chain(*batches))

    @promised("whole")
    def test_killed_in_the_middle_leaves_nothing(self, partner: Partner) -> None:
        stuck = partner.halfway
        if stuck is None:
            pytest.skip("this partner cannot hold a delivery up in its middle")
        before = Version("A", 1)
        partner.deliver(before)
        versions = [Version("A", 2, summary="changed", goods=("z",)), *(Version(f"N{i}") for i in range(50))]
        about = (partner.module, partner.connection, dict(partner.options))
        process = PROCESSES.Process(target=deliver_in_process, args=(about, versions))
        with stuck() as until_stuck:
            process.start()
            until_stuck()
            process.kill()
            process.join()
        assert process.exitcode == -9, "the delivery had ended before it was killed"
        assert partner.held() == highest([before])
        effects = partner.patiently(*versions)
        assert effects == self.says("update", *["insert"] * 50)
        assert partner.held() == highest(versions)

    @promised("fenced")
    def test_past_epoch_is_refused(self, partner: Partner) -> None:
        zombie, heir = partner.target(), partner.target()
        zombie.epoch, heir.epoch = 1, 2  # type: ignore[union-attr]
        partner.deliver(Version("A", 1), by=zombie)
        partner.deliver(Version("A", 2, summary="heir's"), by=heir)
        with pytest.raises(Stop) as refused:
            partner.deliver(Version("A", 3, summary="zombie's"), Version("B"), by=zombie)
        assert refused.value.code == "STALE_EPOCH"
        assert partner.held() == highest([Version("A", 2, summary="heir's")])
        partner.deliver(Version("B"), by=heir)
        assert partner.held() == highest([Version("A", 2, summary="heir's"), Version("B")])

    @promised("whole")
    def test_refusal_names_no_value_and_changes_nothing(self, partner: Partner) -> None:
        good = Version("A", 1)
        partner.deliver(good)
        bad = [Version("A", 2, summary="changed"), Version("B", summary=CANARY, amount="-1", goods=(CANARY,))]
        with pytest.raises(BridgeError) as refused:
            partner.deliver(*bad)
        assert CANARY not in words(refused.value)
        assert partner.held() == highest([good])

    @promised("whole", made=False)
    def test_refusal_holds_one_and_the_rest_arrives(self, partner: Partner) -> None:
        good, other = Version("A"), Version("C")
        bad = Version("B", summary=CANARY, amount="-1", goods=(CANARY,))
        assert partner.deliver(good, bad, other) == self.says("insert", "held", "insert")
        assert partner.deliver(bad) == ["held"]
        assert partner.held() == highest([good, other])
        mended = Version("B", 2)
        assert partner.deliver(mended) == self.says("insert")
        assert partner.held() == highest([good, mended, other])

    def test_value_that_does_not_fit_is_refused_by_column_name(self, partner: Partner) -> None:
        for wrong in (
            Version("A", summary=CANARY + "x" * 300),
            Version("A", amount="1e5"),
            Version("A", summary="a\0b"),
        ):
            with pytest.raises(BridgeError) as refused:
                partner.deliver(wrong)
            assert CANARY not in words(refused.value)
            assert "amount" in str(refused.value) or "summary" in str(refused.value)
        assert partner.held() == {}
