"""What a training consists of: stretches of steps, each with its rates and its beginning, and the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from grok.training.learning_rate import LearningRateSchedule


def _nothing() -> None:
    """Go on as it is."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of steps of one training."""

    steps: int
    """Its length."""
    learning_rate: LearningRateSchedule
    """Its learning rates: warm-up and decay begin with the phase."""
    updates: int | None = None
    """Its first so many steps update the weights, and the others only the averages of batch normalisation; None: all
    do."""
    enter: Callable[[], None] = _nothing
    """Brings network and optimiser to where the phase begins; device work alone. Not called on resuming amid it."""
    order: int = 0
    """Which of the seed's orders of the training samples and augmentations its batches follow, from their beginning."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Columns that tell the phase in the record, as the probe `PhaseValues` shows them."""
    measured: tuple[int, ...] = ()
    """Steps, counted from its first, at which every probe measures, due or not."""
    without: tuple[str, ...] = ()
    """Probes that have nothing to measure in it."""
    own_schedule: bool = False
    """Whether probes are due by its own steps, counted from its first, and not by those of the whole training."""

    @property
    def when_measured(self) -> dict[str, object]:
        """The settings that decide when probes measure in it."""
        return {"measured": self.measured, "without": self.without, "own_schedule": self.own_schedule}

    def rates(self, first: int, count: int) -> Float[Tensor, "step"]:
        """The learning rates of `count` steps from its step `first` on; 0 where there is no update."""
        steps = torch.arange(first, first + count)
        updates = self.steps if self.updates is None else self.updates
        rates = self.learning_rate.rates(steps, total=max(updates, 1))
        return rates if self.updates is None else torch.where(steps < updates, rates, 0.0)


class Phases:
    """The phases of a training, one after the other from step 0; the last lasts as long as the training does."""

    def __init__(self, phases: Sequence[Phase]) -> None:
        self.by_first_step: dict[int, Phase] = {}
        at = 0
        for phase in phases:
            self.by_first_step[at] = phase
            at += phase.steps

    def begins(self, step: int) -> Phase | None:
        """The phase whose first step this is, if one is."""
        return self.by_first_step.get(step)

    def at(self, step: int) -> tuple[Phase, int]:
        """The phase that a step is in, and its first step; past the end of all the last one.

        >>> constant = LearningRateSchedule(rate=1.0)
        >>> phases = Phases([Phase(steps=5, learning_rate=constant), Phase(steps=3, learning_rate=constant)])
        >>> [phases.at(step)[1] for step in (0, 4, 5, 8)]
        [0, 0, 5, 5]
        """
        first = max(first for first in self.by_first_step if first <= step)
        return self.by_first_step[first], first

    def later(self, step: int) -> list[int]:
        """The first steps of the phases that begin after a step."""
        return [first for first in self.by_first_step if first > step]


GROKKED = 0.99


class Settle:
    """Ends a run `settle` steps after test accuracy has reached 99 % and stayed there, or at `steps`.

    A measurement below 99 % starts the count anew. It knows only recorded rows, so a resumed run ends where the
    uninterrupted one does.
    """

    def __init__(self, *, steps: int, settle: int | None) -> None:
        self._steps = steps
        self._settle = settle
        self._grokked_at: int | None = None

    def look_every(self, block: int, *, delay: int = 1) -> int:
        """At most `block` steps, and few enough that the end cannot be passed unseen in `delay` times as many."""
        return block if self._settle is None else max(1, min(block, self._settle // delay))

    def allows(self, delay: int) -> bool:
        """Whether there is a number of steps that `look_every` can give."""
        return self._settle is None or self._settle >= delay

    def update(self, step: int, accuracy: float) -> None:
        """Take in a test accuracy, in the order of the steps."""
        if accuracy < GROKKED:
            self._grokked_at = None
        elif self._grokked_at is None:
            self._grokked_at = step

    @property
    def last_step(self) -> int:
        """The step to end at, as far as is known now."""
        if self._settle is None or self._grokked_at is None:
            return self._steps
        return min(self._steps, self._grokked_at + self._settle)
