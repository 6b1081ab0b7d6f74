"""Measurement of the time and memory of functions so that they can be compared."""

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

ENDLESS = 10**9
"""Steps of a training that does not end while it is timed."""


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds per call: the median of the repeats, the fastest and the slowest."""

    median: float
    low: float
    high: float
    repeats: int
    samples: tuple[float, ...] = dataclasses.field(default=(), repr=False)
    """All repeats, in the order in which they were taken."""

    @classmethod
    def of(cls, seconds: list[float]) -> "Timing":
        """Return the timing of these repeats, which are in seconds."""
        return cls(statistics.median(seconds), min(seconds), max(seconds), len(seconds), tuple(seconds))

    def divided(self, count: int) -> "Timing":
        """Return the timing of one of the `count` equal parts of the call."""
        return Timing.of([seconds / count for seconds in self.samples])

    def beyond(self, other: "Timing") -> float:
        """Return the seconds that this takes more than another: the median difference of interleaved repeats."""
        return statistics.median(more - less for more, less in zip(self.samples, other.samples, strict=True))

    def __str__(self) -> str:
        scale, unit = next((scale, unit) for scale, unit in UNITS if self.median >= scale or unit == "µs")
        median, low, high = (_three_digits(seconds / scale) for seconds in (self.median, self.low, self.high))
        return f"{median} {unit} ({low} to {high})" if self.repeats > 1 else f"{median} {unit}"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A number with the format and the unit with which a table shows it."""

    value: float
    spec: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value:{self.spec}}{self.unit}"


UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))

Row = dict[str, str | int | Timing | Figure]
"""A row of a table: its cells by the name of the column."""


@dataclasses.dataclass(frozen=True)
class Table:
    """The measurements of one section, with a title that describes them."""

    title: str
    rows: list[Row]

    def markdown(self) -> str:
        """Return the table in Markdown, as the README shows it."""
        columns = list(self.rows[0])
        rule = "|---" * len(columns) + "|"
        lines = [_line([row[column] for column in columns]) for row in self.texts()]
        return "\n".join([f"{self.title}:", "", _line(columns), rule, *lines])

    def texts(self) -> list[dict[str, str]]:
        """Return the rows with their cells as the Markdown table shows them."""
        return [{column: _cell(value) for column, value in row.items()} for row in self.rows]

    def json(self) -> dict[str, Any]:
        """Return the table for a script, with plain numbers and times in seconds."""
        rows = [{name: _plain(value) for name, value in row.items()} for row in self.rows]
        return {"title": self.title, "rows": rows}


Section = Callable[[torch.device, Callable[[str], None]], Table]
"""A function that measures on a device and reports its progress to the second argument."""


def interleaved(tasks: dict[str, Task], device: torch.device, *, repeats: int) -> dict[str, tuple[Timing, Any]]:
    """Time the tasks in turn, `repeats` times each, so that a slow period of the machine affects all of them.

    Each task is called once beforehand, unless `repeats` is 1, since a task that takes a minute needs no warm-up.

    Returns: the timing and the last result of each task.
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
    """Return the MiB that the task `prepare(*arguments, device)` adds at its peak, measured in its own process."""
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
    """Return the largest number of MiB that this process has held; on Linux, `reset` restarts the count."""
    status = Path("/proc/self/status")
    if status.exists():
        if reset:
            with suppress(OSError):  # some containers forbid it
                Path("/proc/self/clear_refs").write_text("5")
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def resident_memory() -> float:
    """Return the largest number of MiB that this process has held."""
    return _host_peak()


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plain(value: object) -> object:
    if isinstance(value, Timing):
        return {name: number for name, number in dataclasses.asdict(value).items() if name != "samples"}
    return value.value if isinstance(value, Figure) else value


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _three_digits(number: float) -> str:
    return f"{number:.3g}" if number < 999.5 else f"{number:,.0f}"


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
