"""Accuracy on test pairs whose swap is a training pair, which shows how much of it is commutativity."""

import torch
import torch.nn.functional as F

from grok.columns import swapped
from grok.config import Schedule
from grok.tasks import Split, Task
from grok.training.probes.means import require_elements
from grok.training.probes.probe import Metrics, Observation, Probe, Subject
from grok.training.snapshot import Snapshot


class Swapped(Probe):
    """Accuracy on the test pairs (a, b) whose swap (b, a) is a training pair, and on the other test pairs.

    For a commutative operation, a network that has learned only a ∘ b = b ∘ a is right on the first kind. The accuracy
    is NaN if there are no pairs of a kind.
    """

    name = "swapped"
    per_member = ("_size", "seen")

    def __init__(self, schedule: Schedule, task: Task) -> None:
        super().__init__(schedule)
        assert task.elements is not None
        first, second = task.elements.unbind(dim=1)
        pairs, swaps = first * task.num_classes + second, second * task.num_classes + first
        self._size = len(task.test)
        self.register_buffer("seen", torch.isin(swaps[task.test], pairs[task.train]))

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> Probe:
        """Return the probe for the pairs of the task."""
        return cls(schedule, subject.task)

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject a task whose samples are not pairs of elements."""
        require_elements(task, cls.name, number=2)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the accuracy on each kind of test pair."""
        correct = snapshot.by_sample("test", lambda part: part.logits.argmax(dim=-1) == part.targets)
        seen = self.get_buffer("seen")
        kinds = {"seen": seen, "unseen": ~seen & snapshot.counted("test")}
        return {name: (correct & kind).sum().double() / kind.sum() for name, kind in kinds.items()}

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `swapped/seen_accuracy` and `swapped/unseen_accuracy`."""
        return {swapped(kind): value for kind, value in observed.items()}

    def pad(self, split: Split, size: int) -> None:
        """Count the samples that pad the test split to neither kind."""
        if split == "test":
            self.seen = F.pad(self.get_buffer("seen")[: self._size], (0, size - self._size))
