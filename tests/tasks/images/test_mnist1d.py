"""MNIST-1D is the published data set, and generating it leaves the global random generators unchanged."""

import random

import numpy as np
import torch

from grok.tasks.images import mnist1d, mnist1d_task


def test_it_has_the_published_sizes_and_first_labels():
    task = mnist1d_task()
    assert (task.inputs.shape, task.inputs.dtype) == ((5000, 1, 40), torch.float32)
    assert (len(task.train), len(task.test), task.num_classes) == (4000, 1000, 10)
    assert task.targets[:10].tolist() == [2, 6, 4, 5, 6, 6, 6, 0, 3, 1]
    assert torch.bincount(task.targets).tolist() == [500] * 10


def test_the_global_generators_go_on_as_if_nothing_had_been_made():
    def draws():
        return np.random.random(), random.random()

    np.random.seed(1), random.seed(1)
    expected = draws()
    np.random.seed(1), random.seed(1)
    mnist1d._signals.cache_clear()
    mnist1d_task()
    assert draws() == expected
