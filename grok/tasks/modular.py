"""Modular arithmetic on all pairs of residues."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from grok.config import TaskConfig
from grok.random import stream

Split = Literal["train", "test"]

# operation name -> (a, b, modulus) -> c
OPERATIONS: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "add": lambda a, b, modulus: (a + b) % modulus,
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """All inputs and targets of a classification problem, and which of them train and which test."""

    inputs: Int[Tensor, "sample position"]
    """Token indices."""
    targets: Int[Tensor, "sample"]
    """Class indices."""
    train: Int[Tensor, "train"]
    """Indices of the training samples."""
    test: Int[Tensor, "test"]
    """Indices of the test samples."""
    num_classes: int
    """Number of classes C."""
    num_tokens: int
    """Size of the vocabulary."""

    def indices(self, split: Split) -> Int[Tensor, "split"]:
        """Indices of the samples of a split."""
        return self.train if split == "train" else self.test

    def to(self, device: torch.device) -> "Task":
        """The same task with its tensors on `device`."""
        return Task(
            inputs=self.inputs.to(device),
            targets=self.targets.to(device),
            train=self.train.to(device),
            test=self.test.to(device),
            num_classes=self.num_classes,
            num_tokens=self.num_tokens,
        )


def modular_task(config: TaskConfig, seed: int) -> Task:
    """All p² inputs `a b =` with target a ∘ b (mod p), split at random; the same seed always gives the same split.

    Token p is `=`. Sample a·p + b holds the pair (a, b). Indices of a split are sorted, so that samples with the same
    first token lie together in memory.

    >>> task = modular_task(TaskConfig(modulus=5, train_fraction=0.4), seed=0)
    >>> task.inputs[13].tolist(), task.targets[13].item(), len(task.train), len(task.test)
    ([2, 3, 5], 0, 10, 15)
    """
    p = config.modulus
    pairs = torch.cartesian_prod(torch.arange(p), torch.arange(p))
    equals = torch.full((p * p, 1), p)
    order = torch.randperm(p * p, generator=stream(seed, "split"))
    return Task(
        inputs=torch.cat([pairs, equals], dim=1),
        targets=OPERATIONS[config.operation](pairs[:, 0], pairs[:, 1], p),
        train=order[: config.train_size].sort().values,
        test=order[config.train_size :].sort().values,
        num_classes=p,
        num_tokens=p + 1,
    )
