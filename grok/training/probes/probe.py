"""What a probe is: one measurement on a network while it trains.

A probe works in two halves. `observe` runs inside the training step and keeps what little the measurement needs of it,
such as C class means; it never makes the host wait for a device, so it can be captured in a CUDA graph, and it sees one
member, so it can be stacked over many. `evaluate` turns what was observed at many steps into metrics, once a block.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from grok.config import ClassifierProbesConfig, ConfigError, Schedule
from grok.models import Classifier
from grok.tasks import Split, Task
from grok.training.loss import Criterion
from grok.training.snapshot import Snapshot

SPLITS: tuple[Split, ...] = ("train", "test")

Observation = dict[str, Tensor]
"""What a probe keeps of a step, by a name of its own; with leading dimensions, of many steps and members."""

Metrics = dict[str, Float[Tensor, "*batch"]]
"""The measured values by column name, float64, one for each observation."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the probes of one network are made for."""

    task: Task
    """The samples that are measured."""
    model: Classifier
    """The network that is measured."""
    seed: int
    """The seed of the run, which also chooses what a probe takes at random."""
    criterion: Criterion
    """The loss that is trained with, in float64."""
    config: ClassifierProbesConfig
    """The settings of all probes."""


class Probe(nn.Module, ABC):
    """One measurement and when to take it. What it needs to know of the task it holds as buffers, to be stacked."""

    name: ClassVar[str]
    """Its name, under which the settings have its schedule."""
    needs_tokens: ClassVar[bool] = False
    """Whether it measures a `TokenClassifier` alone."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> "Probe":
        """The probe with this schedule for a subject, from which a subclass takes whatever else it needs."""
        return cls(schedule)

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject a task on which the probe has nothing to measure.

        Raises:
            ConfigError: the message names the setting to change.
        """

    @abstractmethod
    def observe(self, snapshot: Snapshot) -> Observation:
        """What the measurement needs of this step."""

    @abstractmethod
    def evaluate(self, observed: Observation) -> Metrics:
        """The metrics, for any leading dimensions."""

    def pad(self, split: Split, size: int) -> None:
        """Be ready for a split padded to `size` samples; one that asks nothing of samples that do not count is."""


def require_classes(task: Task) -> None:
    """Raise ConfigError unless both splits have samples of two classes, as differences of class means need."""
    for split in SPLITS:
        present = len(task.targets[task.indices(split)].unique())
        if present < 2:
            raise ConfigError(
                f"task.train_fraction: expected samples of at least 2 classes in {split}, got {present} "
                "(move it towards 0.5)"
            )
