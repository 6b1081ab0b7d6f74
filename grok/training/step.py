"""One full-batch training step, whole and visible, of one network or of many at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from grok.config import OptimiserConfig
from grok.training.executor import Due
from grok.training.learner import Learner
from grok.training.learning_rate import LearningRates
from grok.training.optimiser import Optimiser
from grok.training.ring import Ring
from grok.training.stack import Stack
from grok.training.stopping import Settle

LOSS = "loss"  # the ring's name for the losses, which are kept at every step


@dataclass(frozen=True, kw_only=True)
class Member:
    """One network in training, with its data, its probes, its update rule and its end."""

    learner: Learner
    optimiser: Optimiser
    optimiser_config: OptimiserConfig
    settle: Settle


class TrainingStep:
    """The step of some members. It is device work alone, and what changes lies in tensors: it can be captured."""

    def __init__(self, members: Sequence[Member], *, step: int, block: int) -> None:
        """Make ready for the updates from `step` on, and for what is observed in `block` of them."""
        learner = members[0].learner
        self._stack = Stack([member.learner for member in members])
        self._optimisers = [member.optimiser for member in members]
        self._rates = LearningRates([member.optimiser_config for member in members], step, learner.device)
        for optimiser, rate in zip(self._optimisers, self._rates.now, strict=True):
            optimiser.set_rate(rate)
        rows = {name: probe.schedule.most_due(block) for name, probe in learner.probes.items()}
        self.ring = Ring({LOSS: block} | rows)

    def __call__(self, due: Due) -> None:
        """Train every member for a step, and keep what the probes that are due observe."""
        # Forward
        losses, observed = self._stack(due)
        self.ring.write({LOSS: {LOSS: losses}} | observed)

        # Backward
        gradients = torch.autograd.grad(losses.sum(), self._stack.parameters)
        self._stack.hand_out(gradients)

        # Update
        self._rates.advance()
        for optimiser in self._optimisers:
            optimiser.step()
