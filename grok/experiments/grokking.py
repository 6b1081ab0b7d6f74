"""Figure 7: a one-layer transformer memorises modular addition, then groks it, with MIR and HDR measured throughout."""

import dataclasses
from collections.abc import Sequence
from functools import partial

import torch

from grok.config import (
    GrokkingConfig,
    OptimiserConfig,
    ProbesConfig,
    TaskConfig,
    TransformerConfig,
    TransformerTrainingConfig,
)
from grok.experiments.runner import Experiment
from grok.models import make_transformer
from grok.random import stream
from grok.tasks import operation_task
from grok.training.draws import sample_draws
from grok.training.engine import BLOCK
from grok.training.followed_norm import FollowedNorm
from grok.training.information_term import InformationTerm
from grok.training.learner import Learner
from grok.training.learning_rate import LearningRateSchedule
from grok.training.loss import LOSSES
from grok.training.objective import FullBatch
from grok.training.optimiser import Optimiser
from grok.training.phases import Phase, Phases
from grok.training.probes import Probe, check_probes, make_probes, objective_probes
from grok.training.step import Member
from grok.training.stopping import Settle


def paper() -> GrokkingConfig:
    """A + b (mod 113) on 30 % of all pairs, as published."""
    return GrokkingConfig()


def laptop() -> GrokkingConfig:
    """A smaller modulus and network that grok within a minute or two on two cores."""
    return GrokkingConfig(
        task=TaskConfig(modulus=59, train_fraction=0.4),
        model=TransformerConfig(d_mlp=256),
        steps=20_000,
        settle=1_000,
    )


def small() -> GrokkingConfig:
    """The smallest modulus at which memorising and grokking are far apart: a minute or so on one core."""
    return GrokkingConfig(
        task=TaskConfig(modulus=31, train_fraction=0.5),
        model=TransformerConfig(d_mlp=256),
        probes=ProbesConfig(
            sample_size=128, embedding="every:10", neurons="every:10", collapse="every:10", rank="every:10"
        ),
        steps=10_000,
        settle=1_000,
    )


def s5() -> GrokkingConfig:
    """Composition of permutations of five things (Power et al. 2022), which has no Fourier frequencies."""
    return GrokkingConfig(
        task=TaskConfig(operation="s5-compose", modulus=None, train_fraction=0.5),
        probes=ProbesConfig(fourier="off", neurons="off"),
    )


def build(config: GrokkingConfig, seed: int, device: torch.device) -> Member:
    """The network at step 0."""
    return transformer_training(config, seed, device, settle=config.settle)


def transformer_training(
    config: TransformerTrainingConfig,
    seed: int,
    device: torch.device,
    *,
    settle: int | None,
    more_probes: Sequence[Probe] = (),
    followed_updates: int | None = None,
) -> Member:
    """The network at step 0. Split, initial weights and measured samples come from `seed`, alike on every device.

    It ends `settle` steps after it has grokked; None: after all steps.
    With `followed_updates`, its optimiser keeps the norm after so many updates, for another training to follow.
    """
    task = operation_task(config.task, seed).to(device)
    model = make_transformer(
        config.model, num_tokens=task.num_tokens, num_classes=task.num_classes, generator=stream(seed, "model")
    ).to(device)
    term = None
    if config.information.is_on:
        draws = sample_draws(
            len(task.train), size=config.information.samples, seed=seed, name="term", block=BLOCK, device=device
        )
        term = InformationTerm(config.information, device, draws)
    objective = FullBatch(partial(LOSSES[config.loss], dtype=getattr(torch, config.loss_dtype)), term)
    probes = [
        *make_probes(config.probes, task, model, seed, criterion=LOSSES[config.loss]),
        *objective_probes(config.probes, objective.values()),
        *more_probes,
    ]
    followed = None
    if followed_updates is not None:
        followed = FollowedNorm(model.parameters(), updates=followed_updates)
    return Member(
        learner=Learner(task=task, model=model, objective=objective, probes=probes),
        optimiser=Optimiser(model, config.optimiser, followed_norm=followed),
        settle=Settle(steps=config.steps, settle=settle),
        phases=Phases([Phase(steps=config.steps, learning_rate=LearningRateSchedule.of(config.optimiser))]),
    )


def check(config: TransformerTrainingConfig, seed: int) -> None:
    """Refuse probes that have nothing to measure on the data of this seed; cheap beside `build`.

    Raises:
        ConfigError: as `check_probes`.
    """
    check_probes(config.probes, operation_task(config.task, seed))


def alike(config: GrokkingConfig) -> GrokkingConfig:
    """What members of one stack share: all but train fraction, optimiser and end.

    The train fraction too where sample sizes are measured, which go up to that of the test split, or where a term of
    information takes more samples than half of all pairs.
    """
    half = dataclasses.replace(config.task, train_fraction=0.5)
    enough = not config.information.is_on or config.information.samples <= half.train_size
    any_split = enough and config.probes.sample_sizes == "off"
    return dataclasses.replace(
        config,
        task=half if any_split else config.task,
        optimiser=OptimiserConfig(),
        steps=0,
        settle=None,
    )


EXPERIMENT = Experiment(
    name="grokking",
    description="a small transformer on modular addition, with MIR and HDR before and after it groks (Figure 7)",
    config_type=GrokkingConfig,
    presets={"paper": paper, "laptop": laptop, "small": small, "s5": s5},
    default_preset="paper",
    build=lambda config, seed, device, folder: build(config, seed, device),
    check=lambda config, seed, folder: check(config, seed),
    alike=alike,
    together=64,
)
