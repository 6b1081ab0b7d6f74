"""The wide residual network for images."""

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


class Block(nn.Module):
    """Two sequences of batch normalisation, ReLU and 3×3 convolution, whose output is added to the input.

    If the number of channels changes, a 1×1 convolution of the first ReLU's output takes the place of the input.
    """

    def __init__(self, channels_in: int, channels_out: int, *, stride: int) -> None:
        super().__init__()
        self.norm_1 = nn.BatchNorm2d(channels_in)
        self.conv_1 = _conv(channels_in, channels_out, kernel=3, stride=stride)
        self.norm_2 = nn.BatchNorm2d(channels_out)
        self.conv_2 = _conv(channels_out, channels_out, kernel=3)
        self.shortcut = (
            None if channels_in == channels_out else _conv(channels_in, channels_out, kernel=1, stride=stride)
        )

    def forward(self, x: Float[Tensor, "sample channel height width"]) -> Float[Tensor, "sample out down across"]:
        """Return the output of the block, in which height and width are `stride` times smaller."""
        activated = self.norm_1(x).relu_()
        residual = self.conv_2(self.norm_2(self.conv_1(activated)).relu_())
        return residual + (x if self.shortcut is None else self.shortcut(activated))


class WideResNet(Classifier):
    """WRN-d-k: a convolution to 16 channels, followed by three groups of blocks with 16k, 32k and 64k channels.

    The second and third group halve height and width. The features are the means over all positions of the last group's
    channels, after batch normalisation and ReLU. They have the shape (n, 64k) and are never negative. There is no
    dropout.

    Source: Zagoruyko & Komodakis, Wide Residual Networks, BMVC 2016.
    """

    def __init__(
        self, config: ImageModelConfig, *, shape: Sequence[int], num_classes: int, generator: torch.Generator
    ) -> None:
        """Make the network for images of this shape, (channels, height, width)."""
        require(len(shape) == 3, "model", "images of shape (channels, height, width)", tuple(shape))
        super().__init__()
        self.stem = _conv(shape[0], 16, kernel=3)
        blocks, channels = [], 16
        for group in range(3):
            for index in range(config.blocks_per_group):
                channels_out = 16 * config.width * 2**group
                blocks.append(Block(channels, channels_out, stride=2 if group > 0 and index == 0 else 1))
                channels = channels_out
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(channels)
        self.head = skip_init(nn.Linear, channels, num_classes)
        initialise(self, generator)

    def features(self, inputs: Float[Tensor, "sample channel height width"]) -> Float[Tensor, "sample dim"]:
        """Return the means over all positions after the last ReLU."""
        activated = self.norm(self.blocks(self.stem(inputs))).relu_()
        return reduce(activated, "sample channel height width -> sample channel", "mean")


def _conv(channels_in: int, channels_out: int, *, kernel: int, stride: int = 1) -> nn.Module:
    return skip_init(nn.Conv2d, channels_in, channels_out, kernel, stride=stride, padding=kernel // 2, bias=False)
