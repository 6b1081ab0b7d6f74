"""One training step, whole and visible, for one network or for many at once."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from grok.training.executor import Due
from grok.training.learner import Learner
from grok.training.learning_rate import LearningRates
from grok.training.optimiser import Optimiser
from grok.training.phases import Phases, Settle
from grok.training.ring import Ring
from grok.training.stack import Stack

LOSS = "loss"  # name of the losses in the ring, which keeps them at every step


@dataclass(frozen=True, kw_only=True)
class Member:
    """One network in training, with its data, probes, update rule and end."""

    per_member: ClassVar = ("optimiser", "settle", "kept")

    learner: Learner
    optimiser: Optimiser
    settle: Settle
    phases: Phases
    kept: Mapping[str, Tensor] = field(default_factory=dict)
    """Tensors of earlier phases that later ones need, such as the weights of a trained network, by name."""

    def mend(self, step: int) -> str:
        """Return the advice that may keep the loss finite, which it is not at `step`, after an earlier update."""
        phase, _ = self.phases.at(max(step - 1, 0))
        return "lower " + " or ".join([phase.learning_rate.to_lower, *self.learner.objective.to_lower])


class TrainingStep:
    """The step of a stack of members. It is work of the device only, with all changing values in tensors."""

    def __init__(self, members: Sequence[Member], *, block: int) -> None:
        """Make room for blocks of at most `block` steps and for their observations."""
        learner = members[0].learner
        self._members = list(members)
        self._stack = Stack([member.learner for member in members])
        self._optimisers = [member.optimiser for member in members]
        self._rates = LearningRates(len(members), block=block, device=learner.device)
        for optimiser, rate in zip(self._optimisers, self._rates.now, strict=True):
            optimiser.set_rate(rate)
        # at least one row, since a phase may require a probe that is never due
        rows = {name: max(1, probe.schedule.most_due(block)) for name, probe in learner.probes.items()}
        self.ring = Ring({LOSS: block} | rows)

    def computing(self) -> AbstractContextManager[None]:
        """Return the context in which steps are taken and measured."""
        return self._stack.computing()

    def prepare(self, step: int, count: int) -> None:
        """Copy the learning rates and batches of `count` steps, starting at `step`, to the device."""
        upcoming = []
        for member in self._members:
            phase, first = member.phases.at(step)
            member.learner.prepare(phase, step - first, count)
            upcoming.append(phase.rates(step - first, count))
        self._rates.prepare(upcoming)

    def __call__(self, due: Due) -> None:
        """Train every member for a step, and store the observations of the probes that are due."""
        # Forward
        losses, observed = self._stack(due)
        self.ring.write({LOSS: {LOSS: losses}} | observed)

        # Backward, unless chunks have computed their gradients with the loss, which then hands them over
        gradients = torch.autograd.grad(losses.sum(), self._stack.parameters)
        self._stack.hand_out(gradients)

        # Update
        self._rates.advance()
        for optimiser in self._optimisers:
            optimiser.step()
