"""The moving average of a network's weights."""

import torch
from torch import Tensor

from grok.models import Classifier


class Average:
    r"""Each weight's exponential moving average, in a network of its own that begins as a copy (EMA).

    After each update $\bar w \leftarrow \beta \bar w + (1 - \beta) w$. Averages of batch normalisation, which are
    moving averages already, are taken over as they are.

    Source: Tarvainen & Valpola, Mean teachers are better role models, NeurIPS 2017.
    """

    def __init__(self, model: Classifier, average: Classifier, decay: float) -> None:
        """Of `model`, kept in `average`, whose parameters need no gradient."""
        self._decay = decay
        self._weights = list(zip(average.parameters(), model.parameters(), strict=True))
        self._statistics = list(zip(average.buffers(), model.buffers(), strict=True))
        self._network = average

    @torch.no_grad()
    def __call__(self) -> None:
        """Follow the network, after an update."""
        for mean, weight in self._weights:
            mean.lerp_(weight, 1 - self._decay)
        for mine, statistic in self._statistics:
            mine.copy_(statistic)

    def state(self) -> dict[str, Tensor]:
        """Its tensors themselves, by name."""
        tensors = (*self._network.named_parameters(), *self._network.named_buffers())
        return {name: tensor.detach() for name, tensor in tensors}
