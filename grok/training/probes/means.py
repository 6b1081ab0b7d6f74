"""Means over all samples of both splits: what a network has for a class, or for a first token."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from grok.tasks import Split, Task
from grok.training.probes.probe import SPLITS


class GroupMeans(nn.Module):
    """Means over all samples, train and test, that share a label; zero where a label has none."""

    counts: Float[Tensor, "label"]
    """Number of samples of each label."""

    def __init__(self, task: Task, labels: Int[Tensor, "sample"], num_labels: int) -> None:
        super().__init__()
        self.register_buffer("counts", torch.bincount(labels, minlength=num_labels).double())
        self._sizes = {split: len(task.indices(split)) for split in SPLITS}
        for split in SPLITS:
            # As a product with this matrix the mean is summed in the same order every time, on a GPU too.
            averages = F.one_hot(labels[task.indices(split)], num_labels) / self.counts.clamp(min=1)
            self.register_buffer(f"{split}_averages", averages.T.float().contiguous())

    def forward(self, of_split: Callable[[Split], Float[Tensor, "split dim"]]) -> Float[Tensor, "label dim"]:
        """The means of what `of_split` gives for each sample of a split, in float64."""
        train, test = (self.get_buffer(f"{split}_averages") @ of_split(split) for split in SPLITS)
        return (train + test).double()

    def pad(self, split: Split, size: int) -> None:
        """Padding has no share in a mean."""
        averages = self.get_buffer(f"{split}_averages")[:, : self._sizes[split]]
        setattr(self, f"{split}_averages", F.pad(averages, (0, size - self._sizes[split])))


def class_means(task: Task) -> GroupMeans:
    """Means by class."""
    return GroupMeans(task, task.targets, task.num_classes)


def first_token_means(task: Task) -> GroupMeans:
    """Means by the first token, an element."""
    return GroupMeans(task, task.inputs[:, 0], task.num_classes)
