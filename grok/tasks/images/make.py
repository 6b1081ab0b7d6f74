"""The data of a run: the data set that its config names, and the samples of it that are measured."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

import torch

from grok.config import ImageTaskConfig
from grok.random import stream
from grok.tasks.images.cifar import CIFAR, cifar_task
from grok.tasks.images.digits import digits_task
from grok.tasks.images.image_task import ImageTask
from grok.tasks.images.mnist1d import mnist1d_task
from grok.tasks.images.normalise import normalise
from grok.tasks.images.parquet import split_files
from grok.tasks.task import Split, Task

CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class DataFolder:
    """Where data sets lie that are read from files."""

    path: Path = Path("data")
    """It has a folder for each, such as data/cifar10."""
    download: bool = False
    """Whether to fetch what is not there from the Hugging Face hub."""


def make_image_task(config: ImageTaskConfig, seed: int, folder: DataFolder, device: torch.device = CPU) -> ImageTask:
    """The whole data set, as it is: bytes or signals, not normalised. The seed splits the digits, which have no split.

    Runs of one process share the tensors of those that do not depend on the seed.

    Raises:
        DataError: a data set that is not there, or cannot be fetched or read.
    """
    if config.dataset == "mnist1d":
        return _mnist1d(device)
    if config.dataset == "digits":
        return digits_task(seed).to(device)
    return _cifar(config.dataset, (folder.path / config.dataset).resolve(), folder.download, device)


def require_data(config: ImageTaskConfig, folder: DataFolder) -> None:
    """Refuse a data set that cannot be had here, or fetch it if that is asked; files that are there are not decoded.

    Raises:
        DataError: as `make_image_task`, but for files that are there and cannot be read.
    """
    if config.dataset in CIFAR:
        is_there = all(split_files(folder.path / config.dataset, split) for split in get_args(Split))
    else:
        is_there = config.dataset == "mnist1d"  # made on the spot, which takes seconds and cannot fail
    if not is_there:
        make_image_task(config, 0, folder)


@cache
def _mnist1d(device: torch.device) -> ImageTask:
    return mnist1d_task().to(device)


@cache
def _cifar(name: str, folder: Path, download: bool, device: torch.device) -> ImageTask:
    return cifar_task(name, folder, download=download).to(device)


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
