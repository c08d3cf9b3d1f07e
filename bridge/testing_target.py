"""What every Target must do, as tests to inherit.

    class TestMine(TargetConformance):
        @pytest.fixture
        def partner(self) -> Partner: ...

The suite brings its own records (``SHAPE``): a key, a few typed fields and one
list. A target that promises less says so in a class attribute, and the tests of that
promise are not among its tests.
"""
# ruff: noqa: S101 - these are tests

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, ClassVar, TypeVar

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.connector import ORDERS, RECEIPTS, Sending, Target
from bridge.errors import BridgeError, Stop, TryLater
from bridge.shape import Field, Shape, Type, shape_of

SHAPE = shape_of(
    "conformance",
    [
        Field("", "case_reference", Type.TEXT, required=True, max_length=64),
        Field("", "summary", Type.TEXT, max_length=200),
        Field("", "amount", Type.DECIMAL, scale=4),
        Field("", "seized_on", Type.DATE),
        Field("", "changed_at", Type.DATETIME),
        Field("", "declared", Type.BOOLEAN),
        Field("goods", "line", Type.INTEGER, required=True),
        Field("goods", "description", Type.TEXT, max_length=200),
        Field("goods", "quantity", Type.DECIMAL, scale=6),
        Field("goods", "seals", Type.LIST),
    ],
)
"""The partner's tables or schema in the tests have these fields and refuse a negative ``amount``."""

CANARY = "Zebedee Canary-Quill"
"""An invented name that must turn up in no error."""
_DAY = datetime(2025, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)

Held = Mapping[str, tuple[Any, ...]]
"""All that the partner holds: by key (summary, amount, [(line, description), ...])."""


@dataclass(frozen=True)
class Version:
    """One version of one record, as the exchange would send it."""

    key: str
    version: int = 1
    summary: str | None = "two boxes of cigarettes"
    amount: str | None = "12.5"
    goods: tuple[str, ...] = ("cigarettes", "tobacco")
    withdraw: bool = False
    revision: int = 1
    recall: bool = False

    @property
    def gone(self) -> bool:
        """The partner holds nothing of the record while this version stands."""
        return self.withdraw or self.recall

    @property
    def content(self) -> bytes:
        told = () if self.gone else (self.summary, self.amount, self.goods)
        return hashlib.sha256(repr(told).encode()).digest()

    @property
    def order(self) -> tuple[Any, ...]:
        return (self.withdraw, self.version, self.revision, self.content, self.recall)

    @property
    def idempotency(self) -> bytes:
        return hashlib.sha256(repr((self.key, self.order)).encode()).digest()

    @property
    def held(self) -> tuple[Any, ...]:
        return (self.summary, self.amount, [(i, name) for i, name in enumerate(self.goods, 1)])


@dataclass
class Partner:
    """A partner in the tests.

    Args:
        module: the connector, such as connectors.sql; a target is made by its ``target`` function.
        held: a full scan of what the partner holds, past the target.
        marks: something that moves whenever a row at the partner is written, such as all xmin; None if it has none.
        halfway: while it is entered, a delivery gets stuck in the middle of its work; None if that cannot be.
    """

    module: str
    connection: str
    options: Mapping[str, Any]
    held: Callable[[], Held]
    marks: Callable[[], Any] | None = None
    halfway: Callable[[], AbstractContextManager[Callable[[], None]]] | None = None
    _shape: Shape = field(default=SHAPE)

    def target(self) -> Target | Sending:
        """A new target, as another process would have it."""
        made: Target | Sending = import_module(self.module).target(self.connection, self.options, self._shape)
        return made


def orders(versions: Sequence[Version], first: int = 0) -> pa.Table:
    """ORDERS for these versions; their _row counts from ``first``."""
    rows = [
        (
            first + i,
            v.key,
            v.withdraw,
            v.recall,
            _DAY + timedelta(hours=v.version),
            v.revision,
            v.content,
            v.idempotency,
        )
        for i, v in enumerate(versions)
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(ORDERS)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, ORDERS, strict=True)], schema=ORDERS)


def batch(versions: Sequence[Version], first: int = 0) -> Batch:
    """The batch that belongs to ``orders``: a version that takes the record back has no row in it."""
    kept = [(first + i, v) for i, v in enumerate(versions) if not v.gone]
    root = pa.table(
        {
            ROW: pa.array([i for i, _ in kept], pa.int64()),
            POSITION: pa.nulls(len(kept), pa.int64()),
            "case_reference": pa.array([v.key for _, v in kept], pa.string()),
            "summary": pa.array([v.summary for _, v in kept], pa.string()),
            "amount": pa.array([v.amount for _, v in kept], pa.string()),
            "seized_on": pa.array(["2025-03-09" for _ in kept], pa.string()),
            "changed_at": pa.array(["2025-03-09T12:00:00.25Z" for _ in kept], pa.string()),
            "declared": pa.array([v.version % 2 == 0 for _, v in kept], pa.bool_()),
        }
    )
    lines = [(i, n, name) for i, v in kept for n, name in enumerate(v.goods)]
    goods = pa.table(
        {
            ROW: pa.array([i for i, _, _ in lines], pa.int64()),
            INDEX: pa.array([n for _, n, _ in lines], pa.int64()),
            "line": pa.array([n + 1 for _, n, _ in lines], pa.int64()),
            "description": pa.array([name for _, _, name in lines], pa.string()),
            "quantity": pa.array(["0.125" for _ in lines], pa.string()),
            "seals": pa.array([["a", "b c", 'd"e'] if n == 0 else None for _, n, _ in lines], pa.list_(pa.string())),
        }
    )
    return Batch({ROOT: root, "goods": goods}, "conformance", "0" * 64)


def deliver(target: Target | Sending, *versions: Version) -> list[str]:
    """Deliver in one batch; effects in the order given."""
    if isinstance(target, Sending):
        return _sent(target, versions)
    receipts = target.deliver(batch(versions), orders(versions))
    assert receipts.schema == RECEIPTS
    assert sorted(receipts["_row"].to_pylist()) == list(range(len(versions)))
    assert all(receipts["receipt"].to_pylist())
    return [row["effect"] for row in sorted(receipts.to_pylist(), key=lambda row: row["_row"])]


def _sent(target: Sending, versions: Sequence[Version]) -> list[str]:
    """What the partner says of each version's message, sent one after the other."""
    messages = target.compose(batch(versions), orders(versions))
    assert sorted(messages) == list(range(len(versions)))
    answers = [target.send(version.idempotency, messages[row]) for row, version in enumerate(versions)]
    assert all(answer.receipt for answer in answers)
    return [str(answer.effect if answer.disposition == "delivered" else answer.disposition) for answer in answers]


def highest(versions: Iterable[Version]) -> Held:
    """What the partner must hold after these versions, in whatever order and number they came."""
    last: dict[str, Version] = {}
    for v in versions:
        if v.key not in last or v.order > last[v.key].order:
            last[v.key] = v
    return {key: v.held for key, v in last.items() if not v.gone}


def words(error: BaseException) -> str:
    """All that a handler of the error could print: the trace, and every error that it hangs on."""
    told = ["".join(traceback.format_exception(error))]
    seen: list[BaseException | None] = [error]
    while (last := seen.pop()) is not None:
        told += [str(last), repr(last), repr(last.args)]
        seen += [e for e in (last.__cause__, last.__context__) if e is not None] or [None]
    return "\n".join(told)


def _patiently(target: Target | Sending, versions: Sequence[Version]) -> list[str]:
    """As an orchestrator would: again while the other side is busy, or a killed one's session is cleared away."""
    for _ in range(20):
        with suppress(TryLater):
            return deliver(target, *versions)
    raise AssertionError("the partner never came back")


def deliver_in_process(partner: tuple[str, str, Mapping[str, Any]], versions: Sequence[Version]) -> None:
    """Deliver to (module, connection, options) in a process of its own, to be killed or frozen."""
    module, connection, options = partner
    deliver(import_module(module).target(connection, options, SHAPE), *versions)


# Started clean, with the imports done: neither our threads nor our connections are in the process that gets killed.
Test = TypeVar("Test", bound=Callable[..., None])
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__, "connectors.sql"])

# The partner is not emptied between examples, each has keys of its own; and every class that inherits is one executor.
_SHUFFLES = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],  # to shrink through a partner takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


def promised(name: str) -> Callable[[Test], Test]:
    """Marks a test of a promise that a target may not make: the class attribute of this name says."""

    def mark(test: Test) -> Test:
        test.promise = name  # type: ignore[attr-defined]
        return test

    return mark


def any_version(*keys: str) -> st.SearchStrategy[Version]:
    """Versions of records with these keys: corrections, withdrawals and recalls among them."""
    return st.builds(
        Version,
        key=st.sampled_from(keys),
        version=st.integers(1, 4),
        summary=st.sampled_from(["one", "two"]),
        goods=st.sampled_from([(), ("a",), ("a", "b")]),
        withdraw=st.sampled_from([*[False] * 7, True]),
        revision=st.integers(1, 2),
        recall=st.sampled_from([False, False, True]),
    )


class TargetConformance:
    """Promises of a Target, each a test."""

    versioned: ClassVar[bool] = True
    """The partner's side knows versions: late and repeated ones change nothing, a withdrawn key stays away, a recalled
    one until a higher version comes."""
    fenced: ClassVar[bool] = True
    """The target has ``loader`` and ``epoch`` and refuses a past one."""
    counted: ClassVar[bool] = True
    """The partner can say how many records of ours it holds."""
    whole: ClassVar[bool] = True
    """A batch is carried out as a whole or not at all."""

    def __init_subclass__(cls) -> None:
        """Leave out the tests of what this target does not promise: a skipped one would be noise in every run."""
        for name, test in list(vars(TargetConformance).items()):
            if hasattr(test, "promise") and not getattr(cls, test.promise):
                setattr(cls, name, None)

    @pytest.fixture
    def partner(self) -> Partner:
        """The partner under test, empty; each subclass gives its own."""
        pytest.fail("a conformance test gives the partner")

    def test_insert(self, partner: Partner) -> None:
        a, b = Version("A"), Version("B", goods=())
        target = partner.target()
        assert deliver(target, a, b) == ["insert", "insert"]
        assert partner.held() == highest([a, b])
        if self.counted:
            assert not isinstance(target, Sending)
            assert target.count() == 2

    def test_nothing_to_do(self, partner: Partner) -> None:
        assert deliver(partner.target()) == []
        assert partner.held() == {}

    def test_empty_fields_stay_empty(self, partner: Partner) -> None:
        empty, blank = Version("A", summary=None, amount=None), Version("B", summary="")
        deliver(partner.target(), empty, blank)
        assert partner.held() == highest([empty, blank])

    def test_fields_of_the_live_partner(self, partner: Partner) -> None:
        told = {f.path: f.type for f in partner.target().fields()}
        assert {f.path for f in SHAPE} <= told.keys()
        assert told["amount"] is Type.DECIMAL

    def test_update_drops_what_the_correction_dropped(self, partner: Partner) -> None:
        first, second = Version("A", 1), Version("A", 2, summary="one box", amount="0", goods=("tobacco",))
        other = Version("B")
        deliver(partner.target(), first, other)
        assert deliver(partner.target(), second) == ["update"]
        assert partner.held() == highest([second, other])

    def test_again_changes_nothing(self, partner: Partner) -> None:
        versions = [Version("A"), Version("B"), Version("C", goods=())]
        deliver(partner.target(), *versions)
        before = partner.marks() if partner.marks else partner.held()
        assert deliver(partner.target(), *versions) == ["unchanged"] * 3
        assert (partner.marks() if partner.marks else partner.held()) == before

    def test_withdraw(self, partner: Partner) -> None:
        gone, kept = Version("A"), Version("B")
        target = partner.target()
        deliver(target, gone, kept)
        assert deliver(target, Version("A", 2, withdraw=True)) == ["withdraw"]
        assert partner.held() == highest([kept])
        if self.counted:
            assert not isinstance(target, Sending)
            assert target.count() == 1

    def test_one_batch_inserts_updates_and_withdraws(self, partner: Partner) -> None:
        deliver(partner.target(), Version("A"), Version("B"), Version("D"))
        now = [Version("A", 2, withdraw=True), Version("B", 2, goods=("x", "y", "z")), Version("C"), Version("D")]
        assert deliver(partner.target(), *now) == ["withdraw", "update", "insert", "unchanged"]
        assert partner.held() == highest(now)

    @promised("versioned")
    def test_older_version_is_superseded(self, partner: Partner) -> None:
        new, old = Version("A", 2, summary="new"), Version("A", 1, summary="old")
        deliver(partner.target(), new)
        assert deliver(partner.target(), old) == ["superseded"]
        assert partner.held() == highest([new])

    @promised("versioned")
    def test_newer_version_with_the_same_content_is_unchanged_and_outranks(self, partner: Partner) -> None:
        first, same, between = Version("A", 1), Version("A", 3), Version("A", 2, summary="between")
        deliver(partner.target(), first)
        assert deliver(partner.target(), same) == ["unchanged"]
        assert deliver(partner.target(), between) == ["superseded"]
        assert partner.held() == highest([first])

    @promised("versioned")
    def test_mapping_revision_orders_within_a_version(self, partner: Partner) -> None:
        first, mended = Version("A", 5, summary="was"), Version("A", 5, summary="mended", revision=2)
        deliver(partner.target(), first)
        assert deliver(partner.target(), mended) == ["update"]
        assert deliver(partner.target(), first) == ["superseded"]
        assert partner.held() == highest([mended])

    @promised("versioned")
    def test_tombstone_is_for_ever(self, partner: Partner) -> None:
        deliver(partner.target(), Version("A", 1), Version("B", 1))
        deliver(partner.target(), Version("A", 2, withdraw=True))
        assert deliver(partner.target(), Version("A", 1), Version("A", 9, summary="late")) == ["superseded"] * 2
        assert partner.held() == highest([Version("B", 1)])

    @promised("versioned")
    def test_withdrawal_before_the_record(self, partner: Partner) -> None:
        assert deliver(partner.target(), Version("A", 1, withdraw=True)) == ["withdraw"]
        assert deliver(partner.target(), Version("A", 1, withdraw=True)) == ["unchanged"]
        assert deliver(partner.target(), Version("A", 2)) == ["superseded"]
        assert partner.held() == {}

    def test_recall_takes_back_and_a_higher_version_comes_again(self, partner: Partner) -> None:
        gone, kept = Version("A", 1), Version("B", 1)
        target = partner.target()
        deliver(target, gone, kept)
        assert deliver(target, Version("A", 2, recall=True)) == ["withdraw"]
        assert deliver(target, Version("A", 2, recall=True)) == ["unchanged"]
        assert partner.held() == highest([kept])
        if self.counted:
            assert not isinstance(target, Sending)
            assert target.count() == 1
        again = Version("A", 2, revision=2)
        assert deliver(target, again) == ["insert"]
        assert deliver(target, again) == ["unchanged"]
        assert partner.held() == highest([again, kept])
        if self.counted:
            assert not isinstance(target, Sending)
            assert target.count() == 2

    @promised("versioned")
    def test_recall_stands_among_the_versions_as_any_other(self, partner: Partner) -> None:
        deliver(partner.target(), Version("A", 3), Version("B", 1))
        recalls = [Version("A", 2, recall=True), Version("B", 2, recall=True), Version("C", 2, recall=True)]
        assert deliver(partner.target(), *recalls) == ["superseded", "withdraw", "withdraw"]
        late = [Version("B", 1), Version("C", 1)]
        assert deliver(partner.target(), *late, *recalls[1:]) == ["superseded"] * 2 + ["unchanged"] * 2
        assert partner.held() == highest([Version("A", 3)])
        assert deliver(partner.target(), Version("C", 3), Version("B", 3, recall=True)) == ["insert", "withdraw"]
        assert partner.held() == highest([Version("A", 3), Version("C", 3)])

    @promised("versioned")
    def test_tombstone_covers_a_recall(self, partner: Partner) -> None:
        deliver(partner.target(), Version("A", 1))
        deliver(partner.target(), Version("A", 9, recall=True))
        assert deliver(partner.target(), Version("A", 2, withdraw=True)) == ["withdraw"]
        assert deliver(partner.target(), Version("A", 10), Version("A", 11, recall=True)) == ["superseded"] * 2
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
        effects = deliver(partner.target(), *versions)
        assert sorted(effects) == ["insert", "insert", "superseded", "superseded", "unchanged"]
        assert (effects[0], effects[2], effects[3]) == ("superseded", "insert", "superseded")
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
            deliver(partner.target(), *shuffled[start:end])
        assert partner.held() == {**before, **highest(versions)}

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
                effects[number] = _patiently(target, sent[number])
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
            effects = list(pool.map(lambda versions: deliver(target, *versions), batches))
        assert effects == [["insert"] * 10] * len(batches)
        assert partner.held() == highest(itertools.chain(*batches))

    @promised("whole")
    def test_killed_in_the_middle_leaves_nothing(self, partner: Partner) -> None:
        stuck = partner.halfway
        if stuck is None:
            pytest.skip("this partner cannot hold a delivery up in its middle")
        before = Version("A", 1)
        deliver(partner.target(), before)
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
        effects = _patiently(partner.target(), versions)
        assert effects == ["update", *["insert"] * 50]
        assert partner.held() == highest(versions)

    @promised("fenced")
    def test_past_epoch_is_refused(self, partner: Partner) -> None:
        zombie, heir = partner.target(), partner.target()
        zombie.epoch, heir.epoch = 1, 2  # type: ignore[union-attr]
        deliver(zombie, Version("A", 1))
        deliver(heir, Version("A", 2, summary="heir's"))
        with pytest.raises(Stop) as refused:
            deliver(zombie, Version("A", 3, summary="zombie's"), Version("B"))
        assert refused.value.code == "STALE_EPOCH"
        assert partner.held() == highest([Version("A", 2, summary="heir's")])
        deliver(heir, Version("B"))
        assert partner.held() == highest([Version("A", 2, summary="heir's"), Version("B")])

    @promised("whole")
    def test_refusal_names_no_value_and_changes_nothing(self, partner: Partner) -> None:
        good = Version("A", 1)
        deliver(partner.target(), good)
        bad = [Version("A", 2, summary="changed"), Version("B", summary=CANARY, amount="-1", goods=(CANARY,))]
        with pytest.raises(BridgeError) as refused:
            deliver(partner.target(), *bad)
        assert CANARY not in words(refused.value)
        assert partner.held() == highest([good])

    def test_value_that_does_not_fit_is_refused_by_column_name(self, partner: Partner) -> None:
        for wrong in (
            Version("A", summary=CANARY + "x" * 300),
            Version("A", amount="1e5"),
            Version("A", summary="a\0b"),
        ):
            with pytest.raises(BridgeError) as refused:
                deliver(partner.target(), wrong)
            assert CANARY not in words(refused.value)
            assert "amount" in str(refused.value) or "summary" in str(refused.value)
        assert partner.held() == {}
