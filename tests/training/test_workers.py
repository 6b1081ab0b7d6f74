"""Threads compute parts side by side, in order, each with one thread per operation."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from grok.training.workers import one_thread_per_operation, side_by_side

COUNTS_THREADS = """
import os, torch
from grok.training.workers import one_thread_per_operation, side_by_side
torch.set_num_threads(2)
matrices = list(torch.eye(113, dtype=torch.float64).expand(8, 113, 113).clone())
with one_thread_per_operation():
    list(side_by_side(torch.zeros, [1] * 8))
    before = len(os.listdir("/proc/self/task"))
    list(side_by_side(torch.linalg.eigvalsh, matrices))
    print(before, len(os.listdir("/proc/self/task")))
"""


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_operations_have_one_thread_within_and_as_many_as_before_outside(two_threads):
    with one_thread_per_operation():
        assert torch.get_num_threads() == 1
        assert list(side_by_side(lambda _: torch.get_num_threads(), range(4))) == [1] * 4
    assert torch.get_num_threads() == 2


def test_two_items_are_computed_at_the_same_time(two_threads):
    meeting = threading.Barrier(2, timeout=60)  # one thread alone would wait here until the barrier breaks
    with one_thread_per_operation():
        list(side_by_side(lambda _: meeting.wait(), range(2)))


def test_the_results_are_in_the_order_of_the_items(two_threads):
    first_may_end = threading.Event()

    def slow_first(item):
        if item == 0:
            assert first_may_end.wait(60)
        else:
            first_may_end.set()
        return 10 * item

    with one_thread_per_operation():
        assert list(side_by_side(slow_first, range(5))) == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("items", [0, 1, 3])
def test_elsewhere_the_calling_thread_computes(two_threads, items):
    threads = set(side_by_side(lambda _: threading.current_thread(), range(items)))
    assert threads <= {threading.current_thread()}


def test_an_error_in_a_thread_is_raised(two_threads):
    def fail_at_two(item):
        if item == 2:
            raise ArithmeticError("two")
        return item

    with one_thread_per_operation(), pytest.raises(ArithmeticError, match="two"):
        list(side_by_side(fail_at_two, range(4)))
    assert torch.get_num_threads() == 2


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_a_worker_starts_no_threads_of_its_own():
    # A process of its own, in which no worker has computed anything before that sets its number of threads
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", COUNTS_THREADS], env=environment, capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    assert after == before


def test_a_context_within_another_one_changes_nothing(two_threads):
    meeting = threading.Barrier(2, timeout=60)
    with one_thread_per_operation():
        with one_thread_per_operation():
            pass
        assert torch.get_num_threads() == 1
        list(side_by_side(lambda _: meeting.wait(), range(2)))
    assert torch.get_num_threads() == 2


def test_parts_of_a_part_are_computed_by_its_own_thread(two_threads):
    def both(_):
        return {threading.current_thread(), *side_by_side(lambda _: threading.current_thread(), range(4))}

    with one_thread_per_operation():
        assert [len(threads) for threads in side_by_side(both, range(4))] == [1] * 4


@pytest.mark.parametrize("enabled", [True, False])
def test_gradients_are_as_the_caller_has_them(two_threads, enabled):
    with one_thread_per_operation(), torch.set_grad_enabled(enabled):
        assert list(side_by_side(lambda _: torch.is_grad_enabled(), range(4))) == [enabled] * 4
