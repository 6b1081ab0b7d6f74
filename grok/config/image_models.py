"""Settings of the networks on images and signals."""

import dataclasses
from typing import Literal

from grok.config.checks import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageModelConfig(Settings, section="model"):
    """A network on images or signals: a convolutional one on signals, a wide residual one on images, or an MLP."""

    network: Literal["conv1d", "wide-resnet", "mlp"] = "conv1d"
    """The kind of network."""
    width: int = 64
    """Channels of conv1d's layers, widening factor k of wide-resnet (groups of 16k, 32k and 64k channels), or width of
    mlp's hidden layers."""
    depth: int | None = None
    """Layers of wide-resnet, 6n + 4 (Zagoruyko & Komodakis 2016), or hidden layers of mlp; conv1d has three."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("width", self.width >= 1, "a positive integer")
        if self.network == "conv1d":
            self.require("depth", self.depth is None, "None for conv1d, which has three layers")
        elif self.network == "wide-resnet":
            self.require(
                "depth",
                self.depth is not None and self.depth >= 10 and self.depth % 6 == 4,
                "6n + 4 layers of wide-resnet with n a positive integer, such as 10, 16 or 28",
            )
        else:
            deep = self.depth is not None and self.depth >= 1
            self.require("depth", deep, "a positive number of hidden layers of mlp")

    @property
    def blocks_per_group(self) -> int:
        """Number n of residual blocks in each of the three groups of a wide-resnet.

        >>> ImageModelConfig(network="wide-resnet", depth=28, width=2).blocks_per_group
        4
        """
        assert self.network == "wide-resnet"
        assert self.depth
        return (self.depth - 4) // 6

    @property
    def label(self) -> str:
        """A short name for people.

        >>> ImageModelConfig().label, ImageModelConfig(network="wide-resnet", depth=28, width=2).label
        ('conv1d-64', 'wide-resnet-28-2')
        """
        sizes = [size for size in (self.depth, self.width) if size is not None]
        return "-".join(map(str, (self.network, *sizes)))
