"""Training with an information loss, and its twin of the same weight norm without that loss."""

import dataclasses

import torch

from grok.columns import TWIN
from grok.config import NormMatchedConfig, Schedule
from grok.experiments.grokking.training import transformer_training
from grok.training.learning_rate import LearningRateSchedule
from grok.training.phases import Phase, Phases, Settle
from grok.training.probes import PhaseValues
from grok.training.step import Member


def build(config: NormMatchedConfig, seed: int, device: torch.device) -> Member:
    """Return the network at step 0, from which both trainings start."""
    rates = LearningRateSchedule.of(config.optimiser)
    with_term = Phase(
        steps=config.steps + 1,
        updates=config.steps,
        learning_rate=rates,
        values={TWIN: 0.0},
        measured=(config.steps,),  # a step without an update measures the final network in full
    )
    which = PhaseValues(Schedule.parse(config.probes.accuracy), [TWIN], device)
    member = transformer_training(
        config, seed, device, settle=None, more_probes=[which], followed_updates=with_term.steps
    )
    parameters = list(member.learner.model.parameters())
    initial = [parameter.detach().clone() for parameter in parameters]

    @torch.no_grad()
    def begin_twin() -> None:
        for parameter, first in zip(parameters, initial, strict=True):
            parameter.copy_(first)
        assert member.optimiser.followed_norm
        member.learner.objective.switch_off_term()
        member.optimiser.restart()
        member.optimiser.followed_norm.follow()

    phases = [
        with_term,
        Phase(steps=config.steps, learning_rate=rates, enter=begin_twin, values={TWIN: 1.0}, own_schedule=True),
    ]
    settle = Settle(steps=config.total_steps, settle=None)
    return dataclasses.replace(member, phases=Phases(phases), settle=settle)
