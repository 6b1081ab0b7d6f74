"""The network for signals has the documented layers, and learns MNIST-1D."""

import pytest
import torch
import torch.nn.functional as F

from grok.config import ConfigError, ImageModelConfig
from grok.models import make_image_model
from grok.random import stream
from grok.tasks.images import mnist1d_task, normalise


def make(width=64, *, shape=(1, 40)):
    config = ImageModelConfig(network="conv1d", width=width)
    return make_image_model(config, shape=shape, num_classes=10, generator=stream(0, "model"))


def test_the_number_of_parameters_is_that_of_the_parts():
    convs, norms, head = 5 * 2 * 7 + 2 * 3 * 7 * 7, 3 * 2 * 7, 7 * 10 + 10
    assert sum(parameter.numel() for parameter in make(7, shape=(2, 13)).parameters()) == convs + norms + head


def test_features_are_means_of_what_is_left_of_the_signal():
    model = make(7).eval()  # new running statistics are mean 0 and variance 1
    x = signals = torch.randn(3, 1, 40, generator=stream(0, "signals"))
    for conv, length in zip(model.convs, (20, 10, 5), strict=True):
        kernel = conv.weight.shape[-1]
        windows = F.pad(x, (kernel // 2, kernel // 2)).unfold(2, kernel, 2)
        x = (torch.einsum("nclk,dck->ndl", windows, conv.weight) / (1 + 1e-5) ** 0.5).clamp(min=0)
        assert x.shape == (3, 7, length)
    torch.testing.assert_close(model.features(signals), x.mean(dim=2))


def test_two_epochs_of_mnist_1d_teach_it_most_of_the_test_set():
    task, model = mnist1d_task(), make()
    inputs = normalise(task.inputs, task.mean, task.std)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(2):
        for batch in task.train.split(50):
            optimiser.zero_grad()
            F.cross_entropy(model(inputs[batch]), task.targets[batch]).backward()
            optimiser.step()
    predicted = model.eval()(inputs[task.test]).argmax(dim=1)
    assert (predicted == task.targets[task.test]).double().mean() > 0.7


def test_images_are_refused():
    with pytest.raises(ConfigError, match=r"^model: expected signals of shape \(channels, length\), got \(3, 8, 8\)$"):
        make(shape=(3, 8, 8))
