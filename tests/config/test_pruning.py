"""Settings of pruning."""

import pytest

from grok.config import ConfigError, PruningConfig, config_from_json, config_hash, config_to_json


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsities": ()}, r"sparsities: expected rising fractions in \[0, 1\), got \(\)"),
        ({"sparsities": (0.5, 0.4)}, r"sparsities: expected rising fractions in \[0, 1\), got \(0.5, 0.4\)"),
        ({"sparsities": (0.5, 0.5)}, r"sparsities: expected rising fractions in \[0, 1\), got \(0.5, 0.5\)"),
        ({"sparsities": (0.5, 1.0)}, r"sparsities: expected rising fractions in \[0, 1\), got \(0.5, 1.0\)"),
        ({"sparsities": (-0.1, 0.5)}, r"sparsities: expected rising fractions in \[0, 1\), got \(-0.1, 0.5\)"),
        ({"fine_tune_steps": 0}, "fine_tune_steps: expected a positive integer, got 0"),
        ({"fine_tune_learning_rate": 0.0}, "fine_tune_learning_rate: expected a positive number, got 0.0"),
        ({"label_smoothing": 1.0}, r"label_smoothing: expected a fraction in \[0, 1\), got 1.0"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        PruningConfig(**settings)


def test_rows_are_those_of_the_training_and_of_each_fine_tuning_from_its_beginning_to_its_end():
    config = PruningConfig(steps=10, sparsities=(0.0, 0.5), fine_tune_steps=3)
    assert config.total_steps + 1 == 10 + 2 * (1 + 3)


def test_json_gives_the_same_config_back_with_its_tuples():
    config = PruningConfig(sparsities=(0.25, 0.5), schedule="iterative", fine_tune_steps=3)
    read = config_from_json(PruningConfig, config_to_json(config))
    assert read == config
    assert hash(read) == hash(config)
    assert config_hash(read) == config_hash(config) != config_hash(PruningConfig())
