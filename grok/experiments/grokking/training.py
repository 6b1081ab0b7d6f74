"""Training of a transformer on a binary operation, with its data, probes and update."""

from collections.abc import Sequence
from functools import partial

import torch

from grok.config import TransformerTrainingConfig
from grok.models import make_transformer
from grok.random import stream
from grok.tasks import operation_task
from grok.training.adjustments import FollowedNorm
from grok.training.draws import sample_draws
from grok.training.engine import BLOCK
from grok.training.information_term import InformationTerm
from grok.training.learner import Learner
from grok.training.learning_rate import LearningRateSchedule
from grok.training.loss import LOSSES
from grok.training.objective import FullBatch
from grok.training.optimiser import Optimiser
from grok.training.phases import Phase, Phases, Settle
from grok.training.probes import Probe, check_task, make_probes, objective_probes
from grok.training.step import Member


def transformer_training(
    config: TransformerTrainingConfig,
    seed: int,
    device: torch.device,
    *,
    settle: int | None,
    more_probes: Sequence[Probe] = (),
    followed_updates: int | None = None,
) -> Member:
    """Return the network at step 0. The seed determines split, initial weights and samples, equally on every device.

    The training ends `settle` steps after the network has grokked, or after all steps if `settle` is None. With
    `followed_updates`, its optimiser stores the norm after each of that many updates, for another training to follow.
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
    criterion = LOSSES[config.loss]
    objective = FullBatch(partial(criterion, dtype=getattr(torch, config.loss_dtype)), term)
    probes = [
        *make_probes(config.probes, task, model, seed, criterion=criterion),
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


def check_probes(config: TransformerTrainingConfig, seed: int) -> None:
    """Reject probes that have nothing to measure on the data of this seed; the check is cheaper than `build`.

    Raises:
        ConfigError: under the conditions of `check_task`.
    """
    check_task(config.probes, operation_task(config.task, seed))
