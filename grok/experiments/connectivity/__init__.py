"""Figures 3 and 4: two children of one initialisation, and the networks on the line between them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from grok.analysis.phases import OMEGA, RECOMPUTED
from grok.config import ConnectivityConfig, SupervisedConfig
from grok.experiments import supervised
from grok.experiments.images import ImageExperiment

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from grok.figures import FigureKind
    from grok.tasks.images import DataFolder
    from grok.tracking import Run
    from grok.training.step import Member


def with_children(config: SupervisedConfig) -> ConnectivityConfig:
    """Both children trained as this says."""
    settings = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    return ConnectivityConfig(**settings)


def laptop() -> ConnectivityConfig:
    """MNIST-1D with a convolutional network."""
    return with_children(supervised.laptop())


def paper() -> ConnectivityConfig:
    """CIFAR-10 with WideResNet-28-2; the paper also has learning rates of 3e-3 and 3e-4."""
    return with_children(supervised.paper())


def paper_cifar100() -> ConnectivityConfig:
    """CIFAR-100 with WideResNet-28-8."""
    return with_children(supervised.paper_cifar100())


def gpu() -> ConnectivityConfig:
    """CIFAR-10 with WideResNet-28-2 in 40,000 steps for each child."""
    return with_children(supervised.gpu())


class Connectivity(ImageExperiment):
    """Linear mode connectivity."""

    name = "connectivity"
    description = "linear mode connectivity: two networks of one initialisation and those between (Figures 3 and 4)"
    config_type = ConnectivityConfig
    presets = {"laptop": laptop, "paper": paper, "paper-cifar100": paper_cifar100, "gpu": gpu}
    phase_columns = (OMEGA, RECOMPUTED)

    def build(
        self, config: ConnectivityConfig, seed: int, device: torch.device, data: DataFolder | None = None
    ) -> Member:
        """The network at step 0, at which both children begin."""
        from grok.experiments.connectivity.training import build

        return build(config, seed, device, data)

    def outcome(self, run: Run) -> list[str]:
        """The loss barrier between the children; the events of a run would mix both trainings and the path."""
        from grok.experiments.connectivity.outcome import outcome

        return outcome(run)

    def figures(self) -> Sequence[FigureKind[Any]]:
        """Figures 3 and 4."""
        from grok.figures.connectivity import CONNECTIVITY

        return (CONNECTIVITY,)
