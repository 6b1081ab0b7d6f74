"""Threads that compute independent parts of a step side by side, each part on one thread."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

_workers = 1  # threads of `side_by_side`, which is more than 1 only within `one_thread_per_operation`


@contextmanager
def one_thread_per_operation() -> Iterator[None]:
    """Within this context, each operation of torch has one thread, and `side_by_side` has as many as torch had before.

    Threads that share an operation wait for each other hundreds of times in a step. Threads with parts of their own
    wait once, and the results do not depend on their number.
    """
    global _workers
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    _workers = threads
    try:
        yield
    finally:
        _workers = 1
        torch.set_num_threads(threads)


def side_by_side(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield `function(item)` for each item, in order.

    Within `one_thread_per_operation`, several threads compute the results. Elsewhere the calling thread does.
    """
    threads = min(_workers, len(items))
    if threads <= 1:
        return map(function, items)
    return _pool(os.getpid(), threads).map(function, items)


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Return the threads of this process, since a forked one has none.

    LAPACK would start threads of its own in a thread that has not set their number.
    """
    return ThreadPoolExecutor(threads, thread_name_prefix="grok", initializer=torch.set_num_threads, initargs=(1,))
