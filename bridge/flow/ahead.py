"""One item ahead: what comes next is made in another thread while this one is worked on."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Generator, Iterator
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
            _give_back()


def _next(items: Iterator[Item]) -> tuple[Item] | tuple[()]:
    """The next item alone in a tuple, which is empty at the end: StopIteration cannot cross a future."""
    for item in items:
        return (item,)
    return ()


def _trim() -> Callable[[int], int] | None:
    """malloc_trim(3) where the C library is GNU's."""
    with suppress(OSError, AttributeError):
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
        return trim
    return None


_TRIM = _trim()


def _give_back() -> None:
    """Let the system have what an item has left free between what is still used: 100 MB after some batches."""
    if _TRIM is not None:
        _TRIM(0)
