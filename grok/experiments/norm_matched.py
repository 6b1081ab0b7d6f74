"""Is it the information or the norm? Grokking with a term of information, then without it at the same weight norm."""

import dataclasses

import torch

from grok.config import GrokkingConfig, NormMatchedConfig, OptimiserConfig, Schedule, TransformerTrainingConfig
from grok.experiments import grokking
from grok.experiments.runner import Experiment
from grok.tasks.images import DataFolder
from grok.tracking.record import TWIN
from grok.training.learning_rate import LearningRateSchedule
from grok.training.phases import Phase, Phases
from grok.training.probes import PhaseValues
from grok.training.step import Member
from grok.training.stopping import Settle


def with_twin(config: GrokkingConfig) -> NormMatchedConfig:
    """Trained as this says, but with mutual information raised, and for all steps."""
    shared = [field.name for field in dataclasses.fields(TransformerTrainingConfig) if field.name != "information"]
    return NormMatchedConfig(**{name: getattr(config, name) for name in shared})


def small() -> NormMatchedConfig:
    """The smallest modulus at which memorising and grokking are far apart: three minutes on one core."""
    return with_twin(grokking.small())


def paper() -> NormMatchedConfig:
    """A + b (mod 113) on 30 % of all pairs, 12,000 steps each."""
    return dataclasses.replace(with_twin(grokking.paper()), steps=12_000)


def alike(config: NormMatchedConfig) -> NormMatchedConfig:
    """What members of one stack share: all but the optimiser."""
    return dataclasses.replace(config, optimiser=OptimiserConfig())


def build(config: NormMatchedConfig, seed: int, device: torch.device, folder: DataFolder) -> Member:
    """The network at step 0, the beginning of both trainings."""
    rates = LearningRateSchedule.of(config.optimiser)
    with_term = Phase(
        steps=config.steps + 1,
        updates=config.steps,
        learning_rate=rates,
        values={TWIN: 0.0},
        measured=(config.steps,),  # its last network, in full, in a step without an update
    )
    which = PhaseValues(Schedule.parse(config.probes.accuracy), [TWIN], device)
    member = grokking.transformer_training(
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


EXPERIMENT = Experiment(
    name="norm-matched",
    description="grokking with a term of information, and a twin of the same weight norm without it, `steps` each",
    config_type=NormMatchedConfig,
    presets={"small": small, "paper": paper},
    default_preset="small",
    build=build,
    check=lambda config, seed, folder: grokking.check(config, seed),
    alike=alike,
    together=64,
)
