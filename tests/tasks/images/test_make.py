"""A run's data: the data set that its config names, and the samples of it that are measured."""

import torch

from grok.config import ImageTaskConfig
from grok.tasks.images import DataFolder, digits_task, make_image_task, measured_task, mnist1d_task, normalise

HERE = DataFolder()


def test_the_config_names_the_data_set():
    signals = make_image_task(ImageTaskConfig(), 0, HERE)
    assert torch.equal(signals.inputs, mnist1d_task().inputs)
    digits = make_image_task(ImageTaskConfig(dataset="digits"), 3, HERE)
    assert torch.equal(digits.inputs, digits_task(3).inputs)


def test_measured_are_some_training_samples_and_all_others_normalised():
    task, config = digits_task(0), ImageTaskConfig(dataset="digits", measured_train=50)
    measured = measured_task(task, config, 0)
    assert (len(measured.train), len(measured.test)) == (50, len(task.test))
    whole = normalise(task.inputs, task.mean, task.std)
    assert torch.equal(measured.inputs[measured.test], whole[task.test])
    assert torch.equal(measured.targets[measured.test], task.targets[task.test])
    rows = {tuple(row.flatten().tolist()) for row in whole[task.train]}
    assert all(tuple(row.flatten().tolist()) in rows for row in measured.inputs[measured.train])


def test_the_seed_decides_which_training_samples_are_measured():
    task, config = mnist1d_task(), ImageTaskConfig(measured_train=100)
    one, same, other = (measured_task(task, config, seed).inputs[:100] for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
