"""The learning rates of the members of a stack: linear over the warm-up, then constant."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from grok.config import OptimiserConfig


class LearningRates:
    """The learning rates of M members, on their device: linear over the warm-up, then constant.

    The update that leads from step t to t + 1 takes min(1, (t + 1) / warmup_steps) of the learning rate. The step is
    counted on the device too, so that a captured step warms up by itself.
    """

    def __init__(self, configs: Sequence[OptimiserConfig], step: int, device: torch.device) -> None:
        dtype = torch.float32 if device.type == "cuda" else torch.float64  # what the fused update reads there
        self._step = torch.tensor(step, device=device)
        self._highest = torch.tensor([config.learning_rate for config in configs], dtype=dtype, device=device)
        self._warmup = torch.tensor([max(config.warmup_steps, 1) for config in configs], device=device)
        self.now: Float[Tensor, "member"] = torch.zeros_like(self._highest)

    def advance(self) -> None:
        """Set `now` for the next update.

        >>> config = OptimiserConfig(learning_rate=1.0, warmup_steps=10)
        >>> rates = LearningRates([config], 8, torch.device("cpu"))
        >>> for _ in range(2):
        ...     rates.advance()
        ...     print(rates.now)
        tensor([0.9000], dtype=torch.float64)
        tensor([1.], dtype=torch.float64)
        """
        self._step += 1
        self.now.copy_(self._highest * (self._step / self._warmup).clamp(max=1))
