"""Figure 6: a trained network is pruned to one sparsity after another and fine-tuned at each."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from grok.analysis.phases import SPARSITY
from grok.config import PruningConfig, SupervisedConfig
from grok.experiments import supervised
from grok.experiments.images import ImageExperiment

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from grok.figures import FigureKind
    from grok.tasks.images import DataFolder
    from grok.tracking import Run
    from grok.training.step import Member


def then_pruned(config: SupervisedConfig, **settings: Any) -> PruningConfig:
    """Return the settings for training with this config and then pruning."""
    training: dict[str, Any] = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    return PruningConfig(**training, **settings)


def laptop() -> PruningConfig:
    """Return the settings for MNIST-1D with a convolutional network."""
    return then_pruned(supervised.laptop())


def paper() -> PruningConfig:
    """Return the settings for CIFAR-10 with WideResNet-28-2."""
    return then_pruned(supervised.paper(), fine_tune_steps=20_000)


def gpu() -> PruningConfig:
    """Return the settings for CIFAR-10 with WideResNet-28-2, with 40,000 steps and 2,000 of each fine-tuning."""
    return then_pruned(supervised.gpu(), fine_tune_steps=2_000)


class Pruning(ImageExperiment):
    """Magnitude pruning of a trained network, with fine-tuning."""

    name = "pruning"
    description = "magnitude pruning of a trained network, with fine-tuning at each sparsity (Figure 6)"
    config_type = PruningConfig
    presets = {"laptop": laptop, "paper": paper, "gpu": gpu}
    phase_columns = (SPARSITY,)

    def build(self, config: PruningConfig, seed: int, device: torch.device, data: DataFolder | None = None) -> Member:
        """Return the network at step 0."""
        from grok.experiments.pruning.training import build

        return build(config, seed, device, data)

    def alike(self, config: PruningConfig) -> PruningConfig:
        """Return the config without optimiser and learning rate of fine-tuning, which may differ in a stack."""
        return dataclasses.replace(super().alike(config), fine_tune_learning_rate=1.0)

    def outcome(self, run: Run) -> list[str]:
        """Return the results at each sparsity, since the events would mix them with the training before."""
        from grok.experiments.pruning.outcome import outcome

        return outcome(run)

    def figures(self) -> Sequence[FigureKind[Any]]:
        """Return Figure 6."""
        from grok.figures.pruning import PRUNING

        return (PRUNING,)
