"""Batches are drawn by seed, order and step alone, normalised and augmented."""

import pytest
import torch

from grok.random import stream
from grok.tasks.images import crop_and_flip, draw_shifts_and_flips, image_task, normalise
from grok.training.batches import Batches

SIZE, BLOCK = 4, 5


def task():
    generator = stream(0, "task")
    images = torch.randint(256, (14, 3, 8, 8), generator=generator).byte()
    return image_task(train=(images, torch.arange(14)), test=(images[:2], torch.arange(2)), num_classes=14)


def make(*, augmentation="none", seed=0):
    return Batches(task(), size=SIZE, augmentation=augmentation, seed=seed, block=BLOCK)


def batches(made, first, count, *, order=0):
    made.prepare(first, count, order=order)
    return [made() for _ in range(count)]


def labels(drawn):
    return [targets.tolist() for _, targets in drawn]


def test_an_epoch_is_whole_batches_of_other_samples_each():
    epoch = labels(batches(make(), 0, 3))
    assert all(len(batch) == SIZE for batch in epoch)
    assert len({label for batch in epoch for label in batch}) == 12
    assert labels(batches(make(), 3, 3)) != epoch


@pytest.mark.parametrize("augmentation", ["none", "crop-flip"])
def test_a_batch_depends_on_seed_order_and_step_alone(augmentation):
    made = make(augmentation=augmentation)
    whole = batches(made, 0, 5)
    parts = [batches(made, 3, 2), batches(made, 0, 3), batches(make(augmentation=augmentation), 4, 1)]
    for (inputs, targets), (expected, labels_) in zip([*parts[1], *parts[0]], whole, strict=True):
        assert torch.equal(inputs, expected)
        assert torch.equal(targets, labels_)
    assert torch.equal(parts[2][0][0], whole[4][0])
    assert torch.equal(made.batch(4, order=0)[0], whole[4][0])
    assert labels(batches(made, 0, 3, order=1)) != labels(whole[:3])
    assert labels(batches(make(seed=1), 0, 3)) != labels(whole[:3])


def test_inputs_are_the_samples_normalised():
    data = task()
    for inputs, targets in batches(make(), 0, 3):
        torch.testing.assert_close(inputs, normalise(data.inputs[targets], data.mean, data.std))  # labels are places


def test_augmentation_is_a_crop_and_flip_of_each_sample_drawn_for_the_epoch():
    data = task()
    shifts, flips = draw_shifts_and_flips(12, generator=stream(0, "augmentation/0/0"))
    for index, (inputs, targets) in enumerate(batches(make(augmentation="crop-flip"), 0, 3)):
        rows = slice(SIZE * index, SIZE * (index + 1))
        cropped = crop_and_flip(data.inputs[targets], shifts[rows], flips[rows])
        torch.testing.assert_close(inputs, normalise(cropped, data.mean, data.std))
