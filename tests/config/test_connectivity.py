"""Settings of linear mode connectivity."""

import pytest

from grok.config import ConfigError, ConnectivityConfig, config_from_json, config_to_json


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps: expected a positive integer, got 0"),
        ({"points": 1}, "points: expected an integer of at least 2, got 1"),
        ({"recompute_batches": 0}, "recompute_batches: expected a positive integer, got 0"),
        ({"batch_size": 0}, "batch_size: expected a number from 1 to the 4,000 training samples, got 0"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ConnectivityConfig(**settings)


def test_rows_are_those_of_two_trainings_and_of_two_passes_over_the_networks_between():
    config = ConnectivityConfig(steps=10, points=3)
    rows = 10 + 10 + 3 + 3  # the end of a training is the beginning of what follows
    assert config.total_steps + 1 == rows


def test_json_gives_the_same_config_back():
    config = ConnectivityConfig(points=5, recompute_batches=7, steps=3)
    assert config_from_json(ConnectivityConfig, config_to_json(config)) == config
