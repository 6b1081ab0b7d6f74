"""The fully connected network has the documented layers, for inputs of any shape."""

import pytest
import torch

from grok.config import ImageModelConfig
from grok.models import make_image_model
from grok.random import stream


def make(*, shape, depth, width):
    config = ImageModelConfig(network="mlp", depth=depth, width=width)
    return make_image_model(config, shape=shape, num_classes=10, generator=stream(0, "model"))


@pytest.mark.parametrize("shape", [(1, 40), (3, 4, 5)])
def test_features_are_the_last_hidden_layer_of_flattened_inputs(shape):
    model = make(shape=shape, depth=3, width=7).double()
    inputs = torch.randn(2, *shape, generator=stream(0, "inputs"), dtype=torch.float64)
    x = inputs.reshape(2, -1)
    for layer in model.layers:
        x = (x @ layer.weight.T + layer.bias).clamp(min=0)
    torch.testing.assert_close(model.features(inputs), x)
    torch.testing.assert_close(model(inputs), x @ model.head.weight.T + model.head.bias)


def test_the_number_of_parameters_is_that_of_the_layers():
    count = sum(parameter.numel() for parameter in make(shape=(1, 40), depth=3, width=7).parameters())
    assert count == (40 + 1) * 7 + 2 * (7 + 1) * 7 + (7 + 1) * 10
