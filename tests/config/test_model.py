"""Settings of the network."""

import pytest

from grok.config import ConfigError, TransformerConfig


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TransformerConfig(d_head=0), "model.d_head: expected a positive integer, got 0"),
        (lambda: TransformerConfig(num_layers=0), "model.num_layers: expected an integer from 1 to 4, got 0"),
        (lambda: TransformerConfig(num_layers=5), "model.num_layers: expected an integer from 1 to 4, got 5"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
