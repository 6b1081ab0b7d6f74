"""Weights have He's variances, depend only on the given generator, and differ with its seed."""

import pytest
import torch
from torch import nn

from grok.config import ImageModelConfig
from grok.models import make_image_model
from grok.random import stream

of_every_network = pytest.mark.parametrize(
    ("config", "shape"),
    [
        pytest.param(ImageModelConfig(network="wide-resnet", depth=10, width=4), (3, 8, 8), id="WideResNet"),
        pytest.param(ImageModelConfig(network="conv1d", width=128), (4, 40), id="ConvNet1d"),
        pytest.param(ImageModelConfig(network="mlp", depth=3), (1, 40), id="MLP"),
    ],
)


def make(config, shape, *, seed=0):
    return make_image_model(config, shape=shape, num_classes=50, generator=stream(seed, "model"))


@of_every_network
def test_the_variance_of_every_weight_is_hes_and_that_of_the_head_half_of_it(config, shape):
    model = make(config, shape)
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            fan_in = layer.weight.numel() / len(layer.weight)
            expected = (1 if name == "head" else 2) / fan_in
            few = 5 * (2 / layer.weight.numel()) ** 0.5  # five standard errors of a variance
            assert layer.weight.square().mean().item() == pytest.approx(expected, rel=few), name
            assert layer.bias is None or not layer.bias.any(), name


@of_every_network
def test_the_generator_decides_the_weights_and_no_other_is_drawn_from(config, shape):
    before = torch.get_rng_state()
    first, same, other = (dict(make(config, shape, seed=seed).named_parameters()) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    for name, parameter in first.items():
        assert torch.equal(parameter, same[name]), name
        assert torch.equal(parameter, other[name]) == (parameter.std() == 0).item(), name
