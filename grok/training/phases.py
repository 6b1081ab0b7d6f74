"""The phases of a training, each with its learning rates and its start, and the rule that ends the training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from grok.training.learning_rate import LearningRateSchedule


def _nothing() -> None:
    """Change nothing."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A range of consecutive steps of one training."""

    per_member: ClassVar = ("steps", "learning_rate", "updates", "enter", "order", "values")

    steps: int
    """Number of steps."""
    learning_rate: LearningRateSchedule
    """Schedule of the learning rate; warm-up and decay start with the phase."""
    updates: int | None = None
    """Number of first steps that update the weights; the others update only the averages of batch normalisation. None
    means all steps."""
    enter: Callable[[], None] = _nothing
    """Sets network and optimiser to the start of the phase, on the device only. A resumed phase does not call it."""
    order: int = 0
    """Number of the seeded order of training samples and augmentations that the batches follow from its start."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Values by column that identify the phase in the record; the probe `PhaseValues` records them."""
    measured: tuple[int, ...] = ()
    """Steps, counted from the first of the phase, at which every probe measures, due or not."""
    without: tuple[str, ...] = ()
    """Names of the probes that have nothing to measure in the phase."""
    own_schedule: bool = False
    """Whether schedules of probes count from the first step of the phase instead of step 0 of the training."""

    def rates(self, first: int, count: int) -> Float[Tensor, "step"]:
        """Return the learning rates of `count` steps from step `first` of the phase on; steps without update have 0."""
        steps = torch.arange(first, first + count)
        updates = self.steps if self.updates is None else self.updates
        rates = self.learning_rate.rates(steps, total=max(updates, 1))
        return rates if self.updates is None else torch.where(steps < updates, rates, 0.0)


class Phases:
    """The consecutive phases of a training from step 0; the last one lasts until the end of the training."""

    def __init__(self, phases: Sequence[Phase]) -> None:
        self.by_first_step: dict[int, Phase] = {}
        at = 0
        for phase in phases:
            self.by_first_step[at] = phase
            at += phase.steps

    def begins(self, step: int) -> Phase | None:
        """Return the phase that starts at this step, or None."""
        return self.by_first_step.get(step)

    def at(self, step: int) -> tuple[Phase, int]:
        """Return the phase of a step and the first step of that phase; past the end this is the last phase.

        >>> constant = LearningRateSchedule(rate=1.0)
        >>> phases = Phases([Phase(steps=5, learning_rate=constant), Phase(steps=3, learning_rate=constant)])
        >>> [phases.at(step)[1] for step in (0, 4, 5, 8)]
        [0, 0, 5, 5]
        """
        first = max(first for first in self.by_first_step if first <= step)
        return self.by_first_step[first], first

    def later(self, step: int) -> list[int]:
        """Return the first steps of the phases that start after a step."""
        return [first for first in self.by_first_step if first > step]


GROKKED = 0.99


class Settle:
    """Ends a run `settle` steps after test accuracy has reached 99 % and stayed there, or at `steps`.

    A measurement below 99 % restarts the count. The rule uses only recorded rows, so a resumed run ends at the same
    step as an uninterrupted one. The count starts at a measurement, so the run ends later by at most the distance to
    the measurement before it: K - 1 steps for `every:K`, and 2.3 % of the step for `log:100`.
    """

    def __init__(self, *, steps: int, settle: int | None) -> None:
        self._steps = steps
        self._settle = settle
        self._grokked_at: int | None = None

    def look_every(self, block: int, *, delay: int = 1) -> int:
        """Return at most `block` steps, few enough that `delay` times as many cannot pass the end unnoticed."""
        return block if self._settle is None else max(1, min(block, self._settle // delay))

    def allows(self, delay: int) -> bool:
        """Return whether `look_every` can find such a number of steps."""
        return self._settle is None or self._settle >= delay

    def update(self, step: int, accuracy: float) -> None:
        """Take in a test accuracy; calls must be in the order of the steps."""
        if accuracy < GROKKED:
            self._grokked_at = None
        elif self._grokked_at is None:
            self._grokked_at = step

    @property
    def last_step(self) -> int:
        """The step at which the run ends, as far as is known now."""
        if self._settle is None or self._grokked_at is None:
            return self._steps
        return min(self._steps, self._grokked_at + self._settle)
