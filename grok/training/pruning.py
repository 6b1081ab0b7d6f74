"""Unstructured magnitude pruning: the smallest weights of a network, held at 0."""

import torch
from torch import Tensor

from grok.models import Classifier


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
