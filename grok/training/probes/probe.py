"""What a probe is: one measurement on a network while it trains.

A probe works in two halves. `observe` runs inside the training step and keeps what little the measurement needs of it,
such as C class means; it never makes the host wait for a device, so it can be captured in a CUDA graph, and it sees one
member, so it can be stacked over many. `evaluate` turns what was observed at many steps into metrics, once a block.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from grok.config import Schedule
from grok.tasks import Split
from grok.training.snapshot import Snapshot

SPLITS: tuple[Split, ...] = ("train", "test")

Observation = dict[str, Tensor]
"""What a probe keeps of a step, by a name of its own; with leading dimensions, of many steps and members."""

Metrics = dict[str, Float[Tensor, "*batch"]]
"""The measured values by column name, float64, one for each observation."""


class Probe(nn.Module, ABC):
    """One measurement and when to take it. What it needs to know of the task it holds as buffers, to be stacked."""

    name: ClassVar[str]

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    @abstractmethod
    def observe(self, snapshot: Snapshot) -> Observation:
        """What the measurement needs of this step."""

    @abstractmethod
    def evaluate(self, observed: Observation) -> Metrics:
        """The metrics, for any leading dimensions."""

    def pad(self, split: Split, size: int) -> None:
        """Be ready for a split padded to `size` samples; one that asks nothing of samples that do not count is."""
