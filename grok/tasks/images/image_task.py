"""A data set of images or signals, with the statistics of its training split that normalise it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from grok.config import ConfigError
from grok.tasks.images.normalise import Normalisation, channel_statistics
from grok.tasks.task import Task


class DataError(ConfigError):
    """Raised when a data set is not available; the message names the file or package and the mend."""


@dataclass(frozen=True, kw_only=True)
class ImageTask(Task):
    """Images and their classes, or signals and their classes.

    Images are bytes of shape (n, channels, height, width). Signals are floats of shape (n, channels, length).
    """

    inputs: Shaped[Tensor, "sample channel *space"]
    """Pixels or values, which are not normalised."""
    mean: Float[Tensor, "channel"]
    """Mean of each channel over the training split, in the units of the inputs."""
    std: Float[Tensor, "channel"]
    """Standard deviation of each channel over the training split, in the units of the inputs."""

    def normalisation(self) -> nn.Module:
        """Return the module that normalises the channels of inputs."""
        return Normalisation(self.mean, self.std)


def image_task(
    *,
    train: tuple[Shaped[Tensor, "train channel *space"], Int[Tensor, "train"]],
    test: tuple[Shaped[Tensor, "test channel *space"], Int[Tensor, "test"]],
    num_classes: int,
) -> ImageTask:
    """Make one task of the inputs and targets of two splits, with the training samples first.

    >>> images, labels = torch.arange(16).byte().view(4, 1, 2, 2), torch.tensor([0, 1, 0, 1])
    >>> task = image_task(train=(images[:3], labels[:3]), test=(images[3:], labels[3:]), num_classes=2)
    >>> task.train.tolist(), task.test.tolist(), task.mean.item()
    ([0, 1, 2], [3], 5.5)
    """
    (train_inputs, train_targets), (test_inputs, test_targets) = train, test
    mean, std = channel_statistics(train_inputs)
    size = len(train_targets)
    return ImageTask(
        inputs=torch.cat([train_inputs, test_inputs]),
        targets=torch.cat([train_targets, test_targets]),
        train=torch.arange(size),
        test=torch.arange(size, size + len(test_targets)),
        num_classes=num_classes,
        mean=mean,
        std=std,
    )
