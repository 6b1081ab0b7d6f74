"""Is it the information or the norm? Grokking with a term of information, then without it at the same weight norm."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from grok.analysis.phases import TWIN, trainings
from grok.analysis.summary import events_and_last, summary_of
from grok.config import GrokkingConfig, NormMatchedConfig, OptimiserConfig, TransformerTrainingConfig
from grok.experiment import Experiment
from grok.experiments import grokking

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from grok.figures import FigureKind
    from grok.tasks.images import DataFolder
    from grok.tracking import Run
    from grok.training.step import Member


def with_twin(config: GrokkingConfig) -> NormMatchedConfig:
    """Trained as this says, but with mutual information raised, and for all steps."""
    shared = [field.name for field in dataclasses.fields(TransformerTrainingConfig) if field.name != "information"]
    return NormMatchedConfig(**{name: getattr(config, name) for name in shared})


def small() -> NormMatchedConfig:
    """The smallest modulus at which memorising and grokking are far apart: three minutes on one core."""
    return with_twin(grokking.small())


def paper() -> NormMatchedConfig:
    """A + b (mod 113) on 30 % of all pairs, 12,000 steps each."""
    return dataclasses.replace(with_twin(grokking.paper()), steps=12_000)


class NormMatched(Experiment):
    """A training with a term of information, and its twin of the same weight norm without it."""

    name = "norm-matched"
    description = "grokking with a term of information, and a twin of the same weight norm without it, `steps` each"
    config_type = NormMatchedConfig
    presets = {"small": small, "paper": paper}
    default_preset = "small"
    phase_columns = (TWIN,)
    groks = True
    together = 64

    def build(
        self, config: NormMatchedConfig, seed: int, device: torch.device, data: DataFolder | None = None
    ) -> Member:
        """The network at step 0, at which both trainings begin."""
        from grok.experiments.norm_matched.training import build

        return build(config, seed, device)

    def check(self, config: NormMatchedConfig, seed: int, data: DataFolder | None = None) -> None:
        """Reject probes that have nothing to measure on the data of this seed."""
        from grok.experiments.grokking.training import check_probes

        check_probes(config, seed)

    def alike(self, config: NormMatchedConfig) -> NormMatchedConfig:
        """All settings but those of the optimiser."""
        return dataclasses.replace(config, optimiser=OptimiserConfig())

    def summarise(self, run: Run) -> dict[str, Any]:
        """The summary of the training with the term and, under `twin`, that of its twin in steps of its own."""
        parts = trainings(run.metrics())
        if len(parts) == 1:  # an export may have left out the column that tells them apart
            return summary_of(run)
        first, twin = (events_and_last(part, part.tail(1).to_dict("records")[0]) for part in parts)
        return {**first, "twin": twin}

    def outcome(self, run: Run) -> list[str]:
        """When each of the two trainings grokked, and how accurate it ended."""
        from grok.experiments.norm_matched.outcome import outcome

        return outcome(run)

    def figures(self) -> Sequence[FigureKind[Any]]:
        """When each training and its twin grokked."""
        from grok.figures.interventions import INTERVENTIONS

        return (INTERVENTIONS,)
