"""What every Source must do, as tests to inherit.

    class TestMine(SourceConformance):
        @pytest.fixture
        def supply(self) -> Supply: ...

``supply`` is the connector's own way to put records where its source looks for
them. A source that cannot meet a record it cannot read, such as a table, says
so with ``refuses = False``; the test of it is then not there, rather than
passing for nothing.
"""
# ruff: noqa: S101 - these are tests

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from bridge.batch import INDEX, POSITION, ROOT, ROW, Batch
from bridge.connector import Input, Source, Window

DAY = Window(datetime(2025, 3, 9, tzinfo=UTC), datetime(2025, 3, 10, tzinfo=UTC))
NOON = DAY.since + timedelta(hours=12)
BROKEN = "broken"


class Supply(Protocol):
    """A source and the means to fill it."""

    source: Source
    reference: str
    """Name of the record's field that holds the reference given to put()."""

    def put(self, references: Sequence[str], arrival: datetime) -> None:
        """Add one input with a record for each reference, in that order, that arrives then.

        The record of a reference that begins with BROKEN is written so that it cannot be read.
        """
        ...

    def state(self) -> object:
        """All that the source holds, comparable: reading must leave it as it is."""
        ...


class SourceConformance:
    """The promises of bridge.connector.Source."""

    refuses: ClassVar[bool] = True
    """Whether a single record can be one that cannot be read."""
    many: ClassVar[int] = 60_000
    """So many records do not fit one batch."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not cls.refuses:
            cls.test_a_record_that_cannot_be_read_stops_no_other = None  # type: ignore[method-assign, assignment]

    def test_records_come_in_order_and_numbers_run_on(self, supply: Supply, tmp_path: Path) -> None:
        wanted = _references(self.many)
        supply.put(wanted, NOON)
        (fetched,) = _fetch(supply, tmp_path)
        batches = list(supply.source.read(fetched))
        assert [row for batch in batches for row in batch.rows().to_pylist()] == list(range(self.many))
        assert _read(supply, batches) == wanted
        positions = [place for batch in batches for place in batch.root.column(POSITION).to_pylist()]
        assert positions == [None] * self.many or (None not in positions and positions == sorted(set(positions)))
        for batch in batches:
            assert (batch.where, batch.sha256) == (fetched.name, fetched.sha256)

    def test_no_batch_holds_a_large_input_whole(self, supply: Supply, tmp_path: Path) -> None:
        supply.put(_references(self.many), NOON)
        (fetched,) = _fetch(supply, tmp_path)
        sizes = [len(batch) for batch in supply.source.read(fetched)]
        assert sum(sizes) == self.many
        assert len(sizes) > 1
        assert max(sizes) < self.many

    def test_columns_are_those_of_the_shape(self, supply: Supply, tmp_path: Path) -> None:
        supply.put(_references(3), NOON)
        (fetched,) = _fetch(supply, tmp_path)
        shape = supply.source.fields()
        for batch in supply.source.read(fetched):
            assert set(batch.tables) == set(shape.tables)
            for path, table in batch.tables.items():
                reserved = {ROW, POSITION} if path == ROOT else {ROW, INDEX}
                assert set(table.column_names) == reserved | {f.name for f in shape.table(path)}
                assert {table.schema.field(name).type for name in reserved} == {pa.int64()}
                for f in shape.table(path):
                    assert table.schema.field(f.name).type in (pa.string(), pa.list_(pa.string()))

    def test_what_was_counted_is_what_is_read(self, supply: Supply, tmp_path: Path) -> None:
        for size in (1, 1_000):
            supply.put(_references(size, f"S{size}-"), NOON + timedelta(seconds=size))
        counted = read = 0
        for fetched in _fetch(supply, tmp_path):
            assert fetched.problem is None
            assert fetched.counted is not None
            batches = list(supply.source.read(fetched))
            assert fetched.counted == sum(len(batch) + len(batch.problems) for batch in batches)
            counted += fetched.counted
            read += sum(map(len, batches))
        assert counted == read == 1_001

    def test_nothing_is_either_no_record_or_a_problem_and_never_an_error(self, supply: Supply, tmp_path: Path) -> None:
        supply.put([], NOON)
        for fetched in _fetch(supply, tmp_path):
            if fetched.problem is None:
                assert fetched.counted == 0
                assert sum(map(len, supply.source.read(fetched))) == 0
            else:
                assert (fetched.problem.code, fetched.problem.row, fetched.counted) == ("EMPTY", -1, None)

    def test_a_record_that_cannot_be_read_stops_no_other(self, supply: Supply, tmp_path: Path) -> None:
        wanted = _references(1_000)
        broken = (0, 1, 499, 999)
        for place in broken:
            wanted[place] = f"{BROKEN}-{place}"
        supply.put(wanted, NOON)
        (fetched,) = _fetch(supply, tmp_path)
        assert (fetched.problem, fetched.counted) == (None, 1_000)
        batches = list(supply.source.read(fetched))
        problems = [problem for batch in batches for problem in batch.problems]
        assert tuple(problem.row for problem in problems) == broken
        assert all(problem.code and problem.reason and problem.position >= 0 for problem in problems)
        assert not any(BROKEN in problem.reason for problem in problems)
        assert _read(supply, batches) == [reference for reference in wanted if not reference.startswith(BROKEN)]
        rows = [row for batch in batches for row in batch.rows().to_pylist()]
        assert rows == [row for row in range(1_000) if row not in broken]

    def test_what_arrived_before_the_windows_end_is_offered_oldest_first(self, supply: Supply, tmp_path: Path) -> None:
        supply.put(["at the end"], DAY.until)
        supply.put(["noon"], NOON)
        supply.put(["first"], DAY.since)
        supply.put(["last"], DAY.until - timedelta(microseconds=1))
        offers = supply.source.offers(DAY)
        assert all(offer.arrival < DAY.until for offer in offers)
        assert offers == sorted(offers, key=lambda offer: (offer.arrival, offer.name))
        assert len({offer.name for offer in offers}) == len(offers)
        read = [
            reference
            for offer in offers
            for reference in _read(supply, list(supply.source.read(supply.source.fetch(offer, tmp_path))))
        ]
        assert sorted(read) == ["first", "last", "noon"]

    def test_bytes_are_archived_under_their_hash(self, supply: Supply, tmp_path: Path) -> None:
        supply.put(_references(10), NOON)
        (fetched,) = _fetch(supply, tmp_path)
        content = fetched.path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == fetched.sha256
        assert fetched.size == len(content)
        assert fetched.path == tmp_path / fetched.sha256[:2] / fetched.sha256
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [fetched.path]

    def test_fetching_again_gives_the_same_and_rewrites_nothing(self, supply: Supply, tmp_path: Path) -> None:
        supply.put(_references(10), NOON)
        (first,) = _fetch(supply, tmp_path)
        written = first.path.stat()
        (second,) = _fetch(supply, tmp_path)
        assert second == first
        again = first.path.stat()
        assert (again.st_ino, again.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)

    def test_reading_again_gives_the_same(self, supply: Supply, tmp_path: Path) -> None:
        supply.put(_references(100), NOON)
        (fetched,) = _fetch(supply, tmp_path)
        first, second = (list(supply.source.read(fetched)) for _ in range(2))
        assert [batch.tables for batch in first] == [batch.tables for batch in second]

    def test_the_source_is_left_as_it_was(self, supply: Supply, tmp_path: Path) -> None:
        supply.put(_references(100), NOON)
        before = supply.state()
        (fetched,) = _fetch(supply, tmp_path)
        assert _read(supply, list(supply.source.read(fetched))) == _references(100)
        assert supply.state() == before


def _references(count: int, prefix: str = "R-") -> list[str]:
    return [f"{prefix}{number:06d}" for number in range(count)]


def _fetch(supply: Supply, archive: Path) -> list[Input]:
    return [supply.source.fetch(offer, archive) for offer in supply.source.offers(DAY)]


def _read(supply: Supply, batches: Sequence[Batch]) -> list[Any]:
    return [value for batch in batches for value in batch.root.column(supply.reference).to_pylist()]
