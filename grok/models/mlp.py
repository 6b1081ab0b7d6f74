"""A fully connected network for inputs of any shape."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import skip_init

from grok.config import ImageModelConfig
from grok.models.classifier import Classifier
from grok.models.initialise import initialise


class MLP(Classifier):
    """Hidden layers with biases, each followed by a ReLU; the features are the activations of the last one."""

    def __init__(
        self, config: ImageModelConfig, *, shape: Sequence[int], num_classes: int, generator: torch.Generator
    ) -> None:
        """Make the network for inputs of this shape, which are flattened."""
        super().__init__()
        widths = [prod(shape), *[config.width] * (config.depth or 0)]
        self.layers = nn.ModuleList(
            skip_init(nn.Linear, width_in, width_out) for width_in, width_out in pairwise(widths)
        )
        self.head = skip_init(nn.Linear, config.width, num_classes)
        initialise(self, generator)

    def features(self, inputs: Float[Tensor, "sample *shape"]) -> Float[Tensor, "sample dim"]:
        """Return the activations of the last hidden layer."""
        activations = inputs.flatten(1)
        for layer in self.layers:
            activations = layer(activations).relu_()
        return activations
