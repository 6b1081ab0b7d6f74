"""Settings of the networks on images and signals."""

import pytest

from grok.config import ConfigError, ConvNet1dConfig, MLPConfig, WideResNetConfig


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WideResNetConfig(depth=27), r"model.depth: expected 6n \+ 4 layers .*, such as 10, 16 or 28, got 27"),
        (lambda: WideResNetConfig(depth=4), r"model.depth: expected 6n \+ 4 layers .*, got 4"),
        (lambda: WideResNetConfig(width=0), "model.width: expected a positive integer, got 0"),
        (lambda: ConvNet1dConfig(channels=0), "model.channels: expected a positive integer, got 0"),
        (lambda: MLPConfig(num_layers=0), "model.num_layers: expected a positive integer, got 0"),
        (lambda: MLPConfig(width=-1), "model.width: expected a positive integer, got -1"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
