"""A task returns its splits by name, and moves to a device as a whole."""

import torch

from grok.config import TaskConfig
from grok.tasks import operation_task


def task():
    return operation_task(TaskConfig(modulus=5), 0)


def test_indices_gives_the_split_by_name():
    split = task()
    assert split.indices("train") is split.train
    assert split.indices("test") is split.test


def test_a_task_on_another_device_keeps_everything():
    moved = task().to(torch.device("meta"))
    tensors = (moved.inputs, moved.targets, moved.train, moved.test, moved.cycle)
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert (moved.num_classes, moved.num_tokens, len(moved.train)) == (5, 6, 8)
