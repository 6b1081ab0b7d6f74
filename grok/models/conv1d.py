"""A small convolutional network for signals."""

from collections.abc import Sequence

import torch
from einops import reduce
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import skip_init

from grok.config import ImageModelConfig
from grok.config.checks import require
from grok.models.classifier import Classifier
from grok.models.initialise import initialise

KERNELS = (5, 3, 3)  # one per layer


class ConvNet1d(Classifier):
    """Three convolutions, each with batch normalisation and ReLU and with an output of half the input's length.

    The features are the means over all positions of the last layer's channels, shape (n, channels). They are never
    negative. They hardly depend on where in the signal its shape lies, which may be anywhere in MNIST-1D.
    """

    def __init__(
        self, config: ImageModelConfig, *, shape: Sequence[int], num_classes: int, generator: torch.Generator
    ) -> None:
        """Make the network for signals of this shape, (channels, length)."""
        require(len(shape) == 2, "model", "signals of shape (channels, length)", tuple(shape))
        super().__init__()
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        channels_in = shape[0]
        for kernel in KERNELS:
            self.convs.append(
                skip_init(nn.Conv1d, channels_in, config.width, kernel, stride=2, padding=kernel // 2, bias=False)
            )
            self.norms.append(nn.BatchNorm1d(config.width))
            channels_in = config.width
        self.head = skip_init(nn.Linear, config.width, num_classes)
        initialise(self, generator)

    def features(self, inputs: Float[Tensor, "sample channel length"]) -> Float[Tensor, "sample dim"]:
        """Return the means over all positions after the last ReLU."""
        activations = inputs
        for conv, norm in zip(self.convs, self.norms, strict=True):
            activations = norm(conv(activations)).relu_()
        return reduce(activations, "sample channel length -> sample channel", "mean")
