"""Table 1: training on few labels and many unlabelled samples, with or without a term of information."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from grok.config import ImageModelConfig, ImageTaskConfig, SemiSupervisedConfig
from grok.experiments import supervised
from grok.experiments.images import ImageExperiment

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from grok.figures import FigureKind
    from grok.tasks.images import DataFolder
    from grok.training.step import Member


def laptop() -> SemiSupervisedConfig:
    """MNIST-1D with four labels a class and a convolutional network: half a minute on one core."""
    return SemiSupervisedConfig(probes=supervised.measured())


def paper() -> SemiSupervisedConfig:
    """CIFAR-10 with four labels a class and WideResNet-28-2 for 2^20 steps, FreeMatch's setting.

    But for what its reference code adds: momentum is Nesterov's there, and only matrices and kernels decay.
    """
    return SemiSupervisedConfig(
        task=ImageTaskConfig(dataset="cifar10", augmentation="crop-flip", measured_train=10_000),
        model=ImageModelConfig(network="wide-resnet", depth=28, width=2),
        probes=supervised.measured(),
        batch_size=64,
        steps=2**20,
    )


def gpu() -> SemiSupervisedConfig:
    """The same in 20,000 steps of mixed precision."""
    return dataclasses.replace(paper(), steps=20_000, precision="bfloat16")


class SemiSupervised(ImageExperiment):
    """FreeMatch, FixMatch, or few labels alone."""

    name = "semi-supervised"
    description = "FreeMatch, FixMatch or few labels alone, with or without a term of information (Table 1)"
    config_type = SemiSupervisedConfig
    presets = {"laptop": laptop, "paper": paper, "gpu": gpu}

    def build(
        self, config: SemiSupervisedConfig, seed: int, device: torch.device, data: DataFolder | None = None
    ) -> Member:
        """The network at step 0, and its moving average."""
        from grok.experiments.semi_supervised.training import build

        return build(config, seed, device, data)

    def check(self, config: SemiSupervisedConfig, seed: int, data: DataFolder | None = None) -> None:
        """Reject data that cannot be had, and more labels of a class than they have."""
        from grok.experiments.semi_supervised.training import check_labels

        super().check(config, seed, data)
        check_labels(config, seed)

    def figures(self) -> Sequence[FigureKind[Any]]:
        """Table 1."""
        from grok.figures.semi_supervised import SEMI_SUPERVISED

        return (SEMI_SUPERVISED,)
