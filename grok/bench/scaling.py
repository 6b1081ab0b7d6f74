"""Growth of the cost with the size of the problem, the number of runs in a stack, and the length of a run."""

import dataclasses
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from grok.bench.measure import ENDLESS, Figure, Row, Table, Task, interleaved, resident_memory
from grok.bench.training import NOTHING, PAIRINGS, endless_engine, next_steps, scratch_run
from grok.config import GrokkingConfig, ProbesConfig, TaskConfig, TransformerConfig, fastest_executor
from grok.experiment import experiment
from grok.experiments.driving import Setup
from grok.experiments.grokking import paper
from grok.experiments.runner import start
from grok.tracking import Store
from grok.training.engine import Engine
from grok.training.executor import EXECUTORS
from grok.training.measurements import evaluate
from grok.training.ring import Block
from grok.training.stack import Stack
from grok.training.step import Member

SIZES = [(modulus, d_model) for d_model in (128, 512) for modulus in (59, 113, 227, 401)]
STACKED_MODULI = (23, 113)
STACKS = {"cpu": (1, 2, 4, 8), "cuda": (1, 4, 16, 64, 128)}
LENGTHS = (1_000, 10_000, 100_000)
LARGE_MODULI = (113, 499, 997)
FIRST_STEPS = 3

SMALL = GrokkingConfig(
    task=TaskConfig(modulus=11, train_fraction=0.5),
    model=TransformerConfig(d_model=16, num_heads=2, d_head=8, d_mlp=32),
    probes=dataclasses.replace(
        ProbesConfig.only(**dict.fromkeys(("accuracy", "norms", "prototype", "sample", "embedding"), "every:1")),
        sample_size=32,
    ),
    settle=None,
)

GROKKING = experiment("grokking")


def size(
    device: torch.device, say: Callable[[str], None], sizes: list[tuple[int, int]] | None = None, repeats: int = 3
) -> Table:
    """Time a step and one measurement of each pairing on train and test, by modulus and width."""
    rows: list[Row] = []
    for modulus, d_model in sizes or SIZES:
        say(f"size: p = {modulus}, d_model = {d_model}")
        config = GrokkingConfig(
            task=dataclasses.replace(paper().task, modulus=modulus),
            model=TransformerConfig(d_model=d_model, d_head=d_model // 4, d_mlp=4 * d_model),
        )
        member = GROKKING.build(dataclasses.replace(config, steps=ENDLESS, settle=None), 0, device)
        with scratch_run() as run:
            tasks: dict[str, Task] = {name: _measurement(member, name) for name in PAIRINGS}
            steps = 1 if device.type == "cpu" else 100  # more steps than the warm-up before a capture
            tasks["step"] = next_steps(endless_engine(device, NOTHING, config=config), run, steps)
            measured = {name: timing for name, (timing, _) in interleaved(tasks, device, repeats=repeats).items()}
        row: Row = {
            "p": modulus,
            "d_model": d_model,
            "training pairs": config.task.train_size,
            "step": measured["step"].divided(steps),
        }
        rows.append(row | {f"measuring {name}": measured[name] for name in PAIRINGS})
    return Table(
        "one step, and one measurement on train and test, by modulus and width (MLP of 4 d_model, sample of 256)", rows
    )


def _measurement(member: Member, name: str) -> Task:
    """Return a task that measures one probe on a network directly after a step."""
    learner = member.learner
    stack = Stack([learner])
    with torch.no_grad(), stack.computing():
        known = learner.begin().known

    def task() -> None:
        with stack.computing():
            observed = learner.observe((name,), learner.snapshot(known))
            rows = {key: value[None, None] for key, value in observed[name].items()}
            evaluate(Block({name: [0]}, {name: rows}), {name: learner.probes[name]}, np.array([1]))

    return task


def stack(device: torch.device, say: Callable[[str], None]) -> Table:
    """Measure the member-steps per second of stacks, and of the same runs one after another."""
    rows: list[Row] = []
    for modulus in STACKED_MODULI:
        config = GrokkingConfig(task=TaskConfig(modulus=modulus), probes=NOTHING, settle=None, steps=ENDLESS)
        for count in STACKS[device.type]:
            say(f"stack: p = {modulus}, {count} members")
            executor = EXECUTORS[fastest_executor(device.type, [config])]
            members = [GROKKING.build(config, seed, device) for seed in range(count)]
            steps = 5 if device.type == "cpu" else 200
            with scratch_run() as run:
                tasks: dict[str, Task] = {
                    "alone": next_steps(endless_engine(device, NOTHING, config=config), run, steps),
                    "stacked": next_steps(Engine(members, executor=executor), run, steps),
                }
                (alone, _), (stacked, _) = interleaved(tasks, device, repeats=5).values()
            rows.append(
                {
                    "p": modulus,
                    "members": count,
                    "step of the stack": stacked.divided(steps),
                    "member-steps a second": Figure(count * steps / stacked.median, ",.0f"),
                    "one after another": Figure(steps / alone.median, ",.0f"),
                    "stacked / one after another": Figure(count * alone.median / stacked.median, ".2f"),
                }
            )
    return Table("stacks of the `paper` network, with nothing measured", rows)


def memory(device: torch.device, say: Callable[[str], None], lengths: tuple[int, ...] = LENGTHS) -> Table:
    """Measure the memory and the record of whole runs of growing length with five probes at every step."""
    rows: list[Row] = []
    for steps in lengths:
        say(f"memory: {steps:,} steps")
        with tempfile.TemporaryDirectory(prefix="grok-bench-") as folder:
            context = multiprocessing.get_context("spawn")
            with context.Pool(1) as pool:
                wanted = dataclasses.replace(SMALL, steps=steps)
                seconds, resident = pool.apply(_train_here, (wanted, folder, device, 1))
            (run,) = Store(Path(folder)).runs()
            table = run.read_table()
            rows.append(
                {
                    "steps": steps,
                    "most memory of the process": Figure(resident, ",.0f", " MiB"),
                    "record": Figure(run.metrics_path.stat().st_size / 2**20, ",.1f", " MiB"),
                    "rows": table.num_rows,
                    "columns": table.num_columns,
                    "time": Figure(seconds, ",.0f", " s"),
                }
            )
    return Table(
        "runs with accuracy, norms and three pairings at every step (p = 11, d_model = 16, n = 32), store included",
        rows,
    )


def moduli(device: torch.device, say: Callable[[str], None], moduli: tuple[int, ...] = LARGE_MODULI) -> Table:
    """Measure the memory of the first steps of the `paper` preset at large moduli, beside its estimate."""
    rows: list[Row] = []
    for modulus in moduli:
        say(f"moduli: p = {modulus}")
        task = dataclasses.replace(paper().task, modulus=modulus)
        config = dataclasses.replace(paper(), task=task, settle=None, steps=FIRST_STEPS)
        threads = torch.get_num_threads()
        context = multiprocessing.get_context("spawn")
        with tempfile.TemporaryDirectory(prefix="grok-bench-") as folder, context.Pool(1) as pool:
            seconds, resident = pool.apply(_train_here, (config, folder, device, threads))
        estimate = GROKKING.memory(config, members=1, device=device.type, threads=threads)
        rows.append(
            {
                "p": modulus,
                "training pairs": config.task.train_size,
                "most memory of the process": Figure(resident, ",.0f", " MiB"),
                "estimate": Figure(estimate / 2**20, ",.0f", " MiB"),
                "time": Figure(seconds, ",.0f", " s"),
            }
        )
    return Table(f"the first {FIRST_STEPS} steps of the `paper` preset at large moduli, store included", rows)


def _train_here(config: GrokkingConfig, folder: str, device: torch.device, threads: int) -> tuple[float, float]:
    """Train in this process, and return the seconds and the largest number of MiB that the process has held."""
    torch.set_num_threads(threads)
    started = time.perf_counter()
    setup = Setup(device=device, store=Store(Path(folder)), wandb="disabled", command=["grok", "bench", "memory"])
    start(GROKKING, [(config, 0)], setup, stop=lambda: False)  # silent, as the benchmark shows its own progress
    return time.perf_counter() - started, resident_memory()
