"""Training at a fixed weight norm."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.utils import get_total_norm


class FixedNorm:
    """Scales all parameters by one factor, back to the L2 norm of all of them together at step 0.

    Made of the freshly built network, before a checkpoint is loaded: the norm follows from the seed alone.

    Source: Liu, Michaud and Tegmark, Omnigrok: Grokking Beyond Algorithmic Data, ICLR 2023.
    """

    @torch.no_grad()
    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self._parameters = list(parameters)
        self._norm = get_total_norm(self._parameters)

    @torch.no_grad()
    def __call__(self) -> None:
        """Restore the norm, after an update."""
        factor = self._norm / get_total_norm(self._parameters)
        for parameter in self._parameters:
            parameter.mul_(factor)
