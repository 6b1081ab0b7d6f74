"""MNIST-1D: ten classes of noisy signals of 40 positions, generated when needed."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

from grok.tasks.images.data_set import DataFolder, DataSet
from grok.tasks.images.image_task import ImageTask, image_task


def mnist1d_task() -> ImageTask:
    """Return the data set with its authors' settings and seed.

    It has 4,000 training and 1,000 test signals of shape (n, 1, 40) in float32.

    Source: Greydanus & Kobak, Scaling Down Deep Learning with MNIST-1D, ICML 2024.
    """
    signals = _signals()
    train, test = (
        (torch.tensor(signals[x], dtype=torch.float32)[:, None], torch.tensor(signals[y]))
        for x, y in (("x", "y"), ("x_test", "y_test"))
    )
    return image_task(train=train, test=test, num_classes=10)


@cache
def _signals() -> dict[str, np.ndarray]:
    from mnist1d.data import make_dataset  # takes a second or two because it imports pyplot

    with _global_generators_kept():  # make_dataset seeds the global generators
        return make_dataset()


@contextmanager
def _global_generators_kept() -> Iterator[None]:
    """Restore the global generators of numpy and Python afterwards."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def _make(seed: int, folder: DataFolder) -> ImageTask:
    return mnist1d_task()


MNIST1D = DataSet(make=_make)
