"""scikit-learn's handwritten digits, a data set that is small enough for a test."""

import importlib.util

import torch

from grok.random import stream
from grok.tasks.images.data_set import DataFolder, DataSet
from grok.tasks.images.image_task import DataError, ImageTask, image_task

TRAIN_SIZE = 1200


def digits_task(seed: int) -> ImageTask:
    """Return 1,797 digits of 8×8 pixels with values 0 to 16, of which the seed chooses 1,200 for training.

    Source: Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository 1998.

    Raises:
        DataError: if scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataError("scikit-learn: expected an installation, got none (pip install scikit-learn)") from None
    images, labels = (torch.tensor(array) for array in load_digits(return_X_y=True))
    order = torch.randperm(len(labels), generator=stream(seed, "split"))
    images, labels = images[order].byte().view(-1, 1, 8, 8), labels[order]
    return image_task(
        train=(images[:TRAIN_SIZE], labels[:TRAIN_SIZE]),
        test=(images[TRAIN_SIZE:], labels[TRAIN_SIZE:]),
        num_classes=10,
    )


def _make(seed: int, folder: DataFolder) -> ImageTask:
    return digits_task(seed)


def _is_installed(folder: DataFolder) -> bool:
    return importlib.util.find_spec("sklearn") is not None


DIGITS = DataSet(make=_make, is_there=_is_installed, depends_on_seed=True)
