"""Timings are medians with their spread, tables print and export them, and memory is only that of the task."""

import itertools

import torch

from grok.bench import measure
from grok.bench.measure import Figure, Table, Timing, interleaved, peak_memory
from tests.helpers import CPU


def test_a_timing_is_the_median_with_the_fastest_and_the_slowest():
    assert str(Timing.of([0.004, 0.001, 0.002])) == "2 ms (1 to 4)"
    assert str(Timing.of([90.04])) == "90 s"
    assert str(Timing.of([2.5e-7])) == "0.25 µs"


def test_what_one_takes_more_than_another_is_the_median_of_the_differences_of_each_turn():
    slow_machine = [1.0, 1.0, 5.0, 5.0]  # during the last two turns
    assert Timing.of([3.0, 3.0, 7.0, 6.0]).beyond(Timing.of(slow_machine)) == 2.0
    halves = Timing.of([3.0, 1.0]).divided(2)
    assert (halves.samples, halves.beyond(Timing.of([0.5, 0.5]))) == ((1.5, 0.5), 0.5)


def test_tasks_take_turns_after_a_call_each_that_is_not_timed(monkeypatch):
    calls = []
    ticks = itertools.count()
    monkeypatch.setattr(measure.time, "perf_counter", lambda: float(next(ticks)))
    tasks = {name: (lambda name=name: calls.append(name) or len(calls)) for name in "ab"}
    measured = interleaved(tasks, CPU, repeats=2)
    assert "".join(calls) == "ababab"
    assert measured == {"a": (Timing.of([1.0, 1.0]), 5), "b": (Timing.of([1.0, 1.0]), 6)}


def test_what_is_timed_once_is_called_once():
    calls = []
    interleaved({"a": lambda: calls.append(1)}, CPU, repeats=1)
    assert calls == [1]


def test_a_table_is_markdown_and_json():
    table = Table("costs", [{"n": 3000, "time": Timing(0.5, 0.25, 2.0, 3), "share": Figure(0.125, ".1%")}])
    assert (
        table.markdown() == "costs:\n\n| n | time | share |\n|---|---|---|\n| 3,000 | 500 ms (250 to 2,000) | 12.5% |"
    )
    timing = {"median": 0.5, "low": 0.25, "high": 2.0, "repeats": 3}
    assert table.json() == {"title": "costs", "rows": [{"n": 3000, "time": timing, "share": 0.125}]}


def _fill(mebibytes, device):
    kept = torch.zeros(50 * 2**20, dtype=torch.uint8, device=device) + 1  # what the task finds is not its own
    return lambda: kept.max() + torch.ones(mebibytes * 2**20, dtype=torch.uint8, device=device).max()


def test_memory_is_what_the_task_adds():
    assert 100 <= peak_memory(_fill, 100, device=CPU) < 100 + 25
