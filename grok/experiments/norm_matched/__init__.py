"""Test of whether an information loss acts through the weight norm: grokking with it, then a twin of equal norm."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from grok.analysis.report import cell
from grok.columns import TEST_ACCURACY, TWIN
from grok.config import GrokkingConfig, NormMatchedConfig, OptimiserConfig, TransformerTrainingConfig
from grok.experiment import Experiment
from grok.experiments import grokking

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from grok.figures import FigureKind
    from grok.tasks import Task
    from grok.tasks.images import DataFolder
    from grok.tracking import Run
    from grok.training.step import Member


def with_twin(config: GrokkingConfig) -> NormMatchedConfig:
    """Return settings for this config with the default information loss, for all steps without an early stop."""
    shared = [field.name for field in dataclasses.fields(TransformerTrainingConfig) if field.name != "information"]
    return NormMatchedConfig(**{name: getattr(config, name) for name in shared})


def small() -> NormMatchedConfig:
    """Return the smallest modulus at which memorising and grokking are far apart; it takes 3 minutes on one core."""
    return with_twin(grokking.small())


def paper() -> NormMatchedConfig:
    """Return the settings for a + b (mod 113) on 30 % of all pairs, with 12,000 steps per training."""
    return dataclasses.replace(with_twin(grokking.paper()), steps=12_000)


class NormMatched(Experiment):
    """A training with an information loss, and its twin of the same weight norm without that loss."""

    name = "norm-matched"
    description = "grokking with an information loss, and a twin of the same weight norm without it, `steps` each"
    config_type = NormMatchedConfig
    presets = {"small": small, "paper": paper}
    default_preset = "small"
    phase_columns = (TWIN,)
    groks = True
    together = 64

    def build(
        self, config: NormMatchedConfig, seed: int, device: torch.device, data: DataFolder | None = None
    ) -> Member:
        """Return the network at step 0, from which both trainings start."""
        from grok.experiments.norm_matched.training import build

        return build(config, seed, device)

    def task(self, config: NormMatchedConfig, seed: int, data: DataFolder | None = None) -> Task:
        """Return all pairs of elements with the split of this seed."""
        from grok.tasks import operation_task

        return operation_task(config.task, seed)

    def check(self, config: NormMatchedConfig, seed: int, data: DataFolder | None = None) -> None:
        """Reject probes that have nothing to measure on the data of this seed."""
        from grok.experiments.grokking.training import check_probes

        check_probes(config, seed)

    def memory(self, config: NormMatchedConfig, *, members: int, device: str, threads: int) -> int:
        """Return what the data, the networks and their measurement need."""
        from grok.experiments.grokking.memory import memory_needed

        return memory_needed(config, members=members, device=device, threads=threads)

    def alike(self, config: NormMatchedConfig) -> NormMatchedConfig:
        """Return the config with a default optimiser, whose settings may differ in a stack."""
        return dataclasses.replace(config.identity(), optimiser=OptimiserConfig())

    def learned(self, config: NormMatchedConfig) -> str:
        """Return the formula of the operation."""
        return config.task.description

    def summarise(self, run: Run) -> dict[str, Any]:
        """Return the summary of the first training and, under `twin`, the summary of the twin in its own steps."""
        from grok.analysis.phases import trainings
        from grok.analysis.summary import events_and_last, summary_of

        parts = trainings(run.metrics())
        if len(parts) == 1:  # an export may have left out the column that distinguishes them
            return summary_of(run)
        first, twin = (events_and_last(part, part.tail(1).to_dict("records")[0]) for part in parts)
        return {**first, "twin": twin}

    def outcome(self, run: Run) -> list[str]:
        """Return lines with the step at which each training grokked, in its own steps, and its final test accuracy."""
        manifest = run.manifest()
        summary, term = manifest["summary"], manifest["config"]["information"]
        trainings = {
            f"with {term['term']}, weight {term['weight']:g}": summary,
            "twin without it, of the same norm": summary["twin"],
        }
        width = max(map(len, trainings))
        lines = [f"{'training':<{width}}{'grokked':>14}{'test accuracy at the end':>28}"]
        for name, came_to in trainings.items():
            grokked, accuracy = came_to["events"]["grokked"], came_to["last"].get(TEST_ACCURACY, math.nan)
            step = "never" if grokked is None else f"step {grokked:,}"
            lines.append(f"{name:<{width}}{step:>14}{cell(accuracy, '.1%'):>28}")
        return lines

    def figures(self) -> Sequence[FigureKind[Any]]:
        """Return the figure that shows when each training and its twin grokked."""
        from grok.figures.interventions import INTERVENTIONS

        return (INTERVENTIONS,)
