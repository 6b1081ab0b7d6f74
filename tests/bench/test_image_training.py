"""Training on images is timed against a loop that trains the same network."""

import torch

from grok.bench import image_training
from grok.config import SupervisedConfig
from tests.helpers import CPU


def test_a_row_for_each_network_with_both_steps(monkeypatch):
    monkeypatch.setattr(image_training, "REPEATS", 1)
    monkeypatch.setattr(image_training, "STEPS", {"cpu": 1})
    monkeypatch.setattr(image_training, "NETWORKS", dict(list(image_training.NETWORKS.items())[:1]))
    (row,) = image_training.images(CPU, lambda _: None).rows
    assert row["network"] == "MNIST-1D, conv1d-64"
    assert row["samples a second"].value == 64 / row["step"].median
    assert row["plain / ours"].value == row["plain loop's step"].median / row["step"].median


def test_the_plain_loop_reads_images_of_their_own_size_and_all_labels():
    _, task, model = image_training.NETWORKS["CIFAR, wide-resnet-28-2"]
    config = SupervisedConfig(task=task, model=model, batch_size=500)
    batches = image_training._plain_batches(config, image_training.random_task((3, 32, 32)), CPU)
    epoch = [next(batches) for _ in range(4)]
    assert all(inputs.shape == (500, 3, 32, 32) for inputs, _ in epoch)
    assert torch.equal(torch.cat([targets for _, targets in epoch]).bincount(), torch.full((10,), 200))
