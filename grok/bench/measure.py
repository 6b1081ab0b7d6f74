"""Time and memory of functions, measured so that two of them can be compared."""

import dataclasses
import multiprocessing
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

Task = Callable[[], Any]


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median of the repeats, and the fastest and slowest of them."""

    median: float
    low: float
    high: float
    repeats: int

    @classmethod
    def of(cls, seconds: list[float]) -> "Timing":
        """The summary of these repeats."""
        return cls(statistics.median(seconds), min(seconds), max(seconds), len(seconds))

    def divided(self, count: int) -> "Timing":
        """Seconds of one of the `count` like parts of the call."""
        return Timing(self.median / count, self.low / count, self.high / count, self.repeats)

    def __str__(self) -> str:
        scale, unit = next((scale, unit) for scale, unit in UNITS if self.median >= scale or unit == "µs")
        median, low, high = (_three_digits(seconds / scale) for seconds in (self.median, self.low, self.high))
        return f"{median} {unit} ({low} to {high})" if self.repeats > 1 else f"{median} {unit}"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A number and how a table shows it: a format, and what follows."""

    value: float
    spec: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value:{self.spec}}{self.unit}"


UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))

Row = dict[str, str | int | Timing | Figure]
"""A line of a table: its columns by name."""


@dataclasses.dataclass(frozen=True)
class Table:
    """What one section measured, and on what."""

    title: str
    rows: list[Row]

    def markdown(self) -> str:
        """The table as the README shows it."""
        columns = list(self.rows[0])
        lines = [[_cell(row[column]) for column in columns] for row in self.rows]
        rule = "|---" * len(columns) + "|"
        return "\n".join([f"{self.title}:", "", _line(columns), rule, *map(_line, lines)])

    def json(self) -> dict[str, Any]:
        """The same for a script: bare numbers, times in seconds."""
        rows = [{name: _plain(value) for name, value in row.items()} for row in self.rows]
        return {"title": self.title, "rows": rows}


Section = Callable[[torch.device, Callable[[str], None]], Table]
"""Measures on a device, and says what it is at."""


def interleaved(tasks: dict[str, Task], device: torch.device, *, repeats: int) -> dict[str, tuple[Timing, Any]]:
    """Time the tasks in turn, again and again, so that a slow spell of the machine meets them all; with their results.

    Each is called once beforehand, unless `repeats` is 1: what takes a minute needs no warm-up.
    """
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    results: dict[str, Any] = {}
    if repeats > 1:
        for task in tasks.values():
            task()
    for _ in range(repeats):
        for name, task in tasks.items():
            _synchronise(device)
            started = time.perf_counter()
            results[name] = task()
            _synchronise(device)
            seconds[name].append(time.perf_counter() - started)
    return {name: (Timing.of(times), results[name]) for name, times in seconds.items()}


def peak_memory(prepare: Callable[..., Task], *arguments: Any, device: torch.device) -> float:
    """MiB that the task `prepare(*arguments, device)` adds at its peak, measured in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak_memory_here, (prepare, arguments, device))


def _peak_memory_here(prepare: Callable[..., Task], arguments: tuple[Any, ...], device: torch.device) -> float:
    task = prepare(*arguments, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        allocated = torch.cuda.max_memory_allocated(device)
        task()
        return (torch.cuda.max_memory_allocated(device) - allocated) / 2**20
    before = _host_peak(reset=True)
    task()
    return _host_peak() - before


def _host_peak(*, reset: bool = False) -> float:
    """The most MiB this process has held; Linux can start the count anew, elsewhere it counts from the beginning."""
    status = Path("/proc/self/status")
    if status.exists():
        if reset:
            with suppress(OSError):  # where that is forbidden, as in some containers
                Path("/proc/self/clear_refs").write_text("5")
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def resident_memory() -> float:
    """The most MiB that this process has held."""
    return _host_peak()


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plain(value: object) -> object:
    if isinstance(value, Timing):
        return dataclasses.asdict(value)
    return value.value if isinstance(value, Figure) else value


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _three_digits(number: float) -> str:
    return f"{number:.3g}" if number < 999.5 else f"{number:,.0f}"


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
