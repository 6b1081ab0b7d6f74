"""Settings of the networks on images and signals."""

import pytest

from grok.config import ConfigError, ImageModelConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "model.width: expected a positive integer, got 0"),
        ({"depth": 3}, "model.depth: expected None for conv1d, which has three layers, got 3"),
        (
            {"network": "wide-resnet", "depth": 27},
            r"model.depth: expected 6n \+ 4 layers of wide-resnet .*, such as 10, 16 or 28, got 27",
        ),
        ({"network": "wide-resnet", "depth": 4}, r"model.depth: expected 6n \+ 4 layers .*, got 4"),
        ({"network": "wide-resnet"}, r"model.depth: expected 6n \+ 4 layers .*, got None"),
        ({"network": "mlp", "depth": 0}, "model.depth: expected a positive number of hidden layers of mlp, got 0"),
        ({"network": "mlp"}, "model.depth: expected a positive number of hidden layers of mlp, got None"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ImageModelConfig(**settings)


@pytest.mark.parametrize(("depth", "blocks"), [(10, 1), (16, 2), (28, 4), (40, 6)])
def test_the_layers_of_a_wide_resnet_are_blocks_in_three_groups(depth, blocks):
    assert ImageModelConfig(network="wide-resnet", depth=depth).blocks_per_group == blocks


def test_a_label_names_the_network_and_its_sizes():
    assert ImageModelConfig(network="mlp", depth=2, width=7).label == "mlp-2-7"
    assert ImageModelConfig(width=8).label == "conv1d-8"
