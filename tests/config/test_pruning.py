"""Settings of pruning."""

import pytest

from grok.config import ConfigError, PruningConfig, config_from_json, config_to_json


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsities": ()}, r"sparsities: expected rising fractions in \[0, 1\), got \(\)"),
        ({"sparsities": (0.5, 0.5)}, r"sparsities: expected rising fractions in \[0, 1\), got \(0.5, 0.5\)"),
        ({"sparsities": (0.0, 1.0)}, r"sparsities: expected rising fractions in \[0, 1\), got \(0.0, 1.0\)"),
        ({"fine_tune_steps": 0}, "fine_tune_steps: expected a positive integer, got 0"),
        ({"fine_tune_learning_rate": 0.0}, "fine_tune_learning_rate: expected a positive number, got 0.0"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        PruningConfig(**settings)


def test_settings_survive_json_and_the_last_step_is_the_last_fine_tuned_network():
    config = PruningConfig(sparsities=(0.0, 0.5), steps=10, fine_tune_steps=4)
    assert config_from_json(PruningConfig, config_to_json(config)) == config
    assert config.total_steps == 10 + 2 * (4 + 1) - 1
