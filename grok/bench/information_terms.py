"""Time that an information term adds to a training step."""

import dataclasses
from collections.abc import Callable
from typing import Any, get_args

import torch

from grok.bench.measure import ENDLESS, Figure, Row, Table, Task, interleaved
from grok.bench.training import next_steps, scratch_run
from grok.config import (
    ClassifierProbesConfig,
    GrokkingConfig,
    InformationTermConfig,
    ProbesConfig,
    SampledInformationTermConfig,
    SemiSupervisedConfig,
    SupervisedConfig,
    TermName,
    fastest_executor,
)
from grok.experiment import experiment
from grok.training.engine import Engine
from grok.training.executor import EXECUTORS

STEPS = {"cpu": 10, "cuda": 200}  # steps per timing
REPEATS = 7
NOTHING = ClassifierProbesConfig.only()

# Each training maps to its experiment, its settings and the type of its term.
TRAININGS: dict[str, tuple[str, Any, type[InformationTermConfig]]] = {
    "MNIST-1D, conv1d-64, n = 64": (
        "supervised",
        SupervisedConfig(probes=NOTHING, steps=ENDLESS),
        InformationTermConfig,
    ),
    "MNIST-1D, FreeMatch, n = 16 + 112": (
        "semi-supervised",
        SemiSupervisedConfig(probes=NOTHING, steps=ENDLESS),
        InformationTermConfig,
    ),
    "a + b mod 113, n = 128": (
        "grokking",
        GrokkingConfig(probes=ProbesConfig.only(), steps=ENDLESS, settle=None),
        SampledInformationTermConfig,
    ),
}


def objectives(device: torch.device, say: Callable[[str], None]) -> Table:
    """Time a training step with each information term and the same step without a term.

    On a GPU the step without a term is a captured graph. Steps with a term cannot be captured and run eagerly.
    """
    rows: list[Row] = []
    steps = STEPS[device.type]
    for name, (of, config, term_type) in TRAININGS.items():
        say(f"objectives: {name}")
        terms = [term for term in get_args(TermName) if term != "none"]
        configs = {"none": config} | {
            term: dataclasses.replace(config, information=term_type(term=term, weight=0.1)) for term in terms
        }
        with scratch_run() as run:
            tasks: dict[str, Task] = {
                term: next_steps(_engine(of, each, device), run, steps) for term, each in configs.items()
            }
            measured = {term: timing for term, (timing, _) in interleaved(tasks, device, repeats=REPEATS).items()}
        for term, timing in measured.items():
            rows.append(
                {
                    "training": name,
                    "term": term,
                    "step": timing.divided(steps),
                    "with / without": Figure(timing.median / measured["none"].median, ".2f"),
                }
            )
    return Table("a training step with an information loss, with nothing measured", rows)


def _engine(name: str, config: Any, device: torch.device) -> Engine:
    member = experiment(name).build(config, 0, device)
    return Engine([member], executor=EXECUTORS[fastest_executor(device.type, [config])])
