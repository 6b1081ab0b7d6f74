"""The task of learning a binary operation on all pairs of elements."""

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

from grok.config import TaskConfig
from grok.operations import OPERATIONS, Operation, is_prime, primitive_root
from grok.random import stream
from grok.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class OperationTask(Task):
    """Equations `a b =` of three tokens each, whose answers are the classes."""

    inputs: Int[Tensor, "sample position"]
    """Token indices of each equation."""
    num_tokens: int
    """Size of the vocabulary."""

    @property
    def elements(self) -> Int[Tensor, "sample element"]:
        """Indices of the elements a and b of each equation."""
        return self.inputs[:, :2]


def operation_task(config: TaskConfig, seed: int) -> OperationTask:
    """Make the task of all inputs `a b =` with target a ∘ b, split at random; a seed always gives the same split.

    The token of `=` follows those of the elements. Samples are in the order of (a, b). All pairs are included, except
    those with b = 0 if the operation divides. The indices of a split are sorted, so that samples with the same first
    token are adjacent in memory. The labels of the operation `random` are drawn once from the seed.

    >>> task = operation_task(TaskConfig(modulus=5, train_fraction=0.4), seed=0)
    >>> task.inputs[13].tolist(), task.targets[13].item(), len(task.train), len(task.test)
    ([2, 3, 5], 0, 10, 15)
    """
    operation, n = OPERATIONS[config.operation], config.num_elements
    inputs, targets = _table(config.operation, n)
    if targets is None:
        targets = torch.randint(n, (len(inputs),), generator=stream(seed, "labels"))
    order = torch.randperm(len(inputs), generator=stream(seed, "split"))
    return OperationTask(
        inputs=inputs.clone(),
        targets=targets.clone(),
        train=order[: config.train_size].sort().values,
        test=order[config.train_size :].sort().values,
        num_classes=n,
        num_tokens=n + 1,
        cycle=_cycle(operation, n),
    )


@cache
def _table(name: str, n: int) -> tuple[Int[Tensor, "sample position"], Int[Tensor, "sample"] | None]:
    """Return the inputs and the results, which are the slow part of a task and the same for every seed and split.

    The results are None if the operation is `random`.
    """
    operation = OPERATIONS[name]
    pairs, of_elements = operation.pairs(n), operation.of_elements
    inputs = F.pad(torch.tensor(pairs), (0, 1), value=n)
    return inputs, None if of_elements is None else torch.tensor([of_elements(a, b, n) for a, b in pairs])


def _cycle(operation: Operation, n: int) -> Int[Tensor, "cycle"] | None:
    if operation.cyclic is None:
        return None
    if operation.cyclic == "products" and is_prime(n):
        generator = primitive_root(n)
        return torch.tensor([pow(generator, power, n) for power in range(n - 1)])
    return torch.arange(n)
