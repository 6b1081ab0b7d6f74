"""Settings of supervised training, of linear mode connectivity, and of pruning."""

import dataclasses

import pytest

from grok.config import (
    ClassifierProbesConfig,
    ConfigError,
    ConnectivityConfig,
    ImageModelConfig,
    ImageTaskConfig,
    PruningConfig,
    SupervisedConfig,
    config_from_json,
    config_hash,
    config_to_json,
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": -1}, "steps: expected an integer of at least 0, got -1"),
        ({"batch_size": 0}, "batch_size: expected a number from 1 to the 4,000 training samples, got 0"),
        ({"batch_size": 4_001}, "batch_size: expected a number from 1 to the 4,000 training samples, got 4001"),
        ({"label_smoothing": 1.0}, r"label_smoothing: expected a fraction in \[0, 1\), got 1.0"),
        ({"precision": "fp16"}, "precision: expected one of float32, bfloat16, got fp16"),
        ({"label_smoothing": -0.1}, r"label_smoothing: expected a fraction in \[0, 1\), got -0.1"),
        (
            {"task": ImageTaskConfig(dataset="cifar10")},
            "model.network: expected another network on the images of cifar10, such as mlp, got conv1d",
        ),
        (
            {"model": ImageModelConfig(network="wide-resnet", depth=10, width=1)},
            "model.network: expected another network on the signals of mnist1d, such as mlp, got wide-resnet",
        ),
        (
            {"task": ImageTaskConfig(measured_train=200)},
            "probes.sample_size: expected at most task.measured_train, 200, got 256",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        SupervisedConfig(**settings)


def test_the_size_of_a_sample_that_is_not_measured_is_free():
    config = SupervisedConfig(task=ImageTaskConfig(measured_train=10), probes=ClassifierProbesConfig(sample="off"))
    assert config.probes.sample_size == 256


def test_a_label_names_data_and_network_and_every_step_trains():
    model = ImageModelConfig(network="mlp", depth=2, width=7)
    config = SupervisedConfig(task=ImageTaskConfig(dataset="digits"), model=model, steps=30)
    assert config.label == "digits-mlp-2-7"
    assert config.total_steps == 30


def test_a_choice_that_there_is_not_is_refused_wherever_it_is_read_from():
    values = config_to_json(SupervisedConfig())
    values["model"]["network"] = "vit"
    with pytest.raises(ConfigError, match=r"^model.network: expected one of conv1d, wide-resnet, mlp, got vit$"):
        config_from_json(SupervisedConfig, values)


def test_a_hash_knows_only_what_is_not_at_its_default():
    smoothed = dataclasses.replace(SupervisedConfig(), label_smoothing=0.1)
    assert config_hash(SupervisedConfig()) != config_hash(smoothed)
    assert config_hash(smoothed) == config_hash(config_from_json(SupervisedConfig, {"label_smoothing": 0.1}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps: expected a positive integer, got 0"),
        ({"points": 1}, "points: expected an integer of at least 2, got 1"),
        ({"recompute_batches": 0}, "recompute_batches: expected a positive integer, got 0"),
        ({"batch_size": 0}, "batch_size: expected a number from 1 to the 4,000 training samples, got 0"),
    ],
)
def test_a_setting_of_connectivity_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ConnectivityConfig(**settings)


def test_rows_are_those_of_two_trainings_and_of_two_passes_over_the_networks_between():
    config = ConnectivityConfig(steps=10, points=3)
    rows = 10 + 10 + 3 + 3  # the end of a training is the beginning of what follows
    assert config.total_steps + 1 == rows


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
def test_a_setting_of_pruning_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        PruningConfig(**settings)


def test_rows_are_those_of_the_training_and_of_each_fine_tuning_from_its_beginning_to_its_end():
    config = PruningConfig(steps=10, sparsities=(0.0, 0.5), fine_tune_steps=3)
    assert config.total_steps + 1 == 10 + 2 * (1 + 3)
