"""Forward and backward passes of a network over chunks of samples."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

if TYPE_CHECKING:
    from grok.models.classifier import Classifier

Loss = Callable[[Tensor, Tensor], Tensor]
"""Returns the loss of logits of shape (sample, C) and target classes."""


class Chunk(NamedTuple):
    """Some samples, and the memory for what a network computes from them."""

    inputs: Shaped[Tensor, "sample *shape"]
    targets: Int[Tensor, "sample"]
    features: Float[Tensor, "sample dim"]
    """Memory for the features."""
    logits: Float[Tensor, "sample class"] | None
    """Memory for the logits, or None if nobody needs them."""


class Gradients(NamedTuple):
    """The loss of a chunk and its gradients."""

    loss: Float[Tensor, ""]
    common: list[Tensor]
    """Gradients with respect to the common tensors."""
    parameters: list[Tensor]
    """Gradients with respect to the parameters of the pass."""


class Pass(ABC):
    """A forward and a backward pass of a network over one chunk of samples at a time.

    Tensors that depend on the parameters but not on the samples are common to all chunks. They are computed once, with
    autograd, and a pass returns the gradients with respect to them.
    """

    parameters: list[Tensor]
    """The parameters that the pass reads itself, in the order of their gradients."""

    @abstractmethod
    def __call__(self, chunk: Chunk, common: Sequence[Tensor], loss: Loss) -> Gradients:
        """Compute features and logits into the memory of the chunk, and return the loss with its gradients."""


class AutogradPass(Pass):
    """The pass of any network, by autograd; nothing is common to its chunks."""

    def __init__(self, network: "Classifier") -> None:
        self._network = network
        self.parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]

    @torch.enable_grad()
    def __call__(self, chunk: Chunk, common: Sequence[Tensor], loss: Loss) -> Gradients:
        """Compute features and logits into the memory of the chunk, and return the loss with its gradients."""
        features = self._network.features(chunk.inputs)
        logits = self._network.head(features)
        value = loss(logits, chunk.targets)
        gradients = torch.autograd.grad(value, self.parameters)
        chunk.features.copy_(features.detach())
        if chunk.logits is not None:
            chunk.logits.copy_(logits.detach())
        return Gradients(value.detach(), [], list(gradients))
