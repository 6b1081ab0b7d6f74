"""The interface of a probe, which takes one measurement on a network while it trains.

A probe works in two halves. `observe` runs inside the training step and keeps only what the measurement needs, such as
C class means. It never makes the host wait for a device, so a CUDA graph can capture it. It sees one member, so it can
be stacked over many. `evaluate` turns the observations of many steps into metrics, once per block.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
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
"""The tensors that a probe keeps of a step, by name; leading dimensions stand for several steps and members."""

Metrics = dict[str, Float[Tensor, "*batch"]]
"""The measured values by column name, in float64, one for each observation."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The network, task and settings for which probes are made."""

    task: Task
    """The samples that are measured."""
    model: Classifier
    """The network that is measured."""
    seed: int
    """The seed of the run, which also determines the random choices of a probe."""
    criterion: Criterion
    """The training loss in float64, whatever the precision in which the objective computes it."""
    config: ClassifierProbesConfig
    """The settings of all probes."""


class Probe(nn.Module, ABC):
    """One measurement and its schedule. A probe stores data of the task as buffers, so that it can be stacked."""

    name: ClassVar[str]
    """The name of the probe, which is also the name of its schedule in the settings."""
    needs_tokens: ClassVar[bool] = False
    """Whether the probe can measure only a `TokenClassifier`."""
    needs_neurons: ClassVar[bool] = False
    """Whether the probe reads the neurons of the MLP, which the pass for the features can then give as well."""
    per_member: ClassVar[tuple[str, ...]] = ()
    """Buffers and attributes in which the members of a stack may differ. `evaluate` reads none of them, and `observe`
    only the buffers."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> "Probe":
        """Return the probe with this schedule; a subclass may take more from the subject."""
        return cls(schedule)

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject a task on which the probe has nothing to measure.

        Raises:
            ConfigError: if there is nothing to measure; the message names the setting to change.
        """

    def show(self, values: Mapping[str, float]) -> None:
        """Take in the values of the phase of the next steps."""

    @abstractmethod
    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the tensors that the measurement needs from this step."""

    @abstractmethod
    def evaluate(self, observed: Observation) -> Metrics:
        """Return the metrics of observations with any leading dimensions."""

    def pad(self, split: Split, size: int) -> None:
        """Adapt to a split that is padded to `size` samples; a probe that ignores padding has nothing to do."""


def require_classes(task: Task) -> None:
    """Raise ConfigError unless both splits have samples of two classes, which differences of class means need."""
    for split in SPLITS:
        present = len(task.targets[task.indices(split)].unique())
        if present < 2:
            raise ConfigError(
                f"task.train_fraction: expected samples of at least 2 classes in {split}, got {present} "
                "(move it towards 0.5)"
            )
