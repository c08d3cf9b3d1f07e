"""Threads for a line of items: the next is made while this one is worked on, and some are worked on at once."""

from __future__ import annotations

import ctypes
import gc
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import pyarrow as pa

Item = TypeVar("Item")
Done = TypeVar("Done")

with suppress(NotImplementedError):  # not every build of Arrow has it
    # Arrow's default keeps what each thread has freed for that thread: with two, 120 MB more for the same work.
    pa.set_memory_pool(pa.jemalloc_memory_pool())

# What is imported by now lives as long as the process. Left to the garbage collector it is looked through again and
# again while rows come and go: up to 8 % of a small job's CPU.
gc.freeze()


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


def abreast(items: Iterator[Item], work: Callable[[Item], Done], lanes: int) -> Generator[Done, None, None]:
    """What work makes of each item, in order, up to ``lanes`` of them at once.

    After an error, of work or in an item's place, no further item is taken; what is under way is still given, and then
    the error raised.
    """
    under_way: deque[Future[Done]] = deque()
    failed: Exception | None = None
    with ThreadPoolExecutor(lanes, "lane") as pool:
        try:
            for item in items:
                under_way.append(pool.submit(work, item))
                if len(under_way) == lanes:
                    yield under_way.popleft().result()
        except Exception as error:  # noqa: BLE001 - raised below
            failed = error
        for one in under_way:
            try:
                done = one.result()
            except Exception as error:  # noqa: BLE001 - the first is raised below
                failed = failed or error
                continue
            yield done
    if failed is not None:
        raise failed


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
