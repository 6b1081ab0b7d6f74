"""Adjustments around the update rule: gradient filters, fixed norms, pruned weights and moving averages."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from grok.models import Classifier


class Adjustment(ABC):
    """A change of gradients or parameters around each update, as work of the device only."""

    prefix: ClassVar[str]
    """The first part of the names of its state in a checkpoint."""

    @abstractmethod
    def __call__(self) -> None:
        """Adjust the gradients before an update, or the parameters after it."""

    def restart(self) -> None:  # noqa: B027  most adjustments remember no gradients
        """Forget all earlier gradients."""

    def state(self) -> dict[str, Tensor]:
        """Return the tensors themselves on which the next call depends, by name."""
        return {}


class Grokfast(Adjustment):
    r"""Adds a multiple of the exponential moving average of the gradients to them, before the update.

    The average is updated by $\mu \leftarrow \text{decay}\,\mu + (1 - \text{decay})\,g$, then the gradient by
    $g \leftarrow g + \text{amplitude}\,\mu$. The average starts as the first gradient, as in the authors' code.

    Source: Lee, Kang, Kim and Lee, Grokfast: Accelerated Grokking by Amplifying Slow Gradients, 2024.
    """

    prefix = "grokfast"

    def __init__(self, parameters: Mapping[str, nn.Parameter], *, amplitude: float, decay: float) -> None:
        self._parameters = dict(parameters)
        self._amplitude, self._decay = amplitude, decay
        self._averages = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
        # The weight of the next gradient in the average is 1 at first. A captured step requires it on the device.
        self._weight = torch.ones((), device=next(iter(parameters.values())).device)

    @torch.no_grad()
    def __call__(self) -> None:
        """Replace the `grad` of each parameter by a new tensor, since others may share the memory of the old one."""
        for name, parameter in self._parameters.items():
            assert parameter.grad is not None
            average = self._averages[name].lerp_(parameter.grad, self._weight)
            parameter.grad = parameter.grad.add(average, alpha=self._amplitude)
        self._weight.fill_(1 - self._decay)

    def restart(self) -> None:
        """Restart the average with the next gradient."""
        for average in self._averages.values():
            average.zero_()
        self._weight.fill_(1)

    def state(self) -> dict[str, Tensor]:
        """Return the tensors on which the next call depends, by name."""
        return {"weight": self._weight} | {f"average.{name}": tensor for name, tensor in self._averages.items()}


class FixedNorm(Adjustment):
    """Scales all parameters by one factor after each update, back to their total L2 norm at step 0.

    It reads the norm from the new network, before a checkpoint is loaded, so that the norm depends only on the seed.

    Source: Liu, Michaud and Tegmark, Omnigrok: Grokking Beyond Algorithmic Data, ICLR 2023.
    """

    prefix = "fixed_norm"

    @torch.no_grad()
    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self._parameters = list(parameters)
        self._norm = get_total_norm(self._parameters)

    @torch.no_grad()
    def __call__(self) -> None:
        """Restore the norm after an update."""
        factor = self._norm / get_total_norm(self._parameters)
        for parameter in self._parameters:
            parameter.mul_(factor)


class FollowedNorm(Adjustment):
    """Stores the total L2 norm after each update of a training, then scales a second training to these norms.

    As in `FixedNorm`, one factor scales all parameters. Position and mode are tensors, so that all work is on the
    device.
    """

    prefix = "norm"

    @torch.no_grad()
    def __init__(self, parameters: Iterable[nn.Parameter], *, updates: int) -> None:
        """Make room for the norms of `updates` updates, the length of each training."""
        self._parameters = list(parameters)
        device = self._parameters[0].device
        self._norms = torch.zeros(updates, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._follows = torch.zeros(1, dtype=torch.bool, device=device)

    def follow(self) -> None:
        """From now on, scale to the stored norms, starting with the norm after the first update."""
        self._place.zero_()
        self._follows.fill_(True)

    @torch.no_grad()
    def __call__(self) -> None:
        """Store the norm after an update, or scale to the stored one."""
        norm = get_total_norm(self._parameters)
        target = torch.where(self._follows, self._norms.index_select(0, self._place), norm)
        self._norms.index_copy_(0, self._place, target)
        self._place += 1
        factor = torch.where(self._follows, target / norm, 1.0).squeeze()
        for parameter in self._parameters:
            parameter.mul_(factor)

    def state(self) -> dict[str, Tensor]:
        """Return the state by name, as the tensors themselves."""
        return {"norms": self._norms, "place": self._place, "follows": self._follows}


class Pruning(Adjustment):
    """The weights of a network that are held at 0; at first there are none.

    Only the matrices and kernels of all layers, including the head, can be pruned. Biases and batch normalisations are
    never pruned.

    Source: Han, Pool, Tran and Dally, Learning both Weights and Connections for Efficient Neural Networks, 2015.
    """

    prefix = "mask"

    def __init__(self, model: Classifier) -> None:
        self._weights = {name: weight for name, weight in model.named_parameters() if weight.ndim > 1}
        self.masks: dict[str, Tensor] = {name: torch.ones_like(weight) for name, weight in self._weights.items()}

    @torch.no_grad()
    def prune(self, sparsity: float) -> None:
        """Set the fraction `sparsity` of all weights, those with the smallest magnitudes, to 0, and hold only these."""
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
        """Reset the pruned weights to 0 after an update."""
        for name, weight in self._weights.items():
            weight.mul_(self.masks[name])

    def state(self) -> dict[str, Tensor]:
        """Return the masks themselves, by the names of the weights."""
        return dict(self.masks)


class Average(Adjustment):
    r"""The exponential moving average (EMA) of all weights, in a second network that starts as a copy.

    After each update, $\bar w \leftarrow \beta \bar w + (1 - \beta) w$. Statistics of batch normalisation are copied,
    since they are moving averages already.

    Source: Tarvainen & Valpola, Mean teachers are better role models, NeurIPS 2017.
    """

    prefix = "average"

    def __init__(self, model: Classifier, average: Classifier, decay: float) -> None:
        """Average the weights of `model` in `average`, whose parameters need no gradient."""
        self._decay = decay
        self._weights = list(zip(average.parameters(), model.parameters(), strict=True))
        self._statistics = list(zip(average.buffers(), model.buffers(), strict=True))
        self._network = average

    @torch.no_grad()
    def __call__(self) -> None:
        """Update the average after an update of the network."""
        for mean, weight in self._weights:
            mean.lerp_(weight, 1 - self._decay)
        for mine, statistic in self._statistics:
            mine.copy_(statistic)

    def state(self) -> dict[str, Tensor]:
        """Return the tensors of the average themselves, by name."""
        tensors = (*self._network.named_parameters(), *self._network.named_buffers())
        return {name: tensor.detach() for name, tensor in tensors}
