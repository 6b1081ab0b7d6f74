"""An image task is a task that is normalised by its training split."""

import torch

from grok.random import stream
from grok.tasks import Task
from grok.tasks.images import image_task

INPUTS = torch.randint(256, (9, 2, 3, 3), generator=stream(0, "test"), dtype=torch.uint8)
TARGETS = torch.arange(9) % 3


def task():
    return image_task(train=(INPUTS[:6], TARGETS[:6]), test=(INPUTS[6:], TARGETS[6:]), num_classes=3)


def test_each_split_has_its_own_samples():
    for split, of_split in (("train", slice(0, 6)), ("test", slice(6, 9))):
        assert torch.equal(task().inputs[task().indices(split)], INPUTS[of_split])
        assert torch.equal(task().targets[task().indices(split)], TARGETS[of_split])


def test_the_statistics_are_those_of_the_training_split():
    by_channel = INPUTS[:6].double().transpose(0, 1).flatten(1)
    torch.testing.assert_close(task().mean, by_channel.mean(dim=1).float())
    torch.testing.assert_close(task().std, by_channel.std(dim=1, correction=0).float())


def test_it_is_a_task_without_a_cycle_that_moves_with_its_statistics():
    moved = task().to(torch.device("meta"))
    assert isinstance(moved, Task)
    assert moved.cycle is None
    assert {moved.inputs.device.type, moved.mean.device.type, moved.std.device.type} == {"meta"}
