"""Settings of the networks on images and signals."""

import pytest

from grok.config import ConfigError, ImageModelConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "model.width: expected a positive integer, got 0"),
        ({"depth": 3}, "model.depth: expected None for conv1d, which has three layers, got 3"),
        ({"network": "wide-resnet"}, r"model.depth: expected 6n \+ 4 layers .*, such as 10, 16 or 28, got None"),
        ({"network": "wide-resnet", "depth": 27}, r"model.depth: expected 6n \+ 4 layers .*, got 27"),
        ({"network": "wide-resnet", "depth": 4}, r"model.depth: expected 6n \+ 4 layers .*, got 4"),
        ({"network": "mlp"}, "model.depth: expected a positive number of hidden layers of mlp, got None"),
        ({"network": "mlp", "depth": 0}, "model.depth: expected a positive number of hidden layers of mlp, got 0"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ImageModelConfig(**settings)


def test_the_label_tells_networks_apart():
    assert ImageModelConfig(network="mlp", depth=2, width=9).label == "mlp-2-9"
