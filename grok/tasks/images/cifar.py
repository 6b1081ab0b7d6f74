"""CIFAR-10 and CIFAR-100, read from Parquet files in a folder or downloaded from the Hugging Face hub."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from grok.tasks.images.data_set import DataFolder, DataSet
from grok.tasks.images.download import HUB, fetch, hub_url
from grok.tasks.images.image_task import DataError, ImageTask, image_task
from grok.tasks.images.parquet import read_images, split_files
from grok.tasks.task import Split


@dataclass(frozen=True, kw_only=True)
class Cifar:
    """The properties in which the two data sets differ."""

    num_classes: int
    """Number of classes."""
    label_column: str
    """Name of the column of labels."""
    repository: str
    """Name of the data set on the hub."""
    configuration: str
    """Folder of its files on the hub."""


CIFAR = {
    "cifar10": Cifar(num_classes=10, label_column="label", repository="uoft-cs/cifar10", configuration="plain_text"),
    "cifar100": Cifar(
        num_classes=100, label_column="fine_label", repository="uoft-cs/cifar100", configuration="cifar100"
    ),
}


def cifar_task(name: str, folder: Path, *, download: bool = False) -> ImageTask:
    """Read the data set of this name in `CIFAR` from the Parquet files in `folder`.

    The images are bytes of shape (n, 3, 32, 32). With `download`, a split without a file is first downloaded from the
    hub.

    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.

    Raises:
        DataError: if a split is missing, or if it cannot be downloaded or read.
    """
    known = CIFAR[name]
    splits = {}
    for split in get_args(Split):
        on_hub = f"{split}-00000-of-00001.parquet"
        files = split_files(folder, split)
        if not files and download:
            files = [folder / on_hub]
            fetch(hub_url(known.repository, f"{known.configuration}/{on_hub}"), files[0])
        if not files:
            raise DataError(
                f"{name}: expected {split}.parquet or {on_hub} in {folder}, got neither "
                f"(put the Parquet files of {HUB}/datasets/{known.repository} there, or add --download)"
            )
        splits[split] = read_images(files, label_column=known.label_column, num_classes=known.num_classes)
    return image_task(train=splits["train"], test=splits["test"], num_classes=known.num_classes)


def _data_set(name: str) -> DataSet:
    def make(seed: int, folder: DataFolder) -> ImageTask:
        return cifar_task(name, folder.path / name, download=folder.download)

    def is_there(folder: DataFolder) -> bool:
        return all(split_files(folder.path / name, split) for split in get_args(Split))

    return DataSet(make=make, is_there=is_there)


CIFAR10, CIFAR100 = _data_set("cifar10"), _data_set("cifar100")
