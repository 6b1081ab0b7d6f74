"""What every task is: all inputs and targets of a classification problem, and its split."""

import dataclasses
from typing import Any, Literal, TypeVar

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

Split = Literal["train", "test"]
TaskType = TypeVar("TaskType", bound="Task")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """All inputs and targets of a classification problem, and which of them train and which test."""

    inputs: Shaped[Tensor, "sample *shape"]
    """What the network reads of each sample."""
    targets: Int[Tensor, "sample"]
    """Class indices."""
    train: Int[Tensor, "train"]
    """Indices of the training samples."""
    test: Int[Tensor, "test"]
    """Indices of the test samples."""
    num_classes: int
    """Number of classes C."""
    cycle: Int[Tensor, "cycle"] | None = None
    """Classes in the order of a cyclic group, each the one before times its generator: the circle that Fourier modes
    are on. None where there is none."""

    @property
    def elements(self) -> Int[Tensor, "sample element"] | None:
        """Class indices of the elements that each sample is made of, such as a and b of a + b, or None."""
        return None

    def indices(self, split: Split) -> Int[Tensor, "split"]:
        """Indices of the samples of a split."""
        return self.train if split == "train" else self.test

    def to(self: TaskType, device: torch.device) -> TaskType:
        """The same task with its tensors on `device`."""
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        moved: dict[str, Any] = {name: tensor.to(device) for name, tensor in tensors.items()}
        return dataclasses.replace(self, **moved)
