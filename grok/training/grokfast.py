"""Grokfast: the slow part of the gradients, amplified."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Grokfast:
    r"""Adds a multiple of the gradients' exponential moving average to them, before the update.

    $\mu \leftarrow \text{decay}\,\mu + (1 - \text{decay})\,g$, then $g \leftarrow g + \text{amplitude}\,\mu$. The
    average begins as the first gradient, as in the authors' code.

    Source: Lee, Kang, Kim and Lee, Grokfast: Accelerated Grokking by Amplifying Slow Gradients, 2024.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], *, amplitude: float, decay: float) -> None:
        self._parameters = dict(parameters)
        self._amplitude, self._decay = amplitude, decay
        self._averages = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
        # Weight of the next gradient in the average: all of it at first. On the device, as a captured step needs it.
        self._weight = torch.ones((), device=next(iter(parameters.values())).device)

    @torch.no_grad()
    def __call__(self) -> None:
        """Replace each parameter's `grad`; nothing else that may share its memory is changed."""
        for name, parameter in self._parameters.items():
            assert parameter.grad is not None
            average = self._averages[name].lerp_(parameter.grad, self._weight)
            parameter.grad = parameter.grad.add(average, alpha=self._amplitude)
        self._weight.fill_(1 - self._decay)

    def restart(self) -> None:
        """Begin the average anew, with the next gradient."""
        for average in self._averages.values():
            average.zero_()
        self._weight.fill_(1)

    def state(self) -> dict[str, Tensor]:
        """All that the next call depends on, by name."""
        return {"weight": self._weight} | {f"average.{name}": tensor for name, tensor in self._averages.items()}
