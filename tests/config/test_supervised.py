"""Settings of standard training."""

import pytest

from grok.config import (
    ClassifierProbesConfig,
    ConfigError,
    ImageTaskConfig,
    SupervisedConfig,
    config_from_json,
    config_to_json,
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": -1}, "steps: expected an integer of at least 0, got -1"),
        ({"batch_size": 4_001}, "batch_size: expected a number from 1 to the 4,000 training samples, got 4001"),
        ({"label_smoothing": 1.0}, r"label_smoothing: expected a fraction in \[0, 1\), got 1.0"),
        (
            {"task": ImageTaskConfig(measured_train=100)},
            "probes.sample_size: expected at most task.measured_train, 100, got 256",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        SupervisedConfig(**settings)


def test_settings_survive_json():
    config = SupervisedConfig(label_smoothing=0.1, probes=ClassifierProbesConfig(sample_size=64))
    assert config_from_json(SupervisedConfig, config_to_json(config)) == config
    assert config.label == "mnist1d-conv1d-64"
    assert config.total_steps == config.steps
