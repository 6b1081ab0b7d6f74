"""The data of a run: the data set that its config names, and the samples of it that are measured."""

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
from grok.tasks.images.normalise import normalise
from grok.tasks.task import Task

CPU = torch.device("cpu")


DATA_SETS: dict[str, DataSet] = {
    "mnist1d": MNIST1D,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "digits": DIGITS,
}
"""Every data set by the name that `task.dataset` has for it."""


def make_image_task(config: ImageTaskConfig, seed: int, folder: DataFolder, device: torch.device = CPU) -> ImageTask:
    """The whole data set, as it is: bytes or signals, not normalised. The seed splits the digits, which have no split.

    Runs of one process share the tensors of those that do not depend on the seed.

    Raises:
        DataError: a data set that is not there, or cannot be fetched or read.
    """
    data_set = DATA_SETS[config.dataset]
    if data_set.depends_on_seed:
        return data_set.make(seed, folder).to(device)
    return _shared(config.dataset, dataclasses.replace(folder, path=folder.path.resolve()), device)


@cache
def _shared(name: str, folder: DataFolder, device: torch.device) -> ImageTask:
    return DATA_SETS[name].make(0, folder).to(device)


def require_data(config: ImageTaskConfig, folder: DataFolder) -> None:
    """Reject a data set that cannot be had here, or fetch it if that is asked; files that are there are not decoded.

    Raises:
        DataError: as `make_image_task`, but for files that are there and cannot be read.
    """
    if not DATA_SETS[config.dataset].is_there(folder):
        make_image_task(config, 0, folder)


def measured_task(task: ImageTask, config: ImageTaskConfig, seed: int) -> Task:
    """The samples that probes measure on, normalised: some of the training split, drawn by the seed, and all others.

    >>> config = ImageTaskConfig(measured_train=10)
    >>> measured = measured_task(mnist1d_task(), config, seed=0)
    >>> len(measured.train), len(measured.test), measured.inputs.shape
    (10, 1000, torch.Size([1010, 1, 40]))
    """
    drawn = torch.randperm(len(task.train), generator=stream(seed, "measured"))[: config.measured_train]
    chosen = torch.cat([task.train[drawn.sort().values], task.test])
    return Task(
        inputs=normalise(task.inputs[chosen], task.mean, task.std),
        targets=task.targets[chosen],
        train=torch.arange(config.measured_train),
        test=torch.arange(config.measured_train, len(chosen)),
        num_classes=task.num_classes,
    )
