"""Figures 3 and 4: linear mode connectivity of two children of one initialisation."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from grok.analysis.report import cell, read
from grok.columns import OMEGA, RECOMPUTED, TEST_ACCURACY, TEST_LOSS
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
    """Return the settings under which both children train with this config."""
    settings = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    return ConnectivityConfig(**settings)


def laptop() -> ConnectivityConfig:
    """Return the settings for MNIST-1D with a convolutional network."""
    return with_children(supervised.laptop())


def paper() -> ConnectivityConfig:
    """Return the settings for CIFAR-10 with WideResNet-28-2; the paper also uses learning rates of 3e-3 and 3e-4."""
    return with_children(supervised.paper())


def paper_cifar100() -> ConnectivityConfig:
    """Return the settings for CIFAR-100 with WideResNet-28-8."""
    return with_children(supervised.paper_cifar100())


def gpu() -> ConnectivityConfig:
    """Return the settings for CIFAR-10 with WideResNet-28-2 in 40,000 steps per child."""
    return with_children(supervised.gpu())


class Connectivity(ImageExperiment):
    """Two children of one initialisation, and the networks on the line between them."""

    name = "connectivity"
    description = "linear mode connectivity: two networks of one initialisation and the line between (Figures 3 and 4)"
    config_type = ConnectivityConfig
    presets = {"laptop": laptop, "paper": paper, "paper-cifar100": paper_cifar100, "gpu": gpu}
    phase_columns = (OMEGA, RECOMPUTED)

    def build(
        self, config: ConnectivityConfig, seed: int, device: torch.device, data: DataFolder | None = None
    ) -> Member:
        """Return the network at step 0, from which both children start."""
        from grok.experiments.connectivity.training import build

        return build(config, seed, device, data)

    def outcome(self, run: Run) -> list[str]:
        """Return lines with the loss barrier and the accuracy at omega 0 and 0.5, by kind of batch statistics.

        The events of such a run would mix both trainings and the networks between them.
        """
        from grok.analysis.phases import STATISTICS, at_omega, barrier_of_test_loss, networks_between

        metrics = read(run, [OMEGA, RECOMPUTED, TEST_LOSS, TEST_ACCURACY])
        between = networks_between(metrics, steps=run.manifest()["config"]["steps"])
        if between.empty:
            return [
                f"The record has no network between the two: it lacks {OMEGA} or {RECOMPUTED} after their training."
            ]
        lines = [
            "Between the two networks, test split:",
            f"{'statistics':<14}{'networks':>10}{'loss barrier':>20}{'accuracy at omega 0':>22}{'at omega 0.5':>15}",
        ]
        for recomputed, kind in STATISTICS.items():
            line = between[between[RECOMPUTED] == recomputed]
            if line.empty:
                continue
            barrier = cell(barrier_of_test_loss(line), ".3f", " nats")
            end, middle = (cell(at_omega(line, TEST_ACCURACY, omega), ".1%") for omega in (0.0, 0.5))
            lines.append(f"{kind:<14}{len(line):>10}{barrier:>20}{end:>22}{middle:>15}")
        return lines

    def figures(self) -> Sequence[FigureKind[Any]]:
        """Return Figures 3 and 4, which are one kind of figure."""
        from grok.figures.connectivity import CONNECTIVITY

        return (CONNECTIVITY,)
