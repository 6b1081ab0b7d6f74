"""The base of all tasks, which holds all inputs and targets of a classification problem and its split."""

import dataclasses
from typing import Any, Literal, TypeVar

import torch
from jaxtyping import Int, Shaped
from torch import Tensor, nn

Split = Literal["train", "test"]
TaskType = TypeVar("TaskType", bound="Task")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """All inputs and targets of a classification problem, and the indices of its training and test samples."""

    inputs: Shaped[Tensor, "sample *shape"]
    """Input of the network for each sample."""
    targets: Int[Tensor, "sample"]
    """Class index of each sample."""
    train: Int[Tensor, "train"]
    """Indices of the training samples."""
    test: Int[Tensor, "test"]
    """Indices of the test samples."""
    num_classes: int
    """Number of classes C."""
    cycle: Int[Tensor, "cycle"] | None = None
    """Classes in the order of a cyclic group, in which each class is the product of the previous one and a generator.
    The Fourier modes are defined on this cycle. It is None if there is no such group."""

    @property
    def elements(self) -> Int[Tensor, "sample element"] | None:
        """Class indices of the elements of each sample, such as a and b of a + b, or None if it has no elements."""
        return None

    def indices(self, split: Split) -> Int[Tensor, "split"]:
        """Return the indices of the samples of a split."""
        return self.train if split == "train" else self.test

    def normalisation(self) -> nn.Module:
        """Return the module that turns inputs into those that the network reads; by default they stay as they are."""
        return nn.Identity()

    def to(self: TaskType, device: torch.device) -> TaskType:
        """Return the same task with its tensors on `device`."""
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        moved: dict[str, Any] = {name: tensor.to(device) for name, tensor in tensors.items()}
        return dataclasses.replace(self, **moved)
