"""The data of a run: the data set that its config names, and the samples on which probes measure."""

import dataclasses
from functools import cache

import torch

from grok.config import ImageTaskConfig
from grok.random import stream
from grok.tasks.images.cifar import CIFAR10, CIFAR100
from grok.tasks.images.data_set import DataFolder, DataSet
from grok.tasks.images.digits import DIGITS
from grok.tasks.images.image_task import ImageTask
from grok.tasks.images.mnist1d import MNIST1D
from grok.tasks.task import Task

CPU = torch.device("cpu")


DATA_SETS: dict[str, DataSet] = {
    "mnist1d": MNIST1D,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "digits": DIGITS,
}
"""All data sets, by the name that the setting `task.dataset` uses."""


def make_image_task(config: ImageTaskConfig, seed: int, folder: DataFolder, device: torch.device = CPU) -> ImageTask:
    """Return the whole data set as bytes or signals, which are not normalised.

    The seed decides the split of a data set that has no split of its own, such as the digits. The runs of one process
    share the tensors of a data set that does not depend on the seed.

    Raises:
        DataError: if the data set is missing, or if it cannot be downloaded or read.
    """
    data_set = DATA_SETS[config.dataset]
    if data_set.depends_on_seed:
        return data_set.make(seed, folder).to(device)
    return _shared(config.dataset, dataclasses.replace(folder, path=folder.path.resolve()), device)


@cache
def _shared(name: str, folder: DataFolder, device: torch.device) -> ImageTask:
    return DATA_SETS[name].make(0, folder).to(device)


def require_data(config: ImageTaskConfig, folder: DataFolder) -> None:
    """Reject a data set that is not available on this machine, or download it if `folder` allows that.

    Existing files are not decoded, so a damaged file is not detected.

    Raises:
        DataError: if the data set is missing, or if the download fails.
    """
    if not DATA_SETS[config.dataset].is_there(folder):
        make_image_task(config, 0, folder)


def measured_task(task: ImageTask, config: ImageTaskConfig, seed: int) -> Task:
    """Return the samples on which probes measure, normalised.

    They are `measured_train` samples of the training split, drawn with the seed, and the whole test split.

    >>> from grok.tasks.images import mnist1d_task
    >>> config = ImageTaskConfig(measured_train=10)
    >>> measured = measured_task(mnist1d_task(), config, seed=0)
    >>> len(measured.train), len(measured.test), measured.inputs.shape
    (10, 1000, torch.Size([1010, 1, 40]))
    """
    drawn = torch.randperm(len(task.train), generator=stream(seed, "measured"))[: config.measured_train]
    chosen = torch.cat([task.train[drawn.sort().values], task.test])
    return Task(
        inputs=task.normalisation()(task.inputs[chosen]),
        targets=task.targets[chosen],
        train=torch.arange(config.measured_train),
        test=torch.arange(config.measured_train, len(chosen)),
        num_classes=task.num_classes,
    )
