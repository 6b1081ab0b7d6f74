"""Table 1: training on few labels and many unlabelled samples, with or without an information loss."""

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
    """Return the settings for MNIST-1D with four labels per class, which take half a minute on one core."""
    return SemiSupervisedConfig(probes=supervised.measured())


def paper() -> SemiSupervisedConfig:
    """Return the settings of FreeMatch: CIFAR-10 with four labels per class and WideResNet-28-2 for 2^20 steps.

    The reference code of FreeMatch differs in two points: it uses Nesterov momentum, and weight decay acts only on
    matrices and kernels.
    """
    return SemiSupervisedConfig(
        task=ImageTaskConfig(dataset="cifar10", augmentation="crop-flip", measured_train=10_000),
        model=ImageModelConfig(network="wide-resnet", depth=28, width=2),
        probes=supervised.measured(),
        batch_size=64,
        steps=2**20,
    )


def gpu() -> SemiSupervisedConfig:
    """Return the settings of `paper` with 20,000 steps in mixed precision."""
    return dataclasses.replace(paper(), steps=20_000, precision="bfloat16")


class SemiSupervised(ImageExperiment):
    """Training by FreeMatch or FixMatch, or on few labels only."""

    name = "semi-supervised"
    description = "FreeMatch, FixMatch or few labels alone, with or without an information loss (Table 1)"
    config_type = SemiSupervisedConfig
    presets = {"laptop": laptop, "paper": paper, "gpu": gpu}

    def build(
        self, config: SemiSupervisedConfig, seed: int, device: torch.device, data: DataFolder | None = None
    ) -> Member:
        """Return the network at step 0 with its moving average."""
        from grok.experiments.semi_supervised.training import build

        return build(config, seed, device, data)

    def check(self, config: SemiSupervisedConfig, seed: int, data: DataFolder | None = None) -> None:
        """Reject data that are not available, and more labels per class than the data have."""
        from grok.experiments.semi_supervised.training import check_labels

        super().check(config, seed, data)
        check_labels(config, seed)

    def figures(self) -> Sequence[FigureKind[Any]]:
        """Return the comparison of methods and terms, Table 1."""
        from grok.figures.semi_supervised import SEMI_SUPERVISED

        return (SEMI_SUPERVISED,)
