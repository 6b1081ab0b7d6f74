"""Training of two children of one initialisation, and the networks on the line between them."""

import numpy as np
import torch
from torch import nn

from grok.columns import OMEGA, RECOMPUTED
from grok.config import ConnectivityConfig, Schedule
from grok.experiments.image_training import ImageTraining, image_training
from grok.tasks.images import DataFolder
from grok.training.learning_rate import LearningRateSchedule
from grok.training.objective import OnBatches
from grok.training.phases import Phase
from grok.training.probes import PhaseValues
from grok.training.step import Member

FIRST, SECOND, RECOMPUTING = 0, 1, 2  # orders of the training samples: for each child, and for batch statistics


class Path:
    """The networks (1 - omega)·first + omega·second between two children, in weights and in batch statistics."""

    def __init__(self, training: ImageTraining) -> None:
        """Remember the network at step 0, from which both children start."""
        self._training = training
        self._initial = {name: tensor.clone() for name, tensor in training.network().items()}
        self.first = {name: torch.zeros_like(tensor) for name, tensor in training.network().items()}
        self.second = {name: torch.zeros_like(tensor) for name, tensor in training.network().items()}

    def begin_second(self) -> None:
        """Store the first child, and start the second from the initial network."""
        for name, tensor in self._training.network().items():
            self.first[name].copy_(tensor)
            tensor.copy_(self._initial[name])
        self._training.optimiser.restart()

    def begin_path(self) -> None:
        """Store the second child, and return to the first."""
        for name, tensor in self._training.network().items():
            self.second[name].copy_(tensor)
        self.go_to(0.0)

    def go_to(self, omega: float, *, recompute_batches: int = 0) -> None:
        """Set the network at omega; with `recompute_batches` above 0, recompute its batch statistics."""
        for name, tensor in self._training.network().items():
            if tensor.is_floating_point():
                # lerp would use two formulas that round differently
                tensor.copy_(self.first[name] * (1 - omega) + self.second[name] * omega)
            else:
                tensor.copy_(self.first[name])
        if recompute_batches:
            recompute_statistics(self._training, recompute_batches)


@torch.no_grad()
def recompute_statistics(training: ImageTraining, batches: int) -> None:
    """Recompute the statistics of all batch normalisations as averages over this many training batches.

    The weights do not change. The computation uses float32, as measurements do, whatever the precision of training.

    Source: Izmailov, Podoprikhin, Garipov, Vetrov and Wilson, Averaging Weights Leads to Wider Optima, UAI 2018.
    """
    learner = training.learner
    assert isinstance(learner.objective, OnBatches)
    norms = [each for each in learner.model.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
    learner.model.train()
    for batch in range(batches if norms else 0):
        for norm in norms:
            norm.momentum = 1 / (batch + 1)  # the running mean of all batches with equal weights
        inputs, _ = learner.objective.batches.batch(batch, order=RECOMPUTING)
        learner.model.features(inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def build(config: ConnectivityConfig, seed: int, device: torch.device, folder: DataFolder | None) -> Member:
    """Return the network at step 0, from which both children start."""
    training = image_training(
        config,
        seed,
        device,
        folder,
        more_probes=lambda task, dim: [
            PhaseValues(Schedule.parse(config.probes.accuracy), [OMEGA, RECOMPUTED], device)
        ],
    )
    path, rates = Path(training), LearningRateSchedule.of(config.optimiser)
    between: list[Phase] = []
    for batches in (0, config.recompute_batches):
        for omega in np.linspace(0, 1, config.points).tolist():
            between.append(_network(config, path, omega, batches, first=not between))
    phases = [
        Phase(steps=config.steps, learning_rate=rates, order=FIRST, values={OMEGA: 0.0, RECOMPUTED: 0.0}),
        Phase(
            steps=config.steps,
            learning_rate=rates,
            order=SECOND,
            enter=path.begin_second,
            values={OMEGA: 1.0, RECOMPUTED: 0.0},
        ),
        *between,
    ]
    kept = {f"first.{name}": tensor for name, tensor in path.first.items()}
    return training.member(phases, kept | {f"second.{name}": tensor for name, tensor in path.second.items()})


def _network(config: ConnectivityConfig, path: Path, omega: float, batches: int, *, first: bool) -> Phase:
    """Return the phase of one interpolated network: one step, which measures and does not train."""

    def enter() -> None:
        if first:
            path.begin_path()
        path.go_to(omega, recompute_batches=batches)

    values = {OMEGA: omega, RECOMPUTED: float(batches > 0)}
    rates = LearningRateSchedule.of(config.optimiser)
    return Phase(steps=1, updates=0, learning_rate=rates, enter=enter, values=values, measured=(0,))
