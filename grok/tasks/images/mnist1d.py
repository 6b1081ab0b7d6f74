"""MNIST-1D: ten classes of noisy 40-point signals, made on the spot."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

from grok.tasks.images.data_set import DataFolder, DataSet
from grok.tasks.images.image_task import ImageTask, image_task


def mnist1d_task() -> ImageTask:
    """The data set at its authors' settings and seed: 4,000 training and 1,000 test signals, shape (n, 1, 40), float32.

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
    from mnist1d.data import make_dataset  # a second or two: it loads pyplot

    with _global_generators_kept():  # it seeds them for its own draws
        return make_dataset()


@contextmanager
def _global_generators_kept() -> Iterator[None]:
    """Leave the global generators of numpy and Python as they were."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def _make(seed: int, folder: DataFolder) -> ImageTask:
    return mnist1d_task()


MNIST1D = DataSet(make=_make)
