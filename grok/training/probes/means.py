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

    per_member: ClassVar = ("_sizes", *(f"{split}_{what}" for split in SPLITS for what in ("labels", "weights")))

    def __init__(
        self, task: Task, labels: Int[Tensor, "sample"], counts: Mapping[Split, Float[Tensor, "label"]]
    ) -> None:
        """Take the label of each sample and the counts; with the counts of the split itself, the sums become means."""
        super().__init__()
        self._sizes = {split: len(task.indices(split)) for split in SPLITS}
        for split, count in counts.items():
            self.register_buffer(f"{split}_labels", labels[task.indices(split)])
            self.register_buffer(f"{split}_weights", 1 / count.clamp(min=1).float())

    def of(self, split: Split, vectors: Float[Tensor, "split dim"]) -> Float[Tensor, "label dim"]:
        """Return the sums of the vectors of a split by label, each divided by its count."""
        labels, weights = self.get_buffer(f"{split}_labels"), self.get_buffer(f"{split}_weights")
        if vectors.device.type == "cpu":
            # one row more, for the samples that pad the split
            sums = vectors.new_zeros(len(weights) + 1, vectors.shape[1]).index_add(0, labels, vectors)[:-1]
        else:
            # A product sums in the same order every time, also on a GPU.
            sums = (torch.arange(len(weights), device=labels.device)[:, None] == labels).to(vectors) @ vectors
        return weights[:, None] * sums

    def pad(self, split: Split, size: int) -> None:
        """Leave the samples that pad a split out of the sums."""
        labels, count = self.get_buffer(f"{split}_labels"), len(self.get_buffer(f"{split}_weights"))
        setattr(
            self, f"{split}_labels", F.pad(labels[: self._sizes[split]], (0, size - self._sizes[split]), value=count)
        )


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
