"""Rate of a sweep on a CPU by worker processes and by stacks, beside one run after another."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from grok.bench.measure import Figure, Row, Table, interleaved
from grok.processors import processors

RUNS, STEPS, STACK = 40, 300, 8
RATE, WORKERS = "rate / one after another", "a worker for each processor"

SWEEP = """
experiment = "grokking"
name = "bench"
preset = "small"
seeds = "0-{last}"

[base]
steps = {steps}
"""


def sweep(device: torch.device, say: Callable[[str], None], runs: int = RUNS, steps: int = STEPS) -> Table:
    """Time whole sweeps of the preset `small` (p = 31), start-up and records included.

    One worker with one thread trains one run after another. The other rows have a worker for each processor, as
    `grok sweep` has by default, and the last one trains stacks in each.
    """
    ways = {
        "one run after another": ("--workers", "1"),
        WORKERS: (),
        f"the same, with stacks of {STACK}": ("--stack", str(STACK)),
    }
    with tempfile.TemporaryDirectory(prefix="grok-bench-") as folder:
        file = Path(folder) / "bench.toml"
        file.write_text(SWEEP.format(last=runs - 1, steps=steps))

        def task(way: str) -> Callable[[], None]:
            def train() -> None:
                say(f"sweep: {way}")
                with tempfile.TemporaryDirectory(dir=folder) as store:
                    command = ["sweep", str(file), "--runs", store, "--device", device.type, "--wandb", "disabled"]
                    subprocess.run(
                        [sys.executable, "-m", "grok", *command, *ways[way]], check=True, capture_output=True
                    )

            return train

        measured = interleaved({way: task(way) for way in ways}, device, repeats=1)
    (first, _), *_ = measured.values()
    rows: list[Row] = [
        {
            "trained by": way,
            "workers": 1 if "--workers" in ways[way] else processors(),
            "time": timing,
            "steps a second": Figure(runs * steps / timing.median, ",.0f"),
            RATE: Figure(first.median / timing.median, ".2f"),
        }
        for way, (timing, _) in measured.items()
    ]
    return Table(
        f"a sweep of {runs} runs of {steps} steps of the `small` preset, with default probes and records", rows
    )
