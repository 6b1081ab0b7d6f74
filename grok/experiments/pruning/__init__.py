"""Figure 6: a trained network is pruned to one sparsity after another and fine-tuned at each."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from grok.analysis.report import cell, read
from grok.columns import RATIOS, SPARSITY, TEST_ACCURACY, interplay
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
        """Return a line per sparsity with the accuracy, MIR and HDR of the fine-tuned network."""
        from grok.analysis.phases import FINE_TUNED, pruning_stages

        ratios = [interplay(pairing, "test", ratio) for pairing in ("before-after", "sample") for ratio in RATIOS]
        metrics = read(run, [SPARSITY, TEST_ACCURACY, *ratios])
        config = run.manifest()["config"]
        stages = pruning_stages(
            metrics,
            steps=config["steps"],
            fine_tune_steps=config["fine_tune_steps"],
            sparsities=len(config["sparsities"]),
        )
        tuned = stages[stages["stage"] == FINE_TUNED].reindex(columns=[SPARSITY, TEST_ACCURACY, *ratios])
        if tuned.empty:
            return [f"The record has no fine-tuned network: it lacks {SPARSITY} at the end of any fine-tuning."]
        lines = [
            "Fine-tuned at each sparsity, test split:",
            f"{'sparsity':<10}{'accuracy':>10}{'before-after MIR':>19}{'HDR':>8}{'sample MIR':>13}{'HDR':>8}",
        ]
        for sparsity, accuracy, *values in tuned.itertuples(index=False):
            cells = "".join(
                f"{cell(value, '.3f'):>{width}}" for value, width in zip(values, (19, 8, 13, 8), strict=True)
            )
            lines.append(f"{sparsity:<10.3g}{cell(accuracy, '.1%'):>10}{cells}")
        return lines

    def figures(self) -> Sequence[FigureKind[Any]]:
        """Return the figure of pruning by sparsity, Figure 6."""
        from grok.figures.pruning import PRUNING

        return (PRUNING,)
