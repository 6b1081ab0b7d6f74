"""Settings of linear mode connectivity."""

import pytest

from grok.config import ConfigError, ConnectivityConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"points": 1}, "points: expected an integer of at least 2, got 1"),
        ({"recompute_batches": 0}, "recompute_batches: expected a positive integer, got 0"),
        ({"batch_size": 0}, "batch_size: expected a number from 1 to the 4,000 training samples, got 0"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ConnectivityConfig(**settings)


def test_the_last_step_is_at_the_last_network():
    assert ConnectivityConfig(steps=10, points=3).total_steps == 2 * 10 + 6 - 1
