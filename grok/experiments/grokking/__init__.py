"""Figure 7: a one-layer transformer memorises modular addition, then groks it, with MIR and HDR measured throughout."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from grok.config import GrokkingConfig, OptimiserConfig, ProbesConfig, TaskConfig, TransformerConfig
from grok.experiment import Experiment

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from grok.figures import FigureKind
    from grok.tasks import Task
    from grok.tasks.images import DataFolder
    from grok.training.step import Member


def paper() -> GrokkingConfig:
    """Return the published settings: a + b (mod 113) on 30 % of all pairs.

    The number of training pairs is 3,830 as published, since the fraction is rounded down.
    """
    return GrokkingConfig(task=TaskConfig(rounding="down"))


def laptop() -> GrokkingConfig:
    """Return the settings for a smaller modulus and network, which grok within two minutes on two cores."""
    return GrokkingConfig(
        task=TaskConfig(modulus=59, train_fraction=0.4),
        model=TransformerConfig(d_mlp=256),
        steps=20_000,
        settle=1_000,
    )


def small() -> GrokkingConfig:
    """Return the smallest modulus at which memorising and grokking are far apart; it takes a minute on one core."""
    return GrokkingConfig(
        task=TaskConfig(modulus=31, train_fraction=0.5),
        model=TransformerConfig(d_mlp=256),
        probes=ProbesConfig(sample_size=128, neurons="log:100", collapse="log:100", rank="log:100"),
        steps=10_000,
        settle=1_000,
    )


def s5() -> GrokkingConfig:
    """Return the settings for composition in S5 (Power et al. 2022), which has no Fourier frequencies."""
    return GrokkingConfig(
        task=TaskConfig(operation="s5-compose", modulus=None, train_fraction=0.5),
        probes=ProbesConfig(fourier="off", neurons="off"),
    )


class Grokking(Experiment):
    """Training of a small transformer on a binary operation until it groks."""

    name = "grokking"
    description = "a small transformer on modular addition, with MIR and HDR before and after it groks (Figure 7)"
    config_type = GrokkingConfig
    presets = {"paper": paper, "laptop": laptop, "small": small, "s5": s5}
    default_preset = "paper"
    groks = True
    together = 64

    def build(self, config: GrokkingConfig, seed: int, device: torch.device, data: DataFolder | None = None) -> Member:
        """Return the network at step 0."""
        from grok.experiments.grokking.training import transformer_training

        return transformer_training(config, seed, device, settle=config.settle)

    def task(self, config: GrokkingConfig, seed: int, data: DataFolder | None = None) -> Task:
        """Return all pairs of elements with the split of this seed."""
        from grok.tasks import operation_task

        return operation_task(config.task, seed)

    def check(self, config: GrokkingConfig, seed: int, data: DataFolder | None = None) -> None:
        """Reject probes that have nothing to measure on the data of this seed."""
        from grok.experiments.grokking.training import check_probes

        check_probes(config, seed)

    def memory(self, config: GrokkingConfig, *, members: int, device: str, threads: int) -> int:
        """Return what the data, the networks and their measurement need."""
        from grok.experiments.grokking.memory import memory_needed

        return memory_needed(config, members=members, device=device, threads=threads)

    def alike(self, config: GrokkingConfig) -> GrokkingConfig:
        """Return the config without train fraction, optimiser and end, which may differ in a stack.

        The train fraction must agree if the probe `sample_sizes` is on, since its sizes depend on the test split. It
        must also agree if an information loss uses more samples than half of all pairs.
        """
        half = dataclasses.replace(config.task, train_fraction=0.5, rounding="down")
        enough = not config.information.is_on or config.information.samples <= half.train_size
        any_split = enough and config.probes.sample_sizes == "off"
        return dataclasses.replace(
            config,
            task=half if any_split else config.task.identity(),
            optimiser=OptimiserConfig(),
            steps=0,
            settle=None,
        )

    def learned(self, config: GrokkingConfig) -> str:
        """Return the formula of the operation."""
        return config.task.description

    def control(self, config: GrokkingConfig, main: GrokkingConfig) -> str | None:
        """Return random labels, weight decay 0 or too little data, if the rest but the number of steps is the same."""
        config = dataclasses.replace(config, steps=main.steps, settle=main.settle)
        no_decay = dataclasses.replace(main.optimiser, weight_decay=0.0)
        controls = {"weight decay 0": dataclasses.replace(main, optimiser=no_decay)}
        if main.task.modulus is not None:  # permutations have no random labels beside them
            random = dataclasses.replace(main.task, operation="random")
            controls["random labels"] = dataclasses.replace(main, task=random)
        if config.task.train_fraction < main.task.train_fraction:
            split = {name: getattr(config.task, name) for name in ("train_fraction", "rounding")}
            controls["too little data"] = dataclasses.replace(main, task=dataclasses.replace(main.task, **split))
        identity = config.identity()
        return next((kind for kind, control in controls.items() if control.identity() == identity), None)

    def figures(self) -> Sequence[FigureKind[Any]]:
        """Return Figure 7 and the figures that compare grokking runs."""
        from grok.figures.comparison import CONTROLS, MODULI, OPERATIONS
        from grok.figures.figure7 import FIGURE7
        from grok.figures.fourier_circuit import FOURIER_CIRCUIT
        from grok.figures.interventions import INTERVENTIONS
        from grok.figures.lead_time import LEAD_TIME
        from grok.figures.phase import PHASE
        from grok.figures.sample_sizes import SAMPLE_SIZES

        return (
            FIGURE7,
            SAMPLE_SIZES,
            OPERATIONS,
            MODULI,
            CONTROLS,
            LEAD_TIME,
            PHASE,
            FOURIER_CIRCUIT,
            INTERVENTIONS,
        )
