"""The wide residual network agrees with the published one in parameters and outputs, for all layouts and stacks."""

import copy

import pytest
import torch
from torch.func import functional_call, stack_module_state, vmap

from grok.config import ConfigError, ImageModelConfig
from grok.models import make_image_model
from grok.random import stream
from tests.reference.wide_resnet import wide_resnet_features


def make(depth=10, width=1, *, shape=(3, 8, 8), num_classes=10, seed=0):
    config = ImageModelConfig(network="wide-resnet", depth=depth, width=width)
    return make_image_model(config, shape=shape, num_classes=num_classes, generator=stream(seed, "model"))


def images(*leading, size=8):
    return torch.randn(*leading, 3, size, size, generator=stream(0, "images"))


def randomise_norms(model):
    """Gains and biases that a forward pass cannot leave out unnoticed."""
    generator = stream(0, "norms")
    for name, parameter in model.named_parameters():
        if "norm" in name:
            parameter.data.copy_(torch.rand(parameter.shape, generator=generator) + 0.5)
    return model


def number_of_parameters(depth, width, num_classes):
    """From the paper's table of layers, convolutions without biases."""
    blocks, channels, total = (depth - 4) // 6, 16, 3 * 3 * 3 * 16
    for group in (16 * width, 32 * width, 64 * width):
        for _ in range(blocks):
            shortcut = channels * group if channels != group else 0
            total += 2 * channels + 9 * channels * group + 2 * group + 9 * group * group + shortcut
            channels = group
    return total + 2 * channels + channels * num_classes + num_classes


@pytest.mark.parametrize(
    ("depth", "width", "num_classes", "published"),
    [
        (28, 10, 10, 36.5),  # these four from Zagoruyko & Komodakis 2016, in millions
        (40, 4, 10, 8.9),
        (16, 8, 10, 11.0),
        (22, 8, 10, 17.2),
        (28, 2, 10, 1.5),
        (28, 8, 100, 23.4),
    ],
)
def test_the_number_of_parameters_is_the_published_one(depth, width, num_classes, published):
    model = make(depth, width, num_classes=num_classes)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == number_of_parameters(depth, width, num_classes)
    assert round(count / 1e6, 1) == published


@pytest.mark.parametrize(("depth", "width"), [(16, 1), (10, 2)])
def test_features_and_gradients_are_those_of_the_network_written_out(depth, width):
    model, inputs = randomise_norms(make(depth, width).double()), images(4).double()
    written_out = wide_resnet_features(model, inputs, blocks_per_group=(depth - 4) // 6)
    results = []
    for features in (model.features(inputs), written_out):
        body = [parameter for name, parameter in model.named_parameters() if not name.startswith("head")]
        results.append([features.detach(), *torch.autograd.grad(features.square().sum(), body)])
    for ours, reference in zip(*results, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-8, atol=1e-8)


def test_logits_are_the_head_on_features_of_64k_dimensions():
    model = make(width=2).eval()
    features = model.features(images(3))
    assert features.shape == (3, 128)
    torch.testing.assert_close(model(images(3)), features @ model.head.weight.T + model.head.bias)


def test_channels_last_gives_the_same_features_and_stays_channels_last():
    model = make(width=2).eval()
    expected = model.features(images(3))
    model = model.to(memory_format=torch.channels_last)
    inputs = images(3).contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(model.features(inputs), expected, rtol=1e-4, atol=1e-5)
    last = model.blocks(model.stem(inputs))
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert not last.is_contiguous()


def test_stacked_networks_give_the_features_and_running_statistics_of_each_alone():
    models, inputs = [make(seed=seed) for seed in (0, 1)], images(2, 5)
    structure = copy.deepcopy(models[0]).to("meta")
    parameters, buffers = stack_module_state(copy.deepcopy(models))
    logits = vmap(lambda *state: functional_call(structure, state[:2], state[2]))(parameters, buffers, inputs)
    for member, model in enumerate(models):
        torch.testing.assert_close(logits[member], model(inputs[member]), rtol=1e-4, atol=1e-4)
        for name, buffer in model.named_buffers():
            torch.testing.assert_close(buffers[name][member], buffer, rtol=1e-4, atol=1e-5)


def test_signals_are_refused():
    with pytest.raises(
        ConfigError, match=r"^model: expected images of shape \(channels, height, width\), got \(1, 40\)$"
    ):
        make(shape=(1, 40))
