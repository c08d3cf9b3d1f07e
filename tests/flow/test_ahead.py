"""Making one item ahead, and working on some at once, change neither items, nor order, nor errors."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from bridge.flow.ahead import abreast, ahead


def test_items_come_in_order_and_all_of_them() -> None:
    assert list(ahead(iter([0, None, "", 3]))) == [0, None, "", 3]


def test_an_error_comes_where_the_item_would_have_come() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("third")

    got = ahead(broken())
    assert [next(got), next(got)] == [1, 2]
    with pytest.raises(KeyError, match="third"):
        next(got)


def test_the_next_is_made_while_this_one_is_worked_on_and_no_more() -> None:
    made: list[int] = []
    third = threading.Event()

    def numbers() -> Iterator[int]:
        for number in itertools.count(1):
            made.append(number)
            if number == 2:
                third.set()
            yield number

    got = ahead(numbers())
    assert next(got) == 1
    assert third.wait(10)
    got.close()
    assert made == [1, 2]


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_what_is_worked_on_at_once_comes_in_order(lanes: int) -> None:
    assert list(abreast(iter(range(7)), lambda number: number * 10, lanes)) == [0, 10, 20, 30, 40, 50, 60]


def test_two_lanes_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)
    assert sum(abreast(iter(range(4)), lambda _: both.wait() >= 0, 2)) == 4


def test_what_was_under_way_when_one_failed_is_given_before_the_error() -> None:
    second = threading.Event()
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 1:
            second.wait(10)
            raise KeyError("first")
        second.set()
        return number

    got = abreast(itertools.count(1), work, 2)
    assert next(got) == 2
    with pytest.raises(KeyError, match="first"):
        next(got)
    assert begun == [1, 2]


def test_what_was_under_way_is_given_before_the_error_in_the_next_ones_place() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("second")

    got = abreast(broken(), str, 2)
    assert next(got) == "1"
    with pytest.raises(KeyError, match="second"):
        next(got)
