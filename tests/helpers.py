"""A problem small enough to train in a second, and the few moves that many tests make with it."""

import dataclasses
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import torch

from grok.config import (
    GrokkingConfig,
    OptimiserConfig,
    ProbesConfig,
    SampledInformationTermConfig,
    TaskConfig,
    TransformerConfig,
    config_hash,
    config_to_json,
)
from grok.experiment import experiment
from grok.tracking import Run, Store
from grok.training.engine import Engine
from grok.training.learner import Learner
from grok.training.measurements import Row
from grok.training.recorder import Recorder
from grok.training.snapshot import Snapshot
from grok.training.step import Member

CPU = torch.device("cpu")
FAIL_SAFE = 300.0  # seconds until a test gives up what does not happen: long enough for any machine

# Sparser than the defaults, which measure at every step at first: most tests train for about a hundred steps.
SPARSE = dict.fromkeys(("accuracy", "prototype", "sample", "norms", "fourier"), "every:10") | dict.fromkeys(
    ("collapse", "rank", "neurons"), "every:50"
)

SMALL_FLAGS = (
    *(word for name, schedule in SPARSE.items() for word in (f"--config.probes.{name}", schedule)),
    *("--config.task.modulus", "11", "--config.task.train-fraction", "0.5"),
    *("--config.model.d-model", "16", "--config.model.num-heads", "2"),
    *("--config.model.d-head", "8", "--config.model.d-mlp", "32"),
    *("--config.probes.sample-size", "32", "--wandb", "disabled", "--device", "cpu"),
)


def small_model(**settings) -> TransformerConfig:
    return TransformerConfig(d_model=16, num_heads=2, d_head=8, d_mlp=32, **settings)


def small_config(
    *,
    steps: int = 120,
    model: TransformerConfig | None = None,
    optimiser: OptimiserConfig | None = None,
    information: SampledInformationTermConfig | None = None,
    **probes: str,
) -> GrokkingConfig:
    """What `SMALL_FLAGS` ask for."""
    return GrokkingConfig(
        task=TaskConfig(modulus=11, train_fraction=0.5),
        model=model or small_model(),
        optimiser=optimiser or OptimiserConfig(),
        probes=dataclasses.replace(ProbesConfig(sample_size=32), **(SPARSE | probes)),
        steps=steps,
        information=information or SampledInformationTermConfig(),
    )


def small_member(*, seed: int = 0, device: str = "cpu", **settings) -> Member:
    return experiment("grokking").build(small_config(**settings), seed, torch.device(device))


def small_engine(*, seed: int = 0, **settings) -> Engine:
    return Engine([small_member(seed=seed, **settings)])


def new_run(root: Path, *, seed: int = 0, config: GrokkingConfig | None = None) -> Run:
    """A run in the store that has only been made."""
    config = config or small_config()
    return Store(root).create(
        experiment="grokking",
        label=config.label,
        config=config_to_json(config),
        config_hash=config_hash(config),
        seed=seed,
        command=["grok", "train", "grokking"],
        environment={"device": "cpu", "threads": torch.get_num_threads()},
    )


def wait_until(condition: Callable[[], object]) -> None:
    """Look until the condition holds."""
    until = time.monotonic() + FAIL_SAFE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def before_step(step: int) -> Callable[[], bool]:
    """An `interrupted` for `Engine.run`, which asks it once before each step: true from the given step on."""
    steps = itertools.count()
    return lambda: next(steps) >= step


def run_steps(engine: Engine, run: Run, steps: int) -> list[tuple[int, Row]]:
    """The rows measured in the next steps of an engine of one member."""
    rows: list[tuple[int, Row]] = []
    engine.run(
        [Recorder(run, first_step=engine.step)],
        on_block=lambda measured: rows.extend(measured[0].rows()),
        interrupted=before_step(steps),
    )
    return rows


def snapshot_of(learner: Learner) -> Snapshot:
    """The learner's network as the probes would see it now."""
    return learner.snapshot(learner.begin().known)
