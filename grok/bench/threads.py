"""Speed of training by number of threads, while other programs keep cores busy."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from grok.bench.measure import Figure, Row, Table
from grok.bench.training import GROKKING, scratch_run
from grok.experiments.threads import Copies, fastest
from grok.processors import let_waiting_threads_sleep, most_threads, thread_counts
from grok.training.engine import Engine
from grok.training.recorder import Recorder

PRESETS = ("small", "laptop", "paper")
SECONDS = 1.0  # of one timing
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
                before = _in_process(preset, seconds, chosen=False)
                now = _in_process(preset, seconds, chosen=True)
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
    processes = []
    try:
        for core in cores:
            processes.append(subprocess.Popen([sys.executable, "-c", SPIN, str(core), str(os.getpid())]))
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _in_process(preset: str, seconds: float, *, chosen: bool) -> dict[str, object]:
    """Return `measure` from a process of its own, since threads learn how to wait when torch is loaded."""
    environment = dict(os.environ)
    if chosen:
        let_waiting_threads_sleep(environment)
    elif os.environ.get("GOMP_SPINCOUNT"):
        del environment["GOMP_SPINCOUNT"]  # which the command line has set for itself
    command = [sys.executable, "-m", "grok.bench.threads", preset, str(seconds), "chosen" if chosen else "own"]
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def measure(preset: str, seconds: float, *, chosen: bool) -> dict[str, object]:
    """Return the number of threads, and the steps a second by number of threads.

    With `chosen`, the number is the one that a training would choose now, and every number that it could choose is
    measured; otherwise only torch's own number is.
    """
    torch.set_num_threads(torch.get_num_threads())
    config = dataclasses.replace(GROKKING.presets[preset](), settle=None)
    middle = config.steps // 2

    def members() -> Copies:
        return [GROKKING.build(config, 0, torch.device("cpu"))], middle

    own = torch.get_num_threads()
    number = fastest(members, lambda line: None) if chosen else own
    counts = thread_counts(most_threads()) if chosen else [own]
    taken, spent = dict.fromkeys(counts, 0), dict.fromkeys(counts, 0.0)
    with scratch_run() as run:
        engine = Engine(members()[0], first_step=middle)
        for seconds_each in (seconds / 10, *[seconds] * ROUNDS):
            if seconds_each == seconds / 10:
                _train(engine, Recorder(run), seconds_each)
                continue
            for count in counts:
                torch.set_num_threads(count)
                steps, time_taken = _train(engine, Recorder(run), seconds_each)
                taken[count] += steps
                spent[count] += time_taken
    return {"threads": number, "rates": {count: taken[count] / spent[count] for count in counts}}


def _train(engine: Engine, recorder: Recorder, seconds: float) -> tuple[int, float]:
    """Train for so many seconds, and return the number of steps and the seconds that they took."""
    first, started = engine.step, time.perf_counter()
    engine.run([recorder], interrupted=lambda: time.perf_counter() - started > seconds and engine.step > first)
    return engine.step - first, time.perf_counter() - started


if __name__ == "__main__":
    name, length, how = sys.argv[1:]
    print(json.dumps(measure(name, float(length), chosen=how == "chosen")))
