"""Settings of training on images or signals: the data and the network."""

import pytest

from grok.config import ConfigError, ImageModelConfig, ImageTaskConfig
from grok.tasks.images import CIFAR, digits_task, mnist1d_task


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"augmentation": "crop-flip"},
            "task.augmentation: expected none or shift-scale, as mnist1d has signals, got crop-flip",
        ),
        (
            {"measured_train": 0},
            "task.measured_train: expected a number from 1 to the 4,000 training samples of mnist1d, got 0",
        ),
        (
            {"dataset": "digits", "measured_train": 1_201},
            "task.measured_train: expected a number from 1 to the 1,200 training samples of digits, got 1201",
        ),
    ],
)
def test_a_setting_of_the_data_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ImageTaskConfig(**settings)


def test_all_training_samples_can_be_measured():
    assert ImageTaskConfig(dataset="cifar10", measured_train=50_000).measured_train == 50_000


@pytest.mark.parametrize(("dataset", "make"), [("mnist1d", mnist1d_task), ("digits", lambda: digits_task(0))])
def test_sizes_are_those_of_the_data(dataset, make):
    config, task = ImageTaskConfig(dataset=dataset), make()
    assert (config.num_classes, config.train_size) == (task.num_classes, len(task.train))
    assert config.test_size == len(task.test)
    assert config.is_images == (task.inputs.ndim == 4)


def test_cifar_has_as_many_classes_as_its_files_are_read_for():
    for dataset, known in CIFAR.items():
        config = ImageTaskConfig(dataset=dataset, augmentation="crop-flip")
        assert (config.num_classes, config.train_size) == (known.num_classes, 50_000)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "model.width: expected a positive integer, got 0"),
        ({"depth": 3}, "model.depth: expected None for conv1d, which has three layers, got 3"),
        (
            {"network": "wide-resnet", "depth": 27},
            r"model.depth: expected 6n \+ 4 layers of wide-resnet .*, such as 10, 16 or 28, got 27",
        ),
        ({"network": "wide-resnet", "depth": 4}, r"model.depth: expected 6n \+ 4 layers .*, got 4"),
        ({"network": "wide-resnet"}, r"model.depth: expected 6n \+ 4 layers .*, got None"),
        ({"network": "mlp", "depth": 0}, "model.depth: expected a positive number of hidden layers of mlp, got 0"),
        ({"network": "mlp"}, "model.depth: expected a positive number of hidden layers of mlp, got None"),
    ],
)
def test_a_setting_of_a_network_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ImageModelConfig(**settings)


@pytest.mark.parametrize(("depth", "blocks"), [(10, 1), (16, 2), (28, 4), (40, 6)])
def test_the_layers_of_a_wide_resnet_are_blocks_in_three_groups(depth, blocks):
    assert ImageModelConfig(network="wide-resnet", depth=depth).blocks_per_group == blocks


def test_a_label_names_the_network_and_its_sizes():
    assert ImageModelConfig(network="mlp", depth=2, width=7).label == "mlp-2-7"
    assert ImageModelConfig(width=8).label == "conv1d-8"
