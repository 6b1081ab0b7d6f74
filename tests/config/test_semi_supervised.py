"""Settings of semi-supervised training."""

import re

import pytest

from grok.config import (
    ConfigError,
    ImageModelConfig,
    ImageTaskConfig,
    SemiSupervisedConfig,
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"task": ImageTaskConfig(dataset="digits"), "model": ImageModelConfig(network="mlp", depth=1, width=16)},
            "task.dataset: expected mnist1d, cifar10 or cifar100, got digits",
        ),
        ({"labels_per_class": 0}, "labels_per_class: expected a number from 1 to 400, got 0"),
        ({"labels_per_class": 401}, "labels_per_class: expected a number from 1 to 400, got 401"),
        (
            {"unlabelled_ratio": 0},
            "unlabelled_ratio: expected a positive integer, for batches of at most the 4,000 training samples, got 0",
        ),
        (
            {"batch_size": 1_000, "unlabelled_ratio": 5},
            "unlabelled_ratio: expected a positive integer, for batches of at most the 4,000 training samples, got 5",
        ),
        ({"unlabelled_weight": -1.0}, "unlabelled_weight: expected a number of at least 0, got -1.0"),
        ({"fairness_weight": -0.1}, "fairness_weight: expected a number of at least 0, got -0.1"),
        ({"threshold_decay": 1.0}, "threshold_decay: expected a number in [0, 1), got 1.0"),
        ({"average_decay": 1.0}, "average_decay: expected a number in [0, 1), got 1.0"),
        ({"average_decay": -0.1}, "average_decay: expected a number in [0, 1), got -0.1"),
        ({"method": "fixmatch", "threshold": 1.5}, "threshold: expected a number in [0, 1], got 1.5"),
        (
            {"method": "fixmach"},
            "method: expected one of freematch, fixmatch, supervised, got fixmach; did you mean 'fixmatch'?",
        ),
        ({"steps": -1}, "steps: expected an integer of at least 0, got -1"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        SemiSupervisedConfig(**settings)


@pytest.mark.parametrize(
    ("method", "name", "default", "value"),
    [
        ("freematch", "threshold", 0.95, 0.9),
        ("fixmatch", "threshold_decay", 0.999, 0.9),
        ("fixmatch", "fairness_weight", 0.05, 0.1),
        ("supervised", "unlabelled_ratio", 7, 3),
        ("supervised", "unlabelled_weight", 1.0, 0.5),
        ("supervised", "threshold", 0.95, 0.9),
        ("supervised", "threshold_decay", 0.999, 0.9),
        ("supervised", "fairness_weight", 0.05, 0.1),
    ],
)
def test_a_setting_that_the_method_does_not_read_stays_as_it_is(method, name, default, value):
    message = f"{name}: expected its default, {default}, with the method {method}, which does not read it, got {value}"
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        SemiSupervisedConfig(method=method, **{name: value})
    SemiSupervisedConfig(method=method)


def test_few_labels_alone_may_come_in_batches_of_any_size():
    assert SemiSupervisedConfig(method="supervised", batch_size=4_000).unlabelled_ratio == 7


def test_a_label_names_data_labels_method_and_network():
    assert SemiSupervisedConfig().label == "mnist1d-40-labels-freematch-conv1d-64"
    assert SemiSupervisedConfig(method="fixmatch", labels_per_class=10).label.startswith("mnist1d-100-labels-fixmatch")
