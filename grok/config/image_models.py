"""Settings of the networks on images and signals."""

import dataclasses

from grok.config.checks import require


@dataclasses.dataclass(frozen=True, kw_only=True)
class WideResNetConfig:
    """Wide residual network WRN-depth-width on images (Zagoruyko & Komodakis 2016); 28-2 as for CIFAR-10."""

    depth: int = 28
    """Number of layers, 6n + 4 with n residual blocks in each of the three groups."""
    width: int = 2
    """Widening factor k: the groups have 16k, 32k and 64k channels."""

    def __post_init__(self) -> None:
        require(
            self.depth >= 10 and self.depth % 6 == 4,
            "model.depth",
            "6n + 4 layers with n a positive integer, such as 10, 16 or 28",
            self.depth,
        )
        require(self.width >= 1, "model.width", "a positive integer", self.width)

    @property
    def blocks_per_group(self) -> int:
        """Number n of residual blocks in a group.

        >>> WideResNetConfig(depth=28).blocks_per_group
        4
        """
        return (self.depth - 4) // 6


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvNet1dConfig:
    """Convolutional network on signals, three layers of stride 2, as for MNIST-1D."""

    channels: int = 64
    """Number of channels of every layer."""

    def __post_init__(self) -> None:
        require(self.channels >= 1, "model.channels", "a positive integer", self.channels)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MLPConfig:
    """ReLU network of fully connected layers, on inputs of any shape."""

    num_layers: int = 2
    """Number of hidden layers."""
    width: int = 256
    """Width of every hidden layer."""

    def __post_init__(self) -> None:
        for name in ("num_layers", "width"):
            require(getattr(self, name) >= 1, f"model.{name}", "a positive integer", getattr(self, name))


ImageModelConfig = WideResNetConfig | ConvNet1dConfig | MLPConfig
"""Settings of any of them."""
