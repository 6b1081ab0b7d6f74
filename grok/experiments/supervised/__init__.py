"""Figures 1, 2 and 5: standard training on images or signals, with or without label smoothing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from grok.config import ClassifierProbesConfig, ImageModelConfig, ImageTaskConfig, SupervisedConfig
from grok.experiments.images import ImageExperiment

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from grok.figures import FigureKind
    from grok.tasks.images import DataFolder
    from grok.training.step import Member


def paper() -> SupervisedConfig:
    """Return the published settings for CIFAR-10: WideResNet-28-2 for 2^20 steps."""
    return SupervisedConfig(
        task=ImageTaskConfig(dataset="cifar10", augmentation="crop-flip", measured_train=10_000),
        model=ImageModelConfig(network="wide-resnet", depth=28, width=2),
        probes=measured(),
        steps=2**20,
    )


def paper_cifar100() -> SupervisedConfig:
    """Return the published settings for CIFAR-100: WideResNet-28-8 for 2^20 steps."""
    return dataclasses.replace(
        paper(),
        task=ImageTaskConfig(dataset="cifar100", augmentation="crop-flip", measured_train=10_000),
        model=ImageModelConfig(network="wide-resnet", depth=28, width=8),
    )


def gpu() -> SupervisedConfig:
    """Return the settings of `paper` with 40,000 steps in mixed precision."""
    return dataclasses.replace(paper(), steps=40_000, precision="bfloat16")


def laptop() -> SupervisedConfig:
    """Return the settings for MNIST-1D with a convolutional network, which take half a minute on two cores."""
    return SupervisedConfig(probes=measured())


def measured() -> ClassifierProbesConfig:
    """Return probes with log-spaced measurements, and the paper's batch of 64 samples in the pairing `sample`."""
    return ClassifierProbesConfig(
        accuracy="log:30",
        prototype="log:30",
        sample="log:30",
        sample_size=64,
        norms="log:30",
        collapse="log:30",
        rank="log:30",
    )


class Supervised(ImageExperiment):
    """Standard training on images or signals."""

    name = "supervised"
    description = "standard training on images or signals, with MIR, HDR and neural collapse (Figures 1, 2 and 5)"
    config_type = SupervisedConfig
    presets = {"laptop": laptop, "paper": paper, "paper-cifar100": paper_cifar100, "gpu": gpu}

    def build(
        self, config: SupervisedConfig, seed: int, device: torch.device, data: DataFolder | None = None
    ) -> Member:
        """Return the network at step 0."""
        from grok.experiments.supervised.training import build

        return build(config, seed, device, data)

    def figures(self) -> Sequence[FigureKind[Any]]:
        """Return Figures 1, 2 and 5, Table 2, and the figure of the `sample` pairing by number of samples."""
        from grok.figures.label_smoothing import LABEL_SMOOTHING
        from grok.figures.objectives import OBJECTIVES
        from grok.figures.sample_sizes import SAMPLE_SIZES
        from grok.figures.supervised import SUPERVISED

        return (
            SUPERVISED,
            LABEL_SMOOTHING,
            SAMPLE_SIZES,
            OBJECTIVES,
        )
