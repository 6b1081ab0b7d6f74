"""Settings of standard training on images or signals."""

import dataclasses

import pytest

from grok.config import (
    ClassifierProbesConfig,
    ConfigError,
    ImageModelConfig,
    ImageTaskConfig,
    OptimiserConfig,
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


def test_json_gives_the_same_config_back():
    config = SupervisedConfig(
        model=ImageModelConfig(network="mlp", depth=2, width=7),
        optimiser=OptimiserConfig(rule="adam", betas=(0.5, 0.6), decay="cosine"),
        label_smoothing=0.1,
        precision="bfloat16",
    )
    assert config_from_json(SupervisedConfig, config_to_json(config)) == config


def test_a_choice_that_there_is_not_is_refused_wherever_it_is_read_from():
    values = config_to_json(SupervisedConfig())
    values["model"]["network"] = "vit"
    with pytest.raises(ConfigError, match=r"^model.network: expected one of conv1d, wide-resnet, mlp, got vit$"):
        config_from_json(SupervisedConfig, values)


def test_a_hash_knows_only_what_is_not_at_its_default():
    smoothed = dataclasses.replace(SupervisedConfig(), label_smoothing=0.1)
    assert config_hash(SupervisedConfig()) != config_hash(smoothed)
    assert config_hash(smoothed) == config_hash(config_from_json(SupervisedConfig, {"label_smoothing": 0.1}))
