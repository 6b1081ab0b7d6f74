"""Settings of the data of the image experiments."""

import dataclasses
from typing import Literal

from grok.config.checks import Settings

DatasetName = Literal["mnist1d", "cifar10", "cifar100", "digits"]
Augmentation = Literal["none", "crop-flip", "shift-scale"]

# data set -> number of classes, of training and of test samples, and whether its samples are images
SHAPES: dict[str, tuple[int, int, int, bool]] = {
    "mnist1d": (10, 4_000, 1_000, False),
    "cifar10": (10, 50_000, 10_000, True),
    "cifar100": (100, 50_000, 10_000, True),
    "digits": (10, 1_200, 597, True),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageTaskConfig(Settings, section="task"):
    """Labelled images or signals, and what a training step does to a batch of them."""

    dataset: DatasetName = "mnist1d"
    """MNIST-1D, made on the spot; CIFAR, read from Parquet files; or scikit-learn's digits."""
    augmentation: Augmentation = "none"
    """Images shifted by up to 4 pixels and half of them mirrored, or signals moved by up to 2 positions and scaled by
    0.9 to 1.1, at random."""
    measured_train: int = 1_000
    """Training samples to measure on, without augmentation: a fixed seeded subset. Of the test split all are."""

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
        """Number of classes."""
        return SHAPES[self.dataset][0]

    @property
    def train_size(self) -> int:
        """Number of training samples."""
        return SHAPES[self.dataset][1]

    @property
    def test_size(self) -> int:
        """Number of test samples."""
        return SHAPES[self.dataset][2]

    @property
    def is_images(self) -> bool:
        """Whether the samples are images, which can be cropped and flipped."""
        return SHAPES[self.dataset][3]
