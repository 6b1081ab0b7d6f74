"""What an update does beside its rule: it filters gradients, holds weights or their norm, and averages the network."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from grok.models import Classifier


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


class FollowedNorm:
    """Keeps the L2 norm of all weights after each update of a training, and then holds another to it, update by update.

    As in `FixedNorm` one factor scales all parameters. It is device work alone: place and mode lie in tensors.
    """

    @torch.no_grad()
    def __init__(self, parameters: Iterable[nn.Parameter], *, updates: int) -> None:
        """For trainings of so many updates each."""
        self._parameters = list(parameters)
        device = self._parameters[0].device
        self._norms = torch.zeros(updates, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._follows = torch.zeros(1, dtype=torch.bool, device=device)

    def follow(self) -> None:
        """From here on hold the norm to what was kept, from the first update on."""
        self._place.zero_()
        self._follows.fill_(True)

    @torch.no_grad()
    def __call__(self) -> None:
        """Keep the norm, or restore it, after an update."""
        norm = get_total_norm(self._parameters)
        target = torch.where(self._follows, self._norms.index_select(0, self._place), norm)
        self._norms.index_copy_(0, self._place, target)
        self._place += 1
        factor = torch.where(self._follows, target / norm, 1.0).squeeze()
        for parameter in self._parameters:
            parameter.mul_(factor)

    def state(self) -> dict[str, Tensor]:
        """The tensors themselves, by name."""
        return {"norms": self._norms, "place": self._place, "follows": self._follows}


class Pruning:
    """Which weights of a network are held at 0: at first none.

    Weights are the matrices and kernels of all layers, the head's among them; biases and batch normalisations are never
    pruned.

    Source: Han, Pool, Tran and Dally, Learning both Weights and Connections for Efficient Neural Networks, 2015.
    """

    def __init__(self, model: Classifier) -> None:
        self._weights = {name: weight for name, weight in model.named_parameters() if weight.ndim > 1}
        self.masks: dict[str, Tensor] = {name: torch.ones_like(weight) for name, weight in self._weights.items()}

    @torch.no_grad()
    def prune(self, sparsity: float) -> None:
        """Set this fraction of all weights together to 0, those of smallest magnitude, and hold them; only them."""
        weights = list(self._weights.values())
        magnitudes = torch.cat([weight.abs().flatten() for weight in weights])
        kept = torch.ones_like(magnitudes)
        kept[magnitudes.argsort(stable=True)[: round(sparsity * len(magnitudes))]] = 0
        parts = kept.split([weight.numel() for weight in weights])
        for mask, part in zip(self.masks.values(), parts, strict=True):
            mask.copy_(part.view_as(mask))
        self()

    @torch.no_grad()
    def __call__(self) -> None:
        """Bring the pruned weights back to 0, after an update."""
        for name, weight in self._weights.items():
            weight.mul_(self.masks[name])


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
