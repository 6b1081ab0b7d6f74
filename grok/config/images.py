"""Settings of training on images or signals: the data and the network."""

import dataclasses
from typing import TYPE_CHECKING, Literal

from grok.config.checks import Settings

Augmentation = Literal["none", "crop-flip", "shift-scale"]

# data set -> number of classes, of training and of test samples, and whether its samples are images
SHAPES: dict[str, tuple[int, int, int, bool]] = {
    "mnist1d": (10, 4_000, 1_000, False),
    "cifar10": (10, 50_000, 10_000, True),
    "cifar100": (100, 50_000, 10_000, True),
    "digits": (10, 1_200, 597, True),
}

if TYPE_CHECKING:
    DatasetName = str
else:
    DatasetName = Literal[tuple(SHAPES)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageTaskConfig(Settings, section="task"):
    """Labelled images or signals, and the augmentation of a training batch."""

    dataset: DatasetName = "mnist1d"
    """The data set: MNIST-1D, which is generated; CIFAR, which is read from Parquet files; or scikit-learn's digits."""
    augmentation: Augmentation = "none"
    """Random augmentation. crop-flip shifts images by up to 4 pixels and mirrors half of them; shift-scale moves
    signals by up to 2 positions and scales them by 0.9 to 1.1."""
    measured_train: int = 1_000
    """Number of measured training samples: a fixed seeded subset, not augmented. The whole test split is measured."""

    def __post_init__(self) -> None:
        super().__post_init__()
        kind, fit = ("images", "crop-flip") if self.is_images else ("signals", "shift-scale")
        fits = self.augmentation in ("none", fit)
        self.require("augmentation", fits, f"none or {fit}, as {self.dataset} has {kind}")
        self.require(
            "measured_train",
            1 <= self.measured_train <= self.train_size,
            f"a number from 1 to the {self.train_size:,} training samples of {self.dataset}",
        )

    @property
    def num_classes(self) -> int:
        """The number of classes of the data set."""
        return SHAPES[self.dataset][0]

    @property
    def train_size(self) -> int:
        """The number of training samples of the data set."""
        return SHAPES[self.dataset][1]

    @property
    def test_size(self) -> int:
        """Number of test samples."""
        return SHAPES[self.dataset][2]

    @property
    def is_images(self) -> bool:
        """Whether the samples are images rather than signals, so that they can be cropped and flipped."""
        return SHAPES[self.dataset][3]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageModelConfig(Settings, section="model"):
    """A network on images or signals: a 1-D convolutional network, a wide residual network on images, or an MLP."""

    network: Literal["conv1d", "wide-resnet", "mlp"] = "conv1d"
    """The kind of network."""
    width: int = 64
    """Number of channels of the layers of conv1d, widening factor k of wide-resnet (groups of 16k, 32k and 64k
    channels), or width of the hidden layers of mlp."""
    depth: int | None = None
    """Number of layers of wide-resnet, 6n + 4 (Zagoruyko & Komodakis 2016), or of hidden layers of mlp. It is None for
    conv1d, which has three layers."""

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
