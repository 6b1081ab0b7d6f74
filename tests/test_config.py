"""Settings say what is wrong with them, and survive a round trip through JSON."""

import dataclasses

import pytest

from grok.config import (
    ConfigError,
    GrokkingConfig,
    OptimiserConfig,
    ProbesConfig,
    Schedule,
    TaskConfig,
    TransformerConfig,
    config_from_json,
    config_hash,
    config_to_json,
)
from grok.experiments.grokking import laptop, paper


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TaskConfig(modulus=1), "task.modulus: expected an integer of at least 3, got 1"),
        (lambda: TaskConfig(train_fraction=0.0), r"task.train_fraction: expected a fraction in \(0, 1\), got 0"),
        (lambda: TaskConfig(train_fraction=1.5), r"task.train_fraction: expected a fraction in \(0, 1\), got 1.5"),
        (lambda: TaskConfig(modulus=3, train_fraction=0.01), "leaves both splits a sample of the 9, got 0.01"),
        (lambda: TransformerConfig(d_head=0), "model.d_head: expected a positive integer, got 0"),
        (lambda: OptimiserConfig(learning_rate=0.0), "optimiser.learning_rate: expected a positive number, got 0.0"),
        (lambda: OptimiserConfig(learning_rate=float("nan")), "optimiser.learning_rate: .* got nan"),
        (lambda: OptimiserConfig(weight_decay=-1.0), "optimiser.weight_decay: expected a number of at least 0"),
        (lambda: OptimiserConfig(betas=(0.9, 1.0)), r"optimiser.betas: expected two numbers in \[0, 1\)"),
        (lambda: OptimiserConfig(warmup_steps=-1), "optimiser.warmup_steps: expected an integer of at least 0"),
        (lambda: ProbesConfig(norms="sometimes"), "probes.norms: expected every:K, log:N or off, .* got sometimes"),
        (lambda: ProbesConfig(sample="every:0"), "probes.sample: expected every:K, log:N or off"),
        (lambda: ProbesConfig(sample_size=1), "probes.sample_size: expected an integer of at least 2, got 1"),
        (lambda: GrokkingConfig(steps=-1), "steps: expected an integer of at least 0, got -1"),
        (lambda: GrokkingConfig(settle=0), "settle: expected None or an integer of at least 1, got 0"),
        (lambda: GrokkingConfig(task=TaskConfig(modulus=11)), "probes.sample_size: .* smaller split, 36, got 256"),
        (lambda: GrokkingConfig(probes=ProbesConfig(accuracy="off")), "settle: needs test accuracy"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


CONFIGS = [paper(), laptop(), GrokkingConfig(settle=None, optimiser=OptimiserConfig(betas=(0.5, 0.6)))]


@pytest.mark.parametrize("config", CONFIGS)
def test_json_gives_the_same_config_back(config):
    assert config_from_json(GrokkingConfig, config_to_json(config)) == config


def test_equal_configs_have_equal_hashes_and_others_other_ones():
    assert config_hash(GrokkingConfig()) == config_hash(paper())
    assert len({config_hash(config) for config in CONFIGS}) == 3


def test_settings_of_another_version_are_refused():
    values = config_to_json(paper())
    with pytest.raises(ConfigError, match="another version wrote them"):
        config_from_json(GrokkingConfig, {**values, "surprise": 1})
    with pytest.raises(ConfigError, match="loss_dtype: expected one of float64, float32, got float16"):
        config_from_json(GrokkingConfig, {**values, "loss_dtype": "float16"})


@pytest.mark.parametrize(
    ("text", "due"),
    [("every:10", [0, 10, 20, 30, 40]), ("log:2", [0, 1, 3, 10, 32]), ("off", []), ("every:25", [0, 25])],
)
def test_a_schedule_is_due_at_its_steps(text, due):
    schedule = Schedule.parse(text)
    assert [step for step in range(45) if schedule.is_due(step)] == due


def test_a_log_schedule_has_its_number_of_steps_a_decade():
    schedule = Schedule.parse("log:20")
    assert sum(schedule.is_due(step) for step in range(1000, 10_000)) == 20


def test_configs_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        paper().steps = 3
