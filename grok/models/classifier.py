"""The interface of all networks, which the probes use."""

from abc import ABC, abstractmethod

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from grok.models.gradients import AutogradPass, Pass


class Classifier(nn.Module, ABC):
    """A network whose logits are a linear head on its features."""

    head: nn.Linear
    """The last layer; `head.weight` has one row per class, shape (C, d)."""

    @abstractmethod
    def features(self, inputs: Shaped[Tensor, "sample *shape"]) -> Float[Tensor, "sample dim"]:
        """Return the features, which are the inputs of the head."""

    def forward(self, inputs: Shaped[Tensor, "sample *shape"]) -> Float[Tensor, "sample class"]:
        """Return the logits, which are the head's outputs for the features."""
        return self.head(self.features(inputs))

    def common(self) -> tuple[Tensor, ...]:
        """Return the tensors that a pass reads and that are the same for all samples."""
        return ()

    def make_pass(self) -> Pass:
        """Return a forward and backward pass over chunks of samples, with memory of its own."""
        return AutogradPass(self)


class TokenClassifier(Classifier):
    """A classifier that embeds its classes as tokens."""

    @abstractmethod
    def token_embeddings(self) -> Float[Tensor, "class dim"]:
        """Return the embeddings of the classes' tokens in the order of the head's rows."""

    @abstractmethod
    def neurons(self, inputs: Shaped[Tensor, "sample *shape"]) -> Float[Tensor, "sample neuron"]:
        """Return the hidden activations of the last MLP, after the ReLU, at the position that the head reads."""

    def features_and_neurons(
        self, inputs: Shaped[Tensor, "sample *shape"]
    ) -> tuple[Float[Tensor, "sample dim"], Float[Tensor, "sample neuron"]]:
        """Return both; a network for which one pass gives both overrides this."""
        return self.features(inputs), self.neurons(inputs)
