"""Means of features or neurons over the samples with the same label, such as a class or a first token."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from grok.config import ConfigError
from grok.tasks import Split, Task
from grok.training.probes.probe import SPLITS


class SplitMeans(nn.Module):
    """Sums over the samples of a split that share a label, each divided by a count; a label without samples gives 0."""

    per_member: ClassVar = ("_sizes", *(f"{split}_averages" for split in SPLITS))

    def __init__(
        self, task: Task, labels: Int[Tensor, "sample"], counts: Mapping[Split, Float[Tensor, "label"]]
    ) -> None:
        """Take the label of each sample and the counts; with the counts of the split itself, the sums become means."""
        super().__init__()
        self._sizes = {split: len(task.indices(split)) for split in SPLITS}
        for split, count in counts.items():
            # A product with this matrix sums in the same order every time, also on a GPU.
            averages = F.one_hot(labels[task.indices(split)], len(count)) / count.clamp(min=1)
            self.register_buffer(f"{split}_averages", averages.T.float().contiguous())

    def of(self, split: Split, vectors: Float[Tensor, "split dim"]) -> Float[Tensor, "label dim"]:
        """Return the sums of the vectors of a split by label, each divided by its count."""
        return self.get_buffer(f"{split}_averages") @ vectors

    def pad(self, split: Split, size: int) -> None:
        """Give the samples that pad a split weight 0 in the means."""
        averages = self.get_buffer(f"{split}_averages")[:, : self._sizes[split]]
        setattr(self, f"{split}_averages", F.pad(averages, (0, size - self._sizes[split])))


class GroupMeans(SplitMeans):
    """Means over all samples of both splits that share a label; a label without samples gives 0."""

    per_member: ClassVar = ("counts",)

    counts: Float[Tensor, "label"]
    """Number of samples with each label."""

    def __init__(self, task: Task, labels: Int[Tensor, "sample"], num_labels: int) -> None:
        counts = torch.bincount(labels, minlength=num_labels).double()
        super().__init__(task, labels, dict.fromkeys(SPLITS, counts))
        self.register_buffer("counts", counts)

    def forward(self, of_split: Callable[[Split], Float[Tensor, "split dim"]]) -> Float[Tensor, "label dim"]:
        """Return the means, in float64, of the vectors that `of_split` returns for the samples of a split."""
        train, test = (self.of(split, of_split(split)) for split in SPLITS)
        return (train + test).double()


def class_means(task: Task) -> GroupMeans:
    """Return the module that averages by class."""
    return GroupMeans(task, task.targets, task.num_classes)


def first_element_means(task: Task) -> GroupMeans:
    """Return the module that averages by the first element of each sample."""
    assert task.elements is not None
    return GroupMeans(task, task.elements[:, 0], task.num_classes)


def require_elements(task: Task, probe: str, *, number: int | None = None) -> None:
    """Raise ConfigError, which names the probe, unless samples consist of elements, `number` per sample if given."""
    elements = task.elements
    if elements is None or (number is not None and elements.shape[1] != number):
        made_of = "elements" if number is None else f"{number} elements"
        raise ConfigError(f"probes.{probe}: expected off, as samples are not made of {made_of} each, got a schedule")
