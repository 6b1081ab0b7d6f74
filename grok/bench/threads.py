"""Speed of training by number of threads, while other programs keep cores busy."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from grok.bench.measure import Figure, Row, Table
from grok.bench.training import GROKKING, scratch_run
from grok.experiments.threads import Copies, fastest
from grok.processors import let_waiting_threads_sleep, most_threads, thread_counts
from grok.tracking import Run
from grok.training.engine import Engine
from grok.training.recorder import Recorder

PRESETS = ("small", "laptop", "paper")
SECONDS = 0.7  # of one timing
ROUNDS = 3
BEFORE, NOW, BEST_TO_NOW = "torch's own threads", "threads chosen", "fastest / chosen"
BUSY = "cores kept busy"
SPIN = """
import os, sys
core, parent = map(int, sys.argv[1:])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {core})
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""
"""A program that keeps a core busy until it is killed, or until the process that started it is gone."""


def threads(
    device: torch.device, say: Callable[[str], None], presets: Sequence[str] = PRESETS, seconds: float = SECONDS
) -> Table:
    """Measure steps a second with torch's own threads and with those that training chooses, on idle and busy cores."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    rows: list[Row] = []
    for preset in presets:
        for count in sorted({0, 1, len(cores)}):
            say(f"threads: {preset}, {count} cores busy")
            with busy(cores[:count]):
                before = _in_process(preset, seconds, choose=False)
                now = _in_process(preset, seconds, choose=True)
            rates = {int(name): rate for name, rate in now["rates"].items()}
            took = rates[now["threads"]]
            rows.append(
                {
                    "preset": preset,
                    BUSY: count,
                    BEFORE: Figure(before["rates"][str(before["threads"])], ".3g", " steps/s"),
                    NOW: now["threads"],
                    "with them": Figure(took, ".3g", " steps/s"),
                    BEST_TO_NOW: Figure(max(rates.values()) / took, ".2f"),
                }
            )
    return Table("steps a second on a CPU with all that is measured by default, halfway through the preset", rows)


@contextmanager
def busy(cores: Sequence[int]) -> Iterator[None]:
    """Keep these cores busy inside the context, each by a process of its own."""
    with ExitStack() as running:
        for core in cores:
            process = subprocess.Popen([sys.executable, "-c", SPIN, str(core), str(os.getpid())])
            running.callback(process.wait)
            running.callback(process.kill)
        yield


def _in_process(preset: str, seconds: float, *, choose: bool) -> dict[str, Any]:
    """Return `measure` from a process of its own, since threads learn how to wait when torch is loaded.

    With `choose`, they wait as in a training; otherwise as OpenMP lets them wait by default.
    """
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    if choose:
        let_waiting_threads_sleep(environment)
    code = f"from grok.bench.threads import measure; print(measure({preset!r}, {seconds!r}, choose={choose!r}))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def measure(preset: str, seconds: float, *, choose: bool) -> str:
    """Return a number of threads, and the steps a second by number of threads, as JSON.

    With `choose`, the number is the one that a training would choose now, and every number that it could choose is
    measured. Otherwise the number is torch's own, and it alone is measured.
    """
    config = dataclasses.replace(GROKKING.presets[preset](), settle=None)

    def copies() -> Copies:
        return Copies([GROKKING.build(config, 0, torch.device("cpu"))], config.steps // 2)

    counts = thread_counts(most_threads()) if choose else [torch.get_num_threads()]
    threads = fastest(copies, lambda line: None) if choose else counts[0]
    steps, spent = dict.fromkeys(counts, 0), dict.fromkeys(counts, 0.0)
    with scratch_run() as run:
        members, first_step = copies()
        engine = Engine(members, first_step=first_step)
        _train(engine, run, 0.0)  # the first step allocates memory
        for count in counts * ROUNDS:
            torch.set_num_threads(count)
            first, started = engine.step, time.perf_counter()
            _train(engine, run, seconds)
            steps[count] += engine.step - first
            spent[count] += time.perf_counter() - started
    return json.dumps({"threads": threads, "rates": {count: steps[count] / spent[count] for count in counts}})


def _train(engine: Engine, run: Run, seconds: float) -> None:
    """Train for so many seconds, and at least for one step."""
    first, end = engine.step, time.perf_counter() + seconds
    engine.run([Recorder(run)], interrupted=lambda: engine.step > first and time.perf_counter() >= end)
