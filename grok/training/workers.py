"""Threads that compute independent parts of a step side by side, each part on one thread."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

_workers = 1  # threads of `side_by_side`, which is more than 1 only within `one_thread_per_operation`
_thread = threading.local()


@contextmanager
def one_thread_per_operation() -> Iterator[None]:
    """Within this context, each operation of torch has one thread, and `side_by_side` has as many as torch had before.

    Threads that share an operation wait for each other hundreds of times in a step. Threads with parts of their own
    wait once, and the results do not depend on their number. A context within another one changes nothing.
    """
    global _workers
    threads, workers = torch.get_num_threads(), _workers
    torch.set_num_threads(1)
    _workers = max(threads, workers)
    try:
        yield
    finally:
        _workers = workers
        torch.set_num_threads(threads)


def side_by_side(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield `function(item)` for each item, in order.

    Within `one_thread_per_operation`, several threads compute the results, with gradients as the caller has them.
    Elsewhere, and within one of these threads, the calling thread computes them.
    """
    threads = min(_workers, len(items))
    if threads <= 1 or getattr(_thread, "is_worker", False):
        return map(function, items)
    gradients = torch.is_grad_enabled()  # which each thread would otherwise decide for itself

    def compute(item: Item) -> Result:
        with torch.set_grad_enabled(gradients):
            return function(item)

    return _pool(os.getpid(), threads).map(compute, items)


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Return the threads of this process, since a forked one has none."""
    return ThreadPoolExecutor(threads, thread_name_prefix="grok", initializer=_begin_worker)


def _begin_worker() -> None:
    _thread.is_worker = True
    torch.set_num_threads(1)  # LAPACK would start threads of its own in a thread that has not set their number
