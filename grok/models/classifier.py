"""What every model here offers to the probes."""

from abc import ABC, abstractmethod

from jaxtyping import Float, Shaped
from torch import Tensor, nn


class Classifier(nn.Module, ABC):
    """A network whose logits are a linear head on its features."""

    head: nn.Linear
    """The last layer; `head.weight` has one row a class, shape (C, d)."""

    @abstractmethod
    def features(self, inputs: Shaped[Tensor, "sample *shape"]) -> Float[Tensor, "sample dim"]:
        """The representation that the head reads."""

    def forward(self, inputs: Shaped[Tensor, "sample *shape"]) -> Float[Tensor, "sample class"]:
        """Logits: the head on the features."""
        return self.head(self.features(inputs))


class TokenClassifier(Classifier):
    """A classifier whose classes are also tokens that it embeds."""

    @abstractmethod
    def token_embeddings(self) -> Float[Tensor, "class dim"]:
        """The embedding of each class's token, in the order of the head's rows."""

    @abstractmethod
    def neurons(self, inputs: Shaped[Tensor, "sample *shape"]) -> Float[Tensor, "sample neuron"]:
        """The last MLP's hidden activations, after the ReLU, at the position that the head reads."""
