"""One item ahead: what comes next is made in another thread while this one is worked on."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import pyarrow as pa

Item = TypeVar("Item")

with suppress(NotImplementedError):  # not every build of Arrow has it
    # Arrow's default keeps what each thread has freed for that thread: with two, 120 MB more for the same work.
    pa.set_memory_pool(pa.jemalloc_memory_pool())


def ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """The same items in the same order, at most one of them made before it is asked for.

    An error in making an item is raised where that item would have come.
    """
    with ThreadPoolExecutor(1, "ahead") as pool:
        coming = pool.submit(_next, items)
        while found := coming.result():
            coming = pool.submit(_next, items)
            yield found[0]


def _next(items: Iterator[Item]) -> tuple[Item] | tuple[()]:
    """The next item alone in a tuple, which is empty at the end: StopIteration cannot cross a future."""
    for item in items:
        return (item,)
    return ()
