"""Making one item ahead changes neither items, nor order, nor errors."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from bridge.flow.ahead import ahead


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
